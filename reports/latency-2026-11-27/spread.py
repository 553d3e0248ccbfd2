#!/usr/bin/env python3
"""From the samples of a measurement: how far apart its processes' medians would be by the calls' own noise alone, at the
length they had and at longer ones. Usage: spread.py FOLDER (of latency.json and its samples)."""
import json
import random
import statistics
import sys
from pathlib import Path

folder = Path(sys.argv[1])
record = json.loads((folder / "latency.json").read_text())
lines = [json.loads(line) for line in (folder / "latency.samples.ndjson").read_text().splitlines()]


def correlation_calls(samples):
    """Calls that say as much as one independent call: 1 + 2 x the autocorrelations, to the first below 0.03."""
    mean, variance = statistics.fmean(samples), statistics.pvariance(samples)
    calls = 1.0
    for lag in range(1, len(samples) // 2):
        pairs = zip(samples, samples[lag:])
        correlation = sum((a - mean) * (b - mean) for a, b in pairs) / len(samples) / variance
        if correlation < 0.03:
            break
        calls += 2 * correlation
    return calls


def beyond_limit(deviation):
    """Share of measurements of five processes whose median absolute deviation is above 5 %."""
    draws, above = random.Random(1), 0
    for _ in range(20_000):
        medians = [draws.gauss(0, deviation) for _ in range(5)]
        centre = statistics.median(medians)
        above += statistics.median([abs(median - centre) for median in medians]) > 0.05
    return above / 20_000


for index, row in enumerate(record["measurements"]):
    samples = [line["ms"] for line in lines if line["measurement"] == index]
    deviation, calls = statistics.pstdev(samples) / statistics.fmean(samples), correlation_calls(samples)
    medians = row["process_p50_ms"]
    seen = statistics.stdev(medians) / statistics.median(medians)
    print(f"{row['variant']} {row['latency']}: calls {deviation:.1%}, correlated over {calls:.1f}; medians of processes {seen:.1%}")
    for longer in (1.0, 3.0, 4.5):
        # The standard error of a median is 1.25 times that of a mean, for normal samples.
        process = 1.25 * deviation * (calls * len(medians) / len(samples) / longer) ** 0.5
        print(f"  {longer} x as long: {process:.1%}; above the limit in {beyond_limit(process):.1%} of measurements")
