//! Operations on the spatial dimensions of images as ONNX operators: resampling, exchange of pixels
//! and channels, and windows as columns.

use super::super::EmitError;
use super::attribute::{float, int, ints, signed, string};
use super::builder::Builder;
use super::operands::Operands;
use crate::ir::Dim;
use crate::ir::op::{Interpolate, InterpolateMode, PixelShuffle, PoolMode, Unfold, Windows};

type Emitted = Result<(), EmitError>;

/// Resampling to given extents; the mean over areas is an adaptive pooling.
pub(super) fn interpolate(
    builder: &mut Builder<'_>,
    operands: &Operands,
    interpolate: &Interpolate,
) -> Emitted {
    let (mode, nearest) = match interpolate.mode {
        InterpolateMode::Nearest => ("nearest", "floor"),
        // ⌊(i + 1/2) · scale⌋ is (i + 1/2) · scale − 1/2, rounded with halves up
        InterpolateMode::NearestExact => ("nearest", "round_prefer_ceil"),
        InterpolateMode::Linear => ("linear", "floor"),
        InterpolateMode::Bicubic => ("cubic", "floor"),
        InterpolateMode::Area => {
            let spatial = interpolate.output.len();
            return super::pool::adaptive(builder, operands, PoolMode::Average, spatial);
        }
    };
    let transform = match (interpolate.mode, interpolate.align_corners) {
        (InterpolateMode::Nearest, _) => "asymmetric",
        (_, true) => "align_corners",
        (_, false) => "half_pixel",
    };
    let attributes = vec![
        string("mode", mode),
        string("nearest_mode", nearest),
        string("coordinate_transformation_mode", transform),
        // the coefficient of PyTorch's cubic convolution
        float("cubic_coeff_a", -0.75),
    ];
    let [scales, sizes] = target(builder, operands);
    let mut inputs = vec![operands.input(0), String::new(), scales, sizes];
    if inputs.last().is_some_and(String::is_empty) {
        inputs.pop();
    }
    builder.push("Resize", inputs, operands.output(0), attributes);
    Ok(())
}

/// Factors where all are whole numbers, which every runtime understands; else the extents.
fn target(builder: &mut Builder<'_>, operands: &Operands) -> [String; 2] {
    let pairs = operands.input_dims(0).iter().zip(operands.output_dims());
    let factors: Option<Vec<f32>> = pairs
        .map(|(from, to)| match (from, to) {
            (Dim::Known(from), Dim::Known(to)) => {
                (*from > 0 && to.is_multiple_of(*from)).then(|| (to / from) as f32)
            }
            (from, to) => (from == to).then_some(1.0),
        })
        .collect();
    match factors {
        Some(factors) => {
            let name = builder.temporary();
            builder.floats(&name, &[factors.len() as u64], &factors);
            [name, String::new()]
        }
        None => [String::new(), builder.extents(operands.output_dims())],
    }
}

/// Channels to pixels or back. The operator for the way back orders channels otherwise.
pub(super) fn pixel_shuffle(
    builder: &mut Builder<'_>,
    operands: &Operands,
    shuffle: PixelShuffle,
) -> Emitted {
    let [_, channels, height, width] = operands.output_dims() else {
        return Err(operands.unsupported("an input that is no batch of images"));
    };
    let factor = signed(shuffle.factor);
    if !shuffle.inverse {
        let attributes = vec![int("blocksize", factor), string("mode", "CRD")];
        builder.push("DepthToSpace", vec![operands.input(0)], operands.output(0), attributes);
        return Ok(());
    }
    let [Some(channels), Some(height), Some(width)] =
        [channels, height, width].map(|dim| dim.known())
    else {
        return Err(operands.unsupported("an extent that depends on the batch"));
    };
    let own = signed(channels / (shuffle.factor * shuffle.factor).max(1));
    let (height, width) = (signed(height), signed(width));
    let apart = builder.integers(&[-1, own, height, factor, width, factor]);
    let apart = builder.apply("Reshape", vec![operands.input(0), apart], vec![]);
    let order = ints("perm", vec![0, 1, 3, 5, 2, 4]);
    let ordered = builder.apply("Transpose", vec![apart], vec![order]);
    let shape = builder.integers(&[-1, signed(channels), height, width]);
    builder.push("Reshape", vec![ordered, shape], operands.output(0), vec![]);
    Ok(())
}

/// Windows of an image as columns: for each element of the window the strided image that it sees.
pub(super) fn unfold(builder: &mut Builder<'_>, operands: &Operands, unfold: &Unfold) -> Emitted {
    let [batch, Dim::Known(_), Dim::Known(height), Dim::Known(width)] = operands.input_dims(0)
    else {
        return Err(operands.unsupported("an input that is no batch of images"));
    };
    let [pad_y, pad_x] = unfold.padding.map(signed);
    let pads = builder.integers(&[0, 0, pad_y, pad_x, 0, 0, pad_y, pad_x]);
    let padded = builder.apply("Pad", vec![operands.input(0), pads], vec![]);
    let count = |extent: u64, axis: usize| {
        let [kernel, dilation, padding, stride] =
            [unfold.kernel, unfold.dilation, unfold.padding, unfold.stride]
                .map(|sizes| sizes.get(axis).copied().unwrap_or(1));
        (extent + 2 * padding).saturating_sub(dilation * (kernel - 1) + 1) / stride + 1
    };
    let steps = [count(*height, 0), count(*width, 1)];
    let mut views = Vec::new();
    for y in 0..unfold.kernel[0] {
        for x in 0..unfold.kernel[1] {
            views.push(view(builder, &padded, unfold, [y, x], steps));
        }
    }
    let stacked = builder.apply("Concat", views, vec![int("axis", 2)]);
    let shape: Vec<Dim> =
        std::iter::once(*batch).chain(operands.output_dims().iter().skip(1).copied()).collect();
    let shape: Vec<i64> = shape.iter().map(|dim| dim.known().map_or(-1, signed)).collect();
    let shape = builder.integers(&shape);
    builder.push("Reshape", vec![stacked, shape], operands.output(0), vec![]);
    Ok(())
}

/// What one element of the window sees, with a new dimension behind the channels.
fn view(
    builder: &mut Builder<'_>,
    padded: &str,
    unfold: &Unfold,
    place: [u64; 2],
    steps: [u64; 2],
) -> String {
    let [y, x] = [place[0] * unfold.dilation[0], place[1] * unfold.dilation[1]];
    let end = |start: u64, axis: usize| {
        let step = unfold.stride.get(axis).copied().unwrap_or(1);
        signed(start + steps.get(axis).copied().unwrap_or(1).saturating_sub(1) * step + 1)
    };
    let starts = builder.integers(&[signed(y), signed(x)]);
    let ends = builder.integers(&[end(y, 0), end(x, 1)]);
    let axes = builder.integers(&[2, 3]);
    let strides = builder.integers(&unfold.stride.map(signed));
    let inputs = vec![padded.to_owned(), starts, ends, axes, strides];
    let part = builder.apply("Slice", inputs, vec![]);
    let axis = builder.integers(&[2]);
    builder.apply("Unsqueeze", vec![part, axis], vec![])
}

/// Overlapping windows along one dimension, their elements as a new last one.
pub(super) fn windows(builder: &mut Builder<'_>, operands: &Operands, windows: Windows) -> Emitted {
    let Some(count) = operands.output_dims().get(windows.dim).and_then(|dim| dim.known()) else {
        return Err(operands.unsupported("windows along the batch"));
    };
    let places = (0..count).flat_map(|window| {
        (0..windows.size).map(move |element| signed(window * windows.step + element))
    });
    let places: Vec<i64> = places.collect();
    let places = builder.integers(&places);
    let shape = builder.integers(&[signed(count), signed(windows.size)]);
    let indices = builder.apply("Reshape", vec![places, shape], vec![]);
    let dim = windows.dim;
    let axis = int("axis", signed(dim as u64));
    let gathered = builder.apply("Gather", vec![operands.input(0), indices], vec![axis]);
    let rank = operands.input_dims(0).len() + 1;
    let order = (0..rank).filter(|&axis| axis != dim + 1).chain([dim + 1]);
    let order = ints("perm", order.map(|axis| signed(axis as u64)).collect());
    builder.push("Transpose", vec![gathered], operands.output(0), vec![order]);
    Ok(())
}
