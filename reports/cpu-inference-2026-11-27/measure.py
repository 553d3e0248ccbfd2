#!/usr/bin/env python3
"""Times `zoobench predict` and other runtimes on the same network, whole processes in alternation.

    measure.py --zoobench BIN --checkpoints DIR --peer-tool peer_network.py --python PYTHON --onnx DIR --work DIR --rounds 3

DIR of --checkpoints holds v1-L.pth, v2-L.pth, v1-M.pth, v2-M.pth (make_checkpoint.py writes them), DIR of --onnx the
same names in .onnx (written by the peer tool where one is missing). --python is an interpreter with the peer tool's
packages. Images (640 x 480, PNG) and an annotation file of 1,203 classes are made in --work.

Samples go to samples.json beside this file after every process: a stopped measurement goes on where it stopped.
README.md is written from them, and again by `measure.py --only-report`.
"""
import argparse
import json
import os
import platform
import random
import statistics
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / 'samples.json'
PEERS = ['ort', 'openvino', 'torch']
NAMES = {'zoobench': 'zoobench', 'ort': 'ONNX Runtime', 'openvino': 'OpenVINO', 'torch': 'torch'}
# At most this share of the peer's CPU time is asked for.
BOUNDS = {'ort': 0.5, 'openvino': 0.5, 'torch': 0.42}
CLASSES = 1203
# Images before those that count, everywhere.
WARM_UP = 2


def png(path, width, height, seed):
    """A picture of waves and noise: every pixel differs, so that nothing is skipped for being flat."""
    noise = random.Random(seed)
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        rows += bytes((x * (seed + 1) + y * (c + 2) + noise.randrange(32)) % 256 for x in range(width) for c in range(3))
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(bytes(rows), 1)) + chunk(b'IEND', b''))


def prepare(work, images):
    """Pictures and an annotation file that names them and 1,203 classes."""
    folder = work / 'val2017'
    folder.mkdir(parents=True, exist_ok=True)
    records = []
    for number in range(1, images + 1):
        path = folder / f'{number:012}.png'
        if not path.exists():
            png(path, 640, 480, number)
        records.append(dict(id=number, width=640, height=480, coco_url=f'http://images.cocodataset.org/val2017/{path.name}',
                            neg_category_ids=[], not_exhaustive_category_ids=[]))
    categories = [dict(id=i, name=f'thing_{i}', synset=f'thing.n.{i}', synonyms=[f'thing_{i}'], frequency='c',
                       image_count=1, instance_count=1, def_='') for i in range(1, CLASSES + 1)]
    for category in categories:
        category['def'] = category.pop('def_')
    annotations = work / 'annotations.json'
    annotations.write_text(json.dumps(dict(info={}, licenses=[], images=records, annotations=[], categories=categories)))
    return annotations


def finished(command, environment=None):
    """Runs a command; its output, CPU seconds, peak memory and wall seconds as the kernel accounts them."""
    started = time.time()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **(environment or {}))) as process:
        # The error stream is small (progress is off where it is no terminal): reading one after the other cannot block.
        output, errors = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f'{" ".join(map(str, command))}\nfailed with {process.returncode}:\n{errors.decode(errors="replace")[-2000:]}')
    return output.decode(), dict(process_cpu_s=round(usage.ru_utime + usage.ru_stime, 3), peak_mib=usage.ru_maxrss // 1024,
                                 process_wall_s=round(time.time() - started, 3))


def predict(options, annotations, architecture, threads, images):
    """One process; what it says of its stages, and its use of the machine."""
    timing, out = options.work / 'timing.json', options.work / 'results.json'
    timing.unlink(missing_ok=True)
    command = [options.zoobench, 'predict', '--weights', options.checkpoints / f'{architecture}.pth', '--annotations', annotations,
               '--data', options.work, '--out', out, '--threads', str(threads), '--limit', str(images), '--timing', timing, *options.argument]
    _, usage = finished(command, dict(XDG_CACHE_HOME=str(options.work / 'cache')))
    return json.loads(timing.read_text()), usage


def ours(options, annotations, architecture, threads):
    """The other runtimes' clock starts after two images, ours with the first, which prepares the texts: a process of
    two images is subtracted from one of two more than are timed. Both are kept."""
    runs = [predict(options, annotations, architecture, threads, images) for images in (WARM_UP, WARM_UP + options.images)]
    stages = [next(stage for stage in record['stages'] if stage['name'] == 'network') for record, _ in runs]
    steady = lambda field: ((WARM_UP + options.images) * stages[1][field] - WARM_UP * stages[0][field]) / options.images
    return dict(cpu_ms=steady('cpu_ms'), wall_ms=steady('wall_ms'), warm_up=runs[0][0], record=runs[1][0], **runs[1][1])


def peer(options, runner, architecture, threads):
    onnx = options.onnx / f'{architecture}.onnx'
    if not onnx.exists():
        options.onnx.mkdir(parents=True, exist_ok=True)
        finished([options.python, options.peer_tool, 'export', architecture, str(CLASSES), onnx])
    output, usage = finished([options.python, options.peer_tool, 'time', runner, architecture, str(CLASSES), str(threads), str(options.images), onnx])
    record = json.loads(output.strip().splitlines()[-1])
    return dict(cpu_ms=record['cpu_ms'], wall_ms=record['wall_ms'], record=record, **usage)


def processor():
    lines = Path('/proc/cpuinfo').read_text().splitlines() if Path('/proc/cpuinfo').exists() else []
    facts = dict(tuple(part.strip() for part in line.split(':', 1)) for line in lines if ':' in line)
    name = f"{facts.get('model name', platform.processor())} (family {facts.get('cpu family')} model {facts.get('model')})"
    flags = facts.get('flags', '').split()
    vector = [flag for flag in ('avx2', 'fma', 'avx512f', 'avx512_bf16', 'amx_tile') if flag in flags]
    return f"{name}, {os.cpu_count()} CPUs, {' '.join(vector)}"


def versions(options):
    code = 'import importlib.metadata as m; print(", ".join(f"{p} {m.version(p)}" for p in ("onnxruntime", "openvino", "torch")))'
    return [finished([options.zoobench, '--version'])[0].strip(), *finished([options.python, '-c', code])[0].strip().split(', ')]


def store(record):
    temporary = SAMPLES.with_suffix('.tmp')
    temporary.write_text(json.dumps(record, indent=1) + '\n')
    temporary.replace(SAMPLES)


def measure(options):
    options.work.mkdir(parents=True, exist_ok=True)
    annotations = prepare(options.work, WARM_UP + options.images)
    machine = dict(processor=processor(), versions=versions(options))
    record = json.loads(SAMPLES.read_text()) if SAMPLES.exists() else dict(machine, samples=[])
    if any(record[key] != machine[key] for key in machine):
        sys.exit(f'{SAMPLES} was begun on another machine or with other versions: move it away to begin again')
    key = lambda sample: (sample['round'], sample['architecture'], sample['threads'], sample['runner'])
    done = {key(sample) for sample in record['samples']}
    for round_ in range(options.rounds):
        for architecture in options.architectures:
            for threads in options.threads:
                for runner in ['zoobench', *PEERS]:
                    sample = dict(round=round_, architecture=architecture, threads=threads, runner=runner)
                    # torch is the slowest, and far from its bound: a round of it is enough.
                    if key(sample) in done or (runner == 'torch' and round_ >= options.torch_rounds):
                        continue
                    sample['load_before'] = round(os.getloadavg()[0], 2)
                    sample.update(ours(options, annotations, architecture, threads) if runner == 'zoobench' else peer(options, runner, architecture, threads))
                    record['samples'].append(sample)
                    store(record)
                    print(f"{round_} {architecture} {threads} {runner}: {sample['cpu_ms']:.0f} ms CPU, {sample['wall_ms']:.0f} ms wall, {sample['peak_mib']} MiB", file=sys.stderr)
    return record


def report(record):
    samples = record['samples']
    groups = {}
    for sample in samples:
        groups.setdefault((sample['architecture'], sample['threads']), {}).setdefault(sample['runner'], []).append(sample)
    median = lambda found, field: statistics.median(sample[field] for sample in found)
    lines = ['# The network on the CPU beside other runtimes, 2026-11-27', '', f"Processor: {record['processor']}. {', '.join(record['versions'])}.",
             f"Load average before a process: {min(s['load_before'] for s in samples)} to {max(s['load_before'] for s in samples)}.", '',
             'The same network everywhere, batch 1, 640 x 640, 1,203 texts, float32. Whole processes in alternation; `samples.json`',
             'has each of them. CPU time is that of the whole process while the network runs, an image; medians over the rounds',
             '(in brackets: wall time). Peak memory is the process\'s peak resident set, checkpoint, texts and masks included for',
             'zoobench, the exported network alone for the others. Two images come before those that count, everywhere.', '',
             '| | threads | ' + ' | '.join(NAMES.values()) + ' | to the faster of ORT and OpenVINO | to torch | peak MiB |', '|---|---|' + '---:|' * 7]
    verdicts = []
    for (architecture, threads), by_runner in groups.items():
        if 'zoobench' not in by_runner:
            continue
        cells = [f"{median(by_runner[r], 'cpu_ms'):.0f} ({median(by_runner[r], 'wall_ms'):.0f})" if r in by_runner else '' for r in NAMES]
        mine = median(by_runner['zoobench'], 'cpu_ms')
        ratio = {r: mine / median(by_runner[r], 'cpu_ms') for r in PEERS if r in by_runner}
        nearest = max((ratio[r] for r in ('ort', 'openvino') if r in ratio), default=float('nan'))
        peak = ' / '.join(f"{median(by_runner[r], 'peak_mib'):.0f}" for r in NAMES if r in by_runner)
        lines.append(f"| {architecture} | {threads} | {' | '.join(cells)} | {nearest:.2f} | {format(ratio['torch'], '.2f') if 'torch' in ratio else ''} | {peak} |")
        missed = [f'{NAMES[r]} {value:.2f} > {BOUNDS[r]}' for r, value in ratio.items() if value > BOUNDS[r]]
        if missed:
            verdicts.append(f"- {architecture}, {threads} threads: {', '.join(missed)}")
    lines += ['', 'Asked for: at most 0.50 of ONNX Runtime and OpenVINO, 0.42 of torch.' + ('' if verdicts else ' Every row meets it.'), *verdicts, '',
              '## Again', '', '```sh', 'pip install torch onnx onnxscript onnxruntime openvino safetensors numpy',
              'for a in v1-L v2-L v1-M v2-M; do python make_checkpoint.py $a checkpoints/$a.pth; done', 'cargo build --release',
              'python measure.py --zoobench zoobench --checkpoints checkpoints --peer-tool peer_network.py \\',
              '    --python python --onnx onnx --work work --rounds 5', '```', '',
              '`make_checkpoint.py` writes checkpoints of generated parameters, `peer_network.py` exports and times the same network',
              '(both come with the reference material, not with this repository).']
    (HERE / 'README.md').write_text('\n'.join(lines) + '\n')


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('zoobench', 'checkpoints', 'peer-tool', 'python', 'onnx', 'work'):
        # Not resolved: an interpreter of a virtual environment is a link that must stay one.
        parser.add_argument(f'--{name}', type=lambda text: Path(os.path.abspath(text)))
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--torch-rounds', type=int, default=1)
    parser.add_argument('--images', type=int, default=4, help='timed images a process')
    parser.add_argument('--architectures', nargs='+', default=['v1-L', 'v1-M', 'v2-L', 'v2-M'])
    parser.add_argument('--threads', nargs='+', type=int, default=[1, 2])
    parser.add_argument('--argument', action='append', default=[], help='a further argument of predict, say --argument=--exact')
    parser.add_argument('--only-report', action='store_true')
    options = parser.parse_args()
    if not options.only_report:
        missing = [name for name in ('zoobench', 'checkpoints', 'peer_tool', 'python', 'onnx', 'work') if getattr(options, name) is None]
        if missing:
            parser.error(f'missing: {" ".join("--" + name.replace("_", "-") for name in missing)}')
    return options


if __name__ == '__main__':
    chosen = arguments()
    report(json.loads(SAMPLES.read_text()) if chosen.only_report else measure(chosen))
