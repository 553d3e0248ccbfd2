#!/usr/bin/env python3
"""README's table, from the folder in which run.sh was run."""
import json
from pathlib import Path

WORDS = {
    "none": "nothing",
    "portable": "nothing, without vector instructions",
    "avx2": "nothing, on AVX2",
    "exact": "nothing, without minimal filtering",
    "exact_avx2": "nothing, without minimal filtering on AVX2",
    "nms_without_shift": "per-class suppression without the shift of classes",
    "nms_of_all_classes": "suppression over all classes alike",
    "unpad": "masks cut by the true padding at both ends (the un-pad quirk left out)",
    "bf16_last_layer": "last layers' weights rounded to bf16 (every convolution with a bias)",
    "float_resize": "bilinear resize in floats for 11-bit fixed point",
    "bn_epsilon": "batch norm epsilon 1e-5 for 1e-3",
    "synonym": "one prompt wrong (`moon` for `blue crescent`)",
    "grey_0": "letterbox grey 0 for 114",
    "bgr": "BGR for RGB",
}
VARIANTS = ["shapes_v1", "shapes_v2"]


def checks(damage):
    return {(check["variant"], check["metric"]): check for check in json.loads(Path(f"{damage}.json").read_text())["checks"]}


def matched(damage, variant):
    found = json.loads(Path(f"runs/{damage}/{variant}/metrics.json").read_text())["agreement"]
    return f"{100 * found['matched'] / found['reference']:.3f} (-{found['reference'] - found['matched']})"


print("| damage | v1 mask AP | v1 box AP | v2 mask AP | v2 box AP | largest change of an AP or AR | matched, v1 and v2 (%) | metrics outside | floors broken | verdict |")
print("|---|--:|--:|--:|--:|---|--:|--:|--:|---|")
for damage, words in WORDS.items():
    judged = json.loads(Path(f"{damage}.json").read_text())
    found = checks(damage)
    points = lambda variant, kind: f"{100 * found[variant, kind + '/AP']['change']:+.3f}"
    accuracies = [check for (_, metric), check in found.items() if metric.startswith(("segm/", "bbox/"))]
    most = max(accuracies, key=lambda check: abs(check["change"]))
    largest = f"{most['variant'][-2:]} {most['metric']} {100 * most['change']:+.3f}" if most["change"] else "-"
    outside = sum(check["outcome"] != "within" for check in judged["checks"])
    floors = [category for category in judged["categories"] if category["floor"] is not None]
    broken = sum(category["outcome"] != "within" for category in floors)
    changes = " | ".join(points(variant, kind) for variant in VARIANTS for kind in ("segm", "bbox"))
    agreement = ", ".join(matched(damage, variant) for variant in VARIANTS)
    print(f"| {words} | {changes} | {largest} | {agreement} | {outside} of {len(judged['checks'])} | {broken} of {len(floors)} | {judged['verdict']} |")
