//! C: one `model.c` and `model.h` in C99, which need nothing beyond libm and never allocate: values
//! lie in one static arena that is planned over their lifetimes. Images are held channels last;
//! batch norms are folded into convolutions; element-wise operations end the kernel before them.
//! One sample at a time, in evaluation mode. Deliberately not here: files and C compilers.

mod arena;
mod arrange;
mod convolution;
mod depthwise;
mod element;
mod expression;
mod helper;
mod host;
mod look_up;
mod loops;
mod lower;
mod make;
mod margin;
mod matmul;
mod norm;
mod pool;
mod print;
mod product;
mod program;
mod recurrent;
mod reduce;
mod tile;
mod transposed;
mod view;

pub use self::host::{HostOptions, harness, program};

use self::convolution::first;
use self::lower::Lowering;
use super::{EmitError, Weights};
use crate::ir::{CheckedGraph, Node, Op, ValueId};

/// How a network is emitted.
#[derive(Debug, Clone)]
pub struct COptions {
    /// Name of the files and prefix of the functions, a C identifier in lower case.
    pub name: String,
    /// One line about the network for the head of the files; no `*/` in it.
    pub comment: String,
}

/// A network as C.
#[derive(Debug, Clone)]
pub struct CModel {
    /// `NAME.c`
    pub source: String,
    /// `NAME.h`
    pub header: String,
    /// Bytes of the arena.
    pub arena_bytes: u64,
    /// Bytes of the constants.
    pub flash_bytes: u64,
}

/// Writes a network and its weights as C.
///
/// # Errors
/// [`EmitError`] when the weights do not fit, or the network holds an operation that has no form.
pub fn emit(
    graph: &CheckedGraph,
    weights: &Weights<'_>,
    options: &COptions,
) -> Result<CModel, EmitError> {
    let lowering = lowered(graph, weights)?;
    let sizes = |ids: &[ValueId]| {
        let size = |&id: &ValueId| lowering.extents(id).iter().product();
        ids.iter().map(size).collect::<Vec<i64>>()
    };
    let interface = print::Interface {
        name: options.name.clone(),
        inputs: sizes(&graph.inputs),
        outputs: sizes(&graph.outputs),
        comment: options.comment.replace("*/", "* /"),
    };
    let program = lowering.finish()?;
    let arena = arena::plan(&program);
    Ok(CModel {
        source: print::source(&program, &interface, &arena),
        header: print::header(&interface, &arena),
        arena_bytes: arena.bytes(),
        flash_bytes: program.constant_bytes(),
    })
}

/// Bytes of the arena and of the constants of a network, without its text.
///
/// # Errors
/// As [`emit`].
pub fn sizes(graph: &CheckedGraph, weights: &Weights<'_>) -> Result<[u64; 2], EmitError> {
    let program = lowered(graph, weights)?.finish()?;
    Ok([arena::plan(&program).bytes(), program.constant_bytes()])
}

fn lowered<'a>(
    graph: &'a CheckedGraph,
    weights: &'a Weights<'a>,
) -> Result<Lowering<'a>, EmitError> {
    let mut lowering = Lowering::new(graph, weights);
    for node in &graph.nodes {
        if lowering.is_live(node) {
            lowering.begin(node);
            lower(&mut lowering, node)?;
        }
    }
    Ok(lowering)
}

fn lower(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), EmitError> {
    match &node.op {
        Op::Conv(conv) => convolution::conv(lowering, node, conv),
        Op::Linear(linear) => convolution::linear(lowering, node, linear),
        Op::BatchNorm(norm) => convolution::batch_norm(lowering, node, norm),
        Op::Pool(pool) => pool::pool(lowering, node, pool),
        Op::AdaptivePool(pool) => pool::adaptive(lowering, node, pool),
        Op::Dropout(_) | Op::Contiguous => lowering.alias(node),
        Op::Activation(activation) => {
            lowering.elementwise(node, |x| element::activation(*activation, first(x)))
        }
        Op::Unary(unary) => lowering.elementwise(node, |x| element::unary(*unary, first(x))),
        Op::Scalar(scalar) => lowering.elementwise(node, |x| element::scalar(scalar, first(x))),
        Op::Clamp(clamp) => lowering.elementwise(node, |x| element::clamp(*clamp, first(x))),
        Op::Cast(cast) => {
            let from = lowering.operand(node, 0)?;
            let from = graph_type(lowering, from);
            lowering.elementwise(node, |x| element::cast(from, cast.dtype, first(x)))
        }
        Op::Binary(binary) => lowering.elementwise(node, |operands| {
            let mut operands = operands.into_iter();
            match (operands.next(), operands.next()) {
                (Some(left), Some(right)) => element::binary(*binary, left, right),
                (left, _) => first(left.into_iter().collect()),
            }
        }),
        Op::Softmax(softmax) => reduce::softmax(lowering, node, softmax),
        Op::Reduce(reduce) => reduce::reduce(lowering, node, reduce),
        Op::LayerNorm(norm) => norm::layer_norm(lowering, node, norm),
        Op::GroupNorm(norm) => norm::group_norm(lowering, node, norm),
        Op::InstanceNorm(norm) => norm::instance_norm(lowering, node, norm),
        Op::LocalResponseNorm(norm) => norm::local_response_norm(lowering, node, norm),
        Op::Cumulate(cumulate) => reduce::cumulate(lowering, node, *cumulate),
        Op::ArgExtreme(extreme) => reduce::arg_extreme(lowering, node, *extreme),
        Op::MatMul => matmul::matmul(lowering, node),
        Op::Attention(attention) => matmul::attention(lowering, node, attention),
        Op::Einsum(einsum) => matmul::einsum(lowering, node, einsum),
        Op::Recurrent(recurrent) => recurrent::recurrent(lowering, node, recurrent),
        _ => arranged(lowering, node),
    }
}

fn graph_type(lowering: &Lowering<'_>, id: ValueId) -> crate::ir::DType {
    lowering.graph.tensor_type(id).map_or(crate::ir::DType::F32, |found| found.dtype)
}

/// Operations that move, select or make elements.
fn arranged(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), EmitError> {
    match &node.op {
        Op::Reshape(_) => arrange::reshape(lowering, node),
        Op::Permute(permute) => arrange::permute(lowering, node, &permute.order),
        Op::Cat(cat) => arrange::cat(lowering, node, cat),
        Op::Expand(_) => arrange::expand(lowering, node),
        Op::Slice(slice) => arrange::slice(lowering, node, slice),
        Op::Split(split) => arrange::split(lowering, node, split),
        Op::Roll(roll) => arrange::roll(lowering, node, roll),
        Op::Flip(flip) => arrange::flip(lowering, node, flip),
        Op::Repeat(repeat) => arrange::repeat(lowering, node, repeat),
        Op::Pad(pad) => arrange::pad(lowering, node, pad),
        Op::PixelShuffle(shuffle) => arrange::pixel_shuffle(lowering, node, *shuffle),
        Op::Unfold(unfold) => arrange::unfold(lowering, node, unfold),
        Op::Windows(windows) => arrange::windows(lowering, node, *windows),
        Op::Full(full) => make::full(lowering, node, full),
        Op::Arange(arange) => make::arange(lowering, node, *arange),
        Op::Triangle(triangle) => make::triangle(lowering, node, *triangle),
        Op::Where => make::choose(lowering, node),
        Op::MaskedFill(fill) => make::masked_fill(lowering, node, *fill),
        Op::Glu(glu) => make::glu(lowering, node, *glu),
        Op::PRelu => make::prelu(lowering, node),
        Op::Embedding(_) => look_up::index(lowering, node, 1, 0, 0),
        Op::Index(index) => look_up::index(lowering, node, 0, 1, index.dim),
        Op::Gather(gather) => look_up::gather(lowering, node, gather.dim),
        Op::Interpolate(interpolate) => look_up::interpolate(lowering, node, interpolate),
        _ => Err(lowering.unsupported("nasc does not write it in C yet")),
    }
}
