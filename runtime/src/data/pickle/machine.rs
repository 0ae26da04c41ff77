//! The stack machine of the pickle format, reduced to data. The instructions and their codes are
//! those of Python's `pickletools`.

use std::collections::BTreeMap;

use super::error::PickleError;
use super::node::{ByteArray, Global, Node, NodeId, Pickle};
use super::reader::Reader;

/// CIFAR-100's train batch has some 150,000 values; this is seven times as many.
const MOST_VALUES: usize = 1 << 20;

/// The state while instructions are followed.
pub(super) struct Machine<'a> {
    input: Reader<'a>,
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

    fn malformed<T>(&self, what: &'static str) -> Result<T, PickleError> {
        Err(PickleError::Malformed { offset: self.input.offset(), what })
    }

    fn push(&mut self, node: Node<'a>) -> Result<bool, PickleError> {
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
    fn pop(&mut self) -> Result<NodeId, PickleError> {
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

    fn top_mut(&mut self) -> Option<&mut Node<'a>> {
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

    /// Globals and the construction of arrays.
    fn object(&mut self, opcode: u8) -> Result<bool, PickleError> {
        match opcode {
            b'c' => {
                let module = self.input.line()?;
                let name = self.input.line()?;
                self.global(module, name)
            }
            0x93 => {
                let name = self.pop_bytes()?;
                let module = self.pop_bytes()?;
                self.global(module, name)
            }
            b'R' => self.construct(),
            b'b' => self.set_state(),
            _ => Ok(false),
        }
    }

    fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id.0 as usize)
    }

    fn pop_bytes(&mut self) -> Result<&'a [u8], PickleError> {
        let id = self.pop()?;
        match self.node(id) {
            Some(Node::Bytes(bytes)) => Ok(bytes),
            _ => self.malformed("a text is missing"),
        }
    }

    fn global(&mut self, module: &[u8], name: &[u8]) -> Result<bool, PickleError> {
        let global = match (module, name) {
            // numpy 2 moved the module and left an alias.
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => {
                Global::Reconstruct
            }
            (b"numpy", b"ndarray") => Global::NdArray,
            (b"numpy", b"dtype") => Global::DType,
            _ => {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                return Err(PickleError::RefusedGlobal { module: text(module), name: text(name) });
            }
        };
        self.push(Node::Global(global))
    }

    /// REDUCE: where Python would call, a node is made.
    fn construct(&mut self) -> Result<bool, PickleError> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let Some(Node::Tuple(arguments)) = self.node(arguments) else {
            return self.malformed("arguments are missing");
        };
        let first = arguments.first().and_then(|&id| self.node(id));
        match (self.node(callee), first) {
            (Some(Node::Global(Global::Reconstruct)), Some(Node::Global(Global::NdArray))) => {
                self.push(Node::Array(None))
            }
            (Some(Node::Global(Global::DType)), Some(Node::Bytes(b"u1" | b"|u1" | b"uint8"))) => {
                self.push(Node::ByteType)
            }
            (Some(Node::Global(Global::DType)), Some(Node::Bytes(name))) => {
                Err(PickleError::ElementType { name: String::from_utf8_lossy(name).into_owned() })
            }
            _ => self.malformed("a construction that is no array"),
        }
    }

    /// BUILD: the state of an array; that of an element type of one byte says nothing new.
    fn set_state(&mut self) -> Result<bool, PickleError> {
        let state = self.pop()?;
        let array = match self.top_mut() {
            Some(Node::ByteType) => return Ok(true),
            Some(Node::Array(None)) => self.array(state)?,
            _ => return self.malformed("a state is set on what is no new array"),
        };
        if let Some(node) = self.top_mut() {
            *node = Node::Array(Some(array));
        }
        Ok(true)
    }

    /// The state `(version, shape, element type, is_fortran, bytes)`.
    fn array(&self, state: NodeId) -> Result<ByteArray<'a>, PickleError> {
        let Some(Node::Tuple(state)) = self.node(state) else {
            return self.malformed("an array's state is no tuple");
        };
        let state: Vec<Option<&Node<'a>>> = state.iter().map(|&id| self.node(id)).collect();
        let [_, Some(Node::Tuple(shape)), Some(Node::ByteType), order, Some(Node::Bytes(bytes))] =
            state.as_slice()
        else {
            return self.malformed("an array's state is incomplete");
        };
        if !matches!(order, Some(Node::Bool(false) | Node::Int(0))) {
            return self.malformed("an array is in Fortran order, only C order is read");
        }
        let extents = shape.iter().map(|&id| match self.node(id) {
            Some(Node::Int(extent)) => usize::try_from(*extent).ok(),
            _ => None,
        });
        let shape: Option<Vec<usize>> = extents.collect();
        let fits = |shape: &Vec<usize>| {
            shape.iter().try_fold(1_usize, |product, &extent| product.checked_mul(extent))
                == Some(bytes.len())
        };
        match shape.filter(fits) {
            Some(shape) => Ok(ByteArray { shape, bytes }),
            None => self.malformed("an array's shape does not match its bytes"),
        }
    }
}
