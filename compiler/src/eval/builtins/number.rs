//! Numbers: conversions, rounding, `range`, the functions of `math`.

use crate::ast::BinaryOp;
use crate::eval::error::{Eval, Mistake, raise, refuse, type_error, value_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native};
use crate::eval::value::{Range, Value};

use super::native;

pub(crate) const METHODS: &[Native] = &[
    native("int.bit_length", "self", |_, args| {
        let number = args.int("self")?.unsigned_abs();
        Ok(Value::Int(i128::from(128 - number.leading_zeros())))
    }),
    native("float.is_integer", "self", |_, args| {
        Ok(Value::Bool(args.float("self")?.fract() == 0.0))
    }),
    native("int.item", "self", |_, args| Ok(args.value("self"))),
];

pub(crate) const DTYPE_METHODS: &[Native] = &[];

pub(super) fn abs(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(match args.value("x") {
        Value::Float(number) => Value::Float(number.abs()),
        Value::Tensor(tensor) => {
            return interpreter.unary_op("abs", crate::ir::op::Unary::Abs, &tensor);
        }
        _ => Value::Int(args.int("x")?.saturating_abs()),
    })
}

pub(super) fn to_bool(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.truth(&args.value("x")).map(Value::Bool)
}

pub(super) fn to_float(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let value = args.value("x");
    if let Some(text) = value.as_str() {
        return text
            .trim()
            .parse()
            .map(Value::Float)
            .map_err(|_| value_error(format!("could not convert string to float: '{text}'")));
    }
    if let Value::Tensor(tensor) = &value {
        return interpreter.tensor_number(tensor).map(Value::Float);
    }
    args.float("x").map(Value::Float)
}

pub(super) fn to_int(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let value = args.value("x");
    if let Some(text) = value.as_str() {
        let base = u32::try_from(args.int("base")?).unwrap_or(10).clamp(2, 36);
        return i128::from_str_radix(text.trim(), base).map(Value::Int).map_err(|_| {
            value_error(format!("invalid literal for int() with base {base}: '{text}'"))
        });
    }
    match &value {
        Value::Batch(_) | Value::Unknown => Ok(value),
        Value::Float(number) => float_to_int(number.trunc()),
        Value::Tensor(tensor) => {
            let number = interpreter.tensor_number(tensor)?;
            float_to_int(number.trunc())
        }
        _ => args.int("x").map(Value::Int),
    }
}

fn float_to_int(number: f64) -> Eval<Value> {
    if !number.is_finite() {
        return Err(raise(
            Mistake::BadValue,
            "OverflowError",
            "cannot convert float infinity or NaN to integer",
        ));
    }
    if number.abs() > 1e38 {
        return Err(refuse(Mistake::IntegerOverflow, "an integer exceeds 128 bits"));
    }
    Ok(Value::Int(number as i128))
}

pub(super) fn pow(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    interpreter.binary(BinaryOp::Pow, &args.value("base"), &args.value("exp"))
}

pub(super) fn divmod(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (a, b) = (args.value("a"), args.value("b"));
    let quotient = interpreter.binary(BinaryOp::FloorDiv, &a, &b)?;
    let remainder = interpreter.binary(BinaryOp::Mod, &a, &b)?;
    Ok(Value::tuple(vec![quotient, remainder]))
}

/// Rounds half to even, as Python does.
pub(super) fn round(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let value = args.value("number");
    if let Value::Tensor(tensor) = &value {
        return interpreter.unary_op("round", crate::ir::op::Unary::Round, tensor);
    }
    if let (Some(number), true) = (value.as_int(), args.value("ndigits").is_none()) {
        return Ok(Value::Int(number));
    }
    let number = args.float("number")?;
    match args.optional_int("ndigits")? {
        None => float_to_int(number.round_ties_even()),
        Some(digits) => {
            let digits = usize::try_from(digits.clamp(0, 300)).unwrap_or(0);
            Ok(Value::Float(format!("{number:.digits$}").parse().unwrap_or(number)))
        }
    }
}

pub(super) fn range(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut numbers = Vec::new();
    for value in &args.rest {
        match value {
            Value::Batch(_) => {
                return Err(refuse(
                    Mistake::DataDependentControlFlow,
                    "a range over the batch has no length for every batch size",
                )
                .help("loop over a hyper-parameter, or use tensor operations over the batch"));
            }
            Value::Unknown => return Err(crate::eval::error::silent()),
            Value::Tensor(tensor) => numbers.push(interpreter.tensor_number(tensor)? as i128),
            other => numbers.push(other.as_int().ok_or_else(|| {
                type_error(format!(
                    "'{}' object cannot be interpreted as an integer",
                    other.type_name()
                ))
            })?),
        }
    }
    let (start, stop, step) = match numbers.as_slice() {
        [stop] => (0, *stop, 1),
        [start, stop] => (*start, *stop, 1),
        [start, stop, step] => (*start, *stop, *step),
        _ => return Err(type_error("range expected 1 to 3 arguments")),
    };
    if step == 0 {
        return Err(value_error("range() arg 3 must not be zero"));
    }
    let limit = i128::from(i64::MAX);
    if [start, stop, step].iter().any(|number| number.abs() > limit) {
        return Err(refuse(Mistake::IntegerOverflow, "a range exceeds 64 bits"));
    }
    Ok(Value::Range(Range { start, stop, step }))
}

/// Functions of one float from `math`.
pub(crate) fn math_function(name: &str, x: f64) -> Option<f64> {
    Some(match name {
        "sqrt" if x < 0.0 => return None,
        "log" | "log2" | "log10" if x <= 0.0 => return None,
        "sqrt" => x.sqrt(),
        "exp" => x.exp(),
        "log" => x.ln(),
        "log2" => x.log2(),
        "log10" => x.log10(),
        "log1p" => x.ln_1p(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "tanh" => x.tanh(),
        "atan" => x.atan(),
        "fabs" => x.abs(),
        "radians" => x.to_radians(),
        "degrees" => x.to_degrees(),
        "erf" => erf(x),
        _ => return None,
    })
}

/// The error function; Abramowitz and Stegun 7.1.5 (series) and 7.1.14 (continued fraction).
fn erf(x: f64) -> f64 {
    let z = x.abs();
    let value = if z < 3.0 {
        let mut term = z;
        let mut sum = z;
        for n in 1..100 {
            term *= -z * z / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        let mut fraction = 0.0;
        for k in (1..60).rev() {
            fraction = f64::from(k) / 2.0 / (z + fraction);
        }
        1.0 - (-z * z).exp() / (std::f64::consts::PI.sqrt() * (z + fraction))
    };
    if x < 0.0 { -value } else { value }
}

/// `math.NAME(x)` for the functions above.
pub(super) fn math(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let x = args.float("x")?;
    match math_function(name, x) {
        Some(result) => Ok(Value::Float(result)),
        None => Err(value_error("math domain error")),
    }
}

/// `math.log(x, base)`
pub(super) fn log(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let x = args.float("x")?;
    if x <= 0.0 {
        return Err(value_error("math domain error"));
    }
    Ok(Value::Float(match args.optional_float("base")? {
        Some(base) => x.ln() / base.ln(),
        None => x.ln(),
    }))
}

pub(super) fn floor(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    match args.value("x").as_int() {
        Some(number) => Ok(Value::Int(number)),
        None => float_to_int(args.float("x")?.floor()),
    }
}

pub(super) fn ceil(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    match args.value("x").as_int() {
        Some(number) => Ok(Value::Int(number)),
        None => float_to_int(args.float("x")?.ceil()),
    }
}

pub(super) fn float_pow(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Float(args.float("x")?.powf(args.float("y")?)))
}

pub(super) fn gcd(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut result: i128 = 0;
    for value in &args.rest {
        let number = value.as_int().ok_or_else(|| type_error("math.gcd() takes integers"))?;
        let (mut a, mut b) = (result.abs(), number.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        result = a;
    }
    Ok(Value::Int(result))
}

pub(super) fn prod(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut product = args.value("start");
    for item in interpreter.collect(&args.value("iterable"))? {
        product = interpreter.binary(BinaryOp::Mul, &product, &item)?;
    }
    Ok(product)
}

pub(super) fn isqrt(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let number = args.int("n")?;
    if number < 0 {
        return Err(value_error("isqrt() argument must be nonnegative"));
    }
    Ok(Value::Int(number.isqrt()))
}

/// `math.comb(n, k)` and `math.perm(n, k)`.
pub(super) fn choices(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (n, k) = (args.int("n")?, args.int("k")?);
    if n < 0 || k < 0 {
        return Err(crate::eval::error::value_error("n and k must be non-negative"));
    }
    let ordered = args.function.ends_with("perm");
    let mut product: i128 = 1;
    for step in 0..k.min(1000) {
        let next = product.checked_mul((n - step).max(0));
        let next = if ordered { next } else { next.and_then(|p| p.checked_div(step + 1)) };
        product = next.ok_or_else(|| {
            refuse(crate::eval::error::Mistake::IntegerOverflow, "an integer exceeds 128 bits")
        })?;
    }
    Ok(Value::Int(product))
}

/// `math.factorial(n)`
pub(super) fn factorial(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let product = (1..=args.int("n")?.min(1000)).try_fold(1i128, i128::checked_mul);
    product.map(Value::Int).ok_or_else(|| {
        refuse(crate::eval::error::Mistake::IntegerOverflow, "an integer exceeds 128 bits")
    })
}
