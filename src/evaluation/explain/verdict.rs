//! What a judged detection is at IoU 0.5: true positive, ignored, or an error of some kind.

use std::ops::Range;

use super::kinds::{ErrorKind, BACKGROUND_IOU, FOREGROUND_IOU};

/// An instance of an image, as far as verdicts need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) ignored: bool,
    /// lvis-api takes a match with an instance of id 0 for no match.
    pub(super) has_id_zero: bool,
}

/// What a judged detection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    TruePositive,
    /// Counts neither for nor against.
    Ignored,
    /// A false positive, with the place of the instance that it should have been.
    False(ErrorKind, Option<usize>),
}

/// The instances of an image while its detections are matched.
pub(super) struct Targets {
    targets: Vec<Target>,
    taken: Vec<bool>,
    found: Vec<bool>,
}

impl Targets {
    pub(super) fn new(targets: Vec<Target>) -> Self {
        let count = targets.len();
        Self { targets, taken: vec![false; count], found: vec![false; count] }
    }

    /// Whether a true positive has the instance.
    pub(super) fn is_found(&self, place: usize) -> bool {
        self.found[place]
    }

    pub(super) fn is_ignored(&self, place: usize) -> bool {
        self.targets[place].ignored
    }

    /// Judges the next detection of a category, in descending order of score. `own` are the category's
    /// instances, `ious` those with all instances of the image; `ignored_unmatched` says whether the
    /// detection is ignored where it matches nothing.
    pub(super) fn judge(&mut self, own: Range<usize>, ious: &[f64], ignored_unmatched: bool) -> Verdict {
        let taken = self.take(own.clone(), ious);
        let matched = taken.is_some_and(|place| !self.targets[place].has_id_zero);
        let on_ignored = taken.is_some_and(|place| self.targets[place].ignored);
        if on_ignored || (ignored_unmatched && !matched) {
            return Verdict::Ignored;
        }
        match taken.filter(|_| matched) {
            Some(place) => {
                self.found[place] = true;
                Verdict::TruePositive
            }
            None => self.error(own, ious),
        }
    }

    /// The instance that lvis-api matches at IoU 0.5: the highest IoU, of equal ones the last; an ignored
    /// one only if there is no other.
    fn take(&mut self, own: Range<usize>, ious: &[f64]) -> Option<usize> {
        let taken = [false, true].into_iter().find_map(|ignored| {
            let (mut bound, mut best) = (FOREGROUND_IOU, None);
            for place in own.clone().filter(|&place| self.targets[place].ignored == ignored && !self.taken[place]) {
                // NaN is not below anything, as in lvis-api.
                let is_below = ious[place] < bound;
                if !is_below {
                    (bound, best) = (ious[place], Some(place));
                }
            }
            best
        })?;
        self.taken[taken] = true;
        Some(taken)
    }

    fn error(&self, own: Range<usize>, ious: &[f64]) -> Verdict {
        let nearest_own = self.nearest(own.clone(), ious);
        let nearest_other = self.nearest((0..ious.len()).filter(|place| !own.contains(place)), ious);
        match (nearest_own, nearest_other) {
            (Some((iou, _)), _) if iou >= FOREGROUND_IOU => Verdict::False(ErrorKind::Duplicate, None),
            (Some((_, place)), _) => Verdict::False(ErrorKind::Localisation, Some(place)),
            (None, Some((iou, place))) if iou >= FOREGROUND_IOU => {
                Verdict::False(ErrorKind::Classification, Some(place))
            }
            (None, Some(_)) => Verdict::False(ErrorKind::Both, None),
            (None, None) => Verdict::False(ErrorKind::Background, None),
        }
    }

    /// The highest IoU of at least 0.1 with an instance that is not ignored; of equal ones the first.
    fn nearest(&self, places: impl Iterator<Item = usize>, ious: &[f64]) -> Option<(f64, usize)> {
        let near = places.filter(|&place| !self.targets[place].ignored && ious[place] >= BACKGROUND_IOU);
        near.fold(None, |best: Option<(f64, usize)>, place| match best {
            Some((iou, _)) if iou >= ious[place] => best,
            _ => Some((ious[place], place)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGULAR: Target = Target { ignored: false, has_id_zero: false };
    const IGNORED: Target = Target { ignored: true, has_id_zero: false };

    /// The last verdict on detections of a category whose instance is the first.
    fn last(targets: &[Target], detections: &[&[f64]]) -> Verdict {
        let mut targets = Targets::new(targets.to_vec());
        detections.iter().map(|ious| targets.judge(0..1, ious, false)).last().unwrap()
    }

    #[test]
    fn bounds_of_the_kinds_are_closed_below() {
        let two = [REGULAR, REGULAR];
        assert_eq!(last(&two, &[&[0.5, 0.0]]), Verdict::TruePositive);
        assert_eq!(last(&two, &[&[0.49, 0.9]]), Verdict::False(ErrorKind::Localisation, Some(0)));
        assert_eq!(last(&two, &[&[0.1, 0.0]]), Verdict::False(ErrorKind::Localisation, Some(0)));
        assert_eq!(last(&two, &[&[0.09, 0.5]]), Verdict::False(ErrorKind::Classification, Some(1)));
        assert_eq!(last(&two, &[&[0.09, 0.1]]), Verdict::False(ErrorKind::Both, None));
        assert_eq!(last(&two, &[&[0.09, 0.09]]), Verdict::False(ErrorKind::Background, None));
    }

    #[test]
    fn second_detection_is_a_duplicate_even_on_another_category() {
        assert_eq!(last(&[REGULAR, REGULAR], &[&[0.9, 0.9], &[0.9, 0.95]]), Verdict::False(ErrorKind::Duplicate, None));
    }

    #[test]
    fn target_is_the_nearest_and_of_equally_near_ones_the_first() {
        let near = |ious: &[f64]| Targets::new(vec![REGULAR; 3]).judge(0..3, ious, false);
        assert_eq!(near(&[0.2, 0.4, 0.3]), Verdict::False(ErrorKind::Localisation, Some(1)));
        assert_eq!(near(&[0.2, 0.3, 0.4]), Verdict::False(ErrorKind::Localisation, Some(2)));
        assert_eq!(near(&[0.4, 0.3, 0.2]), Verdict::False(ErrorKind::Localisation, Some(0)));
        assert_eq!(near(&[0.2, 0.4, 0.4]), Verdict::False(ErrorKind::Localisation, Some(1)));
    }

    #[test]
    fn a_regular_instance_goes_before_an_ignored_one() {
        let mut targets = Targets::new(vec![IGNORED, REGULAR]);
        assert_eq!(targets.judge(0..2, &[0.9, 0.6], false), Verdict::TruePositive);
        assert_eq!(targets.judge(0..2, &[0.9, 0.6], false), Verdict::Ignored);
        assert_eq!(targets.judge(0..2, &[0.9, 0.6], false), Verdict::False(ErrorKind::Duplicate, None));
    }

    #[test]
    fn ignored_instances_are_no_neighbours() {
        assert_eq!(last(&[IGNORED, REGULAR], &[&[0.9, 0.0]]), Verdict::Ignored);
        assert_eq!(last(&[IGNORED, REGULAR], &[&[0.3, 0.0]]), Verdict::False(ErrorKind::Background, None));
        assert_eq!(last(&[REGULAR, IGNORED], &[&[0.0, 0.9]]), Verdict::False(ErrorKind::Background, None));
    }

    #[test]
    fn unmatched_detection_is_ignored_where_asked() {
        let mut targets = Targets::new(vec![REGULAR]);
        assert_eq!(targets.judge(0..1, &[0.3], true), Verdict::Ignored);
        assert_eq!(targets.judge(0..1, &[0.9], true), Verdict::TruePositive);
    }

    #[test]
    fn instance_of_id_zero_is_taken_and_not_found() {
        let mut targets = Targets::new(vec![Target { ignored: false, has_id_zero: true }]);
        assert_eq!(targets.judge(0..1, &[0.9], false), Verdict::False(ErrorKind::Duplicate, None));
        assert!(!targets.is_found(0));
    }
}
