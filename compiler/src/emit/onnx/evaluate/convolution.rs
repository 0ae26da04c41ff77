//! Convolutions of any number of spatial dimensions: windows as columns, then matrix products.

use super::EvaluateError;
use super::call::Call;
use super::image::padded;
use super::product::add_product;
use super::tensor::{Tensor, Walk, count, strides};

type Evaluated = Result<Tensor, EvaluateError>;

/// Windows over images with their borders.
struct Windows {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    dilation: Vec<usize>,
    groups: usize,
}

/// A convolution.
pub(super) fn conv(call: &Call<'_>) -> Evaluated {
    let (x, weight) = (call.input(0)?, call.input(1)?);
    call.floats(1)?;
    let spatial = x.shape.len().saturating_sub(2);
    let windows = Windows {
        kernel: weight.shape.iter().skip(2).copied().collect(),
        stride: call.sizes("strides", spatial, 1),
        dilation: call.sizes("dilations", spatial, 1),
        groups: groups(call),
    };
    let image = padded(x, &[vec![(0, 0); 2], call.pads(spatial)].concat(), 0.0);
    convolved(call, &image, weight, call.optional(2), &windows)
}

fn groups(call: &Call<'_>) -> usize {
    usize::try_from(call.int("group", 1)).unwrap_or(1).max(1)
}

fn convolved(
    call: &Call<'_>,
    image: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    windows: &Windows,
) -> Evaluated {
    let ([batch, channels, sides @ ..], [filters, ..]) =
        (image.shape.as_slice(), weight.shape.as_slice())
    else {
        return Err(call.wrong("its operands have no channels"));
    };
    let (Some(pixels), Some(weights)) = (image.floats(), weight.floats()) else {
        return Err(call.wrong("its operands hold no floats"));
    };
    let places: Option<Vec<usize>> =
        sides.iter().enumerate().map(|(dim, &side)| windows.count(dim, side)).collect();
    let places = places.ok_or_else(|| call.wrong("its window is larger than the image"))?;
    let columns = count(&places);
    let own_channels = channels / windows.groups;
    let depth = own_channels * count(&windows.kernel);
    let own_filters = filters / windows.groups;
    let mut sums = first_sums(bias, *batch, *filters, columns);
    let plane = own_channels * count(sides);
    let blocks = sums.chunks_exact_mut((own_filters * columns).max(1));
    for ((index, sums), group) in blocks.enumerate().zip((0..windows.groups).cycle()) {
        let pixels = pixels.get(index * plane..(index + 1) * plane).unwrap_or_default();
        let first = group * own_filters * depth;
        let weights = weights.get(first..first + own_filters * depth).unwrap_or_default();
        let matrix = windows.columns(pixels, own_channels, sides, &places);
        add_product(weights, &matrix, depth, columns, sums);
    }
    let shape = [vec![*batch, *filters], places].concat();
    Ok(Tensor::of_floats(shape, sums))
}

/// The bias for every place, or zeros.
fn first_sums(bias: Option<&Tensor>, batch: usize, filters: usize, columns: usize) -> Vec<f32> {
    let bias = bias.and_then(Tensor::floats).map_or_else(|| vec![0.0; filters], <[f32]>::to_vec);
    let image = bias.iter().flat_map(|&bias| std::iter::repeat_n(bias, columns));
    image.collect::<Vec<f32>>().repeat(batch)
}

impl Windows {
    /// Windows that fit along a dimension.
    fn count(&self, dim: usize, side: usize) -> Option<usize> {
        let at = |all: &[usize]| all.get(dim).copied().unwrap_or(1);
        let reach = at(&self.dilation) * at(&self.kernel).saturating_sub(1) + 1;
        side.checked_sub(reach).map(|rest| rest / at(&self.stride).max(1) + 1)
    }

    /// For each element of the window the image that it sees, one row each.
    fn columns(
        &self,
        pixels: &[f32],
        channels: usize,
        sides: &[usize],
        places: &[usize],
    ) -> Vec<f32> {
        let own = strides(sides);
        let scaled = |factors: &[usize]| -> Vec<usize> {
            own.iter().zip(factors).map(|(stride, factor)| stride * factor).collect()
        };
        let (taps, steps) = (scaled(&self.dilation), scaled(&self.stride));
        let (lines, width) = places.split_at(places.len().saturating_sub(1));
        let (width, step) =
            (width.first().copied().unwrap_or(1), steps.last().copied().unwrap_or(1).max(1));
        let mut matrix = Vec::with_capacity(channels * count(&self.kernel) * count(places));
        for channel in 0..channels {
            for [tap] in Walk::new(&self.kernel, [&taps]) {
                for [line] in Walk::new(lines, [&steps]) {
                    let first = channel * count(sides) + tap + line;
                    let line = pixels.get(first..).unwrap_or_default();
                    if step == 1 {
                        matrix.extend_from_slice(line.get(..width).unwrap_or_default());
                    } else {
                        matrix.extend(line.iter().step_by(step).take(width));
                    }
                }
            }
        }
        matrix
    }
}

/// A transposed convolution: a convolution of the image with zeros between its pixels by the
/// mirrored window.
pub(super) fn transposed(call: &Call<'_>) -> Evaluated {
    let (x, weight) = (call.input(0)?, call.input(1)?);
    call.floats(0)?;
    let spatial = x.shape.len().saturating_sub(2);
    let kernel: Vec<usize> = weight.shape.iter().skip(2).copied().collect();
    let dilation = call.sizes("dilations", spatial, 1);
    let further = call.sizes("output_padding", spatial, 0);
    let stride = call.sizes("strides", spatial, 1);
    let reach = kernel.iter().zip(&dilation).map(|(kernel, dilation)| (kernel - 1) * dilation);
    let amounts = reach.zip(call.pads(spatial)).zip(&further);
    let amounts = amounts.map(|((reach, (before, after)), further)| {
        let before = i64::try_from(reach).unwrap_or(0) - i64::try_from(before).unwrap_or(0);
        let after = i64::try_from(reach + further).unwrap_or(0) - i64::try_from(after).unwrap_or(0);
        (before, after)
    });
    let amounts: Vec<(i64, i64)> = [(0, 0); 2].into_iter().chain(amounts).collect();
    let image = cropped_or_padded(&spread(x, &stride), &amounts);
    let windows = Windows { kernel, stride: vec![1; spatial], dilation, groups: groups(call) };
    let mirrored = mirrored(call, weight, windows.groups)?;
    convolved(call, &image, &mirrored, call.optional(2), &windows)
}

/// Pixels with `stride − 1` zeros between them.
fn spread(x: &Tensor, stride: &[usize]) -> Tensor {
    let factors: Vec<usize> = [1, 1].iter().chain(stride).copied().collect();
    let extents = x.shape.iter().zip(&factors);
    let shape: Vec<usize> =
        extents.map(|(&extent, factor)| (extent.max(1) - 1) * factor + 1).collect();
    let mut elements = vec![0.0; count(&shape)];
    let own: Vec<usize> =
        strides(&shape).iter().zip(&factors).map(|(stride, factor)| stride * factor).collect();
    for (element, [place]) in x.to_floats().into_iter().zip(Walk::new(&x.shape, [&own])) {
        if let Some(slot) = elements.get_mut(place) {
            *slot = element;
        }
    }
    Tensor::of_floats(shape, elements)
}

/// Zeros around an image; negative amounts cut it.
fn cropped_or_padded(x: &Tensor, amounts: &[(i64, i64)]) -> Tensor {
    let positive = |amount: i64| usize::try_from(amount).unwrap_or(0);
    let zeros: Vec<(usize, usize)> =
        amounts.iter().map(|&(before, after)| (positive(before), positive(after))).collect();
    let mut value = padded(x, &zeros, 0.0);
    for (axis, &(before, after)) in amounts.iter().enumerate() {
        let (before, after) = (positive(-before), positive(-after));
        let extent = value.shape.get(axis).copied().unwrap_or(0);
        if before + after > 0 {
            let length = extent.saturating_sub(before + after);
            value = super::movement::range(&value, axis, before, length);
        }
    }
    value
}

/// Weights `[in, out / groups, window]` as `[out, in / groups, window]`, each window backwards.
fn mirrored(call: &Call<'_>, weight: &Tensor, groups: usize) -> Evaluated {
    let [inputs, outputs, window @ ..] = weight.shape.as_slice() else {
        return Err(call.wrong("its weights have no channels"));
    };
    let (size, own) = (count(window), inputs / groups);
    let places = (0..groups * outputs).flat_map(|output| {
        let (group, output) = (output / outputs, output % outputs);
        (0..own).flat_map(move |input| {
            let first = ((group * own + input) * outputs + output) * size;
            (first..first + size).rev()
        })
    });
    let shape = [vec![groups * outputs, own], window.to_vec()].concat();
    Ok(weight.pick(shape, places))
}
