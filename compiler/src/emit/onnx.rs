//! ONNX: one file with the weights inside and the batch size symbolic, from plain operators only.
//! The network is exported in evaluation mode: dropout is gone, batch norm uses running statistics.
//! Deliberately not here: quantisation.

mod activation;
mod arrange;
mod attention;
mod attribute;
mod builder;
mod convolution;
pub mod evaluate;
mod image;
pub mod message;
mod norm;
mod operands;
mod pool;
mod preprocess;
mod recurrent;
mod reduce;
mod tensor;

use prost::Message as _;

use self::builder::Builder;
use self::message::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use self::operands::Operands;
pub use self::preprocess::Preprocessing;
use super::fold::{Fold, Folding};
use super::{EmitError, Weights};
use crate::ir::op::Linear;
use crate::ir::{CheckedGraph, Node, Op};

/// How a network is exported.
#[derive(Debug, Clone)]
pub struct OnnxOptions {
    /// Operator set, 13 to 21. 17 runs everywhere.
    pub opset: i64,
    /// Name of the network in the file.
    pub name: String,
    /// Keys and values for the file's `metadata_props`.
    pub metadata: Vec<(String, String)>,
    /// Whether batch norms become part of the convolutions and affine maps before them.
    pub fold: bool,
    /// What is done to an image of bytes inside of the network; else the input is what it was
    /// trained on.
    pub preprocessing: Option<Preprocessing>,
}

/// The format's version that came with an operator set.
// onnx/helper.py, VERSION_TABLE
const fn ir_version(opset: i64) -> i64 {
    match opset {
        ..15 => 7,
        15..19 => 8,
        19..21 => 9,
        21.. => 10,
    }
}

/// Writes a network and its weights as an ONNX file.
///
/// # Errors
/// [`EmitError`] when the weights do not fit, or the network holds an operation that has no form
/// in the operator set.
pub fn emit(
    graph: &CheckedGraph,
    weights: &Weights<'_>,
    options: &OnnxOptions,
) -> Result<Vec<u8>, EmitError> {
    if !(13..=21).contains(&options.opset) {
        return Err(EmitError::Opset { opset: options.opset });
    }
    let mut builder = Builder::new(graph, weights, options.opset);
    if let Some(preprocessing) = &options.preprocessing {
        preprocess::image(&mut builder, preprocessing)?;
    }
    let folding = if options.fold { Folding::of(graph, weights)? } else { Folding::default() };
    for (id, node) in graph.nodes_with_ids() {
        match folding.get(id) {
            _ if folding.is_absorbed(id) => {}
            Some(fold) => lower_folded(&mut builder, node, fold)?,
            None => lower(&mut builder, node)?,
        }
    }
    Ok(model(builder.finish(&options.name)?, options).encode_to_vec())
}

/// A convolution or affine map with the weights that make a batch norm part of it.
fn lower_folded(builder: &mut Builder<'_>, node: &Node, fold: &Fold) -> Result<(), EmitError> {
    let operands = Operands::folded(builder, node, fold)?;
    match &node.op {
        Op::Conv(conv) => convolution::conv(builder, &operands, conv),
        Op::Linear(linear) => {
            convolution::linear(builder, &operands, &Linear { bias: true, ..linear.clone() })
        }
        _ => Err(operands.unsupported("a batch norm cannot become part of it")),
    }
}

fn model(graph: GraphProto, options: &OnnxOptions) -> ModelProto {
    let entry = |(key, value): &(String, String)| StringStringEntryProto {
        key: key.clone(),
        value: value.clone(),
    };
    ModelProto {
        ir_version: ir_version(options.opset),
        producer_name: "nasc".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: options.opset }],
        metadata_props: options.metadata.iter().map(entry).collect(),
    }
}

fn lower(builder: &mut Builder<'_>, node: &Node) -> Result<(), EmitError> {
    let operands = Operands::new(builder, node)?;
    match &node.op {
        Op::Conv(conv) => convolution::conv(builder, &operands, conv),
        Op::Linear(linear) => convolution::linear(builder, &operands, linear),
        Op::BatchNorm(norm) => norm::batch_norm(builder, &operands, norm),
        Op::Pool(pool) => pool::pool(builder, &operands, pool),
        Op::AdaptivePool(pool) => pool::adaptive_pool(builder, &operands, pool),
        Op::Dropout(_) => builder.alias(&operands),
        Op::Activation(activation) => activation::activation(builder, &operands, *activation),
        Op::Softmax(softmax) => activation::softmax(builder, &operands, softmax),
        Op::Recurrent(recurrent) => recurrent::recurrent(builder, &operands, recurrent),
        Op::Reshape(_) => tensor::reshape(builder, &operands),
        Op::Permute(permute) => tensor::permute(builder, &operands, permute),
        Op::Cat(cat) => tensor::cat(builder, &operands, cat),
        Op::Expand(_) => tensor::expand(builder, &operands),
        Op::Slice(slice) => tensor::slice(builder, &operands, slice),
        Op::Unary(unary) => tensor::unary(builder, &operands, *unary),
        Op::Binary(binary) => tensor::binary(builder, &operands, *binary),
        Op::Scalar(scalar) => tensor::scalar(builder, &operands, scalar),
        Op::Reduce(reduce) => reduce::reduce(builder, &operands, reduce),
        Op::MatMul => tensor::matmul(builder, &operands),
        Op::Full(full) => tensor::full(builder, &operands, full),
        Op::Cast(cast) => tensor::cast(builder, &operands, *cast),
        Op::Contiguous => builder.alias(&operands),
        Op::LayerNorm(norm) => norm::layer_norm(builder, &operands, norm),
        Op::GroupNorm(norm) => norm::group_norm(builder, &operands, norm),
        Op::LocalResponseNorm(norm) => norm::local_response_norm(builder, &operands, norm),
        Op::Embedding(_) => arrange::embedding(builder, &operands),
        Op::PRelu => activation::prelu(builder, &operands),
        Op::Glu(glu) => activation::glu(builder, &operands, glu.dim),
        Op::Attention(attention) => attention::attention(builder, &operands, attention),
        Op::Pad(pad) => arrange::pad(builder, &operands, pad),
        Op::Interpolate(interpolate) => image::interpolate(builder, &operands, interpolate),
        Op::PixelShuffle(shuffle) => image::pixel_shuffle(builder, &operands, *shuffle),
        Op::Split(split) => arrange::split(builder, &operands, split),
        Op::Roll(roll) => arrange::roll(builder, &operands, roll),
        Op::Flip(flip) => arrange::flip(builder, &operands, flip),
        Op::Repeat(repeat) => arrange::repeat(builder, &operands, repeat),
        Op::Index(index) => arrange::index(builder, &operands, index.dim),
        Op::Gather(gather) => arrange::gather(builder, &operands, gather.dim),
        Op::Scatter(scatter) => arrange::scatter(builder, &operands, *scatter),
        Op::Einsum(einsum) => attention::einsum(builder, &operands, einsum),
        Op::Where => arrange::choose(builder, &operands),
        Op::MaskedFill(fill) => arrange::masked_fill(builder, &operands, fill.value),
        Op::Clamp(clamp) => arrange::clamp(builder, &operands, *clamp),
        Op::Arange(arange) => arrange::arange(builder, &operands, *arange),
        Op::Cumulate(cumulate) => reduce::cumulate(builder, &operands, *cumulate),
        Op::ArgExtreme(extreme) => reduce::arg_extreme(builder, &operands, *extreme),
        Op::Triangle(triangle) => arrange::triangle(builder, &operands, *triangle),
        Op::InstanceNorm(norm) => norm::instance_norm(builder, &operands, norm),
        Op::Bilinear(bilinear) => attention::bilinear(builder, &operands, bilinear),
        Op::LpPool(pool) => pool::lp_pool(builder, &operands, pool),
        Op::Unfold(unfold) => image::unfold(builder, &operands, unfold),
        Op::Windows(windows) => image::windows(builder, &operands, *windows),
        Op::TopK(top) => reduce::top_k(builder, &operands, *top),
        Op::Random(_) => Err(operands.unsupported("random numbers in evaluation")),
    }
}
