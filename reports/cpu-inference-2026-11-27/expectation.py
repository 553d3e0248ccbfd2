#!/usr/bin/env python3
"""How long `run` takes for the whole of LVIS val on 2, 16 and 64 cores: computed from measured images.

    expectation.py [--samples samples.json] [--run ../run-2026-11-27/samples.json] [--out expectation.md]

--samples is what the comparison with other runtimes measured: the network's CPU time an image on one thread. --run is
what `run` took beside its network. Nothing is measured here; run it again when either file has changed.
"""
import argparse
import json
import statistics
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMAGES = 19_809
CORES = [2, 16, 64]
# A guess, not a measurement: how much longer an image may take where all cores share memory and power.
CAREFUL = {2: 1.0, 16: 1.25, 64: 1.5}


def networks(record):
    """Milliseconds of one thread an image, by architecture."""
    found = {}
    for sample in record['samples']:
        if sample['runner'] == 'zoobench' and sample['threads'] == 1:
            found.setdefault(sample['architecture'], []).append(sample['cpu_ms'])
    return {name: statistics.median(times) for name, times in sorted(found.items())}


def beside(record):
    """The time of all stages of `run` to that of its network, by architecture; without further threads where they
    were measured, since a thread that waits for parts of one image may work on another meanwhile."""
    fewest = min(sample['threads'] for sample in record['samples'])
    found = {}
    for sample in (sample for sample in record['samples'] if sample['threads'] == fewest):
        stages = {stage['name']: stage['seconds'] for stage in sample['timing']['stages']}
        found.setdefault(sample['architecture'], []).append(sum(stages.values()) / stages['network'])
    return {name: statistics.median(factors) for name, factors in found.items()}


def hours(milliseconds):
    value = milliseconds / 3.6e6
    return f'{value:.1f} h' if value >= 1 else f'{60 * value:.0f} min'


def lines(samples, run):
    factors = beside(run)
    yield '# What to expect for LVIS val on the CPU'
    yield ''
    yield f"{IMAGES:,} images, 1,203 classes, one variant. Measured on: {samples['processor']}; other processors differ,"
    yield 'and one with AVX-512 differs much from one without.'
    yield ''
    yield '| | network, ms of a core an image | all of `run` to the network | ' + ' | '.join(f'{cores} cores' for cores in CORES) + ' |'
    yield '|---|---:|---:|' + '---:|' * len(CORES)
    for name, network in networks(samples).items():
        # An architecture that was not run is taken for the one that was farthest from its network.
        factor = factors.get(name, max(factors.values()))
        best = [IMAGES * network * factor / cores for cores in CORES]
        cells = [hours(ms) if CAREFUL[cores] == 1 else f'{hours(ms)} to {hours(ms * CAREFUL[cores])}' for ms, cores in zip(best, CORES)]
        yield f"| {name} | {network:.0f} | {factor:.3f} | {' | '.join(cells)} |"
    yield ''
    yield f'Derived: {IMAGES:,} x (CPU time of the network for one image on one thread) x (time of all stages of `run` to that of its'
    yield 'network) / cores. `run` works on as many images at a time as there are threads, each image on one of them, so that'
    yield 'cores share no work but the memory. The texts (once, seconds) and loading the checkpoint are left out.'
    missing = ', '.join(name for name in networks(samples) if name not in factors)
    taken = f'; {missing}: the largest of them is taken' if missing else ''
    yield f"The factor of `run` was measured on one thread ({', '.join(sorted(factors))}{taken})."
    yield ''
    yield 'Extrapolated: everything on 16 and 64 cores. The lower figure takes each further core for as fast as the first; the upper'
    yield f'one allows an image to take {CAREFUL[16]} times as long on 16 and {CAREFUL[64]} times on 64 busy cores, for memory bandwidth and clock: a guess, which'
    yield 'a measurement on such a machine should replace. Nobody has run all of LVIS val here.'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--samples', type=Path, default=HERE / 'samples.json')
    parser.add_argument('--run', type=Path, default=HERE.parent / 'run-2026-11-27/samples.json')
    parser.add_argument('--out', type=Path, default=HERE / 'expectation.md')
    options = parser.parse_args()
    text = lines(*(json.loads(path.read_text()) for path in (options.samples, options.run)))
    options.out.write_text('\n'.join(text) + '\n')


main()
