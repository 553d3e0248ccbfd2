#!/usr/bin/env python3
"""Results files between zoobench and other programs, with the real ones.

    interop.py ZOOBENCH GROUND_TRUTH RESULTS IMAGES > record.json

GROUND_TRUTH is an LVIS annotation file, RESULTS what `zoobench run` or `predict` wrote for it, IMAGES the folder of its
images. Needs `pip install lvis pycocotools numpy hotcoco fiftyone supervision` (each may be absent: the record then says so).

1. RESULTS is read by lvis-api and by hotcoco, whose 13 metrics must equal those of `zoobench eval` (every bit).
2. RESULTS is imported by FiftyOne beside the images, every detection with its label, score and mask; where FiftyOne (which
   needs MongoDB) cannot start, by supervision, which must find every label and box.
3. The same detections in the form in which mmdetection, detectron2 and Ultralytics write them (order of keys, rounding,
   with and without `bbox`) are read by `zoobench eval`, which must equal lvis-api on the same file.

Prints a record as JSON; exit code 1 if anything differs or nothing could be checked.
"""
import argparse
import contextlib
import importlib
import importlib.metadata
import io
import json
import logging
import os
import subprocess
import sys
import tempfile

IOUS = ['segm', 'bbox']


def zoobench(args, results, iou):
    command = [args.zoobench, 'eval', '--gt', args.ground_truth, '--dt', results, '--iou', iou, '--json']
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)['results']


def drop_in(module, ground_truth, results, iou):
    """lvis-api's 13 metrics by a module of its interface; -1 becomes None."""
    if module == 'lvis':
        import numpy
        if not hasattr(numpy, 'float'):
            numpy.float = float  # lvis 0.5.3 still uses the removed alias
        logging.disable(logging.WARNING)
    library = importlib.import_module(module)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = library.LVIS(ground_truth)
        evaluation = library.LVISEval(truth, library.LVISResults(truth, results), iou)
        evaluation.run()
        found = evaluation.get_results()
    return {name: None if value == -1 else float(value) for name, value in found.items()}


def differences(ours, theirs):
    return {name: [ours[name], theirs.get(name)] for name in ours if ours[name] != theirs.get(name)}


def mmdetection(record):
    return {key: record[key] for key in ('image_id', 'bbox', 'score', 'category_id', 'segmentation')}


def detectron2(record):
    """Its LVIS evaluator takes the boxes out before it evaluates masks."""
    return {key: record[key] for key in ('image_id', 'category_id', 'score', 'segmentation')}


def ultralytics(record):
    """Numbers are rounded, and whole ones written as floats."""
    return {
        'image_id': record['image_id'],
        'file_name': f"{record['image_id']:06}.jpg",
        'category_id': record['category_id'],
        'bbox': [round(float(value), 3) for value in record['bbox']],
        'score': round(record['score'], 5),
        'segmentation': record['segmentation'],
    }


def integers(record):
    """Boxes in whole pixels."""
    return {**mmdetection(record), 'bbox': [int(value) for value in record['bbox']]}


FORMS = [mmdetection, detectron2, ultralytics, integers]


def fiftyone(args, records):
    os.environ.setdefault('FIFTYONE_DO_NOT_TRACK', 'true')
    import fiftyone
    from fiftyone.utils import coco
    truth = json.load(open(args.ground_truth))
    # FiftyOne finds an image by the name it has in the annotation file.
    names = {image['id']: os.path.basename(image.get('file_name') or image['coco_url']) for image in truth['images']}
    data = fiftyone.Dataset()
    samples = []
    for image in truth['images']:
        sample = fiftyone.Sample(filepath=os.path.join(args.images, names[image['id']]))
        sample['coco_id'] = image['id']
        sample['metadata'] = fiftyone.ImageMetadata(width=image['width'], height=image['height'])
        samples.append(sample)
    data.add_samples(samples, progress=False)
    categories = [{'id': category['id'], 'name': category['name']} for category in truth['categories']]
    coco.add_coco_labels(data, 'zoobench', args.results, categories, label_type='segmentations', coco_id_field='coco_id')
    arrived = {}
    for sample in data:
        for detection in sample['zoobench'].detections if sample['zoobench'] else []:
            key = (sample['coco_id'], detection.label, detection.confidence)
            arrived[key] = arrived.get(key, 0) + (detection.mask is not None)
    label = {category['id']: category['name'] for category in categories}
    expected = {}
    for record in records:
        key = (record['image_id'], label[record['category_id']], record['score'])
        expected[key] = expected.get(key, 0) + 1
    lost = sum(count for key, count in expected.items() if arrived.get(key) != count)
    return {'detections': len(records), 'not_found_again': lost}


def supervision(args, records):
    """supervision reads annotation files only: the detections are given as one, under ids of their own."""
    import supervision as sv
    truth = json.load(open(args.ground_truth))
    images = [{**image, 'file_name': os.path.basename(image.get('file_name') or image['coco_url'])} for image in truth['images']]
    annotations = [{**record, 'id': number, 'iscrowd': 0, 'area': record['bbox'][2] * record['bbox'][3]}
                   for number, record in enumerate(records, 1)]
    file = {'images': images, 'annotations': annotations, 'categories': truth['categories'], 'info': {}, 'licenses': []}
    with tempfile.NamedTemporaryFile('w', suffix='.json') as written:
        json.dump(file, written)
        written.flush()
        data = sv.DetectionDataset.from_coco(args.images, written.name)
    label = {category['id']: category['name'] for category in truth['categories']}
    name = {image['id']: image['file_name'] for image in images}
    expected, arrived = {}, {}
    for record in records:
        x, y, w, h = record['bbox']
        key = (name[record['image_id']], label[record['category_id']], *(round(v, 2) for v in (x, y, x + w, y + h)))
        expected[key] = expected.get(key, 0) + 1
    for path, _, detections in data:
        for box, category in zip(detections.xyxy, detections.class_id):
            key = (os.path.basename(path), data.classes[category], *(round(float(v), 2) for v in box))
            arrived[key] = arrived.get(key, 0) + 1
    found = sum(min(count, arrived.get(key, 0)) for key, count in expected.items())
    # Boxes are float32 there: a hundredth of a pixel may round to either side.
    return {'detections': len(records), 'arrived': sum(arrived.values()), 'same_label_and_box': found}


def attempt(check):
    try:
        return check()
    except ImportError as error:
        return {'absent': str(error)}
    except Exception as error:  # the record says what another program raises
        return {'raised': f'{type(error).__name__}: {error}'}


def versions():
    found = {}
    for name in ('lvis', 'pycocotools', 'numpy', 'hotcoco', 'fiftyone', 'supervision'):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def main():
    parser = argparse.ArgumentParser()
    for name in ('zoobench', 'ground_truth', 'results', 'images'):
        parser.add_argument(name)
    args = parser.parse_args()
    records = json.load(open(args.results))
    record = {'python': sys.version.split()[0], 'versions': versions(), 'detections': len(records), 'read_by': {}, 'forms': {}}
    for module in ('lvis', 'hotcoco'):
        for iou in IOUS:
            compare = lambda: {'different': differences(zoobench(args, args.results, iou), drop_in(module, args.ground_truth, args.results, iou))}
            record['read_by'][f'{module} {iou}'] = attempt(compare)
    for form in FORMS:
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump([form(one) for one in records], file)
            file.flush()
            for iou in IOUS:
                compare = lambda: {'different': differences(zoobench(args, file.name, iou), drop_in('lvis', args.ground_truth, file.name, iou))}
                record['forms'][f'{form.__name__} {iou}'] = attempt(compare)
    record['fiftyone'] = attempt(lambda: fiftyone(args, records))
    record['supervision'] = attempt(lambda: supervision(args, records))
    print(json.dumps(record, indent=1))
    checks = list(record['read_by'].values()) + list(record['forms'].values())
    fine = all(check == {'different': {}} for check in checks if 'absent' not in check)
    some = any(check == {'different': {}} for check in checks)
    browsed = record['supervision']
    imported = record['fiftyone'].get('not_found_again') == 0 or (
        browsed.get('arrived') == len(records) and browsed['same_label_and_box'] >= 0.999 * len(records))
    return 0 if fine and some and imported else 1


sys.exit(main())
