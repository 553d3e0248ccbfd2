#!/usr/bin/env python3
"""Times whole processes in alternation, seven rounds: measure.py ZOOBENCH VBENCH HCBENCH GT DT > samples.json

CPU seconds and peak resident set are the kernel's own account of each finished process (wait4)."""
import json
import os
import subprocess
import sys
import time

zoobench, vbench, hcbench, gt, dt = sys.argv[1:6]
COMMANDS = {
    'zoobench': [zoobench, 'eval', '--gt', gt, '--dt', dt, '--threads', '1'],
    'vernier': [vbench, gt, dt, 'segm', '1'],
    'hotcoco': [hcbench, gt, dt, 'segm'],
}
samples = {name: [] for name in COMMANDS}
for _ in range(7):
    for name, command in COMMANDS.items():
        started = time.time()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, RAYON_NUM_THREADS='1'))
        _, status, usage = os.wait4(process.pid, 0)
        samples[name].append({
            'user_s': round(usage.ru_utime, 4), 'sys_s': round(usage.ru_stime, 4),
            'wall_s': round(time.time() - started, 4), 'peak_kib': usage.ru_maxrss, 'status': status,
        })
print(json.dumps(samples, indent=1))
