//! The stack machine that reads a pickle.

use std::collections::BTreeMap;

use super::super::Rejection;
use super::cursor::Cursor;
use super::global::Global;
use super::graph::{Graph, Node, Value};
use super::opcode::*;
use super::{MAX_DEPTH, MAX_NAME, MAX_OBJECTS, MAX_STACK, MAX_TEXT};

/// A pickle read to its end.
pub(in super::super) struct Pickle<'a> {
    /// The object it holds.
    pub(in super::super) root: Value<'a>,
    /// What that object is made of.
    pub(in super::super) graph: Graph<'a>,
    /// Offset of the byte after the pickle.
    pub(in super::super) end: usize,
}

/// Reads the pickle that starts at `start`; `bytes` ends where the pickle must have ended.
/// Offsets in errors count from the start of `bytes`.
pub(in super::super) fn read(bytes: &[u8], start: usize) -> Result<Pickle<'_>, Rejection> {
    let mut machine = Machine::new(Cursor::new(bytes, start));
    loop {
        machine.offset = machine.cursor.position();
        match machine.cursor.u8()? {
            STOP => break,
            opcode => machine.step(opcode)?,
        }
    }
    let root = machine.pop()?;
    if !machine.stack.is_empty() || !machine.marks.is_empty() {
        return Err(machine.malformed("exactly one object at the end"));
    }
    Ok(Pickle { root, graph: machine.graph, end: machine.cursor.position() })
}

pub(super) struct Machine<'a> {
    pub(super) graph: Graph<'a>,
    cursor: Cursor<'a>,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Value<'a>>,
    /// Values pushed or remembered so far.
    objects: usize,
    /// Where the current opcode stands.
    pub(super) offset: usize,
}

impl<'a> Machine<'a> {
    fn new(cursor: Cursor<'a>) -> Self {
        let (stack, marks) = (Vec::new(), Vec::new());
        Self { graph: Graph::default(), cursor, stack, marks, memo: BTreeMap::new(), objects: 0, offset: 0 }
    }

    fn step(&mut self, opcode: u8) -> Result<(), Rejection> {
        match self.literal(opcode)? {
            Some(value) => self.push(value),
            None => self.structure(opcode),
        }
    }

    /// Opcodes that push a value which stands in the file or is empty.
    fn literal(&mut self, opcode: u8) -> Result<Option<Value<'a>>, Rejection> {
        Ok(Some(match opcode {
            NONE => Value::None,
            NEWTRUE => Value::Bool(true),
            NEWFALSE => Value::Bool(false),
            BININT => Value::Int(i32::from_le_bytes(self.cursor.array()?).into()),
            BININT1 => Value::Int(self.cursor.u8()?.into()),
            BININT2 => Value::Int(u16::from_le_bytes(self.cursor.array()?).into()),
            LONG1 => self.long1()?,
            LONG4 => self.long4()?,
            BINFLOAT => self.cursor.array::<8>().map(|_| Value::Inert)?,
            SHORT_BINUNICODE => self.short_length().and_then(|length| self.text(length))?,
            BINUNICODE => self.long_length().and_then(|length| self.text(length))?,
            BINUNICODE8 => self.wide_length().and_then(|length| self.text(length))?,
            SHORT_BINBYTES => self.short_length().and_then(|length| self.bytes(length))?,
            BINBYTES => self.long_length().and_then(|length| self.bytes(length))?,
            BINBYTES8 | BYTEARRAY8 => self.wide_length().and_then(|length| self.bytes(length))?,
            EMPTY_LIST => self.graph.add_node(Node::List(Vec::new()), self.offset)?,
            EMPTY_TUPLE => self.graph.add_node(Node::Tuple(Vec::new()), self.offset)?,
            EMPTY_DICT => self.graph.add_node(Node::Dict(Vec::new()), self.offset)?,
            EMPTY_SET => Value::Inert,
            GLOBAL => self.global()?,
            _ => return Ok(None),
        }))
    }

    /// Opcodes that work on the stack, on the memo or on nothing.
    fn structure(&mut self, opcode: u8) -> Result<(), Rejection> {
        match opcode {
            PROTO => self.protocol(),
            FRAME => self.frame(),
            MARK => self.mark(),
            POP => self.pop().map(drop),
            POP_MARK => self.pop_to_mark().map(drop),
            DUP => self.top().and_then(|top| self.push(top)),
            TUPLE => self.pop_to_mark().and_then(|items| self.tuple(items)),
            TUPLE1 => self.pop_many::<1>().and_then(|items| self.tuple(items.to_vec())),
            TUPLE2 => self.pop_many::<2>().and_then(|items| self.tuple(items.to_vec())),
            TUPLE3 => self.pop_many::<3>().and_then(|items| self.tuple(items.to_vec())),
            LIST => self.list(),
            DICT => self.dict(),
            APPEND => self.pop().and_then(|item| self.append(&[item])),
            APPENDS => self.pop_to_mark().and_then(|items| self.append(&items)),
            SETITEM => self.pop_many::<2>().and_then(|pair| self.set_items(&pair)),
            SETITEMS => self.pop_to_mark().and_then(|items| self.set_items(&items)),
            ADDITEMS => self.pop_to_mark().and_then(|_| self.expect_inert()),
            FROZENSET => self.pop_to_mark().and_then(|_| self.push(Value::Inert)),
            STACK_GLOBAL => self.stack_global(),
            REDUCE => self.reduce(),
            NEWOBJ => self.new_object(),
            BUILD => self.build(),
            BINPERSID => self.persistent(),
            BINPUT => self.cursor.u8().and_then(|index| self.put(index.into())),
            LONG_BINPUT => self.cursor.u32().and_then(|index| self.put(index)),
            MEMOIZE => self.memoize(),
            BINGET => self.cursor.u8().and_then(|index| self.get(index.into())),
            LONG_BINGET => self.cursor.u32().and_then(|index| self.get(index)),
            _ => Err(Rejection::PickleOpcode { offset: self.offset, opcode }),
        }
    }

    fn protocol(&mut self) -> Result<(), Rejection> {
        match self.cursor.u8()? {
            2..=5 => Ok(()),
            protocol => Err(Rejection::PickleProtocol { offset: self.offset, protocol }),
        }
    }

    /// A frame announces how much follows, for readers that read ahead; all is here already.
    fn frame(&mut self) -> Result<(), Rejection> {
        self.cursor.array::<8>().map(drop)
    }

    fn short_length(&mut self) -> Result<u64, Rejection> {
        self.cursor.u8().map(u64::from)
    }

    fn long_length(&mut self) -> Result<u64, Rejection> {
        self.cursor.u32().map(u64::from)
    }

    fn wide_length(&mut self) -> Result<u64, Rejection> {
        self.cursor.array().map(u64::from_le_bytes)
    }

    fn text(&mut self, length: u64) -> Result<Value<'a>, Rejection> {
        if length > MAX_TEXT {
            return Err(Rejection::PickleText { offset: self.offset, length, limit: MAX_TEXT });
        }
        let bytes = self.cursor.take_u64(length)?;
        self.utf8(bytes).map(Value::Text)
    }

    fn utf8(&self, bytes: &'a [u8]) -> Result<&'a str, Rejection> {
        std::str::from_utf8(bytes).map_err(|_| Rejection::PickleUtf8 { offset: self.offset })
    }

    /// Bytes occur in NumPy arrays only.
    fn bytes(&mut self, length: u64) -> Result<Value<'a>, Rejection> {
        self.cursor.take_u64(length).map(|_| Value::Inert)
    }

    fn long1(&mut self) -> Result<Value<'a>, Rejection> {
        let length = self.short_length()?;
        self.cursor.take_u64(length).map(integer)
    }

    fn long4(&mut self) -> Result<Value<'a>, Rejection> {
        let length = i32::from_le_bytes(self.cursor.array()?);
        let length = u64::try_from(length).map_err(|_| self.malformed("a length that is not negative"))?;
        self.cursor.take_u64(length).map(integer)
    }

    fn global(&mut self) -> Result<Value<'a>, Rejection> {
        let module = self.cursor.line(MAX_NAME)?;
        let name = self.cursor.line(MAX_NAME)?;
        self.find_global(self.utf8(module)?, self.utf8(name)?)
    }

    fn stack_global(&mut self) -> Result<(), Rejection> {
        let [Value::Text(module), Value::Text(name)] = self.pop_many()? else {
            return Err(self.malformed("a module and a name"));
        };
        let global = self.find_global(module, name)?;
        self.push(global)
    }

    fn find_global(&self, module: &str, name: &str) -> Result<Value<'a>, Rejection> {
        let refused = || {
            let name = format!("{module}.{name}").chars().take(MAX_NAME).collect();
            Rejection::PickleGlobal { offset: self.offset, name }
        };
        Global::find(module, name).map(Value::Global).ok_or_else(refused)
    }

    fn mark(&mut self) -> Result<(), Rejection> {
        if self.marks.len() >= MAX_DEPTH.into() {
            return Err(Rejection::PickleDepth { offset: self.offset, limit: MAX_DEPTH });
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    pub(super) fn tuple(&mut self, items: Vec<Value<'a>>) -> Result<(), Rejection> {
        let tuple = self.graph.add_node(Node::Tuple(items), self.offset)?;
        self.push(tuple)
    }

    fn list(&mut self) -> Result<(), Rejection> {
        let items = self.pop_to_mark()?;
        let list = self.graph.add_node(Node::List(items), self.offset)?;
        self.push(list)
    }

    fn dict(&mut self) -> Result<(), Rejection> {
        let items = self.pop_to_mark()?;
        let dict = self.graph.add_node(Node::Dict(Vec::new()), self.offset)?;
        self.push(dict)?;
        self.set_items(&items)
    }

    fn append(&mut self, items: &[Value<'a>]) -> Result<(), Rejection> {
        let list = self.top()?;
        match self.graph.append(list, items, self.offset)? {
            true => Ok(()),
            false => Err(self.malformed("a list to append to")),
        }
    }

    fn set_items(&mut self, items: &[Value<'a>]) -> Result<(), Rejection> {
        let dict = self.top()?;
        let (pairs, []) = items.as_chunks::<2>() else {
            return Err(self.malformed("a value for each key"));
        };
        for &pair in pairs {
            if !self.graph.insert(dict, pair, self.offset)? {
                return Err(self.malformed("a dict to insert into"));
            }
        }
        Ok(())
    }

    fn expect_inert(&mut self) -> Result<(), Rejection> {
        match self.top()? {
            Value::Inert => Ok(()),
            _ => Err(self.malformed("a set to add to")),
        }
    }

    fn put(&mut self, index: u32) -> Result<(), Rejection> {
        let top = self.top()?;
        self.count()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn memoize(&mut self) -> Result<(), Rejection> {
        let index = u32::try_from(self.memo.len()).map_err(|_| self.malformed("fewer values to remember"))?;
        self.put(index)
    }

    fn get(&mut self, index: u32) -> Result<(), Rejection> {
        let missing = Rejection::PickleMemo { offset: self.offset, index };
        let value = self.memo.get(&index).copied().ok_or(missing)?;
        self.push(value)
    }

    pub(super) fn push(&mut self, value: Value<'a>) -> Result<(), Rejection> {
        self.count()?;
        if self.stack.len() >= MAX_STACK {
            return Err(Rejection::PickleStack { offset: self.offset, limit: MAX_STACK });
        }
        self.stack.push(value);
        Ok(())
    }

    fn count(&mut self) -> Result<(), Rejection> {
        self.objects += 1;
        if self.objects > MAX_OBJECTS {
            return Err(Rejection::PickleObjects { offset: self.offset, limit: MAX_OBJECTS });
        }
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Value<'a>, Rejection> {
        self.pop_many::<1>().map(|[value]| value)
    }

    /// The topmost `N` values, lowest first; none of them from below the last mark.
    pub(super) fn pop_many<const N: usize>(&mut self) -> Result<[Value<'a>; N], Rejection> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let (_, &values) =
            self.stack[floor..].split_last_chunk::<N>().ok_or_else(|| self.malformed("more values on the stack"))?;
        self.stack.truncate(self.stack.len() - N);
        Ok(values)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>, Rejection> {
        let height = self.marks.pop().ok_or_else(|| self.malformed("a mark on the stack"))?;
        Ok(self.stack.split_off(height))
    }

    pub(super) fn top(&self) -> Result<Value<'a>, Rejection> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(|| self.malformed("a value on the stack"))
    }

    pub(super) fn malformed(&self, expected: &'static str) -> Rejection {
        Rejection::PickleMalformed { offset: self.offset, expected }
    }
}

/// Little-endian two's complement of any length; no bytes are zero.
fn integer(bytes: &[u8]) -> Value<'_> {
    let negative = bytes.last().is_some_and(|&byte| byte >= 0x80);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    match wide.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(wide))
        }
        None => Value::Wide(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(pickle: &[u8]) -> Result<Value<'_>, Rejection> {
        read(pickle, 0).map(|pickle| pickle.root)
    }

    #[test]
    fn long_integers_are_sign_extended() {
        for (bytes, value) in [
            (&b"\x8a\x00."[..], 0),
            (b"\x8a\x01\xff.", -1),
            (b"\x8a\x01\x80.", -128),
            (b"\x8a\x02\xff\x00.", 255),
            (b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", i64::MIN),
            (b"\x8b\x02\x00\x00\x00\x00\xff.", -256),
        ] {
            assert_eq!(root(bytes).unwrap(), Value::Int(value), "{bytes:?}");
        }
    }

    #[test]
    fn integers_wider_than_64_bits_stay_bytes() {
        assert_eq!(root(b"\x8a\x09123456789.").unwrap(), Value::Wide(b"123456789"));
    }

    #[test]
    fn a_container_changed_after_it_was_remembered_is_seen_changed() {
        // l = []; l_again = memo(l); l.append(7); (l, l_again)
        let pickle = read(b"]q\x00h\x00K\x07a\x86.", 0).unwrap();
        let items = pickle.graph.tuple(pickle.root).unwrap();
        assert_eq!(pickle.graph.list(items[0]).unwrap(), &[Value::Int(7)]);
        assert_eq!(items[0], items[1]);
    }

    #[test]
    fn values_below_a_mark_are_out_of_reach() {
        assert!(matches!(root(b"K\x01(0t."), Err(Rejection::PickleMalformed { offset: 3, .. })));
    }

    #[test]
    fn a_list_that_holds_itself_is_read_and_bounded() {
        assert!(root(b"]q\x00h\x00a.").is_ok());
        let endless = [b"]q\x00".to_vec(), b"h\x00a".repeat(100), b".".to_vec()].concat();
        assert!(matches!(root(&endless), Err(Rejection::PickleDepth { .. })));
    }

    #[test]
    fn limits_are_enforced() {
        let deep = [b")".to_vec(), vec![TUPLE1; 64], b".".to_vec()].concat();
        assert!(matches!(root(&deep), Err(Rejection::PickleDepth { .. })));
        assert!(matches!(root(&[MARK; 65]), Err(Rejection::PickleDepth { .. })));
        assert!(matches!(root(&vec![NONE; 65_537]), Err(Rejection::PickleStack { .. })));
        assert!(matches!(root(&b"N0".repeat(1_000_001)), Err(Rejection::PickleObjects { .. })));
        let remembered = [b"N".to_vec(), vec![MEMOIZE; 1_000_000]].concat();
        assert!(matches!(root(&remembered), Err(Rejection::PickleObjects { .. })));
        let long = [b"X".to_vec(), (MAX_TEXT as u32 + 1).to_le_bytes().to_vec()].concat();
        assert!(matches!(root(&long), Err(Rejection::PickleText { .. })));
    }
}
