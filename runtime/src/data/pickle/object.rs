//! Globals and objects: the part of the machine that in Python would import and call. Here a numpy
//! array of bytes is put together as a value, and everything else is refused.

use super::error::PickleError;
use super::machine::Machine;
use super::node::{ByteArray, Global, Node, NodeId};

impl<'a> Machine<'a> {
    /// Globals and the construction of arrays.
    pub(super) fn object(&mut self, opcode: u8) -> Result<bool, PickleError> {
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
