#!/usr/bin/env python3
"""Times the text encoder of both engines: whole processes of `zoobench predict`, in alternation.

    measure.py --zoobench BIN --checkpoint v1-M.pth --lvis LVIS.json --work DIR [--rounds 5] [--threads 1 2]

LVIS.json is any LVIS annotation file with at least 1,203 categories; their prompts are encoded. One grey picture is
made in --work. Each process has an empty cache, but for one a round that finds the texts of the process before.
`texts` of `predict --timing` is what counts: reading the encoder from the checkpoint in memory, packing, encoding.

Samples go to samples.json beside this file after every process. README.md has the medians: measure.py --only-report
"""
import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / 'samples.json'
CLASSES = 1203
KINDS = {'candle': ['--engine', 'candle'], 'fast': [], 'fast, from the cache': []}


def prepare(work, lvis):
    """A grey picture and an annotation file that names it and the classes."""
    (work / 'val2017').mkdir(parents=True, exist_ok=True)
    chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = zlib.compress((b'\0' + b'\x80' * 3 * 64) * 64)
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', 64, 64, 8, 2, 0, 0, 0))
    (work / 'val2017/1.png').write_bytes(b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', rows) + chunk(b'IEND', b''))
    categories = [c for c in json.loads(lvis.read_text())['categories'] if c['id'] <= CLASSES]
    image = dict(id=1, width=64, height=64, coco_url='http://images.cocodataset.org/val2017/1.png',
                 neg_category_ids=[], not_exhaustive_category_ids=[])
    annotations = work / 'annotations.json'
    annotations.write_text(json.dumps(dict(info={}, licenses=[], images=[image], annotations=[], categories=categories)))
    return annotations


def encode(options, annotations, kind, threads):
    cache, timing = options.work / 'cache', options.work / 'timing.json'
    if kind != 'fast, from the cache':
        shutil.rmtree(cache, ignore_errors=True)
    command = [options.zoobench, 'predict', '--weights', options.checkpoint, '--annotations', annotations, '--data', options.work,
               '--out', options.work / 'out.json', '--threads', str(threads), '--timing', timing, *KINDS[kind]]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=dict(os.environ, XDG_CACHE_HOME=str(cache)))
    return json.loads(timing.read_text())['texts']


def processor():
    lines = Path('/proc/cpuinfo').read_text().splitlines()
    facts = dict(tuple(part.strip() for part in line.split(':', 1)) for line in lines if ':' in line)
    return f"{facts['model name']} (family {facts['cpu family']} model {facts['model']}), {os.cpu_count()} CPUs"


def measure(options):
    annotations = prepare(options.work, options.lvis)
    record = json.loads(SAMPLES.read_text()) if SAMPLES.exists() else dict(processor=processor(), samples=[])
    for number in range(options.rounds):
        for threads, kind in ((threads, kind) for threads in options.threads for kind in KINDS):
            if any((s['round'], s['threads'], s['kind']) == (number, threads, kind) for s in record['samples']):
                continue
            sample = dict(round=number, threads=threads, kind=kind, load_before=round(os.getloadavg()[0], 2))
            sample.update(encode(options, annotations, kind, threads))
            record['samples'].append(sample)
            SAMPLES.write_text(json.dumps(record, indent=1) + '\n')
            print(f"{number} {threads} {kind}: {sample['cpu_ms']:.0f} ms CPU, {sample['wall_ms']:.0f} ms wall", file=sys.stderr)
    return record


def report(record):
    samples, prompts = record['samples'], record['samples'][0]['prompts']
    loads = [sample['load_before'] for sample in samples]
    lines = ['# The text encoder of both engines, 2026-11-27', '', f"Processor: {record['processor']}. Load average before a process: {min(loads)} to {max(loads)}.", '',
             f'{prompts} prompts of LVIS through CLIP ViT-B/32\'s text encoder, float32: reading it from the checkpoint in memory, packing,',
             'encoding. Whole processes in alternation; CPU time of all threads, medians (smallest to largest), in ms. `samples.json` has each.', '',
             '| threads | ' + ' | '.join(KINDS) + ' | fast to candle |', '|---|' + '---:|' * (len(KINDS) + 1)]
    for threads in sorted({sample['threads'] for sample in samples}):
        times = {kind: sorted(s['cpu_ms'] for s in samples if (s['threads'], s['kind']) == (threads, kind)) for kind in KINDS}
        cells = [f'{statistics.median(t):.0f} ({t[0]:.0f} to {t[-1]:.0f})' if t else '' for t in times.values()]
        ratio = statistics.median(times['fast']) / statistics.median(times['candle'])
        lines.append(f"| {threads} | {' | '.join(cells)} | {ratio:.2f} |")
    lines += ['', 'Asked for: at most 0.50.', '', '## Again', '', '```sh', 'cargo build --release',
              'python measure.py --zoobench zoobench --checkpoint v1-M.pth --lvis lvis_v1_val.json --work work', '```']
    (HERE / 'README.md').write_text('\n'.join(lines) + '\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('zoobench', 'checkpoint', 'lvis', 'work'):
        parser.add_argument(f'--{name}', type=Path)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--threads', type=int, nargs='*', default=[1, 2])
    parser.add_argument('--only-report', action='store_true')
    options = parser.parse_args()
    report(json.loads(SAMPLES.read_text()) if options.only_report else measure(options))


main()
