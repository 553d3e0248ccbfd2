#!/usr/bin/env python3
"""Writes `tests/fixtures/evaluation/edge_protocols.json.gz`: the answers of AP_fixed, Boundary IoU and AP_pool on edge cases.

    edge_answers.py --lvis-path BRANCH

Needs what compare.py needs. AP_fixed and boundaries are answered by lvis-api's branch, AP_pool by pool.py, each with limits
that cut.
"""
import gzip
import hashlib
import json
import logging
import os
import tempfile

import numpy as np

import compare

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fixtures', 'evaluation')
# Those in which order, ties, areas, boxes or outlines matter.
CASES = [
    'clean', 'area_boundaries', 'bbox_only', 'compressed_rle_gt', 'duplicate_image_records', 'empty_mask_dt', 'empty_mask_dt_segm_only',
    'full_image_masks', 'gt_id_duplicate', 'gt_id_zero', 'gt_ignore_flag', 'gt_missing_segmentation', 'inf_scores', 'interleaved_images',
    'iou_ties', 'missing_score', 'mixed_first_has_bbox', 'mixed_first_lacks_bbox', 'negative_zero_scores', 'nel_all', 'over_300', 'polygon_dt',
    'rle_size_mismatch', 'score_ties', 'small_masks',
]
QUESTIONS = [
    ('lvis', 'boundary', 300), ('fixed', 'segm', 4), ('fixed', 'bbox', 10000), ('fixed', 'boundary', 4), ('pool', 'segm', 4),
    ('pool', 'boundary', 10000),
]


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def answer(gt, dt, protocol, iou, limit):
    arrays = {}
    if protocol == 'pool':
        found = compare.slow_pool(gt, dt, iou, limit)
    else:
        found = compare.lvis_api(gt, dt, iou, protocol, limit, arrays)
    result = {'protocol': protocol, 'iou': iou, 'limit': limit}
    if found is None:
        return {**result, 'error': 'an exception'}
    metrics, categories = found
    result['metrics'] = metrics
    if categories is not None:
        result['per_category'] = {str(c): dict(zip(('AP', 'AP50', 'AR'), row)) for c, row in categories.items()}
    return {**result, **{f'{name}_sha256': sha256(array) for name, array in arrays.items()}}


def main():
    parser = compare.argparse.ArgumentParser(description=__doc__, formatter_class=compare.argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--lvis-path', required=True)
    parser.parse_args()
    logging.disable(logging.CRITICAL)
    np.seterr(all='ignore')
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        gt, dt = os.path.join(folder, 'gt.json'), os.path.join(folder, 'dt.json')
        for case in sorted(CASES):
            source = os.path.join(FIXTURES, 'edge', case)
            for name in (gt, dt):
                with gzip.open(os.path.join(source, os.path.basename(name) + '.gz')) as packed, open(name, 'wb') as plain:
                    plain.write(packed.read())
            answers[case] = [answer(gt, dt, *question) for question in QUESTIONS]
            print(case, flush=True)
    text = json.dumps(answers, sort_keys=True).encode()
    with open(os.path.join(FIXTURES, 'edge_protocols.json.gz'), 'wb') as file:
        file.write(gzip.compress(text, mtime=0))
    print(sum(map(len, answers.values())), 'answers of', len(answers), 'cases,', len(text), 'bytes')


if __name__ == '__main__':
    main()
