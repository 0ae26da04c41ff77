//! Window pooling: largest element or mean, forward and backward. Average pooling divides by counts
//! that the caller gives, since they depend on padding and `ceil_mode`. Adaptive pooling is not here:
//! its windows have different sizes.

#![expect(clippy::indexing_slicing, reason = "extents are fixed by the window")]

use rayon::prelude::*;

use super::window::Window;

/// The largest element of every window; padding never wins.
pub fn max_forward(window: &Window, input: &[f32]) -> Vec<f32> {
    per_plane(window, input, |window, plane, out| {
        for (out, output) in out.iter_mut().zip(window.outputs()) {
            *out = largest(window, plane, output).map_or(f32::NEG_INFINITY, |index| plane[index]);
        }
    })
}

/// The gradient of the input: each output's goes to its window's first largest element.
pub fn max_backward(window: &Window, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut result = vec![0.0; input.len()];
    let planes = input.par_chunks_exact(window.input_len().max(1));
    let gradients = gradient.par_chunks_exact(window.output_len().max(1));
    let results = result.par_chunks_exact_mut(window.input_len().max(1));
    planes.zip(gradients).zip(results).for_each(|((plane, gradient), result)| {
        for (gradient, output) in gradient.iter().zip(window.outputs()) {
            if let Some(index) = largest(window, plane, output) {
                result[index] += gradient;
            }
        }
    });
    result
}

/// First position of the largest element; a NaN wins, as in PyTorch.
fn largest(window: &Window, plane: &[f32], output: [usize; 3]) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for index in window.reads(output) {
        let value = plane[index];
        if best.is_none_or(|(_, best)| value > best || value.is_nan()) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}

/// Sums of windows times `scales`, one scale per output position.
pub fn average_forward(window: &Window, scales: &[f32], input: &[f32]) -> Vec<f32> {
    per_plane(window, input, |window, plane, out| {
        for ((out, output), scale) in out.iter_mut().zip(window.outputs()).zip(scales) {
            *out = scale * window.reads(output).map(|index| plane[index]).sum::<f32>();
        }
    })
}

/// The gradient of the input of [`average_forward`].
pub fn average_backward(window: &Window, scales: &[f32], gradient: &[f32]) -> Vec<f32> {
    let planes = gradient.len() / window.output_len().max(1);
    let mut result = vec![0.0; planes * window.input_len()];
    let gradients = gradient.par_chunks_exact(window.output_len().max(1));
    let results = result.par_chunks_exact_mut(window.input_len().max(1));
    gradients.zip(results).for_each(|(gradient, result)| {
        for ((gradient, output), scale) in gradient.iter().zip(window.outputs()).zip(scales) {
            for index in window.reads(output) {
                result[index] += gradient * scale;
            }
        }
    });
    result
}

fn per_plane(
    window: &Window,
    input: &[f32],
    body: impl Fn(&Window, &[f32], &mut [f32]) + Sync,
) -> Vec<f32> {
    let planes = input.len() / window.input_len().max(1);
    let mut output = vec![0.0; planes * window.output_len()];
    let inputs = input.par_chunks_exact(window.input_len().max(1));
    let outputs = output.par_chunks_exact_mut(window.output_len().max(1));
    inputs.zip(outputs).for_each(|(plane, out)| body(window, plane, out));
    output
}
