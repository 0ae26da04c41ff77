//! Operators on single elements: functions of one tensor, and of two that are broadcast.

use super::super::message::data_type;
use super::EvaluateError;
use super::call::Call;
use super::tensor::{Elements, Tensor, Walk, broadcast, broadcast_strides};

type Evaluated = Result<Tensor, EvaluateError>;

/// Any operator of one or two tensors of one shape.
pub(super) fn elementwise(call: &Call<'_>) -> Evaluated {
    if let Some(function) = function(call) {
        let x = call.floats(0)?.iter().map(|&x| function(x)).collect();
        return Ok(Tensor::of_floats(call.input(0)?.shape.clone(), x));
    }
    match (call.operator(), &call.input(0)?.elements) {
        ("Neg", Elements::Integers(_)) => integers(call, |x| -x),
        ("Abs", Elements::Integers(_)) => integers(call, i64::abs),
        ("Sign", Elements::Integers(_)) => integers(call, i64::signum),
        ("Not", _) => integers(call, |x| i64::from(x == 0)),
        _ => binary(call),
    }
}

fn integers(call: &Call<'_>, function: impl Fn(i64) -> i64) -> Evaluated {
    let x = call.input(0)?;
    let elements = x.integers().ok_or_else(|| call.wrong("operand 0 holds no whole numbers"))?;
    Ok(Tensor::of_integers(x.shape.clone(), elements.iter().map(|&x| function(x)).collect()))
}

/// The function of a float that an operator with one float operand is.
fn function(call: &Call<'_>) -> Option<Box<dyn Fn(f32) -> f32>> {
    call.optional(0)?.floats()?;
    let constant = |name: &str, default: f32| call.float(name, default);
    Some(match call.operator() {
        "Relu" => Box::new(|x| if x < 0.0 { 0.0 } else { x }),
        "Sigmoid" => Box::new(sigmoid),
        "Tanh" => Box::new(f32::tanh),
        "Softplus" => Box::new(|x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        "Softsign" => Box::new(|x| x / (1.0 + x.abs())),
        "Erf" => Box::new(|x| error_function(f64::from(x)) as f32),
        "Exp" => Box::new(f32::exp),
        "Log" => Box::new(f32::ln),
        "Sqrt" => Box::new(f32::sqrt),
        "Reciprocal" => Box::new(|x| 1.0 / x),
        "Neg" => Box::new(|x| -x),
        "Abs" => Box::new(f32::abs),
        "Sin" => Box::new(f32::sin),
        "Cos" => Box::new(f32::cos),
        "Tan" => Box::new(f32::tan),
        "Floor" => Box::new(f32::floor),
        "Ceil" => Box::new(f32::ceil),
        "Round" => Box::new(f32::round_ties_even),
        "Sign" => Box::new(|x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
        "LeakyRelu" => {
            let slope = constant("alpha", 0.01);
            Box::new(move |x| if x < 0.0 { slope * x } else { x })
        }
        "Elu" => {
            let alpha = constant("alpha", 1.0);
            Box::new(move |x| if x < 0.0 { alpha * x.exp_m1() } else { x })
        }
        "Celu" => {
            let alpha = constant("alpha", 1.0);
            Box::new(move |x| if x < 0.0 { alpha * (x / alpha).exp_m1() } else { x })
        }
        "Selu" => {
            // the operator's defaults
            let (alpha, gamma) = (constant("alpha", 1.673_263_2), constant("gamma", 1.050_701));
            Box::new(move |x| gamma * if x < 0.0 { alpha * x.exp_m1() } else { x })
        }
        "HardSigmoid" => {
            let (alpha, beta) = (constant("alpha", 0.2), constant("beta", 0.5));
            Box::new(move |x| (alpha * x + beta).clamp(0.0, 1.0))
        }
        "Shrink" => {
            let (lambda, bias) = (constant("lambd", 0.5), constant("bias", 0.0));
            Box::new(move |x| {
                if x < -lambda {
                    x + bias
                } else if x > lambda {
                    x - bias
                } else {
                    0.0
                }
            })
        }
        _ => return None,
    })
}

pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The error function: its series near zero, else the continued fraction of its complement
/// (Abramowitz and Stegun, 7.1.6 and 7.1.14).
pub(super) fn error_function(x: f64) -> f64 {
    let z = x.abs();
    let value = if z < 2.5 {
        let mut term = z;
        let mut sum = z;
        for n in 1..60 {
            term *= 2.0 * z * z / f64::from(2 * n + 1);
            sum += term;
        }
        std::f64::consts::FRAC_2_SQRT_PI * (-z * z).exp() * sum
    } else {
        let fraction = (1..60).rev().fold(z, |inner, n| z + f64::from(n) / 2.0 / inner);
        1.0 - (-z * z).exp() / fraction / std::f64::consts::PI.sqrt()
    };
    value.copysign(x)
}

/// An operator of two tensors.
fn binary(call: &Call<'_>) -> Evaluated {
    let (left, right) = (call.input(0)?, call.input(1)?);
    match (&left.elements, &right.elements) {
        (Elements::Floats(a), Elements::Floats(b)) => float_pairs(call, left, a, right, b),
        (Elements::Integers(a), Elements::Integers(b)) => integer_pairs(call, left, a, right, b),
        _ => Err(call.wrong("its operands have two element types")),
    }
}

fn float_pairs(call: &Call<'_>, left: &Tensor, a: &[f32], right: &Tensor, b: &[f32]) -> Evaluated {
    let arithmetic: fn(f32, f32) -> f32 = match call.operator() {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => f32::powf,
        "Max" => |a, b| if a > b || a.is_nan() { a } else { b },
        "Min" => |a, b| if a < b || a.is_nan() { a } else { b },
        "PRelu" => |a, b| if a < 0.0 { a * b } else { a },
        operator => return compare(call, operator, left, a, right, b),
    };
    let (shape, elements) = combined(left, a, right, b, arithmetic);
    Ok(Tensor::of_floats(shape, elements))
}

fn compare<T: Copy + PartialOrd>(
    call: &Call<'_>,
    operator: &str,
    left: &Tensor,
    a: &[T],
    right: &Tensor,
    b: &[T],
) -> Evaluated {
    let holds: fn(T, T) -> bool = match operator {
        "Equal" => |a, b| a == b,
        "Less" => |a, b| a < b,
        "LessOrEqual" => |a, b| a <= b,
        "Greater" => |a, b| a > b,
        "GreaterOrEqual" => |a, b| a >= b,
        _ => return Err(call.wrong("nasc does not know it for these operands")),
    };
    let (shape, elements) = combined(left, a, right, b, |a, b| i64::from(holds(a, b)));
    Ok(Tensor::of_integers(shape, elements))
}

fn integer_pairs(
    call: &Call<'_>,
    left: &Tensor,
    a: &[i64],
    right: &Tensor,
    b: &[i64],
) -> Evaluated {
    let arithmetic: fn(i64, i64) -> i64 = match call.operator() {
        "Add" => i64::wrapping_add,
        "Sub" => i64::wrapping_sub,
        "Mul" => i64::wrapping_mul,
        "Div" => |a, b| a.checked_div(b).unwrap_or(0),
        // the sign of the divisor
        "Mod" => |a, b| {
            let rest = a.checked_rem(b).unwrap_or(0);
            if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
        },
        "Pow" => |a, b| (a as f64).powf(b as f64) as i64,
        "Max" => i64::max,
        "Min" => i64::min,
        "And" => |a, b| i64::from(a != 0 && b != 0),
        "Or" => |a, b| i64::from(a != 0 || b != 0),
        "Xor" => |a, b| i64::from((a != 0) != (b != 0)),
        operator => return compare(call, operator, left, a, right, b),
    };
    let (shape, elements) = combined(left, a, right, b, arithmetic);
    Ok(Tensor::of_integers(shape, elements))
}

/// Pairs of elements of two tensors that are broadcast.
fn combined<T: Copy, R>(
    left: &Tensor,
    a: &[T],
    right: &Tensor,
    b: &[T],
    function: impl Fn(T, T) -> R,
) -> (Vec<usize>, Vec<R>) {
    let shape = broadcast(&[&left.shape, &right.shape]);
    let elements = if left.shape == right.shape {
        a.iter().zip(b).map(|(&a, &b)| function(a, b)).collect()
    } else if let ([b], true) = (b, shape == left.shape) {
        a.iter().map(|&a| function(a, *b)).collect()
    } else {
        let strides = [&left.shape, &right.shape].map(|own| broadcast_strides(own, &shape));
        let walk = Walk::new(&shape, [&strides[0], &strides[1]]);
        let pair = |[i, j]: [usize; 2]| Some(function(*a.get(i)?, *b.get(j)?));
        walk.filter_map(pair).collect()
    };
    (shape, elements)
}

/// One of two tensors by a condition.
pub(super) fn choose(call: &Call<'_>) -> Evaluated {
    let (condition, yes, no) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let chosen = condition.integers().ok_or_else(|| call.wrong("its condition is no condition"))?;
    let shape = broadcast(&[&condition.shape, &yes.shape, &no.shape]);
    let [c, y, n] = [condition, yes, no].map(|own| broadcast_strides(&own.shape, &shape));
    let walk = || Walk::new(&shape, [&c, &y, &n]);
    let holds = |place: usize| chosen.get(place).is_some_and(|&bit| bit != 0);
    let elements = match (&yes.elements, &no.elements) {
        (Elements::Floats(yes), Elements::Floats(no)) => Elements::Floats(
            walk()
                .filter_map(|[c, y, n]| if holds(c) { yes.get(y) } else { no.get(n) }.copied())
                .collect(),
        ),
        (Elements::Integers(yes), Elements::Integers(no)) => Elements::Integers(
            walk()
                .filter_map(|[c, y, n]| if holds(c) { yes.get(y) } else { no.get(n) }.copied())
                .collect(),
        ),
        _ => return Err(call.wrong("its operands have two element types")),
    };
    Ok(Tensor { shape, elements })
}

/// Another element type.
pub(super) fn cast(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let to = i32::try_from(call.int("to", 0)).unwrap_or(0);
    let elements = match (to, &x.elements) {
        (data_type::FLOAT | data_type::DOUBLE, _) => Elements::Floats(x.to_floats()),
        (data_type::BOOL, Elements::Floats(x)) => {
            Elements::Integers(x.iter().map(|&x| i64::from(x != 0.0)).collect())
        }
        (data_type::BOOL, Elements::Integers(x)) => {
            Elements::Integers(x.iter().map(|&x| i64::from(x != 0)).collect())
        }
        (data_type::INT64 | data_type::INT32 | data_type::UINT8, Elements::Floats(x)) => {
            Elements::Integers(x.iter().map(|&x| x as i64).collect())
        }
        (data_type::INT64 | data_type::INT32, Elements::Integers(x)) => {
            Elements::Integers(x.clone())
        }
        (data_type::UINT8, Elements::Integers(x)) => {
            Elements::Integers(x.iter().map(|x| x & 0xff).collect())
        }
        _ => return Err(call.wrong("nasc evaluates no 16-bit floats")),
    };
    Ok(Tensor { shape: x.shape.clone(), elements })
}

/// Restriction to a range; both ends may be left out.
pub(super) fn clip(call: &Call<'_>) -> Evaluated {
    let x = call.input(0)?;
    let bound = |index: usize, default: f32| {
        let found = call.optional(index).map(Tensor::to_floats);
        found.and_then(|found| found.first().copied()).unwrap_or(default)
    };
    let (low, high) = (bound(1, f32::NEG_INFINITY), bound(2, f32::INFINITY));
    let elements = match &x.elements {
        Elements::Floats(x) => Elements::Floats(x.iter().map(|&x| x.max(low).min(high)).collect()),
        Elements::Integers(x) => {
            Elements::Integers(x.iter().map(|&x| x.max(low as i64).min(high as i64)).collect())
        }
    };
    Ok(Tensor { shape: x.shape.clone(), elements })
}

#[cfg(test)]
mod tests {
    use super::error_function;

    #[test]
    fn the_error_function_is_that_of_tables() {
        // Abramowitz and Stegun, table 7.1
        for (x, expected) in
            [(0.5, 0.520_499_877_8), (1.5, 0.966_105_146_5), (3.0, 0.999_977_909_5)]
        {
            assert!((error_function(x) - expected).abs() < 1e-10, "{x}");
            assert!((error_function(-x) + expected).abs() < 1e-10, "{x}");
        }
    }
}
