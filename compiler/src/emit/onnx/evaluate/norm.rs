//! Normalisations and softmax.

use super::EvaluateError;
use super::call::Call;
use super::tensor::{Tensor, around, count};

type Evaluated = Result<Tensor, EvaluateError>;

/// Applies a function of the channel to the elements of each plane.
fn planes(call: &Call<'_>, mut function: impl FnMut(usize, &[f32], &mut Vec<f32>)) -> Evaluated {
    let x = call.input(0)?;
    let channels = x.shape.get(1).copied().unwrap_or(1);
    let plane = count(x.shape.get(2..).unwrap_or_default());
    let mut all = Vec::with_capacity(count(&x.shape));
    for (elements, channel) in call.floats(0)?.chunks(plane.max(1)).zip((0..channels).cycle()) {
        function(channel, elements, &mut all);
    }
    Ok(Tensor::of_floats(x.shape.clone(), all))
}

fn at(numbers: &[f32], index: usize) -> f64 {
    numbers.get(index).copied().map_or(0.0, f64::from)
}

/// Running statistics.
pub(super) fn batch(call: &Call<'_>) -> Evaluated {
    let (scale, bias, mean, variance) =
        (call.floats(1)?, call.floats(2)?, call.floats(3)?, call.floats(4)?);
    let eps = f64::from(call.float("epsilon", 1e-5));
    planes(call, |channel, elements, all| {
        let factor = at(scale, channel) / (at(variance, channel) + eps).sqrt();
        let shift = at(bias, channel) - at(mean, channel) * factor;
        all.extend(elements.iter().map(|&x| (f64::from(x) * factor + shift) as f32));
    })
}

/// Statistics of each plane.
pub(super) fn instance(call: &Call<'_>) -> Evaluated {
    let (scale, bias) = (call.floats(1)?, call.floats(2)?);
    let eps = f64::from(call.float("epsilon", 1e-5));
    planes(call, |channel, elements, all| {
        let count = elements.len().max(1) as f64;
        let mean = elements.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        let squares = elements.iter().map(|&x| (f64::from(x) - mean).powi(2));
        let factor = at(scale, channel) / (squares.sum::<f64>() / count + eps).sqrt();
        let shift = at(bias, channel);
        all.extend(elements.iter().map(|&x| ((f64::from(x) - mean) * factor + shift) as f32));
    })
}

/// Division by a power of the squares of neighbouring channels.
pub(super) fn local_response(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let (batch, channels, plane) = around(&x.shape, 1);
    let elements = call.floats(0)?;
    let size = usize::try_from(call.int("size", 1)).unwrap_or(1).max(1);
    let (alpha, beta, bias) =
        (call.float("alpha", 1e-4), call.float("beta", 0.75), call.float("bias", 1.0));
    let (before, after) = ((size - 1) / 2, (size - 1).div_ceil(2));
    let element = |image: usize, channel: usize, place: usize| {
        elements.get((image * channels + channel) * plane + place).copied().unwrap_or(0.0)
    };
    let mut all = Vec::with_capacity(elements.len());
    for image in 0..batch {
        for channel in 0..channels {
            let neighbours = channel.saturating_sub(before)..(channel + after + 1).min(channels);
            all.extend((0..plane).map(|place| {
                let squares = neighbours.clone().map(|other| element(image, other, place).powi(2));
                let sum: f32 = squares.sum();
                element(image, channel, place) / (bias + alpha / size as f32 * sum).powf(beta)
            }));
        }
    }
    Ok(Tensor::of_floats(x.shape.clone(), all))
}

/// Softmax along an axis, or its logarithm.
pub(super) fn softmax(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let (before, extent, behind) =
        around(&x.shape, call.axis(call.int("axis", -1), x.shape.len())?);
    let elements = call.floats(0)?;
    let log = call.operator() == "LogSoftmax";
    let mut all = elements.to_vec();
    for outer in 0..before {
        for inner in 0..behind {
            let places = (0..extent).map(|row| (outer * extent + row) * behind + inner);
            let line: Vec<f32> = places.clone().map(|place| at(elements, place) as f32).collect();
            for (place, value) in places.zip(of_line(&line, log)) {
                if let Some(slot) = all.get_mut(place) {
                    *slot = value;
                }
            }
        }
    }
    Ok(Tensor::of_floats(x.shape.clone(), all))
}

fn of_line(line: &[f32], log: bool) -> Vec<f32> {
    let most = line.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = line.iter().map(|x| (x - most).exp()).sum();
    let value = |x: &f32| if log { x - most - sum.ln() } else { (x - most).exp() / sum };
    line.iter().map(value).collect()
}
