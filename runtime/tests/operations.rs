//! Every operation against figures that PyTorch computed (`golden/make.py`): logits in evaluation
//! mode, loss and all gradients in training mode, and buffers afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use nasc_compiler::ir::op::*;
use nasc_compiler::ir::{Dim, Init, Op, ParamKind, Shape};
use nasc_runtime::backend::Backend;
use nasc_runtime::backend::candle::CandleBackend;
use support::golden::{case, unary};
use support::{Net, conv, pool};

fn scalar(op: Binary, value: f64, reversed: bool) -> Op {
    Op::Scalar(Scalar { op, value, is_float: true, reversed })
}

#[test]
fn convolutions() {
    let check = |name: &str, conv: Conv| case(name, |net, x| net.conv("op", x, conv));
    let padded = |amount| vec![(amount, amount); 2];
    check("conv2d", conv(3, 5, &[3, 3]));
    check("conv2d_batch1", Conv { padding: padded(1), ..conv(3, 5, &[3, 3]) });
    check("conv2d_many", Conv { padding: padded(1), ..conv(2, 3, &[3, 3]) });
    check(
        "conv2d_stride",
        Conv {
            stride: vec![2, 3],
            padding: vec![(1, 1), (2, 2)],
            dilation: vec![2, 1],
            ..conv(4, 6, &[3, 2])
        },
    );
    check(
        "conv2d_groups",
        Conv { groups: 2, bias: false, padding: padded(1), ..conv(4, 8, &[3, 3]) },
    );
    let depthwise = Conv { groups: 4, padding: padded(1), ..conv(4, 4, &[3, 3]) };
    check("conv2d_depthwise", Conv { stride: vec![2, 2], ..depthwise.clone() });
    check("conv2d_depthwise1", depthwise);
    check("conv2d_pointwise", conv(4, 6, &[1, 1]));
    // PyTorch puts the odd element of padding='same' behind
    check("conv2d_same", Conv { padding: vec![(1, 2), (0, 1)], ..conv(3, 4, &[4, 2]) });
    let bordered = |padding_mode| Conv { padding: padded(2), padding_mode, ..conv(3, 4, &[3, 3]) };
    check("conv2d_reflect", bordered(PaddingMode::Reflect));
    check("conv2d_replicate", bordered(PaddingMode::Replicate));
    check("conv2d_circular", bordered(PaddingMode::Circular));
    check("conv1d", Conv { stride: vec![2], padding: vec![(1, 1)], ..conv(3, 4, &[3]) });
    check("conv3d", Conv { padding: vec![(0, 0), (1, 1), (1, 1)], ..conv(2, 3, &[2, 3, 2]) });
    check(
        "conv_transpose2d",
        Conv {
            stride: vec![2, 2],
            padding: padded(1),
            groups: 2,
            transposed: Some(vec![1, 1]),
            ..conv(4, 6, &[3, 3])
        },
    );
}

#[test]
fn affine_maps_and_normalisations() {
    case("linear", |net, x| net.linear("op", x, 4));
    case("batch_norm", |net, x| net.batch_norm("op", x, Some(0.1)));
    case("batch_norm_cumulative", |net, x| net.batch_norm("op", x, None));
    case("batch_norm_1d", |net, x| net.batch_norm("op", x, Some(0.1)));
    unary(
        "batch_norm_plain",
        Op::BatchNorm(BatchNorm {
            num_features: 4,
            eps: 1e-5,
            momentum: Some(0.1),
            affine: false,
            track_running_stats: false,
            ranks: vec![4],
        }),
    );
    case("layer_norm", |net, x| {
        let weight = net.weight("op.weight", &[7, 5], 1);
        let bias = net.weight("op.bias", &[7, 5], 1);
        let normalized_shape = vec![7, 5];
        let norm = LayerNorm {
            normalized_shape,
            eps: Some(1e-5),
            weight: true,
            bias: true,
            root_mean_square: false,
        };
        net.op(Op::LayerNorm(norm), &[x, weight, bias])
    });
    case("group_norm", |net, x| {
        let (weight, bias) = (net.weight("op.weight", &[4], 1), net.weight("op.bias", &[4], 1));
        let norm = GroupNorm { num_groups: 2, num_channels: 4, eps: 1e-5, affine: true };
        net.op(Op::GroupNorm(norm), &[x, weight, bias])
    });
}

#[test]
fn poolings() {
    let check = |name: &str, pool: Pool| unary(name, Op::Pool(pool));
    check("max_pool", pool(PoolMode::Max, &[2, 2], &[2, 2]));
    let padded =
        |mode| Pool { padding: vec![1, 1], ceil_mode: true, ..pool(mode, &[3, 3], &[2, 2]) };
    check("max_pool_padded", padded(PoolMode::Max));
    check(
        "max_pool_dilated",
        Pool { dilation: vec![2, 2], ..pool(PoolMode::Max, &[2, 2], &[1, 1]) },
    );
    check("avg_pool", pool(PoolMode::Average, &[2, 2], &[2, 2]));
    check("avg_pool_ceil", padded(PoolMode::Average));
    check("avg_pool_exclude", Pool { count_include_pad: false, ..padded(PoolMode::Average) });
    let divided = Pool { divisor_override: Some(3), ..pool(PoolMode::Average, &[2, 2], &[2, 2]) };
    check("avg_pool_divisor", divided);
    check("max_pool1d", pool(PoolMode::Max, &[3], &[2]));
    let adaptive = |name: &str, mode, output: [Option<u64>; 2]| {
        unary(name, Op::AdaptivePool(AdaptivePool { mode, output: output.to_vec() }));
    };
    adaptive("adaptive_avg", PoolMode::Average, [Some(3), Some(2)]);
    adaptive("adaptive_avg_up", PoolMode::Average, [Some(9), None]);
    adaptive("adaptive_max", PoolMode::Max, [Some(3), Some(2)]);
}

#[test]
fn activations() {
    let check = |name: &str, activation| unary(name, Op::Activation(activation));
    check("relu", Activation::Relu);
    case("relu6", |net, x| {
        let x = net.op(scalar(Binary::Mul, 6.0, false), &[x]);
        net.op(Op::Activation(Activation::Relu6), &[x])
    });
    check("leaky_relu", Activation::LeakyRelu { negative_slope: 0.1 });
    check("elu", Activation::Elu { alpha: 0.7 });
    check("selu", Activation::Selu);
    check("celu", Activation::Celu { alpha: 0.7 });
    check("gelu", Activation::Gelu { tanh: false });
    check("gelu_tanh", Activation::Gelu { tanh: true });
    check("silu", Activation::Silu);
    check("mish", Activation::Mish);
    check("sigmoid", Activation::Sigmoid);
    check("tanh", Activation::Tanh);
    check("hardswish", Activation::Hardswish);
    check("hardsigmoid", Activation::Hardsigmoid);
    check("hardtanh", Activation::Hardtanh { min: -0.5, max: 0.8 });
    check("softplus", Activation::Softplus { beta: 2.0, threshold: 1.5 });
    check("softsign", Activation::Softsign);
    check("logsigmoid", Activation::LogSigmoid);
    check("hardshrink", Activation::Hardshrink { lambda: 0.4 });
    check("softshrink", Activation::Softshrink { lambda: 0.4 });
    check("tanhshrink", Activation::Tanhshrink);
    check("threshold", Activation::Threshold { threshold: 0.2, value: -1.0 });
    unary("softmax", Op::Softmax(Softmax { dim: 1, log: false }));
    unary("log_softmax", Op::Softmax(Softmax { dim: 2, log: true }));
    case("prelu", |net, x| {
        let weight = net.weight("op.weight", &[4], 1);
        net.op(Op::PRelu, &[x, weight])
    });
    unary("glu", Op::Glu(Glu { dim: 1 }));
}

/// A recurrent layer of 5 features and hidden size 3; its output alone.
fn recurrent(name: &str, layers: Recurrent) {
    case(name, |net, x| {
        let mut inputs = vec![x];
        let rows = layers.cell.gates() * 3;
        for layer in 0..layers.num_layers {
            for direction in 0..layers.directions() {
                let suffix = format!("l{layer}{}", ["", "_reverse"][direction as usize]);
                let features = if layer == 0 { 5 } else { 3 * layers.directions() };
                let mut add = |member: &str, shape: &[u64]| {
                    inputs.push(net.weight(&format!("op.layer.{member}_{suffix}"), shape, 3));
                };
                add("weight_ih", &[rows, features]);
                add("weight_hh", &[rows, 3]);
                if layers.bias {
                    add("bias_ih", &[rows]);
                    add("bias_hh", &[rows]);
                }
            }
        }
        net.op(Op::Recurrent(layers), &inputs)
    });
}

#[test]
fn recurrent_layers() {
    let layers = |cell, num_layers, bidirectional| Recurrent {
        cell,
        input_size: 5,
        hidden_size: 3,
        num_layers,
        bias: true,
        batch_first: true,
        dropout: 0.0,
        bidirectional,
        initial_state: false,
    };
    recurrent("lstm", layers(RecurrentCell::Lstm, 2, true));
    recurrent("gru", layers(RecurrentCell::Gru, 2, true));
    recurrent("rnn_tanh", layers(RecurrentCell::RnnTanh, 1, false));
    recurrent("rnn_relu", Recurrent { bias: false, ..layers(RecurrentCell::RnnRelu, 1, false) });
}

#[test]
fn movements() {
    unary("permute", Op::Permute(Permute { order: vec![0, 3, 1, 2] }));
    case("cat", |net, x| {
        let square = net.op(Op::Binary(Binary::Mul), &[x, x]);
        net.op(Op::Cat(Cat { dim: 1 }), &[x, square])
    });
    unary("slice", Op::Slice(Slice { dim: 2, start: 1, end: Some(6), step: 2 }));
    let padding = vec![(0, 2), (1, -1)];
    unary("pad", Op::Pad(Pad { padding, mode: PadMode::Constant(0.5) }));
    unary("pixel_shuffle", Op::PixelShuffle(PixelShuffle { factor: 2, inverse: false }));
    case("roll", |net, x| {
        let rolled = net.op(Op::Roll(Roll { shifts: vec![(2, 2), (3, -1)] }), &[x]);
        net.op(Op::Binary(Binary::Mul), &[rolled, x])
    });
}

#[test]
fn arithmetic_and_reductions() {
    let check = |name: &str, kind, dims: &[usize], keep_dim| {
        unary(name, Op::Reduce(Reduce { kind, dims: dims.to_vec(), keep_dim }));
    };
    check("mean", ReduceKind::Mean, &[2, 3], false);
    check("sum", ReduceKind::Sum, &[1], true);
    check("amax", ReduceKind::Max, &[2], false);
    check("std", ReduceKind::Deviation { correction: 1 }, &[2], false);
    check("logsumexp", ReduceKind::LogSumExp, &[2], false);
    case("matmul", |net, x| {
        let turned = net.op(Op::Permute(Permute { order: vec![0, 1, 3, 2] }), &[x]);
        net.op(Op::MatMul, &[x, turned])
    });
    case("div_scalar", |net, x| {
        let square = net.op(Op::Binary(Binary::Mul), &[x, x]);
        let above = net.op(scalar(Binary::Add, 1.0, false), &[square]);
        net.op(scalar(Binary::Div, 3.0, true), &[above])
    });
    unary("pow", scalar(Binary::Pow, 3.0, false));
    case("broadcast", |net, x| {
        let mean = Reduce { kind: ReduceKind::Mean, dims: vec![1], keep_dim: true };
        let mean = net.op(Op::Reduce(mean), &[x]);
        net.op(Op::Binary(Binary::Sub), &[x, mean])
    });
    case("maximum", |net, x| {
        let square = net.op(Op::Binary(Binary::Mul), &[x, x]);
        net.op(Op::Binary(Binary::Maximum), &[x, square])
    });
    case("sqrt_exp", |net, x| {
        let x = net.op(Op::Unary(Unary::Exp), &[x]);
        net.op(Op::Unary(Unary::Sqrt), &[x])
    });
}

#[test]
fn expand_and_full_know_the_batch() {
    let (mut net, x) = Net::new(&[3]);
    let weight = net.param("weight", &[3], ParamKind::Trainable, Init::Constant(2.0));
    let shape = Shape(vec![Dim::N, Dim::Known(3)]);
    let full = Full { shape: shape.clone(), value: 0.5, dtype: nasc_compiler::ir::DType::F32 };
    let full = net.op(Op::Full(full), &[]);
    let expanded = net.op(Op::Expand(Expand { shape }), &[weight]);
    let x = net.op(Op::Binary(Binary::Mul), &[x, expanded]);
    let x = net.op(Op::Binary(Binary::Add), &[x, full]);
    let mut backend = CandleBackend::cpu(&net.finish(x), 1).unwrap();
    let found = backend.predict(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2).unwrap();
    assert_eq!(found, [2.5, 4.5, 6.5, 8.5, 10.5, 12.5]);
}
