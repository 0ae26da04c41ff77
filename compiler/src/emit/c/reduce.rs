//! Reductions over dimensions and what is built from them: softmax, norms over features and groups.

use std::fmt::Write as _;

use super::super::EmitError;
use super::convolution::signed;
use super::element;
use super::expression::{Expression, number};
use super::loops::{self, Loop};
use super::lower::{Held, Lowering};
use super::program::Step;
use super::view::{Axis, View};
use crate::ir::op::{
    ArgExtreme, Binary, Cumulate, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Reduce,
    ReduceKind, Softmax, Unary,
};
use crate::ir::{Node, ValueId};

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
fn mean(lowering: &mut Lowering<'_>, input: &View, dims: &[usize]) -> View {
    fold(lowering, input, dims, Fold::Sum, 1.0 / count(input, dims))
}

fn count(input: &View, dims: &[usize]) -> f64 {
    dims.iter().map(|&dim| input.axis(dim).extent as f64).product()
}

fn load(view: &View, extents: &[i64]) -> Expression {
    Expression::load(view.expand(extents))
}

fn computed(lowering: &mut Lowering<'_>, extents: &[i64], expression: Expression) -> View {
    lowering.compute(None, extents, &expression)
}

/// The sum of squared differences from `center` times `factor`.
fn squares(
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
    let powers = computed(lowering, &extents, element::unary(Unary::Exp, below));
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

/// One over the root of `variance + eps`.
fn inverse_root(lowering: &mut Lowering<'_>, variance: View, eps: f64) -> View {
    let extents = variance.extents();
    let sum = Expression::infix(Expression::load(variance), "+", Expression::number(eps));
    computed(lowering, &extents, element::unary(Unary::Rsqrt, sum))
}

/// Normalisation over the last dimensions.
pub(super) fn layer_norm(
    lowering: &mut Lowering<'_>,
    node: &Node,
    norm: &LayerNorm,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let extents = input.extents();
    let first = input.rank().saturating_sub(norm.normalized_shape.len());
    let dims: Vec<usize> = (first..input.rank()).collect();
    let center = (!norm.root_mean_square).then(|| mean(lowering, &input, &dims));
    let factor = 1.0 / count(&input, &dims);
    let variance = squares(lowering, &input, center.as_ref(), &dims, factor);
    let scale = inverse_root(lowering, variance, norm.eps.unwrap_or(f64::from(f32::EPSILON)));
    let element = Expression::load(input);
    let mut result = match &center {
        Some(center) => Expression::infix(element, "-", load(center, &extents)),
        None => element,
    };
    result = Expression::infix(result, "*", load(&scale, &extents));
    if norm.weight {
        let weight = lowering.view(lowering.operand(node, 1)?)?;
        result = Expression::infix(result, "*", load(&weight, &extents));
    }
    if norm.bias {
        let bias = lowering.view(lowering.operand(node, 1 + usize::from(norm.weight))?)?;
        result = Expression::infix(result, "+", load(&bias, &extents));
    }
    lowering.define(node, Held::Lazy(result))
}

/// Normalisation of groups of channels.
pub(super) fn group_norm(
    lowering: &mut Lowering<'_>,
    node: &Node,
    norm: &GroupNorm,
) -> Result<(), EmitError> {
    let weights = if norm.affine {
        Some((lowering.operand(node, 1)?, lowering.operand(node, 2)?))
    } else {
        None
    };
    grouped(lowering, node, signed(norm.num_groups), norm.eps, weights)
}

/// Normalisation of each channel; with running statistics it is a batch norm.
pub(super) fn instance_norm(
    lowering: &mut Lowering<'_>,
    node: &Node,
    norm: &InstanceNorm,
) -> Result<(), EmitError> {
    let rank = lowering.extents(lowering.operand(node, 0)?).len();
    if norm.track_running_stats || rank != norm.spatial + 2 {
        return Err(lowering.unsupported("running statistics, or an input without a batch"));
    }
    let weights = if norm.affine {
        Some((lowering.operand(node, 1)?, lowering.operand(node, 2)?))
    } else {
        None
    };
    grouped(lowering, node, signed(norm.num_features), norm.eps, weights)
}

/// Normalises `groups` groups of channels: a factor and a summand for each channel.
fn grouped(
    lowering: &mut Lowering<'_>,
    node: &Node,
    groups: i64,
    eps: f64,
    weights: Option<(ValueId, ValueId)>,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let extents = input.extents();
    let channels = input.axis(1).extent;
    let each = channels / groups.max(1);
    let split = input.split(1, &[groups, each]);
    let dims: Vec<usize> = (2..split.rank()).collect();
    let center = mean(lowering, &split, &dims);
    let factor = 1.0 / count(&split, &dims);
    let variance = squares(lowering, &split, Some(&center), &dims, factor);
    let root = inverse_root(lowering, variance, eps);
    // [batch, groups, channels of a group]
    let small = [input.axis(0).extent, groups, each];
    let narrow = |view: &View| {
        (3..view.rank()).rev().fold(view.clone(), |view, dim| view.remove(dim)).expand(&small)
    };
    let (center, root) = (narrow(&center), narrow(&root));
    let (weight, bias) = match weights {
        Some((weight, bias)) => {
            let parts =
                |view: View| Expression::load(view.split(0, &[groups, each]).expand(&small));
            (parts(lowering.view(weight)?), parts(lowering.view(bias)?))
        }
        None => (Expression::number(1.0), Expression::number(0.0)),
    };
    let scale = Expression::infix(Expression::load(root), "*", weight);
    let scale = lowering.program.allocate_plain(&small).also(|to| lowering.store(&scale, to));
    let shift = Expression::infix(Expression::load(center), "*", Expression::load(scale.clone()));
    let shift = Expression::infix(bias, "-", shift);
    let shift = lowering.program.allocate_plain(&small).also(|to| lowering.store(&shift, to));
    let wide = |view: &View| {
        let flat = View::plain(view.buffer, &[input.axis(0).extent, channels]);
        let one = Axis { extent: 1, stride: 0 };
        let whole = (2..input.rank()).fold(flat, |view, dim| view.insert(dim, one));
        Expression::load(whole.expand(&extents))
    };
    let scaled = Expression::infix(Expression::load(input.clone()), "*", wide(&scale));
    lowering.define(node, Held::Lazy(Expression::infix(scaled, "+", wide(&shift))))
}

/// Runs something on a value and gives the value.
trait Also: Sized {
    fn also(self, work: impl FnOnce(&Self)) -> Self {
        work(&self);
        self
    }
}

impl Also for View {}

/// x / (k + α · mean of squares of neighbouring channels)^β
pub(super) fn local_response_norm(
    lowering: &mut Lowering<'_>,
    node: &Node,
    norm: &LocalResponseNorm,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let extents = input.extents();
    let (size, channels) = (signed(norm.size), input.axis(1).extent);
    let mut padded = extents.clone();
    if let Some(extent) = padded.get_mut(1) {
        *extent = channels + size - 1;
    }
    let image = lowering.program.allocate(&padded, &input.order(), &[]);
    lowering.store(&Expression::number(0.0), &image);
    let inside = image.slice(1, size / 2, channels, 1);
    let squared = element::unary(Unary::Square, Expression::load(input.clone()));
    lowering.store(&squared, &inside);
    let step = image.axis(1).stride;
    let windows = image.slice(1, 0, channels, 1);
    let windows = windows.insert(input.rank(), Axis { extent: size, stride: step });
    let mean = fold(lowering, &windows, &[input.rank()], Fold::Sum, norm.alpha / size as f64);
    let sum = Expression::load(mean.remove(input.rank()));
    let base = Expression::infix(sum, "+", Expression::number(norm.k));
    let power = element::binary(Binary::Pow, base, Expression::number(norm.beta));
    lowering.define(node, Held::Lazy(Expression::infix(Expression::load(input), "/", power)))
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
