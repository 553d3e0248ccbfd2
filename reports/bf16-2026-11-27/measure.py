#!/usr/bin/env python3
"""Times `zoobench predict` in float32 and bfloat16, whole processes in alternation, and evaluates `shapes` in both.

    measure.py --zoobench BIN --checkpoints DIR --work DIR --rounds 3

DIR of --checkpoints holds v1-L.pth and v1-M.pth (make_checkpoint.py writes them). Images (640 x 480, PNG) and an
annotation file of 1,203 classes are made in --work by `../cpu-inference-2026-11-27/measure.py`. Samples go to samples.json
beside this file after every process.
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / 'samples.json'
WAYS = {'f32': [], 'f32 exact': ['--exact'], 'bf16': ['--dtype', 'bf16'], 'bf16 exact': ['--dtype', 'bf16', '--exact']}

spec = importlib.util.spec_from_file_location('cpu_inference', HERE.parent / 'cpu-inference-2026-11-27' / 'measure.py')
cpu_inference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cpu_inference)


def shapes(options, way):
    """AP and agreement with the reference's detections of both variants."""
    out = options.work / f'shapes {way}'
    environment = dict(os.environ, XDG_CACHE_HOME=str(options.work / 'cache'))
    # Exit code 1 says that a row is not its reference's to 0.05 AP.
    subprocess.run([options.zoobench, 'run', '--out', out, *WAYS[way]], env=environment, capture_output=True, check=False)
    found = {}
    for variant in ('shapes_v1', 'shapes_v2'):
        metrics = json.loads((out / variant / 'metrics.json').read_text())
        assert metrics['dtype'] == way.split()[0], metrics['dtype']
        found[variant] = dict(results=metrics['results'], agreement=metrics['agreement'])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('zoobench', 'checkpoints', 'work'):
        parser.add_argument(f'--{name}', type=lambda text: Path(os.path.abspath(text)), required=True)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--images', type=int, default=4)
    parser.add_argument('--threads', type=int, nargs='+', default=[1])
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    annotations = cpu_inference.prepare(options.work, cpu_inference.WARM_UP + options.images)
    record = dict(processor=cpu_inference.processor(), shapes={way: shapes(options, way) for way in WAYS}, samples=[])
    cases = [(architecture, threads) for architecture in ('v1-L', 'v1-M') for threads in options.threads]
    for number, (architecture, threads), way in ((n, case, way) for n in range(options.rounds) for case in cases for way in WAYS):
        options.argument = WAYS[way]
        sample = dict(round=number, architecture=architecture, threads=threads, way=way, load_before=round(os.getloadavg()[0], 2))
        sample.update(cpu_inference.ours(options, annotations, architecture, threads))
        record['samples'].append(sample)
        SAMPLES.write_text(json.dumps(record, indent=1) + '\n')
    for architecture, threads in cases:
        for way in WAYS:
            of = [s for s in record['samples'] if (s['architecture'], s['threads'], s['way']) == (architecture, threads, way)]
            cpu, peak = (statistics.median(s[field] for s in of) for field in ('cpu_ms', 'peak_mib'))
            print(f'| {architecture} | {threads} | {way} | {cpu:.0f} | {min(s["cpu_ms"] for s in of):.0f} to {max(s["cpu_ms"] for s in of):.0f} | {peak:.0f} |')


if __name__ == '__main__':
    main()
