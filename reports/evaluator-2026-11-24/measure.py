#!/usr/bin/env python3
"""Times whole processes in alternation, set by set:

    measure.py --zoobench BIN --vbench BIN --hcbench BIN --data DIR [--sets b500,b2000,bfull] [--threads 1,2]
               [--rounds 3] > samples.json

Each set is a folder of DIR with gt.json and dt.json. CPU seconds and peak resident set are the kernel's own account
of each finished process (wait4). `scan` is this script reading the results file in reused chunks and doing nothing
else, interpreter included: the floor of reading, not of parsing. A summary of medians goes to stderr."""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

CHUNK = 1 << 18


def arguments():
    parser = argparse.ArgumentParser()
    for name in ('zoobench', 'vbench', 'hcbench', 'data'):
        parser.add_argument(f'--{name}', required=True)
    parser.add_argument('--sets', default='b500,b2000,bfull')
    parser.add_argument('--threads', default='1,2')
    parser.add_argument('--rounds', type=int, default=3)
    return parser.parse_args()


def commands(args, gt, dt, threads):
    reader = ('f = open(__import__("sys").argv[1], "rb", buffering=0)\n'
              f'chunk = bytearray({CHUNK})\nwhile f.readinto(chunk): pass')
    found = {
        'zoobench': [args.zoobench, 'eval', '--gt', gt, '--dt', dt, '--threads', str(threads)],
        'vernier': [args.vbench, gt, dt, 'segm', str(threads)],
        'hotcoco': [args.hcbench, gt, dt, 'segm'],
    }
    if threads == 1:
        found['scan'] = [sys.executable, '-S', '-c', reader, dt]
    return found


def sample(command, threads):
    started = time.monotonic()
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if status:
        raise SystemExit(f'{command[0]} ended with status {status}')
    return {'user_s': round(usage.ru_utime, 4), 'sys_s': round(usage.ru_stime, 4), 'wall_s': round(wall, 4),
            'peak_kib': usage.ru_maxrss, 'load_before': round(os.getloadavg()[0], 2)}


def cpu(one):
    return one['user_s'] + one['sys_s']


def summary(rows):
    for row in rows:
        of = row['samples']
        middle = {name: statistics.median(map(cpu, samples)) for name, samples in of.items()}
        for name, samples in of.items():
            wall = statistics.median(one['wall_s'] for one in samples)
            peak = statistics.median(one['peak_kib'] for one in samples) / 1024
            paired = statistics.median(cpu(ours) / cpu(one) for ours, one in zip(of['zoobench'], samples))
            print(f"{row['set']:8} {row['threads']} threads  {name:9} cpu {middle[name]:7.3f} s  wall {wall:7.3f} s  "
                  f'peak {peak:7.0f} MiB  ours/theirs {paired:.3f}', file=sys.stderr)


def main():
    args = arguments()
    rows = []
    for name in args.sets.split(','):
        gt, dt = (os.path.join(args.data, name, file) for file in ('gt.json', 'dt.json'))
        for threads in map(int, args.threads.split(',')):
            row = {'set': name, 'results_bytes': os.path.getsize(dt), 'threads': threads, 'samples': {}}
            for _ in range(args.rounds):
                for peer, command in commands(args, gt, dt, threads).items():
                    row['samples'].setdefault(peer, []).append(sample(command, threads))
            rows.append(row)
    print(json.dumps({'machine': platform.processor() or platform.machine(), 'cores': os.cpu_count(), 'rows': rows},
                     indent=1))
    summary(rows)


main()
