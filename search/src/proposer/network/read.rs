//! A checked graph as a genome: the chain from the output back to the input, with the additions on
//! the way. `None` for graphs of another kind.

use super::{Activation, Genome, Layer};
use nasc_compiler::ir::op::{
    Activation as Function, AdaptivePool, Binary, Conv, Op, PaddingMode, Pool, PoolMode, ReduceKind,
};
use nasc_compiler::ir::{CheckedGraph, Node, Producer, ValueId};

/// A step on the way back, with the value it gives. An addition still names the value it takes.
struct Link {
    layer: Layer,
    adds: Option<ValueId>,
}

/// The genome of a network with one image as input.
pub(super) fn genome(graph: &CheckedGraph) -> Option<Genome> {
    let (&[input], &[output]) = (graph.inputs.as_slice(), graph.outputs.as_slice()) else {
        return None;
    };
    let depths = depths(graph);
    let mut values = vec![output];
    let mut links = Vec::new();
    let mut value = output;
    while value != input {
        let (steps, next) = step(graph, &depths, value)?;
        // Steps without a value of their own between them count as places, too.
        values.extend(std::iter::repeat_n(next, steps.len()));
        links.extend(steps);
        value = next;
    }
    values.reverse();
    links.reverse();
    let layers = links.into_iter().map(|link| placed(link, &values)).collect::<Option<_>>()?;
    Some(Genome { layers })
}

/// The layer of a link; an addition finds the place of its value.
fn placed(link: Link, values: &[ValueId]) -> Option<Layer> {
    let Some(added) = link.adds else { return Some(link.layer) };
    let from = values.iter().position(|&value| value == added)?;
    Some(Layer::Skip { from })
}

/// Operations from the input to each value, at most.
fn depths(graph: &CheckedGraph) -> Vec<usize> {
    let mut depths = vec![0; graph.values.len()];
    for node in &graph.nodes {
        let inputs = node.inputs.iter().filter_map(|input| depths.get(input.index()));
        let depth = inputs.max().copied().unwrap_or(0) + 1;
        for output in &node.outputs {
            if let Some(slot) = depths.get_mut(output.index()) {
                *slot = depth;
            }
        }
    }
    depths
}

fn producer(graph: &CheckedGraph, value: ValueId) -> Option<&Node> {
    match graph.value(value)?.producer {
        Producer::Node(node, 0) => graph.node(node),
        Producer::Node(..) | Producer::Input(_) | Producer::Param(_) => None,
    }
}

/// The steps that make a value, the last first, and the value they are made from.
fn step(graph: &CheckedGraph, depths: &[usize], value: ValueId) -> Option<(Vec<Link>, ValueId)> {
    let node = producer(graph, value)?;
    let &first = node.inputs.first()?;
    if let (Op::Binary(Binary::Add), &[left, right]) = (&node.op, node.inputs.as_slice()) {
        let depth = |value: ValueId| depths.get(value.index()).copied().unwrap_or(0);
        let (main, other) = if depth(left) >= depth(right) { (left, right) } else { (right, left) };
        let adds = Some(projected(graph, other).unwrap_or(other));
        return Some((vec![Link { layer: Layer::Skip { from: 0 }, adds }], main));
    }
    let types = [graph.tensor_type(first)?, graph.tensor_type(value)?];
    let layers = match &node.op {
        // What changes no type is left out.
        Op::Reshape(_) | Op::Contiguous if types[0] == types[1] => Vec::new(),
        Op::Reshape(_) if types[0].shape.rank() == 4 && types[1].shape.rank() == 2 => {
            vec![Layer::Flatten]
        }
        Op::Reduce(mean)
            if mean.kind == ReduceKind::Mean && mean.dims == [2, 3] && !mean.keep_dim =>
        {
            vec![Layer::Flatten, Layer::AdaptivePool { size: 1 }]
        }
        op => vec![layer(op)?],
    };
    let links = layers.into_iter().map(|layer| Link { layer, adds: None });
    Some((links.collect(), first))
}

/// The value that a 1×1 convolution, and perhaps a batch norm, brings to another type.
fn projected(graph: &CheckedGraph, value: ValueId) -> Option<ValueId> {
    let mut node = producer(graph, value)?;
    if matches!(node.op, Op::BatchNorm(_)) {
        node = producer(graph, *node.inputs.first()?)?;
    }
    let Op::Conv(conv) = &node.op else { return None };
    (conv.kernel == [1, 1]).then(|| node.inputs.first().copied())?
}

fn layer(op: &Op) -> Option<Layer> {
    Some(match op {
        Op::Conv(conv) => convolution(conv)?,
        Op::Linear(linear) => Layer::Linear { out: linear.out_features },
        Op::BatchNorm(_) => Layer::BatchNorm,
        Op::Dropout(dropout) => Layer::Dropout { percent: (dropout.p * 100.0).round() as u64 },
        Op::Pool(pool) => pooling(pool)?,
        Op::AdaptivePool(AdaptivePool { mode: PoolMode::Average, output }) => {
            match output.as_slice() {
                &[Some(height), Some(width)] if height == width => {
                    Layer::AdaptivePool { size: height }
                }
                _ => return None,
            }
        }
        Op::Activation(function) => Layer::Activation(activation(function)?),
        _ => return None,
    })
}

fn convolution(conv: &Conv) -> Option<Layer> {
    let plain = conv.groups == 1
        && conv.transposed.is_none()
        && conv.padding_mode == PaddingMode::Zeros
        && conv.dilation.iter().all(|&dilation| dilation == 1);
    let (&[kernel, kernel_width], &[stride, stride_width]) =
        (conv.kernel.as_slice(), conv.stride.as_slice())
    else {
        return None;
    };
    let &[(top, bottom), (left, right)] = conv.padding.as_slice() else { return None };
    let square = kernel == kernel_width && stride == stride_width;
    let even = top == bottom && left == right && top == left;
    (plain && square && even).then_some(Layer::Conv {
        out: conv.out_channels,
        kernel,
        stride,
        padding: top,
    })
}

fn pooling(pool: &Pool) -> Option<Layer> {
    let plain = !pool.ceil_mode
        && pool.divisor_override.is_none()
        && pool.dilation.iter().all(|&dilation| dilation == 1);
    let (&[kernel, kernel_width], &[stride, stride_width], &[padding, padding_width]) =
        (pool.kernel.as_slice(), pool.stride.as_slice(), pool.padding.as_slice())
    else {
        return None;
    };
    let square = kernel == kernel_width && stride == stride_width && padding == padding_width;
    let average = pool.mode == PoolMode::Average;
    (plain && square).then_some(Layer::Pool { average, kernel, stride, padding })
}

const fn activation(function: &Function) -> Option<Activation> {
    Some(match function {
        Function::Relu => Activation::Relu,
        Function::LeakyRelu { .. } => Activation::LeakyRelu,
        Function::Gelu { .. } => Activation::Gelu,
        Function::Silu => Activation::Silu,
        Function::Sigmoid => Activation::Sigmoid,
        Function::Tanh => Activation::Tanh,
        _ => return None,
    })
}
