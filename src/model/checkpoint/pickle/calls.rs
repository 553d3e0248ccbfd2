//! What a checkpoint would have Python call, and what is taken from it instead.

use super::super::Rejection;
use super::global::Global;
use super::graph::{Graph, Node, Storage, TensorNode, Value};
use super::machine::Machine;

/// What stands for the result of a call.
enum Outcome<'a> {
    EmptyDict,
    Tensor(TensorNode<'a>),
    Value(Value<'a>),
}

impl<'a> Machine<'a> {
    /// REDUCE: `callable(*args)`.
    pub(super) fn reduce(&mut self) -> Result<(), Rejection> {
        let [callable, arguments] = self.pop_many()?;
        let Value::Global(global) = callable else {
            return Err(self.malformed("a name to call"));
        };
        let refused = Rejection::PickleCall { offset: self.offset, callable: global.label() };
        let outcome = outcome(&self.graph, global, self.items(arguments)?).ok_or(refused)?;
        let value = match outcome {
            Outcome::EmptyDict => self.graph.add_node(Node::Dict(Vec::new()), self.offset)?,
            Outcome::Tensor(tensor) => self.graph.add_tensor(tensor),
            Outcome::Value(value) => value,
        };
        self.push(value)
    }

    /// NEWOBJ: `class.__new__(class, *args)`; only training statistics are made that way.
    pub(super) fn new_object(&mut self) -> Result<(), Rejection> {
        let [class, arguments] = self.pop_many()?;
        self.items(arguments)?;
        match class {
            Value::Global(Global::HistoryBuffer) => self.push(Value::Inert),
            Value::Global(global) => Err(Rejection::PickleCall { offset: self.offset, callable: global.label() }),
            _ => Err(self.malformed("a class")),
        }
    }

    /// BUILD: the attributes of the object below them. A state dict's are its `_metadata`, on
    /// which no tensor depends; the others belong to inert objects. None are kept.
    pub(super) fn build(&mut self) -> Result<(), Rejection> {
        self.pop()?;
        let object = self.top()?;
        if object != Value::Inert && self.graph.dict(object).is_none() {
            return Err(self.malformed("an object that has attributes"));
        }
        Ok(())
    }

    /// BINPERSID: a reference to a storage, the only objects kept outside the pickle.
    pub(super) fn persistent(&mut self) -> Result<(), Rejection> {
        let id = self.pop()?;
        let storage = storage(self.items(id)?).ok_or_else(|| self.malformed("the identifier of a storage"))?;
        let conflict = || Rejection::StorageConflict { key: storage.key.to_owned() };
        let value = self.graph.add_storage(storage).ok_or_else(conflict)?;
        self.push(value)
    }

    /// The items of a tuple, in place: a tuple named a thousand times is not copied.
    fn items(&self, tuple: Value<'a>) -> Result<&[Value<'a>], Rejection> {
        self.graph.tuple(tuple).ok_or_else(|| self.malformed("a tuple"))
    }
}

/// What stands for `global(*arguments)`; `None` if those are not the arguments it takes.
fn outcome<'a>(graph: &Graph<'a>, global: Global, arguments: &[Value<'a>]) -> Option<Outcome<'a>> {
    match (global, arguments) {
        (Global::OrderedDict, []) => Some(Outcome::EmptyDict),
        (Global::RebuildTensor, _) => tensor(graph, arguments).map(Outcome::Tensor),
        (Global::RebuildParameter, [tensor @ Value::Tensor(_), Value::Bool(_), _]) => Some(Outcome::Value(*tensor)),
        (Global::GetAttr, [Value::Global(Global::HistoryBuffer), Value::Text(_)]) => Some(Outcome::Value(Value::Inert)),
        (Global::NumPy, _) => Some(Outcome::Value(Value::Inert)),
        _ => None,
    }
}

/// `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks, metadata=None)`.
fn tensor<'a>(graph: &Graph<'a>, arguments: &[Value<'a>]) -> Option<TensorNode<'a>> {
    let (&[storage, offset, shape, strides, Value::Bool(_), _]
    | &[storage, offset, shape, strides, Value::Bool(_), _, _]) = arguments
    else {
        return None;
    };
    match (storage, graph.sizes(shape), graph.sizes(strides)) {
        (Value::Storage(storage), Some(_), Some(_)) => {
            Some(TensorNode { storage, offset: offset.size()?, shape, strides })
        }
        _ => None,
    }
}

/// `('storage', class, key, location, numel)`; legacy files add a view, which is always `None`.
fn storage<'a>(id: &[Value<'a>]) -> Option<Storage<'a>> {
    let (&[kind, class, key, location, numel] | &[kind, class, key, location, numel, Value::None]) = id else {
        return None;
    };
    match (kind, class, key, location) {
        (Value::Text("storage"), Value::Global(Global::Storage(dtype)), Value::Text(key), Value::Text(_)) => {
            Some(Storage { key, dtype, numel: numel.size()? })
        }
        _ => None,
    }
}
