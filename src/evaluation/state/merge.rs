//! Several states made one.

use super::super::AreaRule;
use super::{State, StateError};

impl State {
    /// The state of all images of the annotation file from states of some of them, in any order and
    /// split: bit for bit that of an evaluation in one piece.
    ///
    /// Where the states name different results files, the merged one names them all, joined by ` + ` in
    /// the order of the first image of each; its annotation file is named as in the first of these.
    ///
    /// # Errors
    /// [`StateError::Foreign`], [`StateError::OtherArea`], [`StateError::Overlapping`],
    /// [`StateError::Missing`], and [`StateError::Nothing`] where no state is given.
    pub fn merge(states: Vec<Self>) -> Result<Self, StateError> {
        let Some(first) = states.first() else { return Err(StateError::Nothing) };
        states[1..].iter().try_for_each(|state| state.check_alike(first))?;
        check_areas(&states)?;
        check_overlap(&states)?;
        let merged = join(states);
        let images = merged.missing_images();
        match images.is_empty() {
            true => Ok(merged),
            false => Err(StateError::Missing { images, total: merged.image_ids.len() }),
        }
    }

    /// Refuses a state whose numbers do not belong with those of `other`.
    pub(in super::super) fn check_alike(&self, other: &Self) -> Result<(), StateError> {
        let tables = [
            (self.categories != other.categories, "categories"),
            (self.image_ids != other.image_ids, "images of the annotation file"),
        ];
        let of_tables = tables.into_iter().find_map(|(differs, what)| differs.then_some(what));
        match self.about.difference(&other.about).or(of_tables) {
            None => Ok(()),
            Some(what) => {
                Err(StateError::Foreign { source_name: self.source.clone(), other: other.source.clone(), what })
            }
        }
    }

    /// Refuses a state that measured its detections by another area than `other`.
    pub(in super::super) fn check_area(&self, other: &Self) -> Result<(), StateError> {
        match self.is_decided() && other.is_decided() && self.about.area_used != other.about.area_used {
            false => Ok(()),
            true => Err(StateError::OtherArea { source_name: self.source.clone(), other: other.source.clone() }),
        }
    }

    /// Whether there was a detection to decide about areas.
    fn is_decided(&self) -> bool {
        self.about.area_used != AreaRule::Auto
    }
}

fn check_areas(states: &[State]) -> Result<(), StateError> {
    let Some(first) = states.iter().find(|state| state.is_decided()) else { return Ok(()) };
    states.iter().try_for_each(|state| state.check_area(first))
}

fn check_overlap(states: &[State]) -> Result<(), StateError> {
    let mut holder: Vec<Option<&State>> = vec![None; states[0].image_ids.len()];
    for state in states {
        for image in &state.images {
            let place = image.image as usize;
            if let Some(other) = holder[place].replace(state) {
                return Err(StateError::Overlapping {
                    source_name: state.source.clone(),
                    other: other.source.clone(),
                    image: state.image_ids[place],
                });
            }
        }
    }
    Ok(())
}

/// All images of states that belong together and share none.
fn join(mut states: Vec<State>) -> State {
    let first_image = |state: &State| state.images.first().map_or(u32::MAX, |image| image.image);
    states.sort_by_cached_key(|state| {
        (first_image(state), state.about.detections.clone(), state.about.annotations.clone())
    });
    let mut names: Vec<String> = Vec::new();
    for state in &states {
        if !names.contains(&state.about.detections) {
            names.push(state.about.detections.clone());
        }
    }
    let area_used = states.iter().find(|state| state.is_decided()).map(|state| state.about.area_used);
    let mut states = states.into_iter();
    let mut merged = states.next().expect("a state is given");
    states.for_each(|state| merged.images.extend(state.images));
    merged.images.sort_by_key(|image| image.image);
    merged.about.area_used = area_used.unwrap_or(merged.about.area_used);
    merged.about.detections = names.join(" + ");
    merged.source.clone_from(&merged.about.detections);
    merged
}
