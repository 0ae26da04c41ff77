//! Depthwise convolution (groups = channels): one plane of the image, one window, one plane of the
//! result, without columns.

#![expect(clippy::indexing_slicing, reason = "extents are fixed by ConvShape")]

use super::conv::ConvShape;

pub(super) fn forward(shape: &ConvShape, image: &[f32], weight: &[f32], result: &mut [f32]) {
    let window = &shape.window;
    let planes = image.chunks_exact(window.input_len().max(1));
    let results = result.chunks_exact_mut(window.output_len().max(1));
    let weights = weight.chunks_exact(window.kernel_len());
    for ((plane, result), weight) in planes.zip(results).zip(weights) {
        for (element, &weight) in window.elements().zip(weight) {
            window.for_each_span(element, |output, input, count| {
                let source = plane[input..].iter().step_by(window.stride[2]);
                if window.stride[2] == 1 {
                    let source = &plane[input..][..count];
                    for (out, value) in result[output..][..count].iter_mut().zip(source) {
                        *out += weight * value;
                    }
                } else {
                    for (out, value) in result[output..][..count].iter_mut().zip(source) {
                        *out += weight * value;
                    }
                }
            });
        }
    }
}

pub(super) fn input_gradient(shape: &ConvShape, weight: &[f32], result: &[f32], image: &mut [f32]) {
    let window = &shape.window;
    let planes = image.chunks_exact_mut(window.input_len().max(1));
    let results = result.chunks_exact(window.output_len().max(1));
    let weights = weight.chunks_exact(window.kernel_len());
    for ((plane, result), weight) in planes.zip(results).zip(weights) {
        for (element, &weight) in window.elements().zip(weight) {
            window.for_each_span(element, |output, input, count| {
                let source = &result[output..][..count];
                if window.stride[2] == 1 {
                    for (target, value) in plane[input..][..count].iter_mut().zip(source) {
                        *target += weight * value;
                    }
                } else {
                    let target = plane[input..].iter_mut().step_by(window.stride[2]);
                    for (target, value) in target.zip(source) {
                        *target += weight * value;
                    }
                }
            });
        }
    }
}

pub(super) fn weight_gradient(
    shape: &ConvShape,
    image: &[f32],
    result: &[f32],
    weight: &mut [f32],
) {
    let window = &shape.window;
    let planes = image.chunks_exact(window.input_len().max(1));
    let results = result.chunks_exact(window.output_len().max(1));
    let weights = weight.chunks_exact_mut(window.kernel_len());
    for ((plane, result), weight) in planes.zip(results).zip(weights) {
        for (element, weight) in window.elements().zip(weight) {
            window.for_each_span(element, |output, input, count| {
                let source = plane[input..].iter().step_by(window.stride[2]);
                let products = result[output..][..count].iter().zip(source);
                *weight += products.map(|(gradient, value)| gradient * value).sum::<f32>();
            });
        }
    }
}
