#!/usr/bin/env python3
"""What the protocols, boundaries, explanations and intervals cost beside the plain evaluation, whole processes:

    measure.py --zoobench BIN --gt gt.json --dt dt.json [--threads 1] [--rounds 3] [--resamples 100] > samples.json

In alternation, round by round. CPU seconds and peak resident set are the kernel's own account of each finished
process (wait4). A table of medians goes to stderr."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('zoobench', 'gt', 'dt'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--resamples', type=int, default=100)
    return parser.parse_args()


def options(args, folder):
    """The options of each row, the plain evaluation first."""
    return {
        'masks': [],
        'boxes': ['--iou', 'bbox'],
        'masks, fixed': ['--protocol', 'fixed'],
        'masks, pool': ['--protocol', 'pool'],
        'boundaries': ['--iou', 'boundary'],
        'boundaries, fixed': ['--iou', 'boundary', '--protocol', 'fixed'],
        'masks, saved state': ['--save-state', os.path.join(folder, 'state.zbstate')],
        'masks, explained': ['--explain', os.path.join(folder, 'explained')],
        f'masks, {args.resamples} resamples': ['--intervals', '--resamples', str(args.resamples)],
    }


def sample(command, environment):
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if status:
        raise SystemExit(f'{" ".join(command)} ended with status {status}')
    return {'user_s': round(usage.ru_utime, 4), 'sys_s': round(usage.ru_stime, 4), 'wall_s': round(wall, 4),
            'peak_kib': usage.ru_maxrss, 'load_before': round(os.getloadavg()[0], 2)}


def processor():
    with open('/proc/cpuinfo') as info:
        return next((line.split(':', 1)[1].strip() for line in info if line.startswith('model name')), 'unknown')


def cpu(one):
    return one['user_s'] + one['sys_s']


def summary(rows):
    plain = rows['masks']
    for name, samples in rows.items():
        ratio = statistics.median(cpu(one) / cpu(base) for one, base in zip(samples, plain))
        peak = statistics.median(one['peak_kib'] for one in samples) / 1024
        print(f'| {name} | {statistics.median(map(cpu, samples)):.2f} | {ratio:.2f} | {peak:.0f} |', file=sys.stderr)


def main():
    args = arguments()
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        base = [args.zoobench, 'eval', '--gt', args.gt, '--dt', args.dt, '--threads', str(args.threads)]
        environment = dict(os.environ, NO_COLOR='1')
        for _ in range(args.rounds):
            for name, more in options(args, folder).items():
                rows.setdefault(name, []).append(sample(base + more, environment))
    print(json.dumps({'processor': processor(), 'cores': os.cpu_count(), 'threads': args.threads,
                      'results_bytes': os.path.getsize(args.dt), 'rows': rows}, indent=1))
    summary(rows)


main()
