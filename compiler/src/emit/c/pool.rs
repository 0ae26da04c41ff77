//! Pooling: loops over windows with the channels innermost. Windows that never leave the image are
//! written out; others are clipped.

use std::fmt::Write as _;

use super::super::EmitError;
use super::convolution::signed;
use super::expression::number;
use super::loops::{self, Loop};
use super::lower::Lowering;
use super::program::Step;
use crate::ir::Node;
use crate::ir::op::{AdaptivePool, Pool, PoolMode};

/// One spatial dimension.
#[derive(Debug, Clone, Copy)]
struct Side {
    input: i64,
    output: i64,
    input_stride: i64,
    output_stride: i64,
    window: Window,
}

#[derive(Debug, Clone, Copy)]
enum Window {
    Fixed { kernel: i64, stride: i64, padding: i64, dilation: i64 },
    Adaptive,
}

/// How windows are summed up.
#[derive(Debug, Clone, Copy)]
enum Divisor {
    /// They are not: the largest element counts.
    Maximum,
    /// Elements of the window inside the image.
    Inside,
    /// Elements of the window inside the padded image.
    Padded,
    Constant(u64),
}

/// Windows written out have at most so many elements.
const MOST_TAPS: i64 = 25;

/// Pooling with a window.
pub(super) fn pool(lowering: &mut Lowering<'_>, node: &Node, pool: &Pool) -> Result<(), EmitError> {
    let divisor = match (pool.mode, pool.divisor_override, pool.count_include_pad) {
        (PoolMode::Max, ..) => Divisor::Maximum,
        (PoolMode::Average, Some(number), _) => Divisor::Constant(number),
        (PoolMode::Average, None, true) => Divisor::Padded,
        (PoolMode::Average, None, false) => Divisor::Inside,
    };
    let windows = pool.kernel.iter().zip(&pool.stride).zip(&pool.padding).zip(&pool.dilation);
    let windows = windows.map(|(((&kernel, &stride), &padding), &dilation)| Window::Fixed {
        kernel: signed(kernel),
        stride: signed(stride),
        padding: signed(padding),
        dilation: signed(dilation),
    });
    windowed(lowering, node, windows.collect(), divisor)
}

/// Pooling to a given extent.
pub(super) fn adaptive(
    lowering: &mut Lowering<'_>,
    node: &Node,
    pool: &AdaptivePool,
) -> Result<(), EmitError> {
    let divisor = match pool.mode {
        PoolMode::Max => Divisor::Maximum,
        PoolMode::Average => Divisor::Inside,
    };
    windowed(lowering, node, vec![Window::Adaptive; pool.output.len()], divisor)
}

fn windowed(
    lowering: &mut Lowering<'_>,
    node: &Node,
    windows: Vec<Window>,
    divisor: Divisor,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let Some(&id) = node.outputs.first() else { return Ok(()) };
    let output = lowering.image(id, &input.order());
    let first = input.rank().saturating_sub(windows.len());
    let sides: Vec<Side> = (first..)
        .zip(windows)
        .map(|(dim, window)| Side {
            input: input.axis(dim).extent,
            output: output.axis(dim).extent,
            input_stride: input.axis(dim).stride,
            output_stride: output.axis(dim).stride,
            window,
        })
        .collect();
    let strides = [output.strides(), input.strides()];
    let strides = strides.map(|strides| strides.into_iter().take(first).collect::<Vec<i64>>());
    let extents: Vec<i64> = input.extents().into_iter().take(first).collect();
    let rest = loops::nest(&extents, &strides);
    let mut step = Step::new("pooling");
    let (y, x) = (step.write(&output), step.read(&input));
    step.body = match fixed(&sides) {
        Some(offsets) => written_out(&sides, &rest, &offsets, divisor, &y, &x),
        None => clipped(&sides, &rest, divisor, &y, &x),
    };
    lowering.program.steps.push(step);
    lowering.define_view(node, output)
}

/// Offsets of a window's elements, if no window leaves the image and there are few.
fn fixed(sides: &[Side]) -> Option<Vec<i64>> {
    let mut offsets = vec![0];
    for side in sides {
        let Window::Fixed { kernel, stride, padding: 0, dilation } = side.window else {
            return None;
        };
        if (side.output - 1) * stride + (kernel - 1) * dilation >= side.input {
            return None;
        }
        let taps =
            move |offset: i64| (0..kernel).map(move |k| offset + k * dilation * side.input_stride);
        offsets = offsets.into_iter().flat_map(taps).collect();
    }
    (offsets.len() as i64 <= MOST_TAPS).then_some(offsets)
}

fn places(sides: &[Side]) -> Vec<Loop> {
    let place = |side: &Side| {
        let step = match side.window {
            Window::Fixed { stride, .. } => stride * side.input_stride,
            Window::Adaptive => 0,
        };
        Loop { extent: side.output, strides: vec![side.output_stride, step] }
    };
    sides.iter().map(place).collect()
}

fn written_out(
    sides: &[Side],
    rest: &[Loop],
    offsets: &[i64],
    divisor: Divisor,
    y: &str,
    x: &str,
) -> String {
    let places = places(sides);
    let at = |tensor: usize| {
        format!("{} + {}", loops::index(&places, "p", tensor), loops::index(rest, "c", tensor))
    };
    let elements: Vec<String> =
        offsets.iter().map(|offset| format!("{x}[{} + {offset}]", at(1))).collect();
    let value = match divisor {
        Divisor::Maximum => elements
            .into_iter()
            .reduce(|left, right| format!("op_maximum({left}, {right})"))
            .unwrap_or_default(),
        Divisor::Constant(number_of) => mean(&elements, number_of as f64),
        Divisor::Inside | Divisor::Padded => mean(&elements, elements.len() as f64),
    };
    format!(
        "{}{}{y}[{}] = {value};\n{}{}",
        loops::heads(&places, "p"),
        loops::heads(rest, "c"),
        at(0),
        loops::tails(rest),
        loops::tails(&places)
    )
}

fn mean(elements: &[String], divisor: f64) -> String {
    format!("({}) * {}", elements.join(" + "), number(1.0 / divisor))
}

fn clipped(sides: &[Side], rest: &[Loop], divisor: Divisor, y: &str, x: &str) -> String {
    let places = places(sides);
    let target = format!("{y}[{} + {}]", loops::index(&places, "p", 0), loops::index(rest, "c", 0));
    let each = |text: &str| format!("{}{text}\n{}", loops::heads(rest, "c"), loops::tails(rest));
    let mut text = loops::heads(&places, "p");
    let start = if matches!(divisor, Divisor::Maximum) { "-INFINITY" } else { "0.0f" };
    text.push_str(&each(&format!("{target} = {start};")));
    if matches!(divisor, Divisor::Inside) {
        text.push_str("ptrdiff_t count = 0;\n");
    }
    for (level, side) in sides.iter().enumerate() {
        text.push_str(&side.head(level));
    }
    if matches!(divisor, Divisor::Inside) {
        text.push_str("count++;\n");
    }
    let from = sides.iter().enumerate();
    let from = loops::sum(from.map(|(level, side)| (format!("h{level}"), side.input_stride)));
    let element = format!("{x}[{from} + {}]", loops::index(rest, "c", 1));
    text.push_str(&each(&match divisor {
        Divisor::Maximum => format!("{target} = op_maximum({target}, {element});"),
        _ => format!("{target} += {element};"),
    }));
    text.push_str(&"}\n".repeat(sides.len()));
    let count = match divisor {
        Divisor::Maximum => None,
        Divisor::Inside => Some("(float)count".to_owned()),
        Divisor::Constant(count) => Some(number(count as f64)),
        Divisor::Padded => {
            let sides = sides.iter().enumerate();
            let counts: Vec<String> = sides.map(|(level, side)| side.padded_count(level)).collect();
            Some(format!("(float)({})", counts.join(" * ")))
        }
    };
    if let Some(count) = count {
        let _ = writeln!(text, "const float divisor = {count};");
        text.push_str(&each(&format!("{target} /= divisor;")));
    }
    text.push_str(&loops::tails(&places));
    text
}

impl Side {
    /// The head of the loop over a window's elements inside the image; `h` is the input's place.
    fn head(&self, level: usize) -> String {
        let (input, output) = (self.input, self.output);
        match self.window {
            Window::Fixed { kernel, stride, padding, dilation } => format!(
                "for (ptrdiff_t k{level} = 0; k{level} < {kernel}; k{level}++) {{\n\
                 const ptrdiff_t h{level} = p{level} * {stride} + k{level} * {dilation} - {padding};\n\
                 if (h{level} < 0 || h{level} >= {input}) continue;\n"
            ),
            Window::Adaptive => format!(
                "for (ptrdiff_t h{level} = p{level} * {input} / {output}; \
                 h{level} < ((p{level} + 1) * {input} + {}) / {output}; h{level}++) {{\n",
                output - 1
            ),
        }
    }

    /// Elements of a window that lie in the padded image.
    fn padded_count(&self, level: usize) -> String {
        let Window::Fixed { kernel, stride, padding, .. } = self.window else {
            return "1".to_owned();
        };
        let rest = format!("({} - p{level} * {stride})", self.input + 2 * padding);
        format!("({rest} < {kernel} ? {rest} : {kernel})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_inside_the_image_are_written_out() {
        let side = |input, output, padding| Side {
            input,
            output,
            input_stride: 1,
            output_stride: 1,
            window: Window::Fixed { kernel: 2, stride: 2, padding, dilation: 1 },
        };
        assert_eq!(fixed(&[side(4, 2, 0)]), Some(vec![0, 1]));
        assert_eq!(fixed(&[side(3, 2, 0)]), None);
        assert_eq!(fixed(&[side(4, 3, 1)]), None);
    }
}
