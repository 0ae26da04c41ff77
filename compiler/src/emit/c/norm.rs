//! Normalisation over features, groups of channels and neighbouring channels, from reductions.

use super::super::EmitError;
use super::convolution::signed;
use super::element;
use super::expression::Expression;
use super::lower::{Held, Lowering};
use super::reduce::{Fold, computed, count, fold, load, mean, squares};
use super::view::{Axis, View};
use crate::ir::op::{Binary, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Unary};
use crate::ir::{Node, ValueId};

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
