//! The values of a pickle and the questions that the archive reader asks of them.

use super::error::PickleError;

/// Number of a value in its arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::data) struct NodeId(pub(super) u32);

/// The globals that are understood; none is ever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// `numpy.core.multiarray._reconstruct`: an empty array, filled by its state.
    Reconstruct,
    /// `numpy.ndarray`
    NdArray,
    /// `numpy.dtype`
    DType,
}

/// A byte array in C order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::data) struct ByteArray<'a> {
    pub(in crate::data) shape: Vec<usize>,
    pub(in crate::data) bytes: &'a [u8],
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// Text of Python 2 and 3 and bytes alike.
    Bytes(&'a [u8]),
    List(Vec<NodeId>),
    Tuple(Vec<NodeId>),
    Dict(Vec<(NodeId, NodeId)>),
    Global(Global),
    /// The element type `u1`; no other gets this far.
    ByteType,
    /// `None` until its state is set.
    Array(Option<ByteArray<'a>>),
}

/// A pickle that was read: its values and which of them is the whole.
#[derive(Debug)]
pub(in crate::data) struct Pickle<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: NodeId,
}

impl<'a> Pickle<'a> {
    fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id.0 as usize)
    }

    /// The value of a key of the outermost dictionary.
    pub(in crate::data) fn entry(&self, key: &str) -> Result<NodeId, PickleError> {
        let missing = || PickleError::Missing { what: format!("dictionary entry `{key}`") };
        let Some(Node::Dict(entries)) = self.node(self.root) else { return Err(missing()) };
        let is_key =
            |id| matches!(self.node(id), Some(Node::Bytes(bytes)) if *bytes == key.as_bytes());
        let found = entries.iter().rev().find(|(id, _)| is_key(*id));
        found.map(|(_, value)| *value).ok_or_else(missing)
    }

    /// A list of integers.
    pub(in crate::data) fn integers(&self, id: NodeId) -> Result<Vec<i64>, PickleError> {
        let integer = |id: &NodeId| match self.node(*id) {
            Some(Node::Int(value)) => Some(*value),
            _ => None,
        };
        self.list(id, integer, "list of integers where labels belong")
    }

    /// A list of texts.
    pub(in crate::data) fn texts(&self, id: NodeId) -> Result<Vec<String>, PickleError> {
        let text = |id: &NodeId| match self.node(*id) {
            Some(Node::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        self.list(id, text, "list of texts where names belong")
    }

    fn list<T>(
        &self,
        id: NodeId,
        item: impl Fn(&NodeId) -> Option<T>,
        what: &str,
    ) -> Result<Vec<T>, PickleError> {
        let items = match self.node(id) {
            Some(Node::List(items) | Node::Tuple(items)) => items.iter().map(item).collect(),
            _ => None,
        };
        items.ok_or_else(|| PickleError::Missing { what: what.to_owned() })
    }

    /// A filled byte array.
    pub(in crate::data) fn byte_array(&self, id: NodeId) -> Result<&ByteArray<'a>, PickleError> {
        match self.node(id) {
            Some(Node::Array(Some(array))) => Ok(array),
            _ => Err(PickleError::Missing { what: "byte array where pixels belong".to_owned() }),
        }
    }
}
