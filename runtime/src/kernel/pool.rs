//! Window pooling: largest element or mean, forward and backward, one element of the window after the
//! other. Average pooling divides by counts that the caller gives, since they depend on padding and
//! `ceil_mode`. Adaptive pooling is not here: its windows have different sizes.

#![expect(clippy::indexing_slicing, reason = "extents are fixed by the window")]

use rayon::prelude::*;

use super::window::Window;

/// The largest element of every window; padding never wins, a NaN does, as in PyTorch.
pub fn max_forward(window: &Window, input: &[f32]) -> Vec<f32> {
    let planes = input.len() / window.input_len().max(1);
    let mut output = vec![f32::NEG_INFINITY; planes * window.output_len()];
    for_each_plane(window, input, &mut output, |plane, out| {
        let stride = window.stride[2];
        for element in window.elements() {
            window.for_each_span(element, |output, input, count| {
                let source = plane[input..].iter().step_by(stride);
                for (best, &value) in out[output..][..count].iter_mut().zip(source) {
                    *best = if value > *best || value.is_nan() { value } else { *best };
                }
            });
        }
    });
    output
}

/// The gradient of the input: each output's goes to its window's first largest element.
pub fn max_backward(window: &Window, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut result = vec![0.0; input.len()];
    let planes = input.par_chunks_exact(window.input_len().max(1));
    let gradients = gradient.par_chunks_exact(window.output_len().max(1));
    let results = result.par_chunks_exact_mut(window.input_len().max(1));
    planes.zip(gradients).zip(results).for_each_init(
        || vec![(0, 0.0); window.output_len()],
        |best, ((plane, gradient), result)| {
            find_largest(window, plane, best);
            for (&(index, _), gradient) in best.iter().zip(gradient) {
                result[index] += gradient;
            }
        },
    );
    result
}

/// Position and value of the first largest element of every window.
fn find_largest(window: &Window, plane: &[f32], best: &mut [(usize, f32)]) {
    best.fill((0, f32::NEG_INFINITY));
    let stride = window.stride[2];
    for element in window.elements() {
        window.for_each_span(element, |output, input, count| {
            let source = plane[input..].iter().step_by(stride);
            for ((best, &value), step) in best[output..][..count].iter_mut().zip(source).zip(0..) {
                if value > best.1 || value.is_nan() {
                    *best = (input + step * stride, value);
                }
            }
        });
    }
}

/// Sums of windows times `scales`, one scale per output position.
pub fn average_forward(window: &Window, scales: &[f32], input: &[f32]) -> Vec<f32> {
    let planes = input.len() / window.input_len().max(1);
    let mut output = vec![0.0; planes * window.output_len()];
    for_each_plane(window, input, &mut output, |plane, out| {
        for element in window.elements() {
            window.for_each_span(element, |output, input, count| {
                let source = plane[input..].iter().step_by(window.stride[2]);
                for (sum, value) in out[output..][..count].iter_mut().zip(source) {
                    *sum += value;
                }
            });
        }
        for (sum, scale) in out.iter_mut().zip(scales) {
            *sum *= scale;
        }
    });
    output
}

/// The gradient of the input of [`average_forward`].
pub fn average_backward(window: &Window, scales: &[f32], gradient: &[f32]) -> Vec<f32> {
    let planes = gradient.len() / window.output_len().max(1);
    let mut result = vec![0.0; planes * window.input_len()];
    let gradients = gradient.par_chunks_exact(window.output_len().max(1));
    let results = result.par_chunks_exact_mut(window.input_len().max(1));
    gradients.zip(results).for_each(|(gradient, result)| {
        for element in window.elements() {
            window.for_each_span(element, |output, input, count| {
                let target = result[input..].iter_mut().step_by(window.stride[2]);
                let source = gradient[output..][..count].iter().zip(&scales[output..]);
                for (target, (gradient, scale)) in target.zip(source) {
                    *target += gradient * scale;
                }
            });
        }
    });
    result
}

fn for_each_plane(
    window: &Window,
    input: &[f32],
    output: &mut [f32],
    body: impl Fn(&[f32], &mut [f32]) + Sync,
) {
    let inputs = input.par_chunks_exact(window.input_len().max(1));
    let outputs = output.par_chunks_exact_mut(window.output_len().max(1));
    inputs.zip(outputs).for_each(|(plane, out)| body(plane, out));
}
