#!/usr/bin/env python3
"""What a bootstrap resample costs beside one accumulation, in CPU seconds of one thread.

A state is saved once; then, round by round in alternation, whole processes are timed:
  read       `merge STATE ABSENT`: reads the state and is refused at the second one
  once       `merge STATE`: reads it and accumulates once
  first      `merge STATE --intervals --resamples 1`
  many       `merge STATE --intervals --resamples 1 + N`
One accumulation is once - read, one resample (many - first) / N. Prints every sample as JSON.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile


def cpu_seconds(command, codes):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = dict(os.environ, RAYON_NUM_THREADS="1", NO_COLOR="1")
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in codes:
        sys.exit(f"{command}: {done.returncode}: {done.stderr.decode()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processor():
    with open("/proc/cpuinfo") as info:
        return next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoobench", required=True)
    parser.add_argument("--gt", required=True)
    parser.add_argument("--dt", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--resamples", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "whole.zbstate")
        cpu_seconds([args.zoobench, "eval", "--gt", args.gt, "--dt", args.dt, "--save-state", state], [0])
        merge = [args.zoobench, "merge", state]
        intervals = merge + ["--intervals", "--resamples"]
        commands = {
            "read": (merge + [os.path.join(folder, "absent")], [2]),
            "once": (merge, [0]),
            "first": (intervals + ["1"], [0]),
            "many": (intervals + [str(1 + args.resamples)], [0]),
        }
        samples = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, (command, codes) in commands.items():
                samples[name].append(cpu_seconds(command, codes))
        size = os.path.getsize(state)
    rounds = list(zip(*samples.values()))
    accumulations = [once - read for read, once, _, _ in rounds]
    resamples = [(many - first) / args.resamples for _, _, first, many in rounds]
    ratios = [resample / accumulation for resample, accumulation in zip(resamples, accumulations)]
    record = {
        "processor": processor(),
        "load_average": os.getloadavg(),
        "state_bytes": size,
        "resamples": args.resamples,
        "cpu_seconds": samples,
        "median": {
            "accumulation_s": statistics.median(accumulations),
            "resample_s": statistics.median(resamples),
            "resample_over_accumulation": statistics.median(ratios),
        },
    }
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
