//! Transposed convolutions: each input is scattered over an image without a border to look for; the
//! result is a view of its inside.

use std::fmt::Write as _;

use super::super::EmitError;
use super::convolution::{bias, signed};
use super::loops::{self, Loop};
use super::lower::{Lowering, channels_last};
use super::program::Step;
use super::view::View;
use crate::ir::Node;
use crate::ir::op::{Conv, PaddingMode};

/// A transposed convolution with zero padding.
pub(super) fn conv(
    lowering: &mut Lowering<'_>,
    node: &Node,
    conv: &Conv,
    _output_padding: &[u64],
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    if input.rank() != conv.kernel.len() + 2 || conv.padding_mode != PaddingMode::Zeros {
        return Err(lowering.unsupported("an input without a batch dimension"));
    }
    let inside = node.outputs.first().map(|&id| lowering.extents(id)).unwrap_or_default();
    let mut whole = inside.clone();
    for (dim, &(before, after)) in (2..).zip(&conv.padding) {
        if let Some(extent) = whole.get_mut(dim) {
            *extent += signed(before) + signed(after);
        }
    }
    let output = lowering.program.allocate(&whole, &channels_last(whole.len()), &[]);
    let biases = bias(lowering, node, conv.bias, conv.out_channels)?;
    fill(lowering, &output, &biases);
    let weights = lowering.elements(lowering.operand(node, 1)?)?;
    scatter(lowering, conv, &input, &output, &weights);
    let mut view = output;
    for (dim, &(before, _)) in (2..).zip(&conv.padding) {
        let extent = inside.get(dim).copied().unwrap_or(1);
        view = view.slice(dim, signed(before), extent, 1);
    }
    lowering.define_view(node, view)
}

#[expect(clippy::cast_possible_truncation, reason = "biases are 32-bit floats")]
fn fill(lowering: &mut Lowering<'_>, output: &View, biases: &[f64]) {
    let biases: Vec<f32> = biases.iter().map(|&bias| bias as f32).collect();
    let biases = super::convolution::per_channel(lowering, biases, &output.extents());
    lowering.copy(&biases, output);
}

fn scatter(lowering: &mut Lowering<'_>, conv: &Conv, input: &View, output: &View, weights: &[f32]) {
    let groups = signed(conv.groups);
    let (inner, outer) = (signed(conv.in_channels) / groups, signed(conv.out_channels) / groups);
    let taps: Vec<Loop> = (2..)
        .zip(conv.kernel.iter().zip(&conv.dilation))
        .map(|(dim, (&extent, &dilation))| Loop {
            extent: signed(extent),
            strides: vec![output.axis(dim).stride * signed(dilation)],
        })
        .collect();
    let count: i64 = taps.iter().map(|tap| tap.extent).product();
    let weights = outputs_innermost(weights, outer, count);
    let length = [i64::try_from(weights.len()).unwrap_or(0)];
    let weights = lowering.program.constant(weights, &length);
    let mut places = vec![Loop {
        extent: input.axis(0).extent,
        strides: vec![input.axis(0).stride, output.axis(0).stride],
    }];
    places.extend((2..).zip(&conv.stride).map(|(dim, &stride)| Loop {
        extent: input.axis(dim).extent,
        strides: vec![input.axis(dim).stride, output.axis(dim).stride * signed(stride)],
    }));
    let mut step = Step::new("transposed convolution");
    let (y, x, w) = (step.write(output), step.read(input), step.read(&weights));
    let mut text = loops::heads(&places, "i");
    let _ = writeln!(text, "{}\n{}", loops::head("g", groups), loops::head("c", inner));
    let from = format!(
        "{} + {}",
        loops::index(&places, "i", 0),
        loops::sum([(format!("(g * {inner} + c)"), input.axis(1).stride)])
    );
    let _ = writeln!(text, "const float s = {x}[{from}];");
    text.push_str(&loops::heads(&taps, "h"));
    let tap = taps
        .iter()
        .enumerate()
        .fold("0".to_owned(), |text, (level, tap)| format!("({text}) * {} + h{level}", tap.extent));
    let _ = writeln!(
        text,
        "const float *restrict v = {w} + ((g * {inner} + c) * {count} + {tap}) * {outer};\n\
         float *restrict p = {y} + {} + {} + g * {outer};",
        loops::index(&places, "i", 1),
        loops::index(&taps, "h", 0)
    );
    let _ = writeln!(text, "{}p[o] += s * v[o];\n}}", loops::head("o", outer));
    text.push_str(&loops::tails(&taps));
    text.push_str("}\n}\n");
    text.push_str(&loops::tails(&places));
    step.body = text;
    lowering.program.steps.push(step);
}

/// Weights `[in, out, window]` as `[in, window, out]`.
fn outputs_innermost(weights: &[f32], outputs: i64, window: i64) -> Vec<f32> {
    let outputs = usize::try_from(outputs).unwrap_or(1).max(1);
    let window = usize::try_from(window).unwrap_or(1).max(1);
    let row = |row: &[f32]| {
        let places = (0..window).flat_map(|tap| (0..outputs).map(move |o| o * window + tap));
        places.map(|place| row.get(place).copied().unwrap_or(0.0)).collect::<Vec<f32>>()
    };
    weights.chunks(outputs * window).flat_map(row).collect()
}
