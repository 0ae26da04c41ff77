//! Batch norms that a convolution or affine map before them takes over: in evaluation both are
//! affine, so γ (Wx + b − μ) / √(σ² + ε) + β is one map with other weights.
//! Deliberately not here: what a back end calls the new weights.

use std::collections::{BTreeMap, BTreeSet};

use super::{EmitError, Weights, elements};
use crate::ir::op::{BatchNorm, Conv};
use crate::ir::{CheckedGraph, Node, NodeId, Op, Param, Producer, ValueId};

/// Which nodes take over which batch norms.
#[derive(Debug, Default)]
pub struct Folding {
    folds: BTreeMap<NodeId, Fold>,
    absorbed: BTreeSet<NodeId>,
}

/// A node with the batch norm that it takes over.
#[derive(Debug)]
pub struct Fold {
    /// The value that the node makes now: the batch norm's result.
    pub output: ValueId,
    /// Its weight, in the order of the old one.
    pub weight: Vec<f32>,
    /// Its bias.
    pub bias: Vec<f32>,
}

impl Folding {
    /// Finds all batch norms that can be taken over: of running statistics, over the channels that
    /// a convolution or affine map makes, whose result nothing else uses.
    ///
    /// # Errors
    /// [`EmitError`] when the weights do not fit.
    pub fn of(graph: &CheckedGraph, weights: &Weights<'_>) -> Result<Folding, EmitError> {
        let users = users(graph);
        let mut folding = Folding::default();
        for (id, node) in graph.nodes_with_ids() {
            let Some((norm_id, norm)) = only_user(graph, &users, node) else { continue };
            let Some(channels) = Channels::of(graph, node) else { continue };
            let Op::BatchNorm(attributes) = &norm.op else { continue };
            if !attributes.track_running_stats || norm.inputs.first() != node.outputs.first() {
                continue;
            }
            let params = Params { graph, weights };
            let Some(fold) = fold(&params, node, &channels, norm, attributes)? else { continue };
            folding.folds.insert(id, fold);
            folding.absorbed.insert(norm_id);
        }
        Ok(folding)
    }

    /// What a node takes over.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Fold> {
        self.folds.get(&id)
    }

    /// Whether a node is a batch norm that another node takes over.
    #[must_use]
    pub fn is_absorbed(&self, id: NodeId) -> bool {
        self.absorbed.contains(&id)
    }
}

fn users(graph: &CheckedGraph) -> BTreeMap<ValueId, Vec<NodeId>> {
    let mut users: BTreeMap<ValueId, Vec<NodeId>> = BTreeMap::new();
    for (id, node) in graph.nodes_with_ids() {
        for &input in &node.inputs {
            users.entry(input).or_default().push(id);
        }
    }
    users
}

/// The node that alone uses a node's only result.
fn only_user<'a>(
    graph: &'a CheckedGraph,
    users: &BTreeMap<ValueId, Vec<NodeId>>,
    node: &Node,
) -> Option<(NodeId, &'a Node)> {
    let [output] = node.outputs.as_slice() else { return None };
    let [user] = users.get(output)?.as_slice() else { return None };
    let is_result = graph.outputs.contains(output);
    graph.node(*user).filter(|_| !is_result).map(|node| (*user, node))
}

/// How the elements of a weight belong to output channels: `[outer, channels, inner]`, where outer
/// blocks are groups of a transposed convolution and else one.
struct Channels {
    groups: usize,
    rows: usize,
    columns: usize,
    inner: usize,
    bias: bool,
}

impl Channels {
    fn of(graph: &CheckedGraph, node: &Node) -> Option<Channels> {
        match &node.op {
            Op::Conv(conv) => Channels::conv(conv),
            Op::Linear(linear) => {
                let rank = graph.tensor_type(*node.outputs.first()?)?.shape.rank();
                let rows = usize::try_from(linear.out_features).ok()?;
                let inner = usize::try_from(linear.in_features).ok()?;
                let channels =
                    Channels { groups: 1, rows: 1, columns: rows, inner, bias: linear.bias };
                (rank == 2).then_some(channels)
            }
            _ => None,
        }
    }

    /// A convolution's weight is `[out, in / groups, ...]`, a transposed one's
    /// `[in, out / groups, ...]`.
    fn conv(conv: &Conv) -> Option<Channels> {
        let size = |extent: u64| usize::try_from(extent).ok();
        let window = size(conv.kernel.iter().product())?;
        let (groups, bias) = (size(conv.groups)?.max(1), conv.bias);
        let (inputs, outputs) = (size(conv.in_channels)? / groups, size(conv.out_channels)?);
        Some(match conv.transposed {
            None => Channels { groups: 1, rows: 1, columns: outputs, inner: inputs * window, bias },
            Some(_) => {
                Channels { groups, rows: inputs, columns: outputs / groups, inner: window, bias }
            }
        })
    }

    /// The output channel of an element of the weight.
    fn of_element(&self, index: usize) -> usize {
        let column = index / self.inner.max(1);
        let group = column / (self.rows * self.columns).max(1);
        group * self.columns + column % self.columns.max(1)
    }

    fn count(&self) -> usize {
        self.groups * self.columns
    }
}

/// The elements behind operands.
struct Params<'a> {
    graph: &'a CheckedGraph,
    weights: &'a Weights<'a>,
}

impl Params<'_> {
    fn param(&self, node: &Node, operand: usize) -> Option<&Param> {
        match self.graph.value(*node.inputs.get(operand)?)?.producer {
            Producer::Param(param) => self.graph.param(param),
            Producer::Input(_) | Producer::Node(..) => None,
        }
    }

    /// The elements of an operand as 64-bit floats; `None` if it is computed.
    fn elements(&self, node: &Node, operand: usize) -> Result<Option<Vec<f64>>, EmitError> {
        let Some(param) = self.param(node, operand) else { return Ok(None) };
        let elements = elements(param, self.weights)?;
        Ok(Some(elements.iter().map(|&element| f64::from(element)).collect()))
    }
}

/// Factor and offset of each channel in evaluation.
struct Affine {
    factors: Vec<f64>,
    offsets: Vec<f64>,
}

fn affine(params: &Params<'_>, norm: &Node, op: &BatchNorm) -> Result<Option<Affine>, EmitError> {
    let statistics = if op.affine { 3 } else { 1 };
    let mean = params.elements(norm, statistics)?;
    let variance = params.elements(norm, statistics + 1)?;
    let (Some(mean), Some(variance)) = (mean, variance) else { return Ok(None) };
    let (weight, bias) = if op.affine {
        (params.elements(norm, 1)?, params.elements(norm, 2)?)
    } else {
        (Some(vec![1.0; mean.len()]), Some(vec![0.0; mean.len()]))
    };
    let (Some(weight), Some(bias)) = (weight, bias) else { return Ok(None) };
    let factors: Vec<f64> = weight
        .iter()
        .zip(&variance)
        .map(|(weight, variance)| weight / (variance + op.eps).sqrt())
        .collect();
    let offsets = bias.iter().zip(mean.iter().zip(&factors));
    let offsets = offsets.map(|(bias, (mean, factor))| bias - mean * factor).collect();
    Ok(Some(Affine { factors, offsets }))
}

#[expect(clippy::cast_possible_truncation, reason = "networks are emitted in 32-bit floats")]
fn fold(
    params: &Params<'_>,
    node: &Node,
    channels: &Channels,
    norm: &Node,
    op: &BatchNorm,
) -> Result<Option<Fold>, EmitError> {
    let old_bias = match channels.bias {
        true => params.elements(node, 2)?,
        false => Some(vec![0.0; channels.count()]),
    };
    let (Some(weight), Some(old_bias)) = (params.elements(node, 1)?, old_bias) else {
        return Ok(None);
    };
    let Some(affine) = affine(params, norm, op)? else { return Ok(None) };
    let Some(&output) = norm.outputs.first() else { return Ok(None) };
    let factor = |index| affine.factors.get(channels.of_element(index)).copied().unwrap_or(1.0);
    let weight = weight.iter().enumerate().map(|(index, element)| (element * factor(index)) as f32);
    let bias = old_bias.iter().zip(affine.factors.iter().zip(&affine.offsets));
    let bias = bias.map(|(bias, (factor, offset))| (bias * factor + offset) as f32);
    Ok(Some(Fold { output, weight: weight.collect(), bias: bias.collect() }))
}
