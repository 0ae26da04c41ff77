//! Operators on the spatial dimensions of images: borders, pooling, resampling. Pooling and
//! resampling go one dimension after the other.

use super::EvaluateError;
use super::call::Call;
use super::movement::{extents, sized};
use super::tensor::{Tensor, Walk, around, strides};

type Evaluated = Result<Tensor, EvaluateError>;

/// A constant around a tensor.
pub(super) fn padded(x: &Tensor, amounts: &[(usize, usize)], fill: f32) -> Tensor {
    if amounts.iter().all(|&amount| amount == (0, 0)) {
        return x.clone();
    }
    let Some(elements) = x.floats() else {
        return around_with(x, amounts, fill, |place, extent| {
            usize::try_from(place).ok().filter(|&place| place < extent)
        });
    };
    let sides = x.shape.iter().zip(amounts);
    let shape: Vec<usize> =
        sides.map(|(extent, (before, after))| extent + before + after).collect();
    let target = strides(&shape);
    let first: usize =
        amounts.iter().zip(&target).map(|((before, _), stride)| before * stride).sum();
    let mut all = vec![fill; super::tensor::count(&shape)];
    let (width, lines) = x.shape.split_last().map_or((1, &[][..]), |(&last, lines)| (last, lines));
    let walk = Walk::new(lines, [&target]);
    for (line, [place]) in elements.chunks_exact(width.max(1)).zip(walk) {
        if let Some(slot) = all.get_mut(first + place..first + place + width) {
            slot.copy_from_slice(line);
        }
    }
    Tensor::of_floats(shape, all)
}

/// A border whose elements lie at the places that `source` says.
fn around_with(
    x: &Tensor,
    amounts: &[(usize, usize)],
    fill: f32,
    source: impl Fn(i64, usize) -> Option<usize>,
) -> Tensor {
    let sides = x.shape.iter().zip(amounts);
    let shape: Vec<usize> =
        sides.map(|(extent, (before, after))| extent + before + after).collect();
    let own = strides(&x.shape);
    let tables: Vec<Vec<Option<usize>>> = x
        .shape
        .iter()
        .zip(amounts)
        .zip(&own)
        .map(|((&extent, &(before, after)), stride)| {
            let first = -i64::try_from(before).unwrap_or(0);
            let places = (first..).take(extent + before + after);
            places.map(|place| source(place, extent).map(|place| place * stride)).collect()
        })
        .collect();
    let index = strides(&shape);
    let places = (0..super::tensor::count(&shape)).map(|place| {
        let terms = tables.iter().zip(&index).zip(&shape);
        let terms = terms
            .map(|((table, stride), extent)| table.get(place / stride % extent).copied().flatten());
        terms.sum::<Option<usize>>()
    });
    x.pick_or(shape.clone(), places, fill)
}

/// The operator for borders.
pub(super) fn pad(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let all = extents(call, 1)?;
    let (before, after) = all.split_at(x.shape.len().min(all.len()));
    let amounts: Vec<(usize, usize)> = before.iter().copied().zip(after.iter().copied()).collect();
    let result = x.shape.iter().zip(&amounts);
    sized(
        call,
        result.map(|(extent, (b, a))| extent.saturating_add(b.saturating_add(*a))).collect(),
    )?;
    let signed = |extent: usize| i64::try_from(extent).unwrap_or(i64::MAX);
    Ok(match call.text("mode", "constant").as_str() {
        "constant" => {
            let fill = call.optional(2).map(Tensor::to_floats);
            padded(x, &amounts, fill.and_then(|fill| fill.first().copied()).unwrap_or(0.0))
        }
        "reflect" => around_with(x, &amounts, 0.0, |place, extent| {
            let period = (2 * (signed(extent) - 1)).max(1);
            let place = place.rem_euclid(period);
            usize::try_from(place.min(period - place)).ok()
        }),
        "edge" => around_with(x, &amounts, 0.0, |place, extent| {
            usize::try_from(place.clamp(0, signed(extent) - 1)).ok()
        }),
        "wrap" => around_with(x, &amounts, 0.0, |place, extent| {
            usize::try_from(place.rem_euclid(signed(extent).max(1))).ok()
        }),
        mode => return Err(call.wrong(format!("nasc does not know its mode {mode}"))),
    })
}

/// For each element of a result along an axis the elements that it is made of, and their weights.
type Taps = Vec<Vec<(usize, f32)>>;

/// Combines elements along an axis.
fn along(
    x: &Tensor,
    axis: usize,
    taps: &Taps,
    combine: impl Fn(f32, f32) -> f32,
    start: f32,
) -> Tensor {
    let (before, extent, behind) = around(&x.shape, axis);
    let elements = x.floats().unwrap_or_default();
    let mut all = Vec::with_capacity(before * taps.len() * behind);
    for outer in 0..before {
        for taps in taps {
            let mut row = vec![start; behind];
            for &(tap, weight) in taps {
                let first = (outer * extent + tap) * behind;
                let from = elements.get(first..first + behind).unwrap_or_default();
                row.iter_mut().zip(from).for_each(|(sum, x)| *sum = combine(*sum, weight * x));
            }
            all.extend(row);
        }
    }
    let mut shape = x.shape.clone();
    if let Some(own) = shape.get_mut(axis) {
        *own = taps.len();
    }
    Tensor::of_floats(shape, all)
}

/// Max and average pooling.
pub(super) fn pool(call: &Call<'_>) -> Evaluated {
    let mut value = call.input(0)?.clone();
    call.floats(0)?;
    let spatial = value.shape.len().saturating_sub(2);
    let kernel = call.sizes("kernel_shape", spatial, 1);
    let stride = call.sizes("strides", spatial, 1);
    let dilation = call.sizes("dilations", spatial, 1);
    let largest = call.operator() == "MaxPool";
    let counts_border = call.int("count_include_pad", 0) != 0;
    let sides = kernel.iter().zip(&stride).zip(&dilation).zip(call.pads(spatial));
    for (axis, (((&kernel, &stride), &dilation), (before, after))) in (2..).zip(sides) {
        let extent = value.shape.get(axis).copied().unwrap_or(1);
        let reach = dilation * kernel.saturating_sub(1) + 1;
        let Some(rest) = (extent + before + after).checked_sub(reach) else {
            return Err(call.wrong("its window is larger than the image"));
        };
        let window = |place: usize| {
            let taps = (0..kernel).map(|k| (place * stride + k * dilation).checked_sub(before));
            let taps: Vec<usize> = taps.flatten().filter(|&tap| tap < extent).collect();
            let count = if counts_border { kernel } else { taps.len() };
            let weight = if largest { 1.0 } else { 1.0 / count.max(1) as f32 };
            taps.into_iter().map(|tap| (tap, weight)).collect()
        };
        let taps: Taps = (0..=rest / stride.max(1)).map(window).collect();
        value = match largest {
            true => along(&value, axis, &taps, larger, f32::NEG_INFINITY),
            false => along(&value, axis, &taps, |a, b| a + b, 0.0),
        };
    }
    Ok(value)
}

/// The larger one; not a number wins.
fn larger(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// Resampling to factors or extents.
pub(super) fn resize(call: &Call<'_>) -> Evaluated {
    let mut value = call.input(0)?.clone();
    call.floats(0)?;
    let own = value.shape.clone();
    let (sizes, factors) = match call.optional(3) {
        Some(_) => (extents(call, 3)?, None),
        None => {
            let factors = call.floats(2)?;
            let sizes = own.iter().zip(factors);
            (sizes.map(|(&own, factor)| (own as f32 * factor) as usize).collect(), Some(factors))
        }
    };
    let sizes = sized(call, sizes)?;
    for (axis, (&from, &to)) in own.iter().zip(&sizes).enumerate() {
        let factor = factors.and_then(|factors| factors.get(axis)).map(|&factor| f64::from(factor));
        let factor = factor.unwrap_or(to as f64 / from.max(1) as f64);
        if from != to {
            let taps: Taps = (0..to).map(|place| taps(call, place, from, to, factor)).collect();
            value = along(&value, axis, &taps, |a, b| a + b, 0.0);
        }
    }
    Ok(value)
}

fn taps(call: &Call<'_>, place: usize, from: usize, to: usize, factor: f64) -> Vec<(usize, f32)> {
    let center = match call.text("coordinate_transformation_mode", "half_pixel").as_str() {
        "asymmetric" => place as f64 / factor,
        "align_corners" if to > 1 => place as f64 * (from as f64 - 1.0) / (to as f64 - 1.0),
        "align_corners" => 0.0,
        _ => (place as f64 + 0.5) / factor - 0.5,
    };
    let last = from as f64 - 1.0;
    let inside = |place: f64| place.clamp(0.0, last) as usize;
    match call.text("mode", "nearest").as_str() {
        "linear" => {
            let center = center.clamp(0.0, last);
            let rest = (center - center.floor()) as f32;
            vec![(inside(center.floor()), 1.0 - rest), (inside(center.floor() + 1.0), rest)]
        }
        "cubic" => {
            let a = f64::from(call.float("cubic_coeff_a", -0.75));
            let first = center.floor() - 1.0;
            let weight = |k: i32| cubic(a, (center - first - f64::from(k)).abs()) as f32;
            (0..4).map(|k| (inside(first + f64::from(k)), weight(k))).collect()
        }
        _ if call.text("nearest_mode", "round_prefer_floor") == "floor" => {
            vec![(inside(center.floor()), 1.0)]
        }
        _ => vec![(inside((center + 0.5).floor()), 1.0)],
    }
}

/// The kernel of cubic convolution (Keys 1981) at a distance.
fn cubic(a: f64, x: f64) -> f64 {
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((x - 5.0) * x + 8.0) * a * x - 4.0 * a
    } else {
        0.0
    }
}

/// Channels as pixels.
pub(super) fn depth_to_space(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let [batch, channels, height, width] = x.shape.as_slice() else {
        return Err(call.wrong("its operand is no batch of images"));
    };
    let block = usize::try_from(call.int("blocksize", 1)).unwrap_or(1).max(1);
    if call.text("mode", "DCR") != "CRD" {
        return Err(call.wrong("nasc evaluates the mode CRD only"));
    }
    let own = channels / (block * block);
    // [batch, own, block, block, height, width] with the blocks behind height and width
    let apart = [*batch, own, block, block, *height, *width];
    let [n, c, y, x_block, h, w] = <[usize; 6]>::try_from(strides(&apart)).unwrap_or_default();
    let shape = [*batch, own, *height, block, *width, block];
    let places = Walk::new(&shape, [&[n, c, h, y, w, x_block]]).map(|[place]| place);
    Ok(x.pick(vec![*batch, own, height * block, width * block], places))
}
