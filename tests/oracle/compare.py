#!/usr/bin/env python3
"""Compares `zoobench eval` with the real lvis-api on generated files, to the last bit.

    compare.py ZOOBENCH [--sets N] [--seed S] [--keep DIR] [--protocol lvis|fixed|pool] [--iou segm,bbox,boundary]
               [--threads N] [--lvis-path BRANCH]

Needs `pip install lvis pycocotools numpy`. AP_fixed and boundaries need a checkout of lvis-api's branch
`lvis_challenge_2021` (04e89fde), whose `lvis` package lies in BRANCH, and OpenCV; AP_pool is compared with the slow route in
pool.py beside this file. Each set is a small ground truth with detections, into which some of the
oddities below are mixed. For masks and boxes, the 13 metrics and AP, AP50 and AR of every category must be equal; where
lvis-api raises an exception, zoobench must exit with code 2 and write nothing. The sets of one seed are always the same.
Prints one line a difference and a summary; exit code 1 if anything differs. --keep DIR keeps the files of sets that differ.
"""
import argparse
import collections
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile

import numpy as np

if '--lvis-path' in sys.argv:
    sys.path.insert(0, sys.argv[sys.argv.index('--lvis-path') + 1])
if not hasattr(np, 'float'):
    np.float = float  # lvis 0.5.3 still uses the removed alias
from lvis import LVIS, LVISEval, LVISResults  # noqa: E402
from pycocotools import mask as coco_mask  # noqa: E402

import pool  # noqa: E402

METRICS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'APr', 'APc', 'APf', 'AR@300', 'ARs@300', 'ARm@300', 'ARl@300']


def rectangle(rng, width, height):
    x, y = rng.randrange(width), rng.randrange(height)
    return [x, y, rng.randint(1, max(1, width - x)), rng.randint(1, max(1, height - y))]


def polygon(rng, box):
    """A rectangle, a triangle or a many-sided shape in the box, sometimes off the grid."""
    x, y, w, h = box
    shape = rng.random()
    if shape < 0.4:
        points = [x, y, x + w, y, x + w, y + h, x, y + h]
    elif shape < 0.6:
        points = [x, y, x + w, y + h / 2, x, y + h]
    else:
        points = []
        for angle in sorted(rng.uniform(0, 6.283) for _ in range(rng.randint(4, 9))):
            points += [x + w / 2 + w / 2 * np.cos(angle), y + h / 2 + h / 2 * np.sin(angle)]
    jitter = rng.choice([0, 0, 0.5, 0.37])
    return [round(float(p) + rng.uniform(-jitter, jitter), 2) for p in points]


def run_lengths(parts, height, width):
    merged = coco_mask.merge(coco_mask.frPyObjects(parts, height, width))
    return {'size': [height, width], 'counts': merged['counts'].decode()}


def ground_truth(rng):
    categories = [
        {'id': index + rng.choice([1, 1, 100]), 'name': f'c{index}', 'frequency': rng.choice('rcf'), 'synonyms': [f'c{index}']}
        for index in range(rng.randint(1, 6))
    ]
    ids = sorted({category['id'] for category in categories})
    images, annotations = [], []
    for number in range(rng.randint(1, 5)):
        width, height = rng.randint(4, 140), rng.randint(4, 140)
        image_id = rng.choice([number + 1, 1000 - number])
        images.append({
            'id': image_id, 'width': width, 'height': height,
            'neg_category_ids': [c for c in ids if rng.random() < 0.3],
            'not_exhaustive_category_ids': [c for c in ids if rng.random() < 0.15],
        })
        for _ in range(rng.randint(0, 6)):
            box = rectangle(rng, width, height)
            parts = [polygon(rng, box)]
            if rng.random() < 0.15:
                parts.append(polygon(rng, rectangle(rng, width, height)))
            annotations.append({
                'id': len(annotations) + 1, 'image_id': image_id, 'category_id': rng.choice(ids), 'bbox': box,
                'area': rng.choice([float(box[2] * box[3]), 1024, 9216, 0.5 * box[2] * box[3]]), 'segmentation': parts,
            })
    return {'images': images, 'annotations': annotations, 'categories': categories}


def detections(rng, truth):
    sizes = {image['id']: (image['height'], image['width']) for image in truth['images']}
    ids = sorted({category['id'] for category in truth['categories']})
    levels = rng.choice([3, 10, 1000])
    records = []
    for image in truth['images']:
        height, width = sizes[image['id']]
        known = [a for a in truth['annotations'] if a['image_id'] == image['id']]
        for _ in range(rng.choice([0, 3, 10, 25])):
            if known and rng.random() < 0.7:
                source = rng.choice(known)
                box = [max(0, v + rng.choice([0, 0, 1, -1, 3])) for v in source['bbox']]
                box[2:] = [max(1, v) for v in box[2:]]
                category = source['category_id'] if rng.random() < 0.8 else rng.choice(ids)
                parts = source['segmentation'] if rng.random() < 0.3 else [polygon(rng, box)]
            else:
                box, category = rectangle(rng, width, height), rng.choice(ids)
                parts = [polygon(rng, box)]
            records.append({
                'image_id': image['id'], 'category_id': category, 'bbox': [float(v) for v in box],
                'score': rng.randrange(levels) / levels, 'segmentation': run_lengths(parts, height, width),
            })
    if rng.random() < 0.5:
        rng.shuffle(records)
    return records


def some(rng, items):
    return [item for item in items if rng.random() < 0.3]


# Oddities: name -> what it does to ground truth and detections.
def id_zero(rng, gt, dt):
    for a in gt['annotations'][:1]:
        a['id'] = 0


def id_negative(rng, gt, dt):
    for a in some(rng, gt['annotations']):
        a['id'] = -a['id']


def id_twice(rng, gt, dt):
    if len(gt['annotations']) > 1:
        rng.choice(gt['annotations'])['id'] = rng.choice(gt['annotations'])['id']


def ignore_flags(rng, gt, dt):
    for a in some(rng, gt['annotations']):
        a['ignore'] = rng.choice([0, 1])
        a['iscrowd'] = rng.choice([0, 1])


def odd_areas(rng, gt, dt):
    for a in some(rng, gt['annotations']):
        a['area'] = rng.choice([0, -1.0, float('nan'), float('inf'), 1e10, 2e10, 1023.9999999999999])


def odd_boxes(rng, gt, dt):
    for d in some(rng, dt):
        d['bbox'] = rng.choice([[1, 1, 0, 5], [5, 5, -3, -4], [5, 5, -3, 4], [0, 0, 2e5, 2e5], [0, 0, float('nan'), 1]])


def no_boxes(rng, gt, dt):
    for d in dt:
        del d['bbox']


def first_without_box(rng, gt, dt):
    if dt:
        del dt[0]['bbox']


def one_without_box(rng, gt, dt):
    if dt:
        rng.choice(dt).pop('bbox', None)


def no_masks(rng, gt, dt):
    for d in some(rng, dt):
        del d['segmentation']


def polygons(rng, gt, dt):
    for d in some(rng, dt):
        d['segmentation'] = [polygon(rng, [2, 2, 20, 20])]


def annotated_run_lengths(rng, gt, dt):
    sizes = {image['id']: (image['height'], image['width']) for image in gt['images']}
    for a in some(rng, gt['annotations']):
        a['segmentation'] = run_lengths(a['segmentation'], *sizes[a['image_id']])


def odd_scores(rng, gt, dt):
    for d in some(rng, dt):
        d['score'] = rng.choice([float('nan'), float('inf'), -float('inf'), -0.0, 0, 1, 5e-324, 0.30000000000000004])


def equal_scores(rng, gt, dt):
    for d in dt:
        d['score'] = 0.5


def unknown_categories(rng, gt, dt):
    for item in some(rng, dt) + some(rng, gt['annotations']):
        item['category_id'] = rng.choice([555, 'x', 3.5])
    gt['annotations'] = [a for a in gt['annotations'] if isinstance(a['category_id'], int)]


def float_ids(rng, gt, dt):
    for d in some(rng, dt):
        d['image_id'] = float(d['image_id'])


def unknown_image(rng, gt, dt):
    if dt:
        rng.choice(dt)['image_id'] = 777777


def crowd(rng, gt, dt):
    if dt:
        dt[:] = [dict(rng.choice(dt), score=rng.randrange(50) / 50) for _ in range(700)]


def other_size(rng, gt, dt):
    for d in some(rng, dt):
        d['segmentation'] = run_lengths([polygon(rng, [0, 0, 6, 6])], 9, 13)


def lists_everywhere(rng, gt, dt):
    every = [category['id'] for category in gt['categories']]
    for image in gt['images']:
        image['neg_category_ids'] = image['not_exhaustive_category_ids'] = every


def missing_key(rng, gt, dt):
    where, keys = rng.choice([
        (gt['images'], ['neg_category_ids', 'not_exhaustive_category_ids']), (gt['categories'], ['frequency']),
        (gt['annotations'], ['area', 'bbox', 'segmentation', 'category_id']), (dt, ['score', 'category_id', 'image_id']),
    ])
    if where:
        rng.choice(where).pop(rng.choice(keys), None)


def same_category_twice(rng, gt, dt):
    gt['categories'].append(dict(rng.choice(gt['categories']), frequency=rng.choice('rcf')))


def same_image_twice(rng, gt, dt):
    image = dict(rng.choice(gt['images']))
    image['neg_category_ids'] = [category['id'] for category in gt['categories']][:1]
    gt['images'].append(image)


def crowd_of_categories(rng, gt, dt):
    """Over 10,000 detections of a category: AP_fixed cuts them."""
    if dt:
        dt[:] = [dict(rng.choice(dt[:20]), score=rng.randrange(500) / 500) for _ in range(10_000 + rng.randrange(4_000))]
        for d in dt:
            if rng.random() < 0.9:
                d['category_id'] = dt[0].get('category_id')


def settle_ranks(dt):
    """The same for AP_fixed, which ranks the detections of every category."""
    count = collections.Counter(repr(d.get('category_id')) for d in dt)
    for d in dt:
        if count[repr(d.get('category_id'))] > 1 and d.get('score') != d.get('score'):
            d['score'] = 0.25


def settle_cuts(dt):
    """Of an image with over 300 detections, lvis-api keeps the highest by Python's sort. With NaN among the scores, what that
    keeps depends on the version of Python: zoobench refuses such an image, so there is nothing to compare."""
    count = collections.Counter(d.get('image_id') for d in dt)
    for d in dt:
        if count[d.get('image_id')] > 300 and d.get('score') != d.get('score'):
            d['score'] = 0.25


ODDITIES = [
    id_zero, id_negative, id_twice, ignore_flags, odd_areas, odd_boxes, no_boxes, first_without_box, one_without_box, no_masks,
    polygons, annotated_run_lengths, odd_scores, equal_scores, unknown_categories, float_ids, unknown_image, crowd, other_size,
    lists_everywhere, missing_key, same_category_twice, same_image_twice,
]


def slow_pool(gt_path, dt_path, iou, limit=10_000):
    """The second route's answer, or None where it raises an exception. It knows no rows of categories."""
    try:
        with open(gt_path) as gt, open(dt_path) as dt:
            return pool.Evaluation(json.load(gt), json.load(dt), iou, limit).run(), None
    except Exception:
        return None


def lvis_api(gt_path, dt_path, iou, protocol='lvis', limit=10_000, arrays=None):
    """lvis-api's answer, or None where it raises an exception."""
    try:
        gt = LVIS(gt_path)
        if protocol == 'lvis':
            evaluation = LVISEval(gt, LVISResults(gt, dt_path), iou)
        else:
            evaluation = LVISEval(gt, LVISResults(gt, dt_path, max_dets_per_cat=limit, max_dets_per_im=-1), iou)
            evaluation.params.max_dets, evaluation.params.max_dets_per_cat = -1, limit
        evaluation.run()
    except Exception:
        return None
    if arrays is not None:
        arrays.update({name: evaluation.eval[name] for name in ('precision', 'recall')})
    precision, recall = evaluation.eval['precision'], evaluation.eval['recall']
    categories = {}
    for k, category in enumerate(evaluation.params.cat_ids):
        values = precision[:, :, k, 0]
        values = values[values > -1]
        if values.size:
            categories[category] = [float(np.mean(values)), float(np.mean(precision[0, :, k, 0])), float(np.mean(recall[:, k, 0]))]
    return {name: float(value) for name, value in evaluation.get_results().items()}, categories


def zoobench(binary, gt_path, dt_path, iou, out, protocol='lvis', threads=1):
    """zoobench's answer, or None where it refuses; a string where it does neither properly."""
    command = [binary, 'eval', '--gt', gt_path, '--dt', dt_path, '--iou', iou, '--protocol', protocol, '--json', out, '--threads', str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode == 2:
        return 'a file stands after a refusal' if os.path.exists(out) else None
    if done.returncode != 0 or 'panicked' in done.stderr:
        return f'exit code {done.returncode}: {done.stderr[-300:]}'
    with open(out) as f:
        report = json.load(f)
    os.remove(out)
    metrics = {name: -1.0 if value is None else value for name, value in report['results'].items()}
    if protocol == 'pool':
        return metrics, None
    rows = [row for row in report['per_category'] if row['AP'] is not None]
    return metrics, {row['id']: [row['AP'], row['AP50'], row['AR']] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('zoobench')
    parser.add_argument('--sets', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--keep')
    parser.add_argument('--protocol', default='lvis', choices=['lvis', 'fixed', 'pool'])
    parser.add_argument('--iou', default='segm,bbox')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--lvis-path')
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    np.seterr(all='ignore')
    folder = tempfile.mkdtemp()
    gt_path, dt_path, out = (os.path.join(folder, name) for name in ('gt.json', 'dt.json', 'out.json'))
    oddities = ODDITIES if args.protocol == 'lvis' else ODDITIES + [crowd_of_categories]
    seen, counts, different = collections.Counter(), collections.Counter(), 0
    for number in range(args.sets):
        rng = random.Random(f'{args.seed}/{number}')
        gt = ground_truth(rng)
        dt = detections(rng, gt)
        mixed = rng.sample(oddities, rng.choice([0, 1, 1, 2, 3]))
        for oddity in mixed:
            try:
                oddity(rng, gt, dt)
            except KeyError:
                continue  # another oddity took the key away
            seen[oddity.__name__] += 1
        settle_cuts(dt) if args.protocol == 'lvis' else settle_ranks(dt)
        with open(gt_path, 'w') as f:
            json.dump(gt, f)
        with open(dt_path, 'w') as f:
            json.dump(dt, f)
        for iou in args.iou.split(','):
            expected = slow_pool(gt_path, dt_path, iou) if args.protocol == 'pool' else lvis_api(gt_path, dt_path, iou, args.protocol)
            found = zoobench(args.zoobench, gt_path, dt_path, iou, out, args.protocol, args.threads)
            counts['refused by the oracle' if expected is None else 'evaluated by the oracle'] += 1
            if expected != found:
                different += 1
                print(f'set {number} {iou} ({", ".join(o.__name__ for o in mixed)}):\n  oracle   {expected}\n  zoobench {found}', flush=True)
                if args.keep:
                    shutil.copytree(folder, os.path.join(args.keep, f'{number}_{iou}'), dirs_exist_ok=True)
    shutil.rmtree(folder)
    print(json.dumps({'sets': args.sets, 'seed': args.seed, 'protocol': args.protocol, 'iou': args.iou, 'threads': args.threads, 'numpy': np.__version__, **counts, 'different': different, 'oddities': dict(sorted(seen.items()))}, indent=1))
    sys.exit(1 if different else 0)


if __name__ == '__main__':
    main()
