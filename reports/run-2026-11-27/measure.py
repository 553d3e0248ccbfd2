#!/usr/bin/env python3
"""What `run` takes beside its network, on full-size checkpoints and the pictures of the shapes zoo.

    measure.py --zoobench BIN --checkpoints DIR --shapes shapes.zip --lvis LVIS.json --work DIR
        [--architectures v1-L ...] [--images 12] [--rounds 3] [--threads 1 2]

DIR of --checkpoints holds v1-L.pth and so on (make_checkpoint.py of the reference material writes them). The classes
are those of the shapes zoo, then others of LVIS.json up to 1,203. `run` is one process a round; its metrics.json tells
the stages, the kernel the whole process's CPU time. Wall time means something on a quiet machine alone.

Samples go to samples.json beside this file. README.md has the medians: measure.py --only-report
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / 'samples.json'
BEFORE = HERE / 'before.json'
CLASSES = 1203
STAGES = ['decode', 'letterbox', 'network', 'detection', 'evaluation']


def prepare(options):
    """The shapes zoo's pictures and annotations with 1,203 classes, and a zoo file that names the checkpoints."""
    data = options.work / 'data'
    with zipfile.ZipFile(options.shapes) as archive:
        archive.extractall(data)
    annotations = json.loads((data / 'annotations.json').read_text())
    own = {category['id'] for category in annotations['categories']}
    others = [c for c in json.loads(options.lvis.read_text())['categories'] if c['id'] <= CLASSES and c['id'] not in own]
    annotations['categories'] += others
    annotations['categories'].sort(key=lambda category: category['id'])
    (data / 'wide.json').write_text(json.dumps(annotations))
    lines = ['name = "wide"', 'title = "Full-size checkpoints on the shapes pictures"', 'annotations = "wide.json"', 'images = "."',
             'split = "shapes"', 'published_label = "reference"']
    for name in options.architectures:
        family, size = name.split('-')
        lines += ['', '[[variant]]', f'name = "{name}"', f'title = "{name}"', f'family = "{family}"', f'size = "{size}"',
                  'tuned = "nothing: generated"', f'weights = "{name}.pth"']
    (options.work / 'wide.toml').write_text('\n'.join(lines) + '\n')


def run(options, architecture, threads):
    out = options.work / 'run'
    shutil.rmtree(out, ignore_errors=True)
    command = [options.zoobench, 'run', '--zoo', options.work / 'wide.toml', '--data', options.work / 'data', '--weights', options.checkpoints,
               '--variants', architecture, '--limit', str(options.images), '--threads', str(threads), '--out', out]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ, XDG_CACHE_HOME=str(options.work / 'cache'))) as process:
        errors = process.stderr.read().decode(errors='replace')
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f'failed with {process.returncode}:\n{errors[-2000:]}')
    metrics = json.loads((out / architecture / 'metrics.json').read_text())
    return dict(timing=metrics['timing'], images=metrics['images'], detections=metrics['detections'], process_cpu_s=usage.ru_utime + usage.ru_stime)


def processor():
    lines = Path('/proc/cpuinfo').read_text().splitlines()
    facts = dict(tuple(part.strip() for part in line.split(':', 1)) for line in lines if ':' in line)
    return f"{facts['model name']} (family {facts['cpu family']} model {facts['model']}), {os.cpu_count()} CPUs"


def measure(options):
    prepare(options)
    record = json.loads(SAMPLES.read_text()) if SAMPLES.exists() else dict(processor=processor(), samples=[])
    for number in range(options.rounds):
        for architecture, threads in ((a, t) for a in options.architectures for t in options.threads):
            sample = dict(round=number, architecture=architecture, threads=threads, load_before=round(os.getloadavg()[0], 2))
            if any(all(s[key] == sample[key] for key in ('round', 'architecture', 'threads')) for s in record['samples']):
                continue
            sample.update(run(options, architecture, threads))
            record['samples'].append(sample)
            SAMPLES.write_text(json.dumps(record, indent=1) + '\n')
            print(f"{number} {architecture} {threads}: {json.dumps(sample['timing'])}", file=sys.stderr)
    return record


def stage_ms(sample, stage):
    seconds = next(s['seconds'] for s in sample['timing']['stages'] if s['name'] == stage)
    return 1e3 * seconds / sample['images']


def report(record):
    samples = record['samples']
    loads = [sample['load_before'] for sample in samples]
    lines = ['# What `run` takes beside its network, 2026-11-27', '', f"Processor: {record['processor']}. Load average before a process: {min(loads)} to {max(loads)}.", '',
             'Full-size checkpoints of generated parameters, 1,203 classes, pictures of the shapes zoo. A stage\'s time is by the clock of the',
             'thread that works on the image, summed over images: where the machine is busy all stages stretch alike, so that shares mean',
             'something and milliseconds little. Each image has a thread of its own, but for the last, which all threads share.',
             'Medians over the rounds; `samples.json` has each.', '',
             '| | threads | detections an image | ' + ' | '.join(f'{stage} ms' for stage in STAGES) + ' | all to network | detection to network | wall x threads to network |', '|---|---|' + '---:|' * (len(STAGES) + 4)]
    for architecture, threads in sorted({(s['architecture'], s['threads']) for s in samples}):
        chosen = [s for s in samples if (s['architecture'], s['threads']) == (architecture, threads)]
        median = lambda of: statistics.median(of(s) for s in chosen)
        cells = [f'{median(lambda s: stage_ms(s, stage)):.1f}' for stage in STAGES]
        whole = median(lambda s: sum(stage_ms(s, stage) for stage in STAGES) / stage_ms(s, 'network'))
        detection = median(lambda s: stage_ms(s, 'detection') / stage_ms(s, 'network'))
        wall = median(lambda s: 1e3 * s['timing']['wall_seconds'] * threads / s['images'] / stage_ms(s, 'network'))
        found = median(lambda s: s['detections'] / s['images'])
        lines.append(f"| {architecture} | {threads} | {found:.0f} | {' | '.join(cells)} | {whole:.3f} | {detection:.3f} | {wall:.3f} |")
    lines += ['', 'Asked for: all to network at most 1.05, detection to L\'s network at most 0.05.', '', *beside_before(samples), '## Again', '', '```sh', 'cargo build --release',
              'python measure.py --zoobench zoobench --checkpoints checkpoints --shapes datasets/shapes.zip --lvis lvis_v1_val.json --work work', '```']
    (HERE / 'README.md').write_text('\n'.join(lines) + '\n')


def beside_before(samples):
    """Images a second beside the build in which all images shared one pool of threads, if its samples are there."""
    if not BEFORE.exists():
        return []
    rate = lambda of, key: statistics.median(s['timing']['images_per_second'] for s in of if (s['architecture'], s['threads']) == key)
    before = json.loads(BEFORE.read_text())['samples']
    rows = [f'| {key[0]} | {key[1]} | {rate(before, key):.2f} | {rate(samples, key):.2f} |' for key in sorted({(s['architecture'], s['threads']) for s in before})]
    return ['## Images side by side', '', 'Until this day all images shared one pool of threads, and a thread that waited for parts of its own image took up another',
            'one on the account of its own stage: on two threads shares said little, and images came out of step. `before.json` has that build,',
            'measured half an hour before on the same quiet machine. Images a second, medians, 12 images a process:', '',
            '| | threads | one pool | a thread an image |', '|---|---|---:|---:|', *rows, '']


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('zoobench', 'checkpoints', 'shapes', 'lvis', 'work'):
        parser.add_argument(f'--{name}', type=Path)
    parser.add_argument('--architectures', nargs='*', default=['v1-L', 'v1-M'])
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--images', type=int, default=12)
    parser.add_argument('--threads', type=int, nargs='*', default=[1, 2])
    parser.add_argument('--only-report', action='store_true')
    options = parser.parse_args()
    report(json.loads(SAMPLES.read_text()) if options.only_report else measure(options))


main()
