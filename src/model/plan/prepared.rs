//! What depends on the texts alone: computed once for them, not for every image.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::lowering::{Step, TextSource};
use super::rows::{rows_shape, write_rows};
use crate::kernels::{ClassVectors, Guide, Maps};
use crate::model::TextEmbeddings;

/// The texts as the layers of a plan want them.
pub(super) struct PreparedTexts {
    /// What they were prepared from.
    pub texts: TextEmbeddings,
    /// By node: what an attention compares pixels with, a guide a head.
    pub guides: BTreeMap<usize, Vec<Guide>>,
    /// By node: what a contrast compares pixels with.
    pub vectors: BTreeMap<usize, ClassVectors>,
    /// By node: an enhancer's queries.
    pub queries: BTreeMap<usize, Maps>,
}

impl PreparedTexts {
    fn new(steps: &[Step], texts: &TextEmbeddings) -> Self {
        let mut maps = [0; 2].map(|_| Maps::new(rows_shape(1, 1)));
        write_rows(&mut maps[0], texts.data(), texts.width());
        let mut prepared =
            Self { texts: texts.clone(), guides: BTreeMap::new(), vectors: BTreeMap::new(), queries: BTreeMap::new() };
        for (index, step) in steps.iter().enumerate() {
            match step {
                Step::Attend { attention, texts: TextSource::Given } => {
                    prepared.guides.insert(index, attention.guides(&mut maps, 0, 1, true));
                }
                Step::Contrast { contrast, texts: TextSource::Given } => {
                    prepared.vectors.insert(index, contrast.vectors(texts.data(), texts.width()));
                }
                Step::Enhance(enhancer) => {
                    prepared.queries.insert(index, enhancer.queries(texts));
                }
                _ => {}
            }
        }
        prepared
    }
}

/// The texts that were prepared last. Callers with other texts prepare their own, which stay: calls
/// that alternate between vocabularies prepare each time, and are right all the same.
#[derive(Default)]
pub(super) struct LastTexts(Mutex<Option<Arc<PreparedTexts>>>);

impl LastTexts {
    /// The texts as the layers want them.
    pub fn prepare(&self, steps: &[Step], texts: &TextEmbeddings) -> Arc<PreparedTexts> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.filter(|last| last.texts == *texts) {
            return last;
        }
        // Outside of the lock: other threads of the pool may work on this while it waits for them.
        let prepared = Arc::new(PreparedTexts::new(steps, texts));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&prepared));
        prepared
    }
}
