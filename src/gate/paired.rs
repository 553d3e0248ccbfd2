//! Drops judged by paired bootstrap too: what chance among images explains is no regression.

use std::path::Path;

use super::{Baseline, Invalid, JudgedBy, Judgement, Outcome};
use crate::evaluation::{compare_states, Comparison, IouType, Resampling, State};
use crate::report::state_file;

/// A drop whose p-value is below is significant.
const SIGNIFICANT: f64 = 0.05;

/// Judges again, by paired bootstrap over images: a drop of an AP or AR fails only where it is larger
/// than its tolerance *and* significant. `stored` is the folder of the run that the baseline was made
/// of, `run` that of the run; each holds `<variant>/segm.zbstate` and `bbox.zbstate`. Rises, counts and
/// category floors are judged as before.
///
/// A variant without two comparable states, or whose stored state is not the baseline's, is invalid.
pub fn judge_paired(judgement: &mut Judgement, baseline: &Baseline, stored: &Path, run: &Path) {
    judgement.judged_by = JudgedBy::PairedBootstrap;
    for variant in baseline.variants.keys() {
        for (kind, iou) in [("segm", IouType::Segm), ("bbox", IouType::Bbox)] {
            let file = |folder: &Path| folder.join(variant).join(state_file(iou));
            let comparison = compare(&file(stored), &file(run), iou);
            match comparison.and_then(|found| of_baseline(judgement, variant, kind, found)) {
                Ok(comparison) => judgement.forgive(variant, kind, &comparison),
                Err(reason) => judgement.invalid.push(Invalid::NoPair { variant: variant.clone(), reason }),
            }
        }
    }
}

fn compare(stored: &Path, run: &Path, iou: IouType) -> Result<Comparison, String> {
    let read = |path: &Path| State::read(path).map_err(|error| error.to_string());
    let found =
        compare_states(&read(stored)?, &read(run)?, Resampling::default()).map_err(|error| error.to_string())?;
    match found.iou == iou {
        true => Ok(found),
        false => Err(format!("{} is of other masks or boxes", stored.display())),
    }
}

/// Refuses states of which one is not the baseline's or not the run's.
fn of_baseline(judgement: &Judgement, variant: &str, kind: &str, found: Comparison) -> Result<Comparison, String> {
    let own = judgement.checks.iter().filter(|check| check.variant == variant);
    for check in own {
        let name = check.metric.to_string();
        let Some(name) = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let Some(pair) = found.metrics.iter().find(|pair| pair.metric == name) else { continue };
        for (whose, value, expected) in [("baseline", pair.a, check.target), ("run", pair.b, check.measured)] {
            if value != Some(expected) {
                return Err(format!("the stored {kind} state has another {name} than the {whose}"));
            }
        }
    }
    Ok(found)
}

impl Judgement {
    /// Takes back drops that are not significant.
    fn forgive(&mut self, variant: &str, kind: &str, comparison: &Comparison) {
        let own = self.checks.iter_mut().filter(|check| check.variant == variant && check.outcome == Outcome::Dropped);
        for check in own {
            let name = check.metric.to_string();
            let name = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
            let pair = comparison.metrics.iter().find(|pair| Some(pair.metric.as_str()) == name);
            // Without a p-value nothing excuses the drop.
            if pair.and_then(|pair| pair.p_value).is_some_and(|p| p >= SIGNIFICANT) {
                check.outcome = Outcome::NotSignificant;
            }
        }
    }
}
