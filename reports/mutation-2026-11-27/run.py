#!/usr/bin/env python3
"""Mutants of src/mask, src/evaluation and src/gate, as `cargo mutants` lists them, built once and tried one by one.

    run.py list     REPOSITORY WORK    cargo mutants --list --json -> WORK/mutants.json
    run.py build    REPOSITORY WORK    all of them into a copy, each behind a switch; leaves out what does not compile
    run.py reach    REPOSITORY WORK    which test reaches which mutant, and how long it takes
    run.py mutants  REPOSITORY WORK [ROOM|NUMBER ...]
                                       every mutant, or these, against the tests that reach it -> WORK/outcomes.csv

A mutant is caught when a test fails, crashes or needs eight times the CPU time (at least 3 s); missed when all tests
that reach it pass; unreached when none reaches it; unbuilt when it does not compile in its place.
"""

import concurrent.futures
import csv
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOMS = ["mask", "evaluation", "gate"]
TESTS = ["mask", "evaluation", "explain", "dataset_files", "gate"]
TARGETS = ["--no-default-features", "--lib"] + [word for name in TESTS for word in ("--test", name)]
# The copy has the rooms that the three need and no others, so that it compiles in a minute: the gate and the
# report without features and without plots, and no test of the program.
NARROWED = [
    ("src/lib.rs", "pub mod detection;\n", ""),
    ("src/lib.rs", "pub mod model;\n", ""),
    ("src/lib.rs", '#[cfg(feature = "cli")]\npub mod gate;', "pub mod gate;"),
    ("src/lib.rs", '#[cfg(feature = "report")]\npub mod report;', "pub mod report;"),
    ("src/report/mod.rs", '#[cfg(feature = "cli")]\n', ""),
    ("Cargo.toml", 'toml = { version = "1.1", optional = true }', 'toml = "1.1"'),
    ("Cargo.toml", ', "dep:toml"', ""),
    ("Cargo.toml", 'name = "gate"\nrequired-features = ["cli"]', 'name = "gate"'),
    ("tests/gate.rs", '#[path = "gate/program.rs"]\nmod program;\n', ""),
    ("tests/explain.rs", '#[cfg(feature = "report")]\n#[path = "explain/plots.rs"]\nmod plots;\n', ""),
]
# Beside the repository, for the tests that look there.
SHARED = ["golden/eval", "shapes/reference"]
NO_PLOTS = """
use super::{LatencySummary, ReportError, StoredRun, Trend};
use crate::evaluation::Explanation;
#[derive(Debug, Clone, PartialEq)]
pub struct TimedVariant<'a> {
    pub variant: &'a str,
    pub summary: LatencySummary,
    pub samples: &'a [f64],
    pub mask_ap: Option<f64>,
}
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyFigures<'a> {
    pub machine: String,
    pub reasons: &'a [String],
    pub series: Vec<TimedVariant<'a>>,
}
pub fn figures_of_run(_: &StoredRun) -> LatencyFigures<'_> {
    LatencyFigures { machine: String::new(), reasons: &[], series: Vec::new() }
}
pub fn latency_captions(_: &LatencyFigures) -> Vec<(String, String)> { Vec::new() }
pub fn latency_plots(_: &LatencyFigures) -> Result<Vec<Plot>, ReportError> { Ok(Vec::new()) }
pub fn explanation_plots(_: &Explanation) -> Result<Vec<Plot>, ReportError> { Ok(Vec::new()) }
pub struct Plot { pub name: String, pub bytes: Vec<u8> }
pub struct Picture;
impl Picture {
    pub fn caption(&self, _: &StoredRun) -> String { String::new() }
    pub fn stem(&self) -> String { String::new() }
}
pub fn pictures(_: &StoredRun) -> Vec<Picture> { Vec::new() }
pub fn plots(_: &StoredRun) -> Result<Vec<Plot>, ReportError> { Ok(Vec::new()) }
pub fn trend_plots(_: &Trend) -> Result<Vec<Plot>, ReportError> { Ok(Vec::new()) }
"""
# Rooms whose own tests say nothing of these three.
LEFT_OUT = re.compile(r"^(kernels|model|detection|report)::")
# The crate alone: what it depends on is built as ever.
PROFILE = ["--config", "profile.dev.package.zoobench.opt-level=1", "--config", "profile.dev.package.zoobench.debug=false"]
MAX_SECONDS = 20.0
WORKERS = int(os.environ.get("WORKERS", "2"))
MEMORY = 8 << 30

step, repository, work = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
here = Path(__file__).resolve().parent
copy = work / "copy"


def load(name, default=None):
    path = work / name
    return json.loads(path.read_text()) if path.exists() else default


def store(name, value):
    (work / name).write_text(json.dumps(value, indent=1))


def list_mutants():
    work.mkdir(parents=True, exist_ok=True)
    files = [word for room in ROOMS for word in ("-f", f"src/{room}/**/*.rs")]
    found = subprocess.run(["cargo", "mutants", "--list", "--json", *files], cwd=repository, capture_output=True, check=True)
    (work / "mutants.json").write_bytes(found.stdout)
    print(len(json.loads(found.stdout)), "mutants")


def fresh_copy(excluded):
    store("excluded.json", sorted(excluded))
    files = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True, text=True).stdout
    for name in filter(None, files.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / name, copy / name)
    for name in SHARED:
        there, here_too = repository.parent / "shared" / name, work / "shared" / name
        if there.exists() and not here_too.exists():
            shutil.copytree(there, here_too)
    for name, old, new in NARROWED:
        text = (copy / name).read_text()
        assert old in text, (name, old)
        (copy / name).write_text(text.replace(old, new))
    shutil.rmtree(copy / "src/report/plots")
    (copy / "src/report/plots.rs").write_text(NO_PLOTS)
    switch = ["cargo", "run", "-q", "--manifest-path", here / "switch/Cargo.toml", "--target-dir", work / "switch-target", "--"]
    placed = subprocess.run([*switch, work / "mutants.json", copy, work / "excluded.json"], capture_output=True, check=True, text=True)
    return {int(line) for line in placed.stdout.split()}


def cargo():
    command = ["cargo", "test", "--no-run", "--offline", "--message-format", "json", *PROFILE, *TARGETS]
    environment = {"CARGO_TARGET_DIR": str(work / "target"), **os.environ, "CARGO_INCREMENTAL": "0"}
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, env=environment)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")], done.stderr


def marks(path):
    """Ranges of bytes and the mutants that they belong to, the narrowest last."""
    text = path.read_bytes()
    found = []
    for opening, closing in ((rb"/\*@([\d,]+)\*/", rb"/\*@\*/"), (rb"/\*#(\d+)\*/", rb"/\*#\*/")):
        for match in re.finditer(opening, text):
            end = re.compile(closing).search(text, match.end())
            found.append((match.start(), end.start(), [int(number) for number in match.group(1).split(b",")]))
    return found


def guilty(messages):
    """Mutants that errors point at, with the error; and the errors that point at none."""
    ids, orphans, seen = {}, [], {}
    for message in messages:
        if message.get("reason") != "compiler-message" or message["message"]["level"] != "error":
            continue
        spans = message["message"]["spans"]
        spans = [span for span in spans if span["is_primary"]] + [span for span in spans if not span["is_primary"]]
        hit = []
        for span in spans:
            while span.get("expansion") and not (copy / span["file_name"]).exists():
                span = span["expansion"]["span"]
            path = copy / span["file_name"]
            if not path.exists():
                continue
            ranges = seen.setdefault(path, marks(path))
            hit = [numbers for start, end, numbers in ranges if start <= span["byte_start"] <= end]
            if hit:
                break
        if not hit:
            # A match that is not exhaustive without an arm: the error shows that arm.
            hit = [[int(number)] for number in re.findall(r"/\*#(\d+)\*/", message["message"]["rendered"])]
        if hit:
            for number in hit[-1]:
                ids[number] = (message["message"].get("code") or {}).get("code"), message["message"]["message"]
        elif spans:
            orphans.append(message["message"]["rendered"])
    return ids, orphans


def place_free(name):
    return re.sub(r":\d+:\d+:", "", name)


def prior():
    """Rows of an earlier run, whose outcomes are in PRIOR, by the mutant's name without its place."""
    found = {}
    if os.environ.get("PRIOR"):
        with open(os.environ["PRIOR"], newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(place_free(row["mutant"]), []).append(row)
    return found


def build():
    listed, known = load("mutants.json"), prior()
    # What did not compile then is not tried again.
    unbuilt = lambda mutant: (known.get(place_free(mutant["name"])) or [{"outcome": ""}])
    excluded = {number: ("prior", unbuilt(mutant)[0]["by"]) for number, mutant in enumerate(listed, 1)
                if all(row["outcome"] == "unbuilt" for row in unbuilt(mutant))}
    excluded |= {int(key): value for key, value in load("why_unbuilt.json", {}).items()}
    while True:
        unplaced = fresh_copy(set(excluded))
        excluded |= {number: ("place", "no syntax found for it") for number in unplaced}
        began = time.time()
        code, messages, stderr = cargo()
        ids, orphans = guilty(messages)
        excluded |= ids
        # rustc names one such mutant of a function at a time; all of them have the same fault.
        for number, why in ids.items():
            first = listed[number - 1]
            if first["genre"] == "FnValue" and re.search(r"impl |; \d+\]", first["function"]["return_type"]):
                same = lambda other: other["genre"] == "FnValue" and other["function"] == first["function"]
                excluded |= {other: why for other, mutant in enumerate(listed, 1) if same(mutant)}
        store("why_unbuilt.json", excluded)
        print(f"{time.time() - began:.0f} s: {len(ids)} do not compile, {len(excluded)} in all, {len(orphans)} other errors", flush=True)
        if code == 0:
            names = {m["executable"]: m["target"]["name"] for m in messages if m.get("executable") and m["profile"]["test"]}
            return store("executables.json", names)
        (work / "orphans.txt").write_text("\n".join(orphans))
        if not ids:
            print("\n".join(orphans[:5]) or stderr[-3000:])
            sys.exit(1)


def run_tests(executable, names, environment, limit):
    """Exit status, None where `limit` seconds of CPU time were not enough (or thirty times as long by the clock), and
    the seconds of CPU time."""
    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 1))

    command = [executable, "--exact", "-q", *names]
    child = subprocess.Popen(command, cwd=copy, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             preexec_fn=limited, start_new_session=True)
    killer = threading.Timer(30 * limit, os.killpg, (child.pid, signal.SIGKILL))
    killer.start()
    _, status, used = os.wait4(child.pid, 0)
    killer.cancel()
    child.returncode = code = os.waitstatus_to_exitcode(status)
    return None if code in (-signal.SIGKILL, -signal.SIGXCPU) else code, used.ru_utime + used.ru_stime


def reach():
    tests, known = [], load("tests.json", [])
    done = {(test["executable"], test["name"]) for test in known}
    for executable, target in load("executables.json").items():
        listed = subprocess.run([executable, "--list", "--format", "terse"], cwd=copy, capture_output=True, text=True, check=True)
        names = [line.removesuffix(": test") for line in listed.stdout.splitlines() if line.endswith(": test")]
        tests += [(executable, target, name) for name in names if not LEFT_OUT.search(name) and (executable, name) not in done]

    def one(numbered):
        index, (executable, target, name) = numbered
        path = work / f"reached.{index}"
        path.unlink(missing_ok=True)
        code, seconds = run_tests(executable, [name], {"MUTANTS_REACHED": str(path)}, 10 * MAX_SECONDS)
        reached = sorted({int(line) for line in path.read_text().split()}) if path.exists() else []
        path.unlink(missing_ok=True)
        return {"executable": executable, "target": target, "name": name, "code": code, "seconds": seconds, "reached": reached}

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        found = known + list(pool.map(one, enumerate(tests)))
    store("tests.json", found)
    for test in found:
        if test["code"] != 0 or test["seconds"] > MAX_SECONDS:
            print("left out:", test["target"], test["name"], test["code"], f"{test['seconds']:.1f} s")
    print(len(found), "tests")


def mutants():
    listed, unbuilt = load("mutants.json"), {int(key): value for key, value in load("why_unbuilt.json").items()}
    sound = [test for test in load("tests.json") if test["code"] == 0]
    room_of = lambda number: listed[number - 1]["file"].split("/")[1]
    only = set(sys.argv[4:])
    known = prior()

    def one(number):
        mutant = listed[number - 1]
        if time.strftime("%H:%M") >= os.environ.get("UNTIL", "99"):
            return "not run", ""
        if number in unbuilt:
            return "unbuilt", " ".join(str(part) for part in unbuilt[number]).split("\n")[0]
        room = mutant["file"].removeprefix("src/").removesuffix(".rs").replace("/", "::").removesuffix("::mod")
        # First what caught it in an earlier run, then the tests beside the code, then the fastest.
        before = {row["by"].removesuffix(" or a later one") for row in known.get(place_free(mutant["name"]), [])}
        order = lambda test: (f"{test['target']} {test['name']}" not in before, not test["name"].startswith(room + "::"), test["seconds"])
        tests = sorted((test for test in sound if number in test["reached"]), key=order)
        # Slow tests only where no other reaches the mutant; fast ones not again where they have been asked.
        asked = [test for test in tests if float(os.environ.get("FASTEST", 0)) <= test["seconds"] <= float(os.environ.get("SLOWEST", MAX_SECONDS))]
        tests = asked or tests[:1]
        if not tests:
            return "unreached", ""
        environment = {"MUTANT": str(number)}
        batches = [[test] for test in tests[:6]]
        for executable in dict.fromkeys(test["executable"] for test in tests[6:]):
            batches.append([test for test in tests[6:] if test["executable"] == executable])
        for batch in batches:
            limit = min(max(3.0, 8 * sum(test["seconds"] for test in batch)), 60.0)
            code, _ = run_tests(batch[0]["executable"], [test["name"] for test in batch], environment, limit)
            if code != 0:
                return ("caught" if code else "timeout"), f"{batch[0]['target']} {batch[0]['name']}" + (" or a later one" if batch[1:] else "")
        return "missed", f"{len(tests)} tests"

    numbers = [number for number in range(1, len(listed) + 1) if not only or str(number) in only or room_of(number) in only]
    # Room by room, in an order of chance within each: what a run that is cut short has done is a fair sample.
    random.Random(20261124).shuffle(numbers)
    numbers.sort(key=lambda number: ["mask", "gate", "evaluation"].index(room_of(number)))
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool, (work / os.environ.get("OUTCOMES", "outcomes.csv")).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["number", "outcome", "genre", "mutant", "by"])
        counts = {}
        running = {pool.submit(one, number): number for number in numbers}
        for done in concurrent.futures.as_completed(running):
            number, (outcome, by) = running[done], done.result()
            mutant = listed[number - 1]
            writer.writerow([number, outcome, mutant["genre"], mutant["name"], by])
            file.flush()
            room = room_of(number)
            counts.setdefault(room, {}).setdefault(outcome, 0)
            counts[room][outcome] += 1
    for room, found in counts.items():
        caught = found.get("caught", 0) + found.get("timeout", 0)
        tried = caught + found.get("missed", 0) + found.get("unreached", 0)
        print(room, found, f"{100 * caught / max(tried, 1):.1f} % of {tried} caught")


{"list": list_mutants, "build": build, "reach": reach, "mutants": mutants}[step]()
