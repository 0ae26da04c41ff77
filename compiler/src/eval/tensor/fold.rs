//! Operations on constants, computed while the network is built: positions, masks, schedules.
//! Deliberately not here: large constants, which stay operations of the graph.

#![expect(clippy::indexing_slicing, reason = "positions are computed from the shapes of the data")]

use crate::eval::fuel;
use crate::eval::interpreter::Interpreter;
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{Binary, Op, ReduceKind};
use crate::ir::{Dim, Init, TensorType};

/// Most elements of a result that is computed.
const MAX_ELEMENTS: usize = 1 << 20;

/// The same in `forward`.
const MAX_RUNNING: usize = 1 << 16;

/// A constant: its extents and its elements in row-major order.
struct Constant {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Interpreter<'_> {
    /// The results of an operation whose operands are all known.
    pub(super) fn fold(
        &mut self,
        op: &Op,
        operands: &[Tensor],
        results: &[TensorType],
    ) -> Option<Vec<Value>> {
        let is_running = !self.module_stack.is_empty();
        if operands.is_empty() || is_running && operands.iter().all(|o| o.data().is_none()) {
            return None;
        }
        let limit = if is_running { MAX_RUNNING } else { MAX_ELEMENTS };
        let shapes: Vec<Vec<usize>> = results.iter().map(extents).collect::<Option<_>>()?;
        let total: usize = shapes.iter().map(|shape| count(shape)).sum();
        if total > limit {
            return None;
        }
        let known: Vec<Constant> = operands.iter().map(constant).collect::<Option<_>>()?;
        let data = compute(op, &known, &shapes)?;
        self.fuel.allocate(total.div_ceil(fuel::NUMBERS)).ok()?;
        let tensors = results.iter().zip(data).map(|(tensor_type, data)| {
            Value::Tensor(Tensor::new(tensor_type.clone(), Source::Data(data.into())))
        });
        Some(tensors.collect())
    }
}

/// The elements of a tensor that is known: given, or filled with one number.
pub(super) fn known_elements(tensor: &Tensor) -> Option<Vec<f64>> {
    constant(tensor).map(|constant| constant.data)
}

fn constant(tensor: &Tensor) -> Option<Constant> {
    let shape = extents(&tensor.tensor_type())?;
    let data = match &*tensor.0.source.borrow() {
        Source::Data(data) => data.to_vec(),
        Source::Fill(Init::Constant(number)) if !tensor.0.parameter => {
            let count = count(&shape);
            if count > MAX_ELEMENTS {
                return None;
            }
            vec![*number; count]
        }
        Source::Fill(_) | Source::Graph(_) | Source::Param(_) => return None,
    };
    (data.len() == count(&shape)).then_some(Constant { shape, data })
}

fn extents(tensor_type: &TensorType) -> Option<Vec<usize>> {
    let extent = |dim: &Dim| dim.known().and_then(|extent| usize::try_from(extent).ok());
    tensor_type.shape.0.iter().map(extent).collect()
}

fn count(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product: usize, &extent| product.saturating_mul(extent))
}

fn compute(op: &Op, operands: &[Constant], results: &[Vec<usize>]) -> Option<Vec<Vec<f64>>> {
    let input = operands.first()?;
    let shape = results.first()?;
    let one = match op {
        Op::Reshape(_) | Op::Contiguous => input.data.clone(),
        Op::Cast(cast) if cast.dtype.is_float() => input.data.clone(),
        Op::Cast(_) => input.data.iter().map(|number| number.trunc()).collect(),
        Op::Permute(permute) => moved(input, shape, |at, from| {
            for (position, &dim) in permute.order.iter().enumerate() {
                from[dim] = at[position];
            }
        }),
        Op::Slice(slice) => {
            let (start, step) =
                (usize::try_from(slice.start).ok()?, usize::try_from(slice.step).ok()?);
            moved(input, shape, |at, from| {
                from.copy_from_slice(at);
                from[slice.dim] = start + at[slice.dim] * step;
            })
        }
        Op::Expand(_) | Op::Repeat(_) => moved(input, shape, |at, from| {
            let added = at.len() - from.len();
            for (dim, index) in from.iter_mut().enumerate() {
                *index = at[dim + added] % input.shape[dim].max(1);
            }
        }),
        Op::Flip(flip) => moved(input, shape, |at, from| {
            from.copy_from_slice(at);
            for &dim in &flip.dims {
                from[dim] = input.shape[dim] - 1 - at[dim];
            }
        }),
        Op::Roll(roll) => moved(input, shape, |at, from| {
            from.copy_from_slice(at);
            for &(dim, shift) in &roll.shifts {
                let extent = input.shape[dim].max(1) as i64;
                from[dim] = (at[dim] as i64 - shift).rem_euclid(extent) as usize;
            }
        }),
        Op::Triangle(triangle) => each(input, |at, number| {
            let offset = at[at.len() - 1] as i64 - at[at.len() - 2] as i64;
            let inside = if triangle.upper {
                offset >= triangle.diagonal
            } else {
                offset <= triangle.diagonal
            };
            if inside { number } else { 0.0 }
        }),
        Op::Unary(unary) => {
            let function = super::arithmetic::unary_function(*unary)?;
            input.data.iter().map(|&number| function(number)).collect()
        }
        Op::Scalar(scalar) => {
            let apply = |number: f64| match scalar.reversed {
                true => binary(scalar.op, scalar.value, number),
                false => binary(scalar.op, number, scalar.value),
            };
            input.data.iter().map(|&number| apply(number)).collect()
        }
        Op::Binary(op) => {
            let (left, right) = (spread(input, shape), spread(operands.get(1)?, shape));
            left.iter().zip(&right).map(|(&a, &b)| binary(*op, a, b)).collect()
        }
        Op::Clamp(clamp) => {
            let (low, high) =
                (clamp.min.unwrap_or(f64::NEG_INFINITY), clamp.max.unwrap_or(f64::INFINITY));
            input.data.iter().map(|&number| number.max(low).min(high)).collect()
        }
        Op::Where => {
            let condition = spread(input, shape);
            let (left, right) = (spread(operands.get(1)?, shape), spread(operands.get(2)?, shape));
            let pairs = condition.iter().zip(left.iter().zip(&right));
            pairs.map(|(&chosen, (&a, &b))| if chosen != 0.0 { a } else { b }).collect()
        }
        Op::MaskedFill(fill) => {
            let (data, mask) = (spread(input, shape), spread(operands.get(1)?, shape));
            data.iter().zip(&mask).map(|(&x, &m)| if m != 0.0 { fill.value } else { x }).collect()
        }
        Op::Cat(cat) => joined(operands, cat.dim, shape),
        Op::Index(index) => selected(input, operands.get(1)?, index.dim, shape)?,
        Op::Reduce(reduce) => reduced(input, &reduce.dims, reduce.kind)?,
        Op::Split(split) => return Some(parts(input, split.dim, results)),
        _ => return None,
    };
    Some(vec![one])
}

/// Calls a function with every position of a shape, in order.
fn positions(shape: &[usize], mut visit: impl FnMut(&[usize])) {
    let mut at = vec![0; shape.len()];
    for _ in 0..count(shape) {
        visit(&at);
        for dim in (0..shape.len()).rev() {
            at[dim] += 1;
            if at[dim] < shape[dim] {
                break;
            }
            at[dim] = 0;
        }
    }
}

fn offset(shape: &[usize], at: &[usize]) -> usize {
    shape.iter().zip(at).fold(0, |offset, (extent, index)| offset * extent + index)
}

/// Elements taken from elsewhere: `from` is set to the position in the input.
fn moved(input: &Constant, shape: &[usize], find: impl Fn(&[usize], &mut [usize])) -> Vec<f64> {
    let mut from = vec![0; input.shape.len()];
    let mut data = Vec::with_capacity(count(shape));
    positions(shape, |at| {
        find(at, &mut from);
        data.push(input.data.get(offset(&input.shape, &from)).copied().unwrap_or(0.0));
    });
    data
}

fn each(input: &Constant, function: impl Fn(&[usize], f64) -> f64) -> Vec<f64> {
    let mut data = Vec::with_capacity(input.data.len());
    positions(&input.shape, |at| data.push(function(at, input.data[data.len()])));
    data
}

/// Broadcast to a shape.
fn spread(input: &Constant, shape: &[usize]) -> Vec<f64> {
    let added = shape.len().saturating_sub(input.shape.len());
    moved(input, shape, |at, from| {
        for (dim, index) in from.iter_mut().enumerate() {
            *index = if input.shape[dim] == 1 { 0 } else { at[dim + added] };
        }
    })
}

fn joined(operands: &[Constant], dim: usize, shape: &[usize]) -> Vec<f64> {
    let mut data = Vec::with_capacity(count(shape));
    positions(shape, |at| {
        let mut at = at.to_vec();
        for operand in operands {
            if at[dim] < operand.shape[dim] {
                data.push(operand.data[offset(&operand.shape, &at)]);
                return;
            }
            at[dim] -= operand.shape[dim];
        }
    });
    data
}

fn parts(input: &Constant, dim: usize, results: &[Vec<usize>]) -> Vec<Vec<f64>> {
    let mut start = 0;
    let mut all = Vec::new();
    for shape in results {
        all.push(moved(input, shape, |at, from| {
            from.copy_from_slice(at);
            from[dim] += start;
        }));
        start += shape.get(dim).copied().unwrap_or(0);
    }
    all
}

fn selected(input: &Constant, indices: &Constant, dim: usize, shape: &[usize]) -> Option<Vec<f64>> {
    let extent = *input.shape.get(dim)? as f64;
    let inside = |&number: &f64| number >= -extent && number < extent;
    if !indices.data.iter().all(inside) {
        return None;
    }
    let rank = indices.shape.len();
    Some(moved(input, shape, |at, from| {
        let number = indices.data[offset(&indices.shape, &at[dim..dim + rank])];
        let index = if number < 0.0 { number + extent } else { number };
        from[..dim].copy_from_slice(&at[..dim]);
        from[dim] = index as usize;
        from[dim + 1..].copy_from_slice(&at[dim + rank..]);
    }))
}

fn reduced(input: &Constant, dims: &[usize], kind: ReduceKind) -> Option<Vec<f64>> {
    let all: Vec<usize> = (0..input.shape.len()).collect();
    let dims = if dims.is_empty() { &all } else { dims };
    let kept: Vec<usize> = all.iter().copied().filter(|dim| !dims.contains(dim)).collect();
    let shape: Vec<usize> = kept.iter().map(|&dim| input.shape[dim]).collect();
    let mut groups: Vec<Vec<f64>> = vec![Vec::new(); count(&shape)];
    let mut next = 0;
    positions(&input.shape, |at| {
        let place: Vec<usize> = kept.iter().map(|&dim| at[dim]).collect();
        groups[offset(&shape, &place)].push(input.data[next]);
        next += 1;
    });
    let reduce = |group: &Vec<f64>| {
        let numbers = group.iter().copied();
        Some(match kind {
            ReduceKind::Sum => numbers.sum(),
            ReduceKind::Mean => numbers.sum::<f64>() / group.len() as f64,
            ReduceKind::Max => numbers.fold(f64::NEG_INFINITY, f64::max),
            ReduceKind::Min => numbers.fold(f64::INFINITY, f64::min),
            ReduceKind::Product => numbers.product(),
            ReduceKind::All => f64::from(group.iter().all(|&number| number != 0.0)),
            ReduceKind::Any => f64::from(group.iter().any(|&number| number != 0.0)),
            ReduceKind::Variance { .. }
            | ReduceKind::Deviation { .. }
            | ReduceKind::Norm
            | ReduceKind::LogSumExp => return None,
        })
    };
    groups.iter().map(reduce).collect()
}

/// Arithmetic of two numbers; comparisons give 1 and 0.
fn binary(op: Binary, a: f64, b: f64) -> f64 {
    let truth = f64::from;
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => a.powf(b),
        Binary::Maximum => a.max(b),
        Binary::Minimum => a.min(b),
        Binary::FloorDivide => (a / b).floor(),
        Binary::Remainder => a - (a / b).floor() * b,
        Binary::Equal => truth(a == b),
        Binary::NotEqual => truth(a != b),
        Binary::Less => truth(a < b),
        Binary::LessEqual => truth(a <= b),
        Binary::Greater => truth(a > b),
        Binary::GreaterEqual => truth(a >= b),
        Binary::LogicalAnd => truth(a != 0.0 && b != 0.0),
        Binary::LogicalOr => truth(a != 0.0 || b != 0.0),
        Binary::LogicalXor => truth((a != 0.0) != (b != 0.0)),
    }
}
