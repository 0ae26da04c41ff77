//! `Product`: sums of products of an input's window with constant weights, for every output channel
//! at every place: convolutions and affine maps alike. Its weights are rearranged when it is
//! emitted, so that neighbouring output channels are neighbours in memory.
//! Deliberately not here: the text of the kernels (`tile`, `depthwise`).

use super::expression::Expression;
use super::loops::{self, Loop};
use super::program::{Program, Step};
use super::view::View;
use super::{depthwise, tile};

/// A kernel that is not yet emitted.
#[derive(Debug, Clone)]
pub(super) struct Product {
    /// The input; its offset is that of the first tap of the first place.
    pub input: View,
    /// Every dimension of the output but the channels: dimension, extent, step in the input.
    pub places: Vec<(usize, i64, i64)>,
    /// Loops over a window: extent and step in the input.
    pub taps: Vec<Loop>,
    /// Neighbouring input elements of one tap.
    pub run: i64,
    /// Step in the input from one group of channels to the next.
    pub group_step: i64,
    /// Groups of channels.
    pub groups: i64,
    /// Weights `[out channels, taps · run]`.
    pub weights: Vec<f32>,
    /// One per output channel.
    pub bias: Vec<f64>,
    /// The output's channel dimension.
    pub channel: usize,
}

/// What the text of a kernel needs to know.
pub(super) struct Site<'a> {
    pub product: &'a Product,
    /// Loops over places; tensor 0 is the output, 1 the input, then come the loads of the end.
    pub nest: Vec<Loop>,
    /// Step of the channels in the same tensors.
    pub channel_steps: Vec<i64>,
    /// Names of the pointers to the same tensors.
    pub pointers: Vec<String>,
    /// Name of the pointer to the weights.
    pub weights: String,
    /// Name of the pointer to the biases.
    pub bias: String,
    pub end: &'a Expression,
}

impl Product {
    /// Output channels.
    pub fn channels(&self) -> i64 {
        i64::try_from(self.bias.len()).unwrap_or(0)
    }

    /// Output channels of one group.
    pub fn group_channels(&self) -> i64 {
        self.channels() / self.groups.max(1)
    }

    /// Weights of one output channel.
    pub fn depth(&self) -> i64 {
        self.taps.iter().map(|tap| tap.extent).product::<i64>() * self.run
    }

    /// Dimensions of the output from the outermost in memory.
    pub fn order(&self) -> Vec<usize> {
        self.places.iter().map(|place| place.0).chain([self.channel]).collect()
    }

    /// Whether each channel is summed on its own.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.run == 1 && self.group_channels() == 1
    }

    /// Multiplies each output channel and adds to it: how a batch norm is folded.
    #[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit floats")]
    pub fn rescale(&mut self, scale: &[f64], shift: &[f64]) {
        let depth = usize::try_from(self.depth()).unwrap_or(1).max(1);
        for (row, factor) in self.weights.chunks_mut(depth).zip(scale) {
            row.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
        }
        for ((bias, factor), shift) in self.bias.iter_mut().zip(scale).zip(shift) {
            *bias = *bias * factor + shift;
        }
    }

    /// The step that writes `output`, with `end` applied to each sum.
    pub fn emit(&self, program: &mut Program, output: &View, end: &Expression) -> Step {
        let extents = output.extents();
        let loads: Vec<View> = end.loads.iter().map(|view| view.expand(&extents)).collect();
        let stride = |view: &View, dim: usize| view.axis(dim).stride;
        let places = self.places.iter().map(|&(dim, extent, step)| {
            let ends = loads.iter().map(|view| stride(view, dim));
            let strides = [stride(output, dim), step].into_iter().chain(ends).collect();
            Loop { extent, strides }
        });
        let nest = loops::merge(places.filter(|place| place.extent != 1).collect());
        let mut step = Step::new(if self.is_depthwise() { "depthwise" } else { "product" });
        let mut pointers = vec![step.write(output), step.read(&self.input)];
        pointers.extend(loads.iter().map(|view| step.read(view)));
        let ends = loads.iter().map(|view| stride(view, self.channel));
        let channel_steps = [stride(output, self.channel), 1].into_iter().chain(ends).collect();
        let block = if self.is_depthwise() { 1 } else { tile::block(self, &nest) };
        let (weights, bias) = self.arranged(block);
        let length = |elements: &[f32]| [i64::try_from(elements.len()).unwrap_or(0)];
        let (weights_length, bias_length) = (length(&weights), length(&bias));
        let weights = step.read(&program.constant(weights, &weights_length));
        let bias = step.read(&program.constant(bias, &bias_length));
        let site = Site { product: self, nest, channel_steps, pointers, weights, bias, end };
        step.body =
            if self.is_depthwise() { depthwise::text(&site) } else { tile::text(&site, block) };
        step
    }

    /// Weights `[group, block of channels, taps · run, channel of the block]` and biases, channels
    /// filled up with zeros; for a depthwise kernel `[taps, channel]`.
    #[expect(clippy::cast_possible_truncation, reason = "weights are 32-bit floats")]
    fn arranged(&self, block: i64) -> (Vec<f32>, Vec<f32>) {
        let depth = usize::try_from(self.depth()).unwrap_or(1).max(1);
        let rows: Vec<&[f32]> = self.weights.chunks(depth).collect();
        let columns = |rows: &[&[f32]], width: usize| {
            let at = |k: usize, lane: usize| rows.get(lane).and_then(|row| row.get(k)).copied();
            let places = (0..depth).flat_map(|k| (0..width).map(move |lane| (k, lane)));
            places.map(|(k, lane)| at(k, lane).unwrap_or(0.0)).collect::<Vec<f32>>()
        };
        if self.is_depthwise() {
            let bias = self.bias.iter().map(|&bias| bias as f32).collect();
            return (columns(&rows, rows.len()), bias);
        }
        let block = usize::try_from(block).unwrap_or(1).max(1);
        let group = usize::try_from(self.group_channels()).unwrap_or(1).max(1);
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for (rows, bias) in rows.chunks(group).zip(self.bias.chunks(group)) {
            for (rows, bias) in rows.chunks(block).zip(bias.chunks(block)) {
                weights.extend(columns(rows, block));
                biases.extend((0..block).map(|lane| bias.get(lane).map_or(0.0, |&b| b as f32)));
            }
        }
        (weights, biases)
    }
}

impl Site<'_> {
    /// The loops over rows and columns of places; missing ones have extent 1.
    pub fn plane(&self) -> (Loop, Loop) {
        let missing = || Loop { extent: 1, strides: vec![0; self.pointers.len()] };
        let mut levels = self.nest.iter().rev().cloned();
        let column = levels.next().unwrap_or_else(missing);
        (levels.next().unwrap_or_else(missing), column)
    }

    /// The loops outside of rows and columns.
    pub fn outer(&self) -> &[Loop] {
        self.nest.get(..self.nest.len().saturating_sub(2)).unwrap_or_default()
    }

    /// `value` with the end applied, `place` being the index of each tensor.
    pub fn finished(&self, value: &str, place: impl Fn(usize) -> String) -> String {
        let loads = self.pointers.iter().enumerate().skip(2);
        let loads: Vec<String> =
            loads.map(|(tensor, pointer)| format!("{pointer}[{}]", place(tensor))).collect();
        self.end.render(&loads, value)
    }

    /// The name of a tensor's pointer.
    pub fn pointer(&self, tensor: usize) -> &str {
        self.pointers.get(tensor).map_or("", String::as_str)
    }

    /// The step of the channels in a tensor.
    pub fn channel_step(&self, tensor: usize) -> i64 {
        self.channel_steps.get(tensor).copied().unwrap_or(0)
    }
}

/// The step of a loop in a tensor.
pub(super) fn step_of(level: &Loop, tensor: usize) -> i64 {
    level.strides.get(tensor).copied().unwrap_or(0)
}
