//! Layers of a document as operations.

use super::Attribute;
use super::fields::{Attributes, Read};
use crate::ir::op::{
    AdaptivePool, Attention, BatchNorm, Bilinear, Conv, Dropout, DropoutKind, Embedding, GroupNorm,
    InstanceNorm, LayerNorm, Linear, LocalResponseNorm, LpPool, Op, PaddingMode, Pool, PoolMode,
    Recurrent, RecurrentCell, Softmax,
};

/// Layers with parameters or windows, and normalisations.
pub(super) fn layer(name: &str, a: &Attributes<'_>, rank: usize) -> Read<Option<Op>> {
    Ok(Some(match name {
        "conv1d" | "conv2d" | "conv3d" | "conv_transpose1d" | "conv_transpose2d"
        | "conv_transpose3d" => Op::Conv(conv(a)?),
        "linear" => Op::Linear(Linear {
            in_features: a.count("in_features")?,
            out_features: a.count("out_features")?,
            bias: a.flag("bias")?,
        }),
        "bilinear" => Op::Bilinear(Bilinear {
            in1_features: a.count("in1_features")?,
            in2_features: a.count("in2_features")?,
            out_features: a.count("out_features")?,
            bias: a.flag("bias")?,
        }),
        "batch_norm" => Op::BatchNorm(BatchNorm {
            num_features: a.count("num_features")?,
            eps: a.number("eps")?,
            momentum: a.optional_number("momentum")?,
            affine: a.flag("affine")?,
            track_running_stats: a.flag("track_running_stats")?,
            ranks: vec![rank],
        }),
        "instance_norm" => Op::InstanceNorm(InstanceNorm {
            num_features: a.count("num_features")?,
            spatial: rank.saturating_sub(2),
            eps: a.number("eps")?,
            affine: a.flag("affine")?,
            track_running_stats: a.flag("track_running_stats")?,
        }),
        "layer_norm" | "rms_norm" => Op::LayerNorm(LayerNorm {
            normalized_shape: a.counts("normalized_shape")?,
            eps: a.optional_number("eps")?,
            weight: a.flag("weight")?,
            bias: a.flag("bias")?,
            root_mean_square: name == "rms_norm",
        }),
        "group_norm" => Op::GroupNorm(GroupNorm {
            num_groups: a.count("num_groups")?,
            num_channels: a.count("num_channels")?,
            eps: a.number("eps")?,
            affine: a.flag("affine")?,
        }),
        "local_response_norm" => Op::LocalResponseNorm(LocalResponseNorm {
            size: a.count("size")?,
            alpha: a.number("alpha")?,
            beta: a.number("beta")?,
            k: a.number("k")?,
        }),
        "dropout" => Op::Dropout(dropout(a)?),
        "max_pool" => Op::Pool(pool(a, PoolMode::Max)?),
        "avg_pool" => Op::Pool(pool(a, PoolMode::Average)?),
        "adaptive_max_pool" => Op::AdaptivePool(adaptive(a, PoolMode::Max)?),
        "adaptive_avg_pool" => Op::AdaptivePool(adaptive(a, PoolMode::Average)?),
        "lp_pool" => Op::LpPool(LpPool {
            norm: a.number("norm")?,
            kernel: a.counts("kernel_size")?,
            stride: a.counts("stride")?,
            ceil_mode: a.flag("ceil_mode")?,
        }),
        "lstm" | "gru" | "rnn" => Op::Recurrent(recurrent(a)?),
        "embedding" => Op::Embedding(Embedding {
            num_embeddings: a.count("num_embeddings")?,
            embedding_dim: a.count("embedding_dim")?,
            padding_idx: a.optional_count("padding_idx")?,
        }),
        "prelu" => Op::PRelu,
        "softmax" | "log_softmax" => {
            Op::Softmax(Softmax { dim: a.position("dim")?, log: name == "log_softmax" })
        }
        "scaled_dot_product_attention" => Op::Attention(Attention {
            mask: a.flag("mask")?,
            is_causal: a.flag("is_causal")?,
            dropout: a.number("dropout")?,
            scale: a.optional_number("scale")?,
        }),
        _ => return Ok(None),
    }))
}

fn conv(a: &Attributes<'_>) -> Read<Conv> {
    let padding_mode = match a.text("padding_mode")? {
        "zeros" => PaddingMode::Zeros,
        "reflect" => PaddingMode::Reflect,
        "replicate" => PaddingMode::Replicate,
        "circular" => PaddingMode::Circular,
        other => return Err(format!("there is no padding_mode {other}")),
    };
    let extent =
        |number: i64| u64::try_from(number).map_err(|_| "a padding is negative".to_owned());
    let padding = a.pairs("padding")?.into_iter();
    let transposed = match a.is_given("output_padding") {
        true => Some(a.counts("output_padding")?),
        false => None,
    };
    Ok(Conv {
        in_channels: a.count("in_channels")?,
        out_channels: a.count("out_channels")?,
        kernel: a.counts("kernel_size")?,
        stride: a.counts("stride")?,
        padding: padding.map(|(b, e)| Ok((extent(b)?, extent(e)?))).collect::<Read<_>>()?,
        dilation: a.counts("dilation")?,
        groups: a.count("groups")?,
        bias: a.flag("bias")?,
        padding_mode,
        transposed,
    })
}

fn dropout(a: &Attributes<'_>) -> Read<Dropout> {
    let kind = match a.text("kind")? {
        "element" => DropoutKind::Element,
        "channel" => DropoutKind::Channel,
        "alpha" => DropoutKind::Alpha,
        other => return Err(format!("there is no dropout of {other}")),
    };
    Ok(Dropout { p: a.number("p")?, kind })
}

fn pool(a: &Attributes<'_>, mode: PoolMode) -> Read<Pool> {
    Ok(Pool {
        mode,
        kernel: a.counts("kernel_size")?,
        stride: a.counts("stride")?,
        padding: a.counts("padding")?,
        dilation: a.counts("dilation")?,
        ceil_mode: a.flag("ceil_mode")?,
        count_include_pad: a.flag("count_include_pad")?,
        divisor_override: a.optional_count("divisor_override")?,
    })
}

fn adaptive(a: &Attributes<'_>, mode: PoolMode) -> Read<AdaptivePool> {
    let output = match a.get("output_size")? {
        Attribute::Optional(Some(all)) => all.clone(),
        _ => a.counts("output_size")?.into_iter().map(Some).collect(),
    };
    Ok(AdaptivePool { mode, output })
}

fn recurrent(a: &Attributes<'_>) -> Read<Recurrent> {
    let cell = match a.text("cell")? {
        "lstm" => RecurrentCell::Lstm,
        "gru" => RecurrentCell::Gru,
        "tanh" => RecurrentCell::RnnTanh,
        "relu" => RecurrentCell::RnnRelu,
        other => return Err(format!("there is no cell {other}")),
    };
    Ok(Recurrent {
        cell,
        input_size: a.count("input_size")?,
        hidden_size: a.count("hidden_size")?,
        num_layers: a.count("num_layers")?,
        bias: a.flag("bias")?,
        batch_first: a.flag("batch_first")?,
        dropout: a.number("dropout")?,
        bidirectional: a.flag("bidirectional")?,
        initial_state: a.flag("initial_state")?,
    })
}
