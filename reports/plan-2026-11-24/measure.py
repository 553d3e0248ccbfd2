#!/usr/bin/env python3
"""Runs zoobench's engines in alternation and writes a line of JSON a process.

    measure.py ZOOBENCH RAW.jsonl [--rounds N] [--full DIR --annotations FILE --data DIR [--images N]]

Without --full: `run` on the embedded zoo by each engine. With --full: `predict --timing` of every .pth in DIR by
the fast engine, with 1 and 2 threads. CPU seconds and peak memory are those of the whole process.
"""
import argparse, json, os, pathlib, subprocess, sys, tempfile, time


def process(command):
    started = time.time()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    return dict(code=os.waitstatus_to_exitcode(status), wall_s=round(time.time() - started, 3),
                cpu_s=round(usage.ru_utime + usage.ru_stime, 3), peak_kib=usage.ru_maxrss)


def shapes(program, engine, folder):
    out = os.path.join(folder, 'run')
    line = process([program, 'run', *engine, '--out', out])
    for metrics in sorted(pathlib.Path(out).glob('*/metrics.json')):
        stored = json.loads(metrics.read_text())
        agreement = {key: value for key, value in stored['agreement'].items() if isinstance(value, (int, float))}
        line[stored['variant']] = dict(engine=stored['engine'], segm_AP=stored['results']['segm']['AP'],
                                       bbox_AP=stored['results']['bbox']['AP'], agreement=agreement,
                                       images_per_second=stored['timing']['images_per_second'])
    return line


def full(program, checkpoint, threads, arguments, folder):
    timing = os.path.join(folder, 'timing.json')
    line = process([program, 'predict', '--weights', checkpoint, '--annotations', arguments.annotations,
                    '--data', arguments.data, '--limit', str(arguments.images), '--threads', str(threads),
                    '--timing', timing, '--out', os.path.join(folder, 'out.json')])
    return dict(checkpoint=pathlib.Path(checkpoint).stem, threads=threads, **line, timing=json.load(open(timing)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('program')
    parser.add_argument('raw')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--full')
    parser.add_argument('--annotations')
    parser.add_argument('--data')
    parser.add_argument('--images', type=int, default=4)
    arguments = parser.parse_args()
    with open(arguments.raw, 'a') as raw, tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            if arguments.full:
                checkpoints = sorted(map(str, pathlib.Path(arguments.full).glob('*.pth')))
                lines = (full(arguments.program, file, threads, arguments, folder)
                         for file in checkpoints for threads in (1, 2))
            else:
                engines = (['--engine', 'candle'], ['--engine', 'fast'], ['--engine', 'fast', '--exact'])
                lines = (dict(arguments=' '.join(engine), **shapes(arguments.program, engine, folder))
                         for engine in engines)
            for line in lines:
                print(json.dumps(dict(round=number, **line)), file=raw, flush=True)


sys.exit(main())
