//! Multiply-accumulates of one operation, beside the formula in words and its source.
//! nasc's own convention: padding positions count, biases, normalisations, activations, pooling and
//! element-wise arithmetic do not. It is the count at operator level of PyTorch's
//! `torch.utils.flop_counter`, halved.

use crate::ir::op::{Conv, Recurrent};
use crate::ir::{Dim, Op, TensorType};

/// How the multiply-accumulates of an operation are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The formula in words.
    pub formula: &'static str,
    /// Where the formula comes from.
    pub source: &'static str,
}

/// The rule for `op`; `None` if its multiply-accumulates are not counted.
#[must_use]
pub fn rule(op: &Op) -> Option<Rule> {
    let (formula, source) = match op {
        Op::Conv(Conv { transposed: None, .. }) => (
            "elements of the output · in_channels / groups · elements of the window",
            "torch/utils/flop_counter.py, conv_flop_count",
        ),
        Op::Conv(Conv { transposed: Some(_), .. }) => (
            "elements of the input · out_channels / groups · elements of the window",
            "torch/utils/flop_counter.py, conv_flop_count, transposed",
        ),
        Op::Linear(_) => {
            ("elements of the output · in_features", "torch/utils/flop_counter.py, addmm_flop")
        }
        Op::MatMul => (
            "elements of the output · length of the summed dimension",
            "torch/utils/flop_counter.py, bmm_flop",
        ),
        Op::Recurrent(_) => (
            "per step, direction and layer: gates · hidden_size · (features of the layer's input + hidden_size)",
            "torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN: one product per gate with weight_ih and weight_hh",
        ),
        Op::Bilinear(_) => (
            "elements of the output · in1_features · in2_features",
            "torch.nn.Bilinear: one product with the weight per output",
        ),
        Op::Attention(_) => (
            "queries · keys · (features of the queries + features of the values), per batch and head",
            "torch/utils/flop_counter.py, sdpa_flop_count",
        ),
        Op::Einsum(_) => (
            "pairwise from the left, where a dimension is summed: product of all dimensions of the pair",
            "torch.einsum makes a bmm of each pair: torch/utils/flop_counter.py, bmm_flop",
        ),
        Op::BatchNorm(_)
        | Op::Dropout(_)
        | Op::Pool(_)
        | Op::AdaptivePool(_)
        | Op::Activation(_)
        | Op::Softmax(_)
        | Op::Reshape(_)
        | Op::Permute(_)
        | Op::Cat(_)
        | Op::Expand(_)
        | Op::Contiguous
        | Op::Slice(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Scalar(_)
        | Op::Reduce(_)
        | Op::Full(_)
        | Op::Cast(_)
        | Op::LayerNorm(_)
        | Op::GroupNorm(_)
        | Op::InstanceNorm(_)
        | Op::LocalResponseNorm(_)
        | Op::Embedding(_)
        | Op::PRelu
        | Op::Glu(_)
        | Op::LpPool(_)
        | Op::Unfold(_)
        | Op::Pad(_)
        | Op::Interpolate(_)
        | Op::PixelShuffle(_)
        | Op::Split(_)
        | Op::Roll(_)
        | Op::Flip(_)
        | Op::Repeat(_)
        | Op::Index(_)
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Where
        | Op::MaskedFill(_)
        | Op::Clamp(_)
        | Op::Arange(_)
        | Op::Random(_)
        | Op::Cumulate(_)
        | Op::ArgExtreme(_)
        | Op::TopK(_)
        | Op::Triangle(_)
        | Op::Windows(_) => return None,
    };
    Some(Rule { formula, source })
}

/// Multiply-accumulates of `op` at batch size 1 by its [`rule`]; saturates.
#[must_use]
pub fn macs(op: &Op, operands: &[&TensorType], results: &[&TensorType]) -> u64 {
    match op {
        Op::Conv(conv) => conv_macs(conv, operands, results),
        Op::Linear(linear) => elements(results).saturating_mul(linear.in_features),
        Op::MatMul => elements(results).saturating_mul(last_extent(operands)),
        Op::Recurrent(recurrent) => recurrent_macs(recurrent, operands),
        Op::Bilinear(bilinear) => {
            product([elements(results), bilinear.in1_features, bilinear.in2_features])
        }
        Op::Attention(_) => attention_macs(operands, results),
        Op::Einsum(einsum) => super::einsum::macs(einsum, operands),
        // every other operation has no rule
        _ => 0,
    }
}

/// Elements of the first tensor at batch size 1.
fn elements(types: &[&TensorType]) -> u64 {
    types.first().map_or(0, |tensor| tensor.shape.elements_at(1))
}

/// Extent of the first tensor's last dimension.
fn last_extent(types: &[&TensorType]) -> u64 {
    types.first().and_then(|tensor| tensor.shape.0.last()).map_or(0, |dim| dim.at_batch(1))
}

fn product(factors: impl IntoIterator<Item = u64>) -> u64 {
    factors.into_iter().fold(1, u64::saturating_mul)
}

fn conv_macs(conv: &Conv, operands: &[&TensorType], results: &[&TensorType]) -> u64 {
    let window = product(conv.kernel.iter().copied());
    let (positions, channels) = match conv.transposed {
        None => (elements(results), conv.in_channels),
        Some(_) => (elements(operands), conv.out_channels),
    };
    product([positions, channels.checked_div(conv.groups).unwrap_or(0), window])
}

fn recurrent_macs(recurrent: &Recurrent, operands: &[&TensorType]) -> u64 {
    let Some(input) = operands.first() else { return 0 };
    let sequence = input.shape.0.split_last().map_or(&[][..], |(_, sequence)| sequence);
    let steps = product(sequence.iter().map(|dim: &Dim| dim.at_batch(1)));
    let hidden = recurrent.hidden_size;
    let directions = recurrent.directions();
    let layer = |features: u64| {
        product([directions, recurrent.cell.gates(), hidden, features.saturating_add(hidden)])
    };
    let upper = layer(hidden.saturating_mul(directions));
    let stacked = upper.saturating_mul(recurrent.num_layers.saturating_sub(1));
    steps.saturating_mul(layer(recurrent.input_size).saturating_add(stacked))
}

fn attention_macs(operands: &[&TensorType], results: &[&TensorType]) -> u64 {
    let [query, key, ..] = operands else { return 0 };
    let features = last_extent(results);
    let rows = elements(results).checked_div(features).unwrap_or(0);
    let keys = match key.shape.0.as_slice() {
        [.., keys, _] => keys.at_batch(1),
        _ => 0,
    };
    product([rows, keys, last_extent(&[query]).saturating_add(features)])
}
