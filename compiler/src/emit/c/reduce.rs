//! Reductions over dimensions and what is built from them: softmax, variances, positions of extremes.

use std::fmt::Write as _;

use super::super::EmitError;
use super::element;
use super::expression::{Expression, number};
use super::loops::{self, Loop};
use super::lower::{Held, Lowering};
use super::program::Step;
use super::view::View;
use crate::ir::Node;
use crate::ir::op::{ArgExtreme, Cumulate, Reduce, ReduceKind, Softmax, Unary};

/// How elements are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Sum,
    Product,
    Largest,
    Smallest,
}

impl Fold {
    const fn start(self) -> &'static str {
        match self {
            Fold::Sum => "0.0f",
            Fold::Product => "1.0f",
            Fold::Largest => "-INFINITY",
            Fold::Smallest => "INFINITY",
        }
    }

    fn combine(self, left: &str, right: &str) -> String {
        match self {
            Fold::Sum => format!("{left} + {right}"),
            Fold::Product => format!("{left} * {right}"),
            Fold::Largest => format!("op_maximum({left}, {right})"),
            Fold::Smallest => format!("op_minimum({left}, {right})"),
        }
    }
}

/// Combines the elements of `dims`, which stay with extent 1, and multiplies by `factor`.
pub(super) fn fold(
    lowering: &mut Lowering<'_>,
    input: &View,
    dims: &[usize],
    fold: Fold,
    factor: f64,
) -> View {
    let mut extents = input.extents();
    for &dim in dims {
        if let Some(extent) = extents.get_mut(dim) {
            *extent = 1;
        }
    }
    let output = lowering.program.allocate(&extents, &input.order(), &[]);
    let kept = loops::nest(&extents, &[output.strides(), input.strides()]);
    let mut folded: Vec<Loop> = dims
        .iter()
        .map(|&dim| input.axis(dim))
        .filter(|axis| axis.extent != 1)
        .map(|axis| Loop { extent: axis.extent, strides: vec![axis.stride] })
        .collect();
    folded.sort_by_key(|level| std::cmp::Reverse(level.strides.first().map_or(0, |s| s.abs())));
    let folded = loops::merge(folded);
    let mut step = Step::new("reduction");
    let (y, x) = (step.write(&output), step.read(input));
    let target = format!("{y}[{}]", loops::index(&kept, "i", 0));
    let element =
        format!("{x}[{} + {}]", loops::index(&kept, "i", 1), loops::index(&folded, "r", 0));
    let finish = |sum: &str| match factor.to_bits() == 1f64.to_bits() {
        true => sum.to_owned(),
        false => format!("{sum} * {}", number(factor)),
    };
    let whole = |text: &str| format!("{}{text}{}", loops::heads(&kept, "i"), loops::tails(&kept));
    let around =
        |text: &str| format!("{}{text}{}", loops::heads(&folded, "r"), loops::tails(&folded));
    let innermost = |levels: &[Loop], tensor: usize| {
        levels.last().and_then(|level| level.strides.get(tensor)).map_or(i64::MAX, |s| s.abs())
    };
    step.body = if innermost(&kept, 1) < innermost(&folded, 0) {
        let start = whole(&format!("{target} = {};\n", fold.start()));
        let sum = whole(&format!("{target} = {};\n", fold.combine(&target, &element)));
        let end = whole(&format!("{target} = {};\n", finish(&target)));
        format!("{start}{}{end}", around(&sum))
    } else {
        let mut text = format!("float s = {};\n", fold.start());
        text.push_str(&around(&format!("s = {};\n", fold.combine("s", &element))));
        let _ = writeln!(text, "{target} = {};", finish("s"));
        whole(&text)
    };
    lowering.program.steps.push(step);
    output
}

/// The mean over dimensions, which stay.
pub(super) fn mean(lowering: &mut Lowering<'_>, input: &View, dims: &[usize]) -> View {
    fold(lowering, input, dims, Fold::Sum, 1.0 / count(input, dims))
}

pub(super) fn count(input: &View, dims: &[usize]) -> f64 {
    dims.iter().map(|&dim| input.axis(dim).extent as f64).product()
}

pub(super) fn load(view: &View, extents: &[i64]) -> Expression {
    Expression::load(view.expand(extents))
}

pub(super) fn computed(
    lowering: &mut Lowering<'_>,
    extents: &[i64],
    expression: Expression,
) -> View {
    lowering.compute(None, extents, &expression)
}

/// The sum of squared differences from `center` times `factor`.
pub(super) fn squares(
    lowering: &mut Lowering<'_>,
    input: &View,
    center: Option<&View>,
    dims: &[usize],
    factor: f64,
) -> View {
    let extents = input.extents();
    let element = Expression::load(input.clone());
    let difference = match center {
        Some(center) => Expression::infix(element, "-", load(center, &extents)),
        None => element,
    };
    let squared = computed(lowering, &extents, element::unary(Unary::Square, difference));
    fold(lowering, &squared, dims, Fold::Sum, factor)
}

/// A reduction.
pub(super) fn reduce(
    lowering: &mut Lowering<'_>,
    node: &Node,
    reduce: &Reduce,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let dims: Vec<usize> =
        if reduce.dims.is_empty() { (0..input.rank()).collect() } else { reduce.dims.clone() };
    let n = count(&input, &dims);
    let result = match reduce.kind {
        ReduceKind::Sum => fold(lowering, &input, &dims, Fold::Sum, 1.0),
        ReduceKind::Mean => mean(lowering, &input, &dims),
        ReduceKind::Max => fold(lowering, &input, &dims, Fold::Largest, 1.0),
        ReduceKind::Min => fold(lowering, &input, &dims, Fold::Smallest, 1.0),
        ReduceKind::Product => fold(lowering, &input, &dims, Fold::Product, 1.0),
        ReduceKind::All => fold(lowering, &input, &dims, Fold::Smallest, 1.0),
        ReduceKind::Any => fold(lowering, &input, &dims, Fold::Largest, 1.0),
        ReduceKind::Variance { correction } => {
            let center = mean(lowering, &input, &dims);
            squares(lowering, &input, Some(&center), &dims, 1.0 / (n - correction as f64))
        }
        ReduceKind::Deviation { correction } => {
            let center = mean(lowering, &input, &dims);
            let squares =
                squares(lowering, &input, Some(&center), &dims, 1.0 / (n - correction as f64));
            unary_of(lowering, Unary::Sqrt, squares)
        }
        ReduceKind::Norm => {
            let squares = squares(lowering, &input, None, &dims, 1.0);
            unary_of(lowering, Unary::Sqrt, squares)
        }
        ReduceKind::LogSumExp => log_sum_exp(lowering, &input, &dims),
    };
    let result = match reduce.keep_dim {
        true => result,
        false => dims.iter().rev().fold(result, |view, &dim| view.remove(dim)),
    };
    lowering.define_view(node, result)
}

fn unary_of(lowering: &mut Lowering<'_>, unary: Unary, view: View) -> View {
    let extents = view.extents();
    computed(lowering, &extents, element::unary(unary, Expression::load(view)))
}

/// The largest element and the sum of exponentials of what is below it.
fn exponentials(lowering: &mut Lowering<'_>, input: &View, dims: &[usize]) -> (View, View, View) {
    let extents = input.extents();
    let largest = fold(lowering, input, dims, Fold::Largest, 1.0);
    let below = Expression::infix(Expression::load(input.clone()), "-", load(&largest, &extents));
    let powers = computed(lowering, &extents, Expression::call("op_exp", vec![below]));
    let sum = fold(lowering, &powers, dims, Fold::Sum, 1.0);
    (largest, powers, sum)
}

fn log_sum_exp(lowering: &mut Lowering<'_>, input: &View, dims: &[usize]) -> View {
    let (largest, _, sum) = exponentials(lowering, input, dims);
    let extents = sum.extents();
    let logarithm = element::unary(Unary::Log, Expression::load(sum));
    computed(lowering, &extents, Expression::infix(logarithm, "+", Expression::load(largest)))
}

/// Softmax over one dimension.
pub(super) fn softmax_view(lowering: &mut Lowering<'_>, input: &View, dim: usize) -> Expression {
    let extents = input.extents();
    let (_, powers, sum) = exponentials(lowering, input, &[dim]);
    Expression::infix(Expression::load(powers), "/", load(&sum, &extents))
}

/// Softmax or its logarithm.
pub(super) fn softmax(
    lowering: &mut Lowering<'_>,
    node: &Node,
    softmax: &Softmax,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let expression = if softmax.log {
        let total = log_sum_exp(lowering, &input, &[softmax.dim]);
        let total = load(&total, &input.extents());
        Expression::infix(Expression::load(input), "-", total)
    } else {
        softmax_view(lowering, &input, softmax.dim)
    };
    lowering.define(node, Held::Lazy(expression))
}

/// A running sum or product.
pub(super) fn cumulate(
    lowering: &mut Lowering<'_>,
    node: &Node,
    cumulate: Cumulate,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let output = lowering.program.allocate_plain(&input.extents());
    let rest = |view: &View| view.remove(cumulate.dim).strides();
    let kept = loops::nest(&output.remove(cumulate.dim).extents(), &[rest(&output), rest(&input)]);
    let fold = if cumulate.product { Fold::Product } else { Fold::Sum };
    let mut step = Step::new("running reduction");
    let (y, x) = (step.write(&output), step.read(&input));
    let place = |tensor: usize, view: &View| {
        let along = loops::sum([("r".to_owned(), view.axis(cumulate.dim).stride)]);
        format!("{} + {along}", loops::index(&kept, "i", tensor))
    };
    let element = format!("{x}[{}]", place(1, &input));
    step.body = format!(
        "{}float s = {};\n{}s = {};\n{y}[{}] = s;\n}}\n{}",
        loops::heads(&kept, "i"),
        fold.start(),
        loops::head("r", input.axis(cumulate.dim).extent),
        fold.combine("s", &element),
        place(0, &output),
        loops::tails(&kept)
    );
    lowering.program.steps.push(step);
    lowering.define_view(node, output)
}

/// The position of the first largest or smallest element.
pub(super) fn arg_extreme(
    lowering: &mut Lowering<'_>,
    node: &Node,
    extreme: ArgExtreme,
) -> Result<(), EmitError> {
    let mut input = lowering.view(lowering.operand(node, 0)?)?;
    let dim = extreme.dim.unwrap_or(0);
    if extreme.dim.is_none() {
        let flat = [input.elements()];
        input = View::plain(0, &flat).on(&lowering.plain_view(&input));
    }
    let Some(&id) = node.outputs.first() else { return Ok(()) };
    let output = lowering.program.allocate_plain(&lowering.extents(id));
    let kept_input = input.remove(dim);
    let extents = kept_input.extents();
    let flat = output.reshape(&extents).unwrap_or_else(|| output.clone());
    let kept = loops::nest(&extents, &[flat.strides(), kept_input.strides()]);
    let mut step = Step::new("position of an extreme");
    let (y, x) = (step.write(&output), step.read(&input));
    let along = loops::sum([("r".to_owned(), input.axis(dim).stride)]);
    let base = loops::index(&kept, "i", 1);
    let sign = if extreme.largest { ">" } else { "<" };
    step.body = format!(
        "{}ptrdiff_t best = 0;\nfloat s = {x}[{base}];\n{}const float t = {x}[{base} + {along}];\n\
         if (t {sign} s) {{ s = t; best = r; }}\n}}\n{y}[{}] = (float)best;\n{}",
        loops::heads(&kept, "i"),
        loops::head("r", input.axis(dim).extent),
        loops::index(&kept, "i", 0),
        loops::tails(&kept)
    );
    lowering.program.steps.push(step);
    lowering.define_view(node, output)
}

impl View {
    /// The same shape over the elements of another view.
    fn on(self, other: &View) -> View {
        View { buffer: other.buffer, offset: other.offset, ..self }
    }
}
