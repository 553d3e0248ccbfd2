//! What a pickle describes: values, containers, tensors and storages, linked by index.

use std::collections::HashMap;

use super::super::{Dtype, Rejection};
use super::global::Global;
use super::{MAX_DEPTH, MAX_RANK};

/// A value on the machine's stack, in its memo or in a container. Containers and tensors are
/// indices into the [`Graph`], so that sharing a value a thousand times copies nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Value<'a> {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A wider integer: its little-endian two's complement bytes.
    Wide(&'a [u8]),
    /// Text, in place.
    Text(&'a str),
    /// A name of the allow-list.
    Global(Global),
    /// A list, tuple or dict of the graph.
    Node(usize),
    /// A storage of the graph.
    Storage(usize),
    /// A tensor of the graph.
    Tensor(usize),
    /// Something no tensor depends on, of which nothing is kept: a float, bytes, a set, a NumPy
    /// array, a training statistic.
    Inert,
}

impl Value<'_> {
    /// A number of elements: an integer that is not negative.
    pub(super) fn size(self) -> Option<usize> {
        match self {
            Value::Int(number) => usize::try_from(number).ok(),
            _ => None,
        }
    }
}

/// A container.
#[derive(Debug)]
pub(in super::super) enum Node<'a> {
    /// A list.
    List(Vec<Value<'a>>),
    /// A tuple.
    Tuple(Vec<Value<'a>>),
    /// A dict or an `OrderedDict`, in the order of insertion, repeated keys included.
    Dict(Vec<(Value<'a>, Value<'a>)>),
}

/// A run of elements that tensors look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Storage<'a> {
    /// Its name in the container.
    pub(in super::super) key: &'a str,
    /// Type of its elements.
    pub(in super::super) dtype: Dtype,
    /// Number of elements.
    pub(in super::super) numel: usize,
}

impl Storage<'_> {
    /// Its size in bytes; `None` where no memory holds that many.
    pub(in super::super) fn byte_len(&self) -> Option<usize> {
        self.numel.checked_mul(self.dtype.size())
    }
}

/// A tensor as the pickle declares it: not yet compared with what the container holds. Shape and
/// strides stay tuples of the graph, so that a thousand tensors of one shape hold it once.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct TensorNode<'a> {
    /// Index of its storage.
    pub(in super::super) storage: usize,
    /// Element of the storage where it starts.
    pub(in super::super) offset: usize,
    /// Its shape; [`Graph::sizes`] reads it.
    pub(in super::super) shape: Value<'a>,
    /// Elements between neighbours, one number a dimension; [`Graph::sizes`] reads it.
    pub(in super::super) strides: Value<'a>,
}

/// All that one pickle describes.
#[derive(Debug, Default)]
pub(in super::super) struct Graph<'a> {
    nodes: Vec<(Node<'a>, u8)>,
    tensors: Vec<TensorNode<'a>>,
    storages: Vec<Storage<'a>>,
    storage_of_key: HashMap<&'a str, usize>,
}

impl<'a> Graph<'a> {
    /// The container behind a value, if it is one.
    pub(in super::super) fn node(&self, value: Value<'a>) -> Option<&Node<'a>> {
        match value {
            Value::Node(index) => Some(&self.nodes[index].0),
            _ => None,
        }
    }

    /// The pairs of a dict.
    pub(in super::super) fn dict(&self, value: Value<'a>) -> Option<&[(Value<'a>, Value<'a>)]> {
        match self.node(value)? {
            Node::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The items of a list.
    pub(in super::super) fn list(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.node(value)? {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a tuple.
    pub(in super::super) fn tuple(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.node(value)? {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A tuple of at most [`MAX_RANK`] sizes: a shape or strides.
    pub(in super::super) fn sizes(&self, tuple: Value<'a>) -> Option<Vec<usize>> {
        let items = self.tuple(tuple).filter(|items| items.len() <= MAX_RANK)?;
        items.iter().map(|item| item.size()).collect()
    }

    /// The tensor with an index that [`Value::Tensor`] carries.
    pub(in super::super) fn tensor(&self, index: usize) -> TensorNode<'a> {
        self.tensors[index]
    }

    /// Every storage that anything in the pickle refers to, in order of appearance.
    pub(in super::super) fn storages(&self) -> &[Storage<'a>] {
        &self.storages
    }

    /// Index of the storage with this key.
    pub(in super::super) fn storage_index(&self, key: &str) -> Option<usize> {
        self.storage_of_key.get(key).copied()
    }

    /// Adds a container.
    pub(super) fn add_node(&mut self, node: Node<'a>, offset: usize) -> Result<Value<'a>, Rejection> {
        let depth = match &node {
            Node::List(items) | Node::Tuple(items) => self.depth_around(items),
            Node::Dict(pairs) => pairs.iter().map(|&(key, value)| self.depth_around(&[key, value])).max().unwrap_or(1),
        };
        self.nodes.push((node, checked_depth(depth, offset)?));
        Ok(Value::Node(self.nodes.len() - 1))
    }

    /// Appends to a list; `false` if the value is none.
    pub(super) fn append(&mut self, list: Value<'a>, items: &[Value<'a>], offset: usize) -> Result<bool, Rejection> {
        let deeper = self.depth_around(items);
        let Value::Node(index) = list else { return Ok(false) };
        let (Node::List(existing), depth) = &mut self.nodes[index] else { return Ok(false) };
        *depth = checked_depth(deeper.max(*depth), offset)?;
        existing.extend_from_slice(items);
        Ok(true)
    }

    /// Inserts a pair into a dict; `false` if the value is none.
    pub(super) fn insert(&mut self, dict: Value<'a>, pair: [Value<'a>; 2], offset: usize) -> Result<bool, Rejection> {
        let deeper = self.depth_around(&pair);
        let Value::Node(index) = dict else { return Ok(false) };
        let (Node::Dict(existing), depth) = &mut self.nodes[index] else { return Ok(false) };
        *depth = checked_depth(deeper.max(*depth), offset)?;
        existing.push((pair[0], pair[1]));
        Ok(true)
    }

    /// Adds a tensor.
    pub(super) fn add_tensor(&mut self, tensor: TensorNode<'a>) -> Value<'a> {
        self.tensors.push(tensor);
        Value::Tensor(self.tensors.len() - 1)
    }

    /// Adds a storage, or finds it again; `None` if the key is taken by another kind of storage.
    pub(super) fn add_storage(&mut self, storage: Storage<'a>) -> Option<Value<'a>> {
        let next = self.storages.len();
        let index = *self.storage_of_key.entry(storage.key).or_insert(next);
        if index == next {
            self.storages.push(storage);
        }
        (self.storages[index] == storage).then_some(Value::Storage(index))
    }

    /// Depth of a container that holds these values: one more than its deepest.
    fn depth_around(&self, values: &[Value<'a>]) -> u8 {
        let depth = |value: &Value<'a>| match value {
            Value::Node(index) => self.nodes[*index].1,
            _ => 0,
        };
        values.iter().map(depth).max().unwrap_or(0) + 1
    }
}

fn checked_depth(depth: u8, offset: usize) -> Result<u8, Rejection> {
    if depth > MAX_DEPTH {
        return Err(Rejection::PickleDepth { offset, limit: MAX_DEPTH });
    }
    Ok(depth)
}
