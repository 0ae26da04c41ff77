//! Operations of a document that move, select or make elements.

use super::fields::{Attributes, Read};
use crate::ir::op::{
    Arange, ArgExtreme, Cast, Cat, Clamp, Cumulate, Distribution, Einsum, Expand, Flip, Full,
    Gather, Glu, Index, Interpolate, InterpolateMode, MaskedFill, Op, Pad, PadMode, Permute,
    PixelShuffle, Random, Repeat, Reshape, Roll, Scatter, Slice, Split, TopK, Triangle, Unfold,
    Windows,
};

/// Operations that move, select or make elements.
pub(super) fn arrangement(name: &str, a: &Attributes<'_>) -> Read<Op> {
    Ok(match name {
        "reshape" => Op::Reshape(Reshape { shape: a.shape("shape")? }),
        "permute" => Op::Permute(Permute { order: a.positions("dims")? }),
        "cat" => Op::Cat(Cat { dim: a.position("dim")? }),
        "contiguous" => Op::Contiguous,
        "expand" => Op::Expand(Expand { shape: a.shape("shape")? }),
        "slice" => Op::Slice(Slice {
            dim: a.position("dim")?,
            start: a.count("start")?,
            end: a.optional_count("end")?,
            step: a.count("step")?,
        }),
        "matmul" => Op::MatMul,
        "full" => Op::Full(Full {
            shape: a.shape("shape")?,
            value: a.number("value")?,
            dtype: a.dtype()?,
        }),
        "cast" => Op::Cast(Cast { dtype: a.dtype()? }),
        "glu" => Op::Glu(Glu { dim: a.position("dim")? }),
        "unfold" => Op::Unfold(Unfold {
            kernel: a.pair("kernel_size")?,
            dilation: a.pair("dilation")?,
            padding: a.pair("padding")?,
            stride: a.pair("stride")?,
        }),
        "pad" => Op::Pad(pad(a)?),
        "interpolate" => Op::Interpolate(interpolate(a)?),
        "pixel_shuffle" | "pixel_unshuffle" => Op::PixelShuffle(PixelShuffle {
            factor: a.count("factor")?,
            inverse: name == "pixel_unshuffle",
        }),
        "split" => Op::Split(Split { dim: a.position("dim")?, sizes: a.counts("sizes")? }),
        "roll" => {
            let position = |dim: i64| usize::try_from(dim).map_err(|_| "a negative dim".to_owned());
            let shifts = a.pairs("shifts")?.into_iter();
            let shifts = shifts.map(|(dim, by)| Ok((position(dim)?, by))).collect::<Read<_>>()?;
            Op::Roll(Roll { shifts })
        }
        "flip" => Op::Flip(Flip { dims: a.positions("dims")? }),
        "repeat" => Op::Repeat(Repeat { repeats: a.counts("repeats")? }),
        "index" => Op::Index(Index { dim: a.position("dim")? }),
        "gather" => Op::Gather(Gather { dim: a.position("dim")? }),
        "scatter" | "scatter_add" => {
            Op::Scatter(Scatter { dim: a.position("dim")?, add: name == "scatter_add" })
        }
        "einsum" => {
            let operands = a.texts("operands")?.into_iter();
            let operands = operands.map(|labels| labels.chars().collect()).collect();
            Op::Einsum(Einsum { operands, output: a.text("output")?.chars().collect() })
        }
        "where" => Op::Where,
        "masked_fill" => Op::MaskedFill(MaskedFill { value: a.number("value")? }),
        "clamp" => {
            Op::Clamp(Clamp { min: a.optional_number("min")?, max: a.optional_number("max")? })
        }
        "arange" => Op::Arange(Arange {
            start: a.number("start")?,
            end: a.number("end")?,
            step: a.number("step")?,
            dtype: a.dtype()?,
        }),
        "rand" => random(a, Distribution::Uniform)?,
        "randn" => random(a, Distribution::Normal)?,
        "bernoulli" => random(a, Distribution::Bernoulli(a.number("p")?))?,
        "cumsum" | "cumprod" => {
            Op::Cumulate(Cumulate { dim: a.position("dim")?, product: name == "cumprod" })
        }
        "argmax" | "argmin" => Op::ArgExtreme(ArgExtreme {
            largest: name == "argmax",
            dim: a.optional_position("dim")?,
            keep_dim: a.flag("keepdim")?,
        }),
        "topk" => Op::TopK(TopK {
            k: a.optional_count("k")?,
            dim: a.position("dim")?,
            largest: a.flag("largest")?,
        }),
        "triu" | "tril" => {
            Op::Triangle(Triangle { upper: name == "triu", diagonal: a.integer("diagonal")? })
        }
        "windows" => Op::Windows(Windows {
            dim: a.position("dim")?,
            size: a.count("size")?,
            step: a.count("step")?,
        }),
        _ => return Err(format!("there is no operation {name}")),
    })
}

fn pad(a: &Attributes<'_>) -> Read<Pad> {
    let mode = match a.text("mode")? {
        "constant" => PadMode::Constant(a.number("value")?),
        "reflect" => PadMode::Reflect,
        "replicate" => PadMode::Replicate,
        "circular" => PadMode::Circular,
        other => return Err(format!("there is no mode {other}")),
    };
    Ok(Pad { padding: a.pairs("padding")?, mode })
}

fn interpolate(a: &Attributes<'_>) -> Read<Interpolate> {
    let mode = match a.text("mode")? {
        "nearest" => InterpolateMode::Nearest,
        "nearest-exact" => InterpolateMode::NearestExact,
        "linear" => InterpolateMode::Linear,
        "bicubic" => InterpolateMode::Bicubic,
        "area" => InterpolateMode::Area,
        other => return Err(format!("there is no mode {other}")),
    };
    Ok(Interpolate { output: a.counts("size")?, mode, align_corners: a.flag("align_corners")? })
}

fn random(a: &Attributes<'_>, distribution: Distribution) -> Read<Op> {
    Ok(Op::Random(Random { shape: a.shape("shape")?, dtype: a.dtype()?, distribution }))
}
