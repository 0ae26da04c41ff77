//! The stack machine of the pickle format, reduced to data. The instructions and their codes are
//! those of Python's `pickletools`.

use std::collections::BTreeMap;

use super::error::PickleError;
use super::node::{Node, NodeId, Pickle};
use super::reader::Reader;

/// CIFAR-100's train batch has some 150,000 values; this is seven times as many.
const MOST_VALUES: usize = 1 << 20;

/// The state while instructions are followed.
pub(super) struct Machine<'a> {
    pub(super) input: Reader<'a>,
    nodes: Vec<Node<'a>>,
    stack: Vec<NodeId>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: BTreeMap<u32, NodeId>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Machine {
            input: Reader::new(bytes),
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
        }
    }

    /// Follows all instructions.
    pub(super) fn run(mut self) -> Result<Pickle<'a>, PickleError> {
        // PROTO, then the protocol's number.
        let start = self.input.take(2).map_err(|_| PickleError::NotAPickle)?;
        if !matches!(start, [0x80, 2..=5]) {
            return Err(PickleError::NotAPickle);
        }
        loop {
            let offset = self.input.offset();
            let opcode = self.input.byte()?;
            if opcode == b'.' {
                let root = self.pop()?;
                return Ok(Pickle { nodes: self.nodes, root });
            }
            if !(self.scalar(opcode)? || self.container(opcode)? || self.object(opcode)?) {
                return Err(PickleError::UnsupportedInstruction { opcode, offset });
            }
        }
    }

    pub(super) fn malformed<T>(&self, what: &'static str) -> Result<T, PickleError> {
        Err(PickleError::Malformed { offset: self.input.offset(), what })
    }

    pub(super) fn push(&mut self, node: Node<'a>) -> Result<bool, PickleError> {
        if self.nodes.len() >= MOST_VALUES {
            return Err(PickleError::TooManyValues { limit: MOST_VALUES });
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        self.push_id(id)
    }

    fn push_id(&mut self, id: NodeId) -> Result<bool, PickleError> {
        if self.stack.len() >= MOST_VALUES {
            return Err(PickleError::TooManyValues { limit: MOST_VALUES });
        }
        self.stack.push(id);
        Ok(true)
    }

    /// The top of the stack, which must lie above the innermost mark.
    pub(super) fn pop(&mut self) -> Result<NodeId, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => self.malformed("a value is missing on the stack"),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<NodeId>, PickleError> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => self.malformed("a mark is missing"),
        }
    }

    /// Plain values: none, booleans, integers, texts.
    fn scalar(&mut self, opcode: u8) -> Result<bool, PickleError> {
        let node = match opcode {
            b'N' => Node::None,
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'J' => Node::Int(i64::from(self.input.i32()?)),
            b'K' => Node::Int(i64::from(self.input.byte()?)),
            b'M' => Node::Int(i64::from(self.input.u16()?)),
            0x8a => Node::Int(self.input.long()?),
            // SHORT_BINSTRING, SHORT_BINBYTES, SHORT_BINUNICODE
            b'U' | b'C' | 0x8c => {
                let length = self.input.byte()?;
                Node::Bytes(self.input.take(usize::from(length))?)
            }
            // BINSTRING, BINBYTES, BINUNICODE
            b'T' | b'B' | b'X' => {
                let length = self.input.u32()?;
                Node::Bytes(self.input.take(length as usize)?)
            }
            // BINUNICODE8, BINBYTES8, BYTEARRAY8
            0x8d | 0x8e | 0x96 => {
                let length = self.input.length()?;
                Node::Bytes(self.input.take(length)?)
            }
            _ => return Ok(false),
        };
        self.push(node)
    }

    /// Lists, tuples, dictionaries, marks and the memo.
    fn container(&mut self, opcode: u8) -> Result<bool, PickleError> {
        match opcode {
            b'(' => self.mark(),
            b']' => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Tuple(items))
            }
            0x85..=0x87 => self.short_tuple(usize::from(opcode - 0x84)),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(&[key, value])
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)
            }
            _ => self.memory(opcode),
        }
    }

    fn mark(&mut self) -> Result<bool, PickleError> {
        if self.marks.len() >= MOST_VALUES {
            return Err(PickleError::TooManyValues { limit: MOST_VALUES });
        }
        self.marks.push(self.stack.len());
        Ok(true)
    }

    fn short_tuple(&mut self, length: usize) -> Result<bool, PickleError> {
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Node::Tuple(items))
    }

    /// Storing to and fetching from the memo. FRAME only groups bytes.
    fn memory(&mut self, opcode: u8) -> Result<bool, PickleError> {
        match opcode {
            0x95 => self.input.length().map(|_| true),
            b'q' => {
                let key = u32::from(self.input.byte()?);
                self.remember(key)
            }
            b'r' => {
                let key = self.input.u32()?;
                self.remember(key)
            }
            0x94 => self.remember(self.memo.len() as u32),
            b'h' => {
                let key = u32::from(self.input.byte()?);
                self.recall(key)
            }
            b'j' => {
                let key = self.input.u32()?;
                self.recall(key)
            }
            _ => Ok(false),
        }
    }

    fn remember(&mut self, key: u32) -> Result<bool, PickleError> {
        let Some(&top) = self.stack.last() else {
            return self.malformed("nothing to remember");
        };
        if self.memo.len() >= MOST_VALUES {
            return Err(PickleError::TooManyValues { limit: MOST_VALUES });
        }
        self.memo.insert(key, top);
        Ok(true)
    }

    fn recall(&mut self, key: u32) -> Result<bool, PickleError> {
        match self.memo.get(&key) {
            Some(&id) => self.push_id(id),
            None => self.malformed("a value is recalled that was never remembered"),
        }
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id.0 as usize)
    }

    pub(super) fn top_mut(&mut self) -> Option<&mut Node<'a>> {
        let top = *self.stack.last()?;
        self.nodes.get_mut(top.0 as usize)
    }

    fn append(&mut self, mut new: Vec<NodeId>) -> Result<bool, PickleError> {
        match self.top_mut() {
            Some(Node::List(items)) => items.append(&mut new),
            _ => return self.malformed("items are appended to what is no list"),
        }
        Ok(true)
    }

    fn set_items(&mut self, new: &[NodeId]) -> Result<bool, PickleError> {
        let (pairs, odd) = new.as_chunks::<2>();
        match self.top_mut() {
            Some(Node::Dict(entries)) if odd.is_empty() => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            _ => return self.malformed("entries are set in what is no dictionary"),
        }
        Ok(true)
    }
}
