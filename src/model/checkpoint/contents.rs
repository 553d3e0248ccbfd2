//! Which tensors of a file are its weights.

use std::collections::HashSet;
use std::ops::Range;

use super::pickle::{Graph, Pickle, Storage, Value};
use super::tensor::{Layout, Placement};
use super::Rejection;

/// Names and places of the tensors of one section, in the order of the file.
pub(super) type Tensors = Vec<(String, Placement)>;

/// The sections of a checkpoint.
#[derive(Debug)]
pub(super) struct Contents {
    /// The weights.
    pub(super) state: Tensors,
    /// The other set of weights that a training run with averaging keeps.
    pub(super) ema: Option<Tensors>,
}

/// The key of the weights.
pub(super) const STATE: &str = "state_dict";
/// The key of the weights before averaging.
pub(super) const EMA: &str = "ema_state_dict";
/// PyTorch's module versions, which some writers leave among the tensors.
const METADATA: &str = "_metadata";

/// Finds the weights in an unpickled checkpoint; `places` holds the bytes of each of its storages.
pub(super) fn contents(pickle: &Pickle<'_>, places: &[Range<usize>]) -> Result<Contents, Rejection> {
    let graph = &pickle.graph;
    let Some(top) = graph.dict(pickle.root) else {
        return Err(Rejection::NoStateDict { found: "no mapping".to_owned() });
    };
    let read = |section, value| tensors(graph, section, value, places);
    match lookup(top, STATE)? {
        Some(state) => {
            let ema = lookup(top, EMA)?.map(|ema| read(EMA, ema)).transpose()?;
            Ok(Contents { state: read(STATE, state)?, ema })
        }
        None if top.iter().any(|(_, value)| matches!(value, Value::Tensor(_))) => {
            Ok(Contents { state: read(STATE, pickle.root)?, ema: None })
        }
        None => Err(Rejection::NoStateDict { found: describe_keys(top) }),
    }
}

/// The value of a key. A key that occurs twice is refused: readers disagree on which one counts.
fn lookup<'a>(pairs: &[(Value<'a>, Value<'a>)], key: &str) -> Result<Option<Value<'a>>, Rejection> {
    let mut found = pairs.iter().filter(|(name, _)| matches!(name, Value::Text(text) if *text == key));
    let value = found.next().map(|&(_, value)| value);
    match found.next() {
        Some(_) => Err(Rejection::DuplicateName { name: key.to_owned() }),
        None => Ok(value),
    }
}

fn describe_keys(top: &[(Value<'_>, Value<'_>)]) -> String {
    let keys = top.iter().take(8).map(|(key, _)| match key {
        Value::Text(text) => text.chars().take(40).collect(),
        _ => "?".to_owned(),
    });
    format!("a mapping of {} keys ({})", top.len(), keys.collect::<Vec<_>>().join(", "))
}

fn tensors<'a>(
    graph: &Graph<'a>,
    section: &'static str,
    value: Value<'a>,
    places: &[Range<usize>],
) -> Result<Tensors, Rejection> {
    let pairs = graph.dict(value).ok_or(Rejection::NotAMapping { section })?;
    let mut tensors = Vec::new();
    for (position, &(key, value)) in pairs.iter().enumerate() {
        let Value::Text(name) = key else {
            return Err(Rejection::NotAName { section, position });
        };
        match value {
            Value::Tensor(index) => tensors.push((name.to_owned(), place(graph, name, index, places)?)),
            _ if name == METADATA => {}
            _ => return Err(Rejection::NotATensor { section, name: name.to_owned() }),
        }
    }
    checked(section, tensors)
}

fn place<'a>(graph: &Graph<'a>, name: &str, index: usize, places: &[Range<usize>]) -> Result<Placement, Rejection> {
    let tensor = graph.tensor(index);
    let sizes = |tuple| graph.sizes(tuple).expect("checked when the tensor was made");
    let dtype = graph.storages()[tensor.storage].dtype;
    let layout = Layout { dtype, shape: sizes(tensor.shape), strides: sizes(tensor.strides), offset: tensor.offset };
    Placement::new(name, layout, places[tensor.storage].clone())
}

/// A section with at least one tensor and with each name once.
pub(super) fn checked(section: &'static str, tensors: Tensors) -> Result<Tensors, Rejection> {
    if tensors.is_empty() {
        return Err(Rejection::EmptySection { section });
    }
    let mut names = HashSet::new();
    match tensors.iter().find(|(name, _)| !names.insert(name)) {
        Some((name, _)) => Err(Rejection::DuplicateName { name: name.clone() }),
        None => Ok(tensors),
    }
}

/// The bytes a storage declares, out of those the file holds for it.
pub(super) fn fit(storage: &Storage<'_>, held: Range<usize>) -> Result<Range<usize>, Rejection> {
    match storage.byte_len() {
        Some(length) if length <= held.len() => Ok(held.start..held.start + length),
        _ => {
            let (key, numel, dtype) = (storage.key.to_owned(), storage.numel, storage.dtype);
            Err(Rejection::StorageShort { key, numel, dtype, held: held.len() })
        }
    }
}
