//! What a state is a state of.

use serde::{Deserialize, Serialize};

use super::super::{AreaRule, IouType, Options, Protocol, Swallowed};

/// What was compared with what, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct About {
    pub(in super::super) protocol: Protocol,
    pub(in super::super) iou: IouType,
    /// The area rule asked for.
    pub(in super::super) area: AreaRule,
    /// The area that decided; [`AreaRule::Auto`] where there was no detection to decide it.
    pub(in super::super) area_used: AreaRule,
    /// Detections of an image or, by the protocol, of a category that count.
    pub(in super::super) max_detections: usize,
    /// Annotation file as given.
    pub(in super::super) annotations: String,
    pub(in super::super) annotations_sha256: String,
    /// Results file or files as given.
    pub(in super::super) detections: String,
    /// What was passed over of the annotations.
    pub(in super::super) swallowed: Swallowed,
}

impl About {
    /// What was asked for.
    pub(in super::super) fn options(&self) -> Options {
        let Self { iou, area, protocol, max_detections, .. } = *self;
        Options { iou, area, protocol, max_detections, max_category_detections: max_detections }
    }

    /// What two evaluations must share for their numbers to belong together; the first that they do not.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let differences = [
            (self.annotations_sha256 != other.annotations_sha256, "annotation files"),
            (self.protocol != other.protocol, "protocols"),
            (self.iou != other.iou, "IoU types"),
            (self.area != other.area, "area rules"),
            (self.max_detections != other.max_detections, "limits of detections"),
            (self.swallowed != other.swallowed, "annotations"),
        ];
        differences.into_iter().find_map(|(differs, what)| differs.then_some(what))
    }
}
