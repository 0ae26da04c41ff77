//! numpy as far as networks use it to compute sizes: arrays are constant tensors.

use super::builtins::native;
use super::error::{Eval, Mistake, refuse};
use super::interpreter::Interpreter;
use super::native::{Args, Native};
use super::value::{Source, Tensor, Value};
use crate::ast::BinaryOp;
use crate::ir::{DType, Dim, Shape, TensorType};

/// Functions by dotted name.
pub(crate) const FUNCTIONS: &[Native] = &[
    native("numpy.arange", "*args, **kwargs", arange),
    native("numpy.linspace", "start, stop, num=50, **kwargs", linspace),
    native("numpy.array", "object, dtype=None, **kwargs", array),
    native("numpy.asarray", "object, dtype=None, **kwargs", array),
    native("numpy.round", "x, decimals=0", elementwise),
    native("numpy.around", "x, decimals=0", elementwise),
    native("numpy.rint", "x", elementwise),
    native("numpy.abs", "x", elementwise),
    native("numpy.log", "x", elementwise),
    native("numpy.log2", "x", elementwise),
    native("numpy.exp", "x", elementwise),
    native("numpy.sqrt", "x", elementwise),
    native("numpy.ceil", "x", elementwise),
    native("numpy.floor", "x", elementwise),
    native("numpy.power", "x1, x2", |interpreter, args| {
        interpreter.binary(BinaryOp::Pow, &args.value("x1"), &args.value("x2"))
    }),
    native("numpy.multiply", "x1, x2", |interpreter, args| {
        interpreter.binary(BinaryOp::Mul, &args.value("x1"), &args.value("x2"))
    }),
    native("numpy.divide", "x1, x2", |interpreter, args| {
        interpreter.binary(BinaryOp::Div, &args.value("x1"), &args.value("x2"))
    }),
    native("numpy.unique", "ar, return_counts=False", unique),
    native("numpy.cumsum", "a", |_, args| {
        let (data, dtype) = elements(&args.value("a"))?;
        let mut total = 0.0;
        let sums = data.iter().map(|number| {
            total += number;
            total
        });
        Ok(vector(sums.collect(), dtype))
    }),
    native("numpy.sum", "a", |_, args| {
        let (data, dtype) = elements(&args.value("a"))?;
        Ok(number(data.iter().sum(), dtype))
    }),
    native("numpy.max", "a", |_, args| {
        let (data, dtype) = elements(&args.value("a"))?;
        Ok(number(data.iter().copied().fold(f64::NEG_INFINITY, f64::max), dtype))
    }),
    native("numpy.min", "a", |_, args| {
        let (data, dtype) = elements(&args.value("a"))?;
        Ok(number(data.iter().copied().fold(f64::INFINITY, f64::min), dtype))
    }),
    native("numpy.int32", "x", to_integer),
    native("numpy.int64", "x", to_integer),
];

/// Numbers of an array, a list or a number, and their type.
fn elements(value: &Value) -> Eval<(Vec<f64>, DType)> {
    match value {
        Value::Tensor(tensor) => match tensor.data() {
            Some(data) => Ok((data.to_vec(), tensor.dtype())),
            None => Err(unknown()),
        },
        Value::List(items) => numbers(&items.borrow()),
        Value::Tuple(items) => numbers(items),
        other => numbers(std::slice::from_ref(other)),
    }
}

fn numbers(items: &[Value]) -> Eval<(Vec<f64>, DType)> {
    let is_float = items.iter().any(|item| matches!(item, Value::Float(_)));
    let data: Option<Vec<f64>> = items.iter().map(Value::as_float).collect();
    let dtype = if is_float { DType::F64 } else { DType::I64 };
    data.map(|data| (data, dtype)).ok_or_else(unknown)
}

fn unknown() -> Box<super::error::Stop> {
    refuse(
        Mistake::UnsupportedFunction,
        "nasc supports numpy only for flat arrays of known numbers",
    )
}

fn vector(data: Vec<f64>, dtype: DType) -> Value {
    super::tensor::vector(data, dtype)
}

fn number(value: f64, dtype: DType) -> Value {
    if dtype.is_float() { Value::Float(value) } else { Value::Int(value as i128) }
}

/// The largest array made.
const MAX_ELEMENTS: f64 = 1e6;

fn arange(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (given, dtype) = numbers(&args.rest)?;
    let (start, stop, step) = match given.as_slice() {
        [stop] => (0.0, *stop, 1.0),
        [start, stop] => (*start, *stop, 1.0),
        [start, stop, step] if *step != 0.0 => (*start, *stop, *step),
        _ => return Err(super::error::type_error("arange() requires stop to be specified.")),
    };
    let count = ((stop - start) / step).ceil().clamp(0.0, MAX_ELEMENTS);
    interpreter.fuel.allocate(count as usize)?;
    Ok(vector((0..count as u64).map(|index| start + index as f64 * step).collect(), dtype))
}

fn linspace(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (start, stop) = (args.float("start")?, args.float("stop")?);
    let count = args.count("num", 0)?;
    interpreter.fuel.allocate(usize::try_from(count).unwrap_or(usize::MAX))?;
    let gaps = count.saturating_sub(1).max(1) as f64;
    let at = |index: u64| start + (stop - start) * index as f64 / gaps;
    Ok(vector((0..count).map(at).collect(), DType::F64))
}

fn array(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (data, dtype) = elements(&args.value("object"))?;
    Ok(vector(data, dtype))
}

/// A function of each element by name; numbers stay numbers.
fn elementwise(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let scale = 10f64.powf(args.optional_float("decimals")?.unwrap_or(0.0));
    let function = |x: f64| match name {
        "log" => x.ln(),
        "log2" => x.log2(),
        "exp" => x.exp(),
        "sqrt" => x.sqrt(),
        "ceil" => x.ceil(),
        "floor" => x.floor(),
        "abs" => x.abs(),
        _ => (x * scale).round_ties_even() / scale,
    };
    let value = args.value("x");
    let (data, dtype) = elements(&value)?;
    let keeps = matches!(name, "abs" | "round" | "around") && !dtype.is_float();
    let dtype = if keeps { dtype } else { DType::F64 };
    let results: Vec<f64> = data.into_iter().map(function).collect();
    match (&value, results.as_slice()) {
        (Value::Int(_) | Value::Float(_) | Value::Bool(_), [only]) => Ok(number(*only, dtype)),
        (Value::Tensor(tensor), _) => {
            let tensor_type = TensorType { dtype, shape: Shape(tensor.dims()) };
            Ok(Value::Tensor(Tensor::new(tensor_type, Source::Data(results.into()))))
        }
        _ => Ok(vector(results, dtype)),
    }
}

/// Different numbers in order, and how often each comes.
pub(crate) fn groups(mut data: Vec<f64>) -> Vec<(f64, f64)> {
    data.sort_by(f64::total_cmp);
    let mut groups: Vec<(f64, f64)> = Vec::new();
    for number in data {
        match groups.last_mut() {
            Some((known, count)) if *known == number => *count += 1.0,
            _ => groups.push((number, 1.0)),
        }
    }
    groups
}

/// `numpy.unique`: sorted, with counts on request.
fn unique(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (data, dtype) = elements(&args.value("ar"))?;
    let groups = groups(data);
    let values = vector(groups.iter().map(|group| group.0).collect(), dtype);
    if !matches!(args.value("return_counts"), Value::Bool(true)) {
        return Ok(values);
    }
    let counts = vector(groups.iter().map(|group| group.1).collect(), DType::I64);
    Ok(Value::tuple(vec![values, counts]))
}

fn to_integer(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Int(args.float("x")?.trunc() as i128))
}

/// `array.astype(type)`: whole numbers lose their fraction.
pub(crate) fn as_type(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let Some(data) = tensor.data() else { return Err(unknown()) };
    let to_float = match args.value("dtype") {
        Value::Native(native) => native.name == "float",
        Value::DType(dtype) => dtype.is_float(),
        other => other.as_str().is_some_and(|name| name.contains("float")),
    };
    let (data, dtype) = match to_float {
        true => (data.to_vec(), DType::F64),
        false => (data.iter().map(|number| number.trunc()).collect(), DType::I64),
    };
    let shape = Shape(vec![Dim::Known(data.len() as u64)]);
    Ok(Value::Tensor(Tensor::new(TensorType { dtype, shape }, Source::Data(data.into()))))
}
