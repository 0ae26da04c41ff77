//! Cases of tests/data/more_shapes.jsonl as operations.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use nasc_compiler::ir::op::*;
use nasc_compiler::ir::{DType, Op, TensorType};

use crate::oracle::{Case, f32};

/// The operation and the types of its parameters.
pub fn op(case: &Case, inputs: &[TensorType]) -> (Op, Vec<TensorType>) {
    let dim = || case.0["dim"].as_u64().unwrap() as usize;
    let none = Vec::new();
    match case.name() {
        "layer_norm" | "group_norm" | "instance_norm" | "local_response_norm" => norm(case),
        "embedding" => {
            let (num_embeddings, embedding_dim) = (case.number("rows"), case.number("columns"));
            let op = Embedding { num_embeddings, embedding_dim, padding_idx: None };
            (Op::Embedding(op), vec![f32(&[num_embeddings, embedding_dim])])
        }
        "prelu" => (Op::PRelu, vec![f32(&[case.number("slopes")])]),
        "glu" => (Op::Glu(Glu { dim: dim() }), none),
        "bilinear" => {
            let (in1_features, in2_features) = (case.number("in1"), case.number("in2"));
            let out_features = case.number("out");
            let op = Bilinear { in1_features, in2_features, out_features, bias: true };
            let weight = f32(&[out_features, in1_features, in2_features]);
            (Op::Bilinear(op), vec![weight, f32(&[out_features])])
        }
        "lp_pool" => {
            let (kernel, stride) = (case.numbers("kernel"), case.numbers("stride"));
            let ceil_mode = case.flag("ceil");
            (Op::LpPool(LpPool { norm: 2.0, kernel, stride, ceil_mode }), none)
        }
        "unfold" => {
            let pair = |key| case.numbers(key).try_into().unwrap();
            let (kernel, dilation) = (pair("kernel"), pair("dilation"));
            let (padding, stride) = (pair("padding"), pair("stride"));
            (Op::Unfold(Unfold { kernel, dilation, padding, stride }), none)
        }
        "attention" => {
            let mask = inputs.len() > 3;
            let op = Attention { mask, is_causal: false, dropout: 0.0, scale: None };
            (Op::Attention(op), none)
        }
        "einsum" => {
            let (operands, output) = case.text("equation").split_once("->").unwrap();
            let operands = operands.split(',').map(|labels| labels.chars().collect()).collect();
            (Op::Einsum(Einsum { operands, output: output.chars().collect() }), none)
        }
        "pad" | "interpolate" | "pixel_shuffle" => (image(case), none),
        "split" => (Op::Split(Split { dim: dim(), sizes: case.numbers("sizes") }), none),
        "flip" => (Op::Flip(Flip { dims: case.positions("dims") }), none),
        "roll" => {
            let shifts = case.positions("dims").into_iter().map(|dim| (dim, 1)).collect();
            (Op::Roll(Roll { shifts }), none)
        }
        "repeat" => (Op::Repeat(Repeat { repeats: case.numbers("repeats") }), none),
        "windows" => {
            let (size, step) = (case.number("size"), case.number("step"));
            (Op::Windows(Windows { dim: dim(), size, step }), none)
        }
        "index" => (Op::Index(Index { dim: dim() }), none),
        "scatter" => (Op::Scatter(Scatter { dim: dim(), add: false }), none),
        "gather" => (Op::Gather(Gather { dim: dim() }), none),
        "topk" => {
            let k = Some(case.number("k"));
            (Op::TopK(TopK { k, dim: dim(), largest: true }), none)
        }
        "argmax" => {
            let dim = case.0["dim"].as_u64().map(|dim| dim as usize);
            (Op::ArgExtreme(ArgExtreme { largest: true, dim, keep_dim: case.flag("keep") }), none)
        }
        "cumsum" => (Op::Cumulate(Cumulate { dim: dim(), product: false }), none),
        "tril" => (Op::Triangle(Triangle { upper: false, diagonal: 0 }), none),
        "where" => (Op::Where, none),
        "masked_fill" => (Op::MaskedFill(MaskedFill { value: 1.0 }), none),
        "clamp" => (Op::Clamp(Clamp { min: Some(0.0), max: Some(1.0) }), none),
        "arange" => {
            let number = |key: &str| case.0[key].as_f64().unwrap();
            let (start, end, step) = (number("start"), number("end"), number("step"));
            (Op::Arange(Arange { start, end, step, dtype: DType::F32 }), none)
        }
        other => panic!("no operation {other}"),
    }
}

fn norm(case: &Case) -> (Op, Vec<TensorType>) {
    match case.name() {
        "layer_norm" => {
            let normalized_shape = case.numbers("shape");
            let (weight, bias) = (case.flag("weight"), case.flag("bias") && case.flag("weight"));
            let params = vec![f32(&normalized_shape); usize::from(weight) + usize::from(bias)];
            let root_mean_square = case.flag("rms");
            let eps = Some(1e-5);
            let norm = LayerNorm { normalized_shape, eps, weight, bias, root_mean_square };
            (Op::LayerNorm(norm), params)
        }
        "group_norm" => {
            let (num_groups, num_channels) = (case.number("groups"), case.number("channels"));
            let affine = case.flag("affine");
            let params = vec![f32(&[num_channels]); if affine { 2 } else { 0 }];
            (Op::GroupNorm(GroupNorm { num_groups, num_channels, eps: 1e-5, affine }), params)
        }
        "instance_norm" => {
            let (num_features, affine) = (case.number("features"), case.flag("affine"));
            let spatial = case.number("spatial") as usize;
            let track_running_stats = false;
            let params = vec![f32(&[num_features]); if affine { 2 } else { 0 }];
            let norm =
                InstanceNorm { num_features, spatial, eps: 1e-5, affine, track_running_stats };
            (Op::InstanceNorm(norm), params)
        }
        _ => {
            let norm = LocalResponseNorm { size: 2, alpha: 1e-4, beta: 0.75, k: 1.0 };
            (Op::LocalResponseNorm(norm), Vec::new())
        }
    }
}

fn image(case: &Case) -> Op {
    match case.name() {
        "pad" => {
            let pairs = case.0["padding"].as_array().unwrap().iter();
            let padding = pairs.map(|p| (p[0].as_i64().unwrap(), p[1].as_i64().unwrap())).collect();
            let mode = match case.text("mode") {
                "constant" => PadMode::Constant(0.0),
                "reflect" => PadMode::Reflect,
                "replicate" => PadMode::Replicate,
                _ => PadMode::Circular,
            };
            Op::Pad(Pad { padding, mode })
        }
        "interpolate" => {
            let mode = match case.text("mode") {
                "nearest" => InterpolateMode::Nearest,
                "area" => InterpolateMode::Area,
                "bicubic" => InterpolateMode::Bicubic,
                _ => InterpolateMode::Linear,
            };
            let output = case.numbers("output");
            Op::Interpolate(Interpolate { output, mode, align_corners: false })
        }
        _ => {
            let (factor, inverse) = (case.number("factor"), case.flag("inverse"));
            Op::PixelShuffle(PixelShuffle { factor, inverse })
        }
    }
}
