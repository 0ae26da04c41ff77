//! Convolution as columns times weights, one image at a time: forward, and the gradients of input,
//! weight and bias. Transposed convolution is the input gradient used forwards.
//! Depthwise convolution has its own loops (`depthwise`).

#![expect(clippy::indexing_slicing, reason = "extents are fixed by ConvShape")]

use rayon::prelude::*;

use super::gemm::{Matrix, multiply};
use super::window::Window;

/// Extents of a convolution. Images are `[batch, channels, d, h, w]`, weights
/// `[out_channels, in_channels / groups, kd, kh, kw]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Groups; divides both.
    pub groups: usize,
    /// Geometry.
    pub window: Window,
}

/// Parts that weight gradients are summed in; fixed, so that threads do not change the result.
const PARTS: usize = 16;

impl ConvShape {
    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.image_len()
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.batch * self.result_len()
    }

    /// Elements of the weight.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.group_in() * self.window.kernel_len()
    }

    pub(super) fn image_len(&self) -> usize {
        self.in_channels * self.window.input_len()
    }

    pub(super) fn result_len(&self) -> usize {
        self.out_channels * self.window.output_len()
    }

    fn group_in(&self) -> usize {
        self.in_channels / self.groups
    }

    fn group_out(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Rows of the columns of one group.
    fn window_len(&self) -> usize {
        self.group_in() * self.window.kernel_len()
    }

    fn columns_len(&self) -> usize {
        if self.window.is_identity() { 0 } else { self.window_len() * self.window.output_len() }
    }

    pub(super) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.in_channels && self.groups == self.out_channels
    }

    pub(super) fn images_per_part(&self) -> usize {
        self.batch.div_ceil(PARTS).max(1)
    }

    fn weight<'a>(&self, weight: &'a [f32], group: usize) -> Matrix<'a> {
        let len = self.group_out() * self.window_len();
        Matrix::new(&weight[group * len..][..len], self.group_out(), self.window_len())
    }

    fn group_input<'a>(&self, image: &'a [f32], group: usize) -> &'a [f32] {
        let len = self.group_in() * self.window.input_len();
        &image[group * len..][..len]
    }

    fn group_result<'a>(&self, result: &'a [f32], group: usize) -> Matrix<'a> {
        let len = self.group_out() * self.window.output_len();
        Matrix::new(&result[group * len..][..len], self.group_out(), self.window.output_len())
    }
}

/// The output of a convolution.
pub fn forward(shape: &ConvShape, input: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut output = vec![0.0; shape.output_len()];
    let images = input.par_chunks_exact(shape.image_len().max(1));
    let results = output.par_chunks_exact_mut(shape.result_len().max(1));
    images.zip(results).for_each_init(
        || vec![0.0; shape.columns_len()],
        |columns, (image, result)| {
            if shape.is_depthwise() {
                super::depthwise::forward(shape, image, weight, result);
            } else {
                forward_image(shape, image, weight, columns, result);
            }
        },
    );
    output
}

fn forward_image(
    shape: &ConvShape,
    image: &[f32],
    weight: &[f32],
    columns: &mut [f32],
    result: &mut [f32],
) {
    let len = shape.group_out() * shape.window.output_len();
    for (group, result) in result.chunks_exact_mut(len.max(1)).enumerate() {
        let columns = columns_of(shape, shape.group_input(image, group), columns);
        multiply(result, shape.weight(weight, group), columns, false);
    }
}

/// The gradient of the input.
pub fn input_gradient(shape: &ConvShape, weight: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut input = vec![0.0; shape.input_len()];
    let images = input.par_chunks_exact_mut(shape.image_len().max(1));
    let results = gradient.par_chunks_exact(shape.result_len().max(1));
    images.zip(results).for_each_init(
        || vec![0.0; shape.columns_len()],
        |columns, (image, result)| {
            if shape.is_depthwise() {
                super::depthwise::input_gradient(shape, weight, result, image);
            } else {
                input_gradient_image(shape, weight, result, columns, image);
            }
        },
    );
    input
}

fn input_gradient_image(
    shape: &ConvShape,
    weight: &[f32],
    result: &[f32],
    columns: &mut [f32],
    image: &mut [f32],
) {
    let len = shape.group_in() * shape.window.input_len();
    for (group, image) in image.chunks_exact_mut(len.max(1)).enumerate() {
        let (weight, result) = (shape.weight(weight, group), shape.group_result(result, group));
        if shape.window.is_identity() {
            multiply(image, weight.t(), result, false);
        } else {
            multiply(columns, weight.t(), result, false);
            add_columns(&shape.window, columns, image);
        }
    }
}

/// The gradient of the weight.
pub fn weight_gradient(shape: &ConvShape, input: &[f32], gradient: &[f32]) -> Vec<f32> {
    let images = input.par_chunks(shape.image_len().max(1) * shape.images_per_part());
    let results = gradient.par_chunks(shape.result_len().max(1) * shape.images_per_part());
    let parts: Vec<Vec<f32>> =
        images.zip(results).map(|(images, results)| weight_part(shape, images, results)).collect();
    sum_parts(parts, shape.weight_len())
}

fn weight_part(shape: &ConvShape, images: &[f32], results: &[f32]) -> Vec<f32> {
    let mut weight = vec![0.0; shape.weight_len()];
    let mut columns = vec![0.0; shape.columns_len()];
    let images = images.chunks_exact(shape.image_len().max(1));
    for (image, result) in images.zip(results.chunks_exact(shape.result_len().max(1))) {
        if shape.is_depthwise() {
            super::depthwise::weight_gradient(shape, image, result, &mut weight);
            continue;
        }
        let len = shape.group_out() * shape.window_len();
        for (group, weight) in weight.chunks_exact_mut(len.max(1)).enumerate() {
            let columns = columns_of(shape, shape.group_input(image, group), &mut columns);
            multiply(weight, shape.group_result(result, group), columns.t(), true);
        }
    }
    weight
}

/// The gradient of the bias: sums over images and positions.
pub fn bias_gradient(gradient: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    let mut bias = vec![0.0_f64; channels];
    for image in gradient.chunks_exact((channels * plane).max(1)) {
        for (plane, bias) in image.chunks_exact(plane.max(1)).zip(&mut bias) {
            *bias += f64::from(plane.iter().sum::<f32>());
        }
    }
    bias.into_iter().map(|value| value as f32).collect()
}

/// Adds parts in order.
pub(super) fn sum_parts(parts: Vec<Vec<f32>>, len: usize) -> Vec<f32> {
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_else(|| vec![0.0; len]);
    for part in parts {
        for (sum, value) in sum.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sum
}

/// The columns `[in_channels / groups x window, outputs]` of one group of an image.
fn columns_of<'a>(shape: &ConvShape, image: &'a [f32], columns: &'a mut [f32]) -> Matrix<'a> {
    let (rows, width) = (shape.window_len(), shape.window.output_len());
    if shape.window.is_identity() {
        return Matrix::new(image, rows, width);
    }
    write_columns(&shape.window, image, columns);
    Matrix::new(columns, rows, width)
}

fn write_columns(window: &Window, image: &[f32], columns: &mut [f32]) {
    let channels = image.chunks_exact(window.input_len().max(1));
    let lines = columns.chunks_exact_mut((window.output_len() * window.kernel_len()).max(1));
    for (channel, lines) in channels.zip(lines) {
        let lines = lines.chunks_exact_mut(window.output_len().max(1));
        for (element, line) in window.elements().zip(lines) {
            write_line(window, element, channel, line);
        }
    }
}

/// One line of the columns: what one element of the window reads for every output.
fn write_line(window: &Window, element: [usize; 3], channel: &[f32], line: &mut [f32]) {
    let valid = window.valid(element[2]);
    let (count, stride, width) = (valid.high - valid.low, window.stride[2], window.output[2]);
    for row in window.rows(element) {
        let out = &mut line[row.output..][..width];
        let Some(input) = row.input.filter(|_| count > 0) else {
            out.fill(0.0);
            continue;
        };
        out[..valid.low].fill(0.0);
        out[valid.high..].fill(0.0);
        let source = &channel[input + valid.first..];
        let out = &mut out[valid.low..valid.high];
        if stride == 1 {
            out.copy_from_slice(&source[..count]);
        } else {
            for (out, value) in out.iter_mut().zip(source.iter().step_by(stride)) {
                *out = *value;
            }
        }
    }
}

/// Adds columns back to where they were read.
fn add_columns(window: &Window, columns: &[f32], image: &mut [f32]) {
    let channels = image.chunks_exact_mut(window.input_len().max(1));
    let lines = columns.chunks_exact((window.output_len() * window.kernel_len()).max(1));
    for (channel, lines) in channels.zip(lines) {
        let lines = lines.chunks_exact(window.output_len().max(1));
        for (element, line) in window.elements().zip(lines) {
            add_line(window, element, line, channel);
        }
    }
}

fn add_line(window: &Window, element: [usize; 3], line: &[f32], channel: &mut [f32]) {
    let valid = window.valid(element[2]);
    let stride = window.stride[2];
    if valid.low == valid.high {
        return;
    }
    for row in window.rows(element) {
        let Some(input) = row.input else { continue };
        let values = &line[row.output + valid.low..row.output + valid.high];
        let target = &mut channel[input + valid.first..];
        if stride == 1 {
            for (target, value) in target.iter_mut().zip(values) {
                *target += value;
            }
        } else {
            for (target, value) in target.iter_mut().step_by(stride).zip(values) {
                *target += value;
            }
        }
    }
}
