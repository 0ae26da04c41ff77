//! Which values of a graph share memory, as nasc's plans lay them out: views look at their operand's;
//! what is computed in one go (a convolution, linear layer or batch norm with the ReLU behind it, batch
//! norm with the addition of a residual) has one result; ReLUs of one tensor are one. Images lie with
//! their channels innermost, so that flattening one is a copy. Deliberately not here: when that memory
//! is alive.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::op::{Activation, Binary, Conv};
use crate::ir::{Graph, Node, Op, Producer, ValueId};

/// What the memory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Dropout works.
    Training,
    /// Dropout is nothing.
    Inference,
    /// Nothing is computed in place.
    Apart,
}

/// The storages of all values that are no parameters.
pub(super) struct Storages {
    /// Bytes of each.
    pub(super) bytes: Vec<u64>,
    of_value: Vec<Option<usize>>,
    /// For each node the operand whose storage its result shares.
    shared: Vec<Option<usize>>,
    /// The result of the ReLU of a value, where it has memory of its own.
    rectified: BTreeMap<ValueId, usize>,
    /// Nodes that compute nothing new.
    is_repeated: Vec<bool>,
    /// Values that are images with their channels innermost.
    is_image: Vec<bool>,
}

impl Storages {
    pub(super) fn new(graph: &Graph, batch: u64, mode: Mode) -> Storages {
        let readers = readers(graph);
        let mut storages = Storages {
            bytes: Vec::new(),
            of_value: vec![None; graph.values.len()],
            shared: vec![None; graph.nodes.len()],
            rectified: BTreeMap::new(),
            is_repeated: vec![false; graph.nodes.len()],
            is_image: vec![false; graph.values.len()],
        };
        for &id in &graph.inputs {
            storages.open(graph, id, batch);
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            storages.node(graph, index, node, &readers, batch, mode);
        }
        storages
    }

    fn node(
        &mut self,
        graph: &Graph,
        index: usize,
        node: &Node,
        readers: &[usize],
        batch: u64,
        mode: Mode,
    ) {
        let shared = shared(graph, node, readers, mode).filter(|_| !self.is_flattened(graph, node));
        let of_operand = shared.and_then(|operand| self.of(*node.inputs.get(operand)?));
        if let Some(slot) = self.shared.get_mut(index) {
            *slot = of_operand.and(shared);
        }
        let repeated = self.same_relu(node, mode).filter(|_| of_operand.is_none());
        if let Some(slot) = self.is_repeated.get_mut(index) {
            *slot = repeated.is_some();
        }
        let storage = of_operand.or(repeated);
        let is_image = makes_image(graph, node, &self.is_image);
        for &id in &node.outputs {
            match (storage, self.of_value.get_mut(id.index())) {
                (Some(storage), Some(slot)) => *slot = Some(storage),
                _ => self.open(graph, id, batch),
            }
            if let Some(slot) = self.is_image.get_mut(id.index()) {
                *slot = is_image;
            }
        }
        if let (Op::Activation(Activation::Relu), [input], [output]) =
            (&node.op, node.inputs.as_slice(), node.outputs.as_slice())
            && let Some(storage) = self.of(*output).filter(|_| storage.is_none())
        {
            self.rectified.insert(*input, storage);
        }
    }

    /// The storage of an earlier ReLU of the same value.
    fn same_relu(&self, node: &Node, mode: Mode) -> Option<usize> {
        let is_relu = matches!(node.op, Op::Activation(Activation::Relu)) && mode != Mode::Apart;
        self.rectified.get(node.inputs.first()?).copied().filter(|_| is_relu)
    }

    /// Whether a node puts the elements of an image in the order of their indices.
    fn is_flattened(&self, graph: &Graph, node: &Node) -> bool {
        let Some(&input) = node.inputs.first() else { return false };
        let image = self.is_image.get(input.index()) == Some(&true);
        image && matches!(node.op, Op::Reshape(_)) && positions(graph, input) > 1
    }

    fn open(&mut self, graph: &Graph, id: ValueId, batch: u64) {
        let bytes = graph.tensor_type(id).map_or(0, |tensor_type| tensor_type.bytes_at(batch));
        self.bytes.push(bytes);
        if let Some(slot) = self.of_value.get_mut(id.index()) {
            *slot = Some(self.bytes.len() - 1);
        }
    }

    /// The storage of a value; parameters have none.
    pub(super) fn of(&self, id: ValueId) -> Option<usize> {
        self.of_value.get(id.index()).copied().flatten()
    }

    /// The nodes that compute something, with their positions.
    pub(super) fn computed<'a>(
        &'a self,
        graph: &'a Graph,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Node)> {
        let nodes = graph.nodes.iter().enumerate();
        nodes.filter(|(index, _)| self.is_repeated.get(*index) == Some(&false))
    }

    /// The operand whose storage the result of a node shares.
    pub(super) fn shared(&self, node: usize) -> Option<usize> {
        self.shared.get(node).copied().flatten()
    }
}

/// Whether the result is an image with its channels innermost: what layers of images make, and what is
/// computed of one element by element.
fn makes_image(graph: &Graph, node: &Node, is_image: &[bool]) -> bool {
    let of_operand = || node.inputs.iter().any(|id| is_image.get(id.index()) == Some(&true));
    match &node.op {
        Op::Conv(conv) => !is_thin(conv) || of_operand(),
        Op::BatchNorm(_) | Op::GroupNorm(_) | Op::Pool(_) | Op::AdaptivePool(_) => {
            node.inputs.first().is_some_and(|&id| positions(graph, id) > 1)
        }
        Op::Activation(_)
        | Op::Unary(_)
        | Op::Scalar(_)
        | Op::Clamp(_)
        | Op::Binary(_)
        | Op::Dropout(_)
        | Op::Interpolate(_)
        | Op::Cat(_) => of_operand(),
        _ => false,
    }
}

/// Whether a convolution combines few planes position by position, which leaves them as they lie.
fn is_thin(conv: &Conv) -> bool {
    let ones = |values: &[u64]| values.iter().all(|&value| value == 1);
    let few = conv.in_channels.saturating_mul(conv.out_channels) <= 32 && conv.groups == 1;
    let unpadded = conv.padding.iter().all(|&padding| padding == (0, 0));
    few && unpadded && ones(&conv.kernel) && ones(&conv.stride)
}

/// Elements of a channel of a sample.
fn positions(graph: &Graph, id: ValueId) -> u64 {
    let shape = graph.tensor_type(id).map(|tensor_type| &tensor_type.shape.0);
    let spatial = shape.and_then(|dims| dims.get(2..)).unwrap_or_default();
    spatial.iter().fold(1, |product, dim| product.saturating_mul(dim.at_batch(1)))
}

/// Bytes of the copies of the network's images with their channels innermost.
pub(super) fn turned_inputs(graph: &Graph, batch: u64) -> Vec<(ValueId, u64)> {
    let is_turned = |id: &&ValueId| {
        let channels = graph.tensor_type(**id).and_then(|input| input.shape.0.get(1));
        let many = channels.is_some_and(|channels| channels.at_batch(1) > 1);
        let of_images = |node: &&Node| makes_image(graph, node, &[]);
        let mut readers = graph.nodes.iter().filter(|node| node.inputs.first() == Some(*id));
        many && positions(graph, **id) > 1 && readers.any(|node| of_images(&node))
    };
    let bytes = |id: ValueId| graph.tensor_type(id).map_or(0, |input| input.bytes_at(batch));
    graph.inputs.iter().filter(is_turned).map(|&id| (id, bytes(id))).collect()
}

/// How often each value is read; all ReLUs of a value are one reader, and results of the network count as
/// one more.
fn readers(graph: &Graph) -> Vec<usize> {
    let mut readers = vec![0; graph.values.len()];
    let mut rectified = BTreeSet::new();
    let mut count = |id: ValueId| {
        if let Some(count) = readers.get_mut(id.index()) {
            *count += 1;
        }
    };
    for node in &graph.nodes {
        let is_relu = matches!(node.op, Op::Activation(Activation::Relu));
        let mut new = |id: &&ValueId| !is_relu || rectified.insert(**id);
        node.inputs.iter().filter(&mut new).for_each(|&id| count(id));
    }
    graph.outputs.iter().for_each(|&id| count(id));
    readers
}

fn shared(graph: &Graph, node: &Node, readers: &[usize], mode: Mode) -> Option<usize> {
    let once = |id: ValueId| readers.get(id.index()) == Some(&1);
    match &node.op {
        _ if mode == Mode::Apart => None,
        Op::Activation(Activation::Relu) => {
            let &input = node.inputs.first()?;
            (once(input) && takes_relu(graph, input)).then_some(0)
        }
        Op::Binary(Binary::Add) => residual(graph, node, &once),
        _ => is_view(graph, node, mode).then_some(0),
    }
}

fn producer(graph: &Graph, id: ValueId) -> Option<&Node> {
    match graph.value(id)?.producer {
        Producer::Node(node, _) => graph.nodes.get(node.index()),
        _ => None,
    }
}

/// Whether a ReLU disappears in what computes its operand.
fn takes_relu(graph: &Graph, id: ValueId) -> bool {
    let Some(node) = producer(graph, id) else { return false };
    match &node.op {
        Op::Conv(_) | Op::Linear(_) | Op::BatchNorm(_) => true,
        Op::Binary(Binary::Add) => normalized(graph, node).is_some(),
        _ => false,
    }
}

/// The operand of an addition that a batch norm makes for it alone; of two the later one.
fn residual(graph: &Graph, node: &Node, once: &impl Fn(ValueId) -> bool) -> Option<usize> {
    normalized(graph, node).filter(|&operand| node.inputs.get(operand).is_some_and(|&id| once(id)))
}

fn normalized(graph: &Graph, node: &Node) -> Option<usize> {
    let types = |id: &ValueId| graph.tensor_type(*id).map(|tensor_type| &tensor_type.shape);
    if node.inputs.first().and_then(types) != node.inputs.get(1).and_then(types) {
        return None;
    }
    let norms = node.inputs.iter().enumerate().filter(|(_, id)| {
        producer(graph, **id).is_some_and(|node| matches!(node.op, Op::BatchNorm(_)))
    });
    norms.max_by_key(|(_, id)| id.index()).map(|(operand, _)| operand)
}

/// Whether the node's result looks at its operand's storage. Slices, splits and broadcasts are copies.
fn is_view(graph: &Graph, node: &Node, mode: Mode) -> bool {
    let Some(&input) = node.inputs.first() else { return false };
    let view = match &node.op {
        Op::Cast(cast) => graph.tensor_type(input).is_some_and(|from| from.dtype == cast.dtype),
        Op::Reshape(_) | Op::Permute(_) => true,
        Op::Dropout(dropout) => mode == Mode::Inference || dropout.p == 0.0,
        _ => false,
    };
    view && graph.value(input).is_some_and(|value| !matches!(value.producer, Producer::Param(_)))
}
