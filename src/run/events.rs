//! What a run tells while it goes: events, for whoever shows them.

use std::time::Duration;

use crate::report::Timing;

/// Something worth telling.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// Work on a variant begins.
    VariantStarted {
        /// Its name.
        variant: &'a str,
        /// Images it will see.
        images: u64,
    },
    /// The prompts are encoded.
    TextEncoded {
        /// Number of prompts.
        prompts: usize,
        /// Time it took.
        time: Duration,
    },
    /// So many images are through.
    Progress {
        /// Images done.
        done: u64,
        /// Images in all.
        images: u64,
    },
    /// A variant is evaluated and its folder stands.
    VariantDone {
        /// Its name.
        variant: &'a str,
        /// Where the time went.
        timing: &'a Timing,
        /// Mask AP as a fraction.
        ap: Option<f64>,
    },
    /// A variant failed; the others go on.
    VariantFailed {
        /// Its name.
        variant: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Something to know that changes no number.
    Warning(String),
}

/// Whoever listens. Called from several threads.
pub trait Observer: Sync {
    /// Takes one event.
    fn event(&self, event: &Event<'_>);
}

/// Nobody listens.
impl Observer for () {
    fn event(&self, _event: &Event<'_>) {}
}
