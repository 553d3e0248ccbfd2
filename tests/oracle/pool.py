#!/usr/bin/env python3
"""AP_pool by a slow second route: the definition written down with lists and loops, for comparison with `zoobench eval`.

    pool.py GT DT [--iou segm|bbox|boundary] [--limit 10000]

Needs `pip install pycocotools numpy`. Detections are cut to the highest LIMIT of each category over all images, matched
category by category with the federated rules, and ranked over all categories of a pool at once: all, rare, common, frequent.
Shares no code with lvis-api, large-vocab-devil or zoobench; pycocotools draws the masks and numpy takes the last mean, whose
order of additions is part of its last bit. Boundaries need no OpenCV.
"""
import argparse
import bisect
import json
import math

import numpy as np
from pycocotools import mask as coco_mask

IOU_THRESHOLDS = [float(v) for v in np.linspace(0.5, 0.95, 10)]
RECALLS = [float(v) for v in np.linspace(0.0, 1.0, 101)]
ALL_AREAS = (0, 1e10)


def cut(detections, limit):
    """The highest of each category, the categories in the order of the file: the first record decides about boxes."""
    groups = {}
    for detection in detections:
        groups.setdefault(detection['category_id'], []).append(detection)
    kept = []
    for group in groups.values():
        kept += sorted(group, key=lambda d: -d['score'])[:limit]
    return kept


def pixels(segmentation, image):
    height, width = image['height'], image['width']
    if isinstance(segmentation, list):
        rle = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation['counts'], list):
        rle = coco_mask.frPyObjects(segmentation, height, width)
    else:
        rle = segmentation
    return coco_mask.decode(rle).astype(bool)


def boundary(mask):
    """Pixels less than the boundary's width from one that is not of the mask, or from the outside."""
    height, width = mask.shape
    wide = max(1, round(0.02 * math.sqrt(height ** 2 + width ** 2)))
    inside = np.pad(mask, wide)
    columns = np.logical_and.reduce([inside[:, dx:dx + width] for dx in range(2 * wide + 1)])
    return mask & ~np.logical_and.reduce([columns[dy:dy + height] for dy in range(2 * wide + 1)])


def overlap(a, b):
    if a.shape != b.shape:
        return -1.0
    common = int((a & b).sum())
    return common / int((a | b).sum()) if common else 0.0


def box_overlap(d, g):
    width = min(d[0] + d[2], g[0] + g[2]) - max(d[0], g[0])
    height = min(d[1] + d[3], g[1] + g[3]) - max(d[1], g[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (d[2] * d[3] + g[2] * g[3] - width * height)


def best(overlaps, taken, ignored, threshold):
    """The instance that a detection matches: of those free the highest, the ignored only if no other does."""
    for wanted in (False, True):
        found, bar = None, threshold
        for index, value in enumerate(overlaps):
            if not taken[index] and ignored[index] == wanted and value >= bar:
                found, bar = index, value
        if found is not None:
            return found
    return None


class Evaluation:
    def __init__(self, truth, detections, iou='segm', limit=10000):
        self.iou = iou
        self.images = {image['id']: image for image in truth['images']}
        self.categories = {category['id']: category for category in truth['categories']}
        self.masks = {}
        kept = cut(detections, limit)
        by_box = 'bbox' in kept[0]
        self.detections, self.instances = {}, {}
        for detection in kept:
            detection = dict(detection)
            if by_box:
                x, y, w, h = detection['bbox']
                detection['area'] = w * h
                detection.setdefault('segmentation', [[x, y, x, y + h, x + w, y + h, x + w, y]])
            else:
                detection['area'] = int(coco_mask.area(detection['segmentation']))
                detection.setdefault('bbox', coco_mask.toBbox(detection['segmentation']))
            self.images[detection['image_id']]
            self.place(self.detections, detection)
        last = {annotation['id']: annotation for annotation in truth['annotations']}
        for image in sorted(self.images):
            for annotation in truth['annotations']:
                if annotation['image_id'] == image and self.counts(annotation):
                    self.place(self.instances, last[annotation['id']], judge=False)

    def counts(self, item):
        return item['category_id'] in self.categories and 0 < item['area'] < math.inf

    def place(self, cells, item, judge=True):
        if not judge or self.counts(item):
            if self.iou != 'bbox':
                item['segmentation']  # needed, as a KeyError tells, also where nothing is compared with it
            cells.setdefault((item['image_id'], item['category_id']), []).append(item)

    def mask(self, item, outline):
        key = (id(item), outline)
        if key not in self.masks:
            mask = pixels(item['segmentation'], self.images[item['image_id']])
            self.masks[key] = boundary(mask) if outline else mask
        return self.masks[key]

    def compare(self, detection, instance):
        if self.iou == 'bbox':
            return box_overlap(detection['bbox'], instance['bbox'])
        value = overlap(self.mask(detection, False), self.mask(instance, False))
        if self.iou == 'boundary':
            value = min(value, overlap(self.mask(detection, True), self.mask(instance, True)))
        return value

    def cell(self, image, category):
        """(score, [(matched, ignored) by threshold]) of each detection, and the number of instances that count."""
        record = self.images[image]
        instances = self.instances.get((image, category), [])
        known = instances or category in record['neg_category_ids']
        detections = self.detections.get((image, category), []) if known else []
        detections = sorted(detections, key=lambda d: -d['score'])
        outside = [not ALL_AREAS[0] <= g['area'] <= ALL_AREAS[1] for g in instances]
        ignored = [bool(g.get('ignore', 0)) or out for g, out in zip(instances, outside)]
        overlaps = [[self.compare(d, g) for g in instances] for d in detections]
        outcomes = [[] for _ in detections]
        partial = category in record['not_exhaustive_category_ids']
        for threshold in IOU_THRESHOLDS:
            taken = [False] * len(instances)
            for row, detection, outcome in zip(overlaps, detections, outcomes):
                found = best(row, taken, ignored, threshold)
                matched = found is not None and instances[found]['id'] != 0
                passed_over = found is not None and ignored[found]
                if found is not None:
                    taken[found] = True
                if not matched:
                    passed_over = passed_over or partial or not ALL_AREAS[0] <= detection['area'] <= ALL_AREAS[1]
                outcome.append((matched, passed_over))
        return list(zip([d['score'] for d in detections], outcomes)), ignored.count(False)

    def pool(self, categories):
        ranked, counted = [], 0
        for image in sorted(self.images):
            for category in categories:
                detections, instances = self.cell(image, category)
                ranked += detections
                counted += instances
        if counted == 0:
            return -1.0
        ranked.sort(key=lambda item: -item[0])
        values = []
        for threshold in range(len(IOU_THRESHOLDS)):
            tp = fp = 0
            precisions, recalls = [], []
            for _, outcome in ranked:
                matched, ignored = outcome[threshold]
                tp += matched and not ignored
                fp += not matched and not ignored
                precisions.append(tp / (fp + tp + np.spacing(1)))
                recalls.append(tp / counted)
            highest = 0.0
            for index in reversed(range(len(precisions))):
                highest = precisions[index] = max(highest, precisions[index])
            places = [bisect.bisect_left(recalls, recall) for recall in RECALLS]
            values += [precisions[place] if place < len(precisions) else 0.0 for place in places]
        return float(np.mean(np.array(values)))

    def run(self):
        ids = sorted(self.categories)
        letters = {'all': 'rcf', 'r': 'r', 'c': 'c', 'f': 'f'}
        assert all(self.categories[category]['frequency'] in ('r', 'c', 'f') for category in ids)
        return {
            f'AP-pooled-{name}': self.pool([c for c in ids if self.categories[c]['frequency'] in group])
            for name, group in letters.items()
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('gt')
    parser.add_argument('dt')
    parser.add_argument('--iou', default='segm', choices=['segm', 'bbox', 'boundary'])
    parser.add_argument('--limit', type=int, default=10000)
    args = parser.parse_args()
    with open(args.gt) as gt, open(args.dt) as dt:
        print(json.dumps(Evaluation(json.load(gt), json.load(dt), args.iou, args.limit).run(), indent=1))


if __name__ == '__main__':
    main()
