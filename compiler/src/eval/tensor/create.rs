//! Tensors out of nothing: `torch.zeros`, `torch.randn`, `torch.tensor`, `torch.arange`.

use crate::eval::builtins::native;
use crate::eval::error::{Eval, Mistake, Stop, bad_argument, refuse};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, Native, extent};
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::{DType, Init, Shape, TensorType};

use super::constant::{not_a_number, scalar, vector};

/// Functions that make tensors.
pub(crate) const CREATION: &[Native] = &[
    native("torch.zeros", "*size, **kwargs", filled),
    native("torch.ones", "*size, **kwargs", filled),
    native("torch.empty", "*size, **kwargs", filled),
    native("torch.rand", "*size, **kwargs", filled),
    native("torch.randn", "*size, **kwargs", filled),
    native("torch.zeros_like", "input, **kwargs", like),
    native("torch.ones_like", "input, **kwargs", like),
    native("torch.empty_like", "input, **kwargs", like),
    native("torch.rand_like", "input, **kwargs", like),
    native("torch.randn_like", "input, **kwargs", like),
    native("torch.full", "size, fill_value, **kwargs", full),
    native("torch.tensor", "data, dtype=None, **kwargs", tensor),
    native("torch.as_tensor", "data, dtype=None, **kwargs", tensor),
    native("torch.FloatTensor", "*args", new_tensor),
    native("torch.LongTensor", "*args", new_tensor),
    native("torch.randperm", "n, **kwargs", |_, args| {
        let shape = Shape(vec![extent(&args.value("n"))?]);
        Ok(make(TensorType { dtype: DType::I64, shape }, Init::Constant(0.0)))
    }),
    native("torch.randint", "*args, **kwargs", random_integers),
    native("torch.eye", "n, m=None, **kwargs", eye),
    native("torch.arange", "*args, **kwargs", arange),
    native("torch.linspace", "start, end, steps, **kwargs", linspace),
];

/// What a function fills its tensor with.
fn init_of(function: &str) -> Init {
    let name = function.rsplit('.').next().unwrap_or(function);
    match name.trim_end_matches("_like") {
        "ones" => Init::Constant(1.0),
        "rand" => Init::Uniform { low: 0.0, high: 1.0 },
        "randn" => Init::Normal { mean: 0.0, std: 1.0 },
        _ => Init::Constant(0.0),
    }
}

fn keyword(args: &Args, name: &str) -> Value {
    let found = args.extra.iter().find(|(known, _)| &**known == name);
    found.map_or(Value::None, |(_, value)| value.clone())
}

fn dtype_keyword(args: &Args) -> Eval<Option<DType>> {
    match keyword(args, "dtype") {
        Value::DType(dtype) => Ok(Some(dtype)),
        _ => Ok(None),
    }
}

/// A shape out of sizes, given one by one or as one sequence.
pub(crate) fn shape_of(interpreter: &mut Interpreter<'_>, sizes: &[Value]) -> Eval<Shape> {
    let sizes = match sizes {
        [only @ (Value::Tuple(_) | Value::List(_))] => interpreter.collect(only)?,
        several => several.to_vec(),
    };
    Ok(Shape(sizes.iter().map(extent).collect::<Eval<_>>()?))
}

fn filled(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let size = keyword(args, "size");
    let sizes = if size.is_none() { args.rest.clone() } else { vec![size] };
    let shape = shape_of(interpreter, &sizes)?;
    let dtype = dtype_keyword(args)?.unwrap_or(DType::F32);
    Ok(make(TensorType { dtype, shape }, init_of(args.function)))
}

fn make(tensor_type: TensorType, init: Init) -> Value {
    Value::Tensor(Tensor::new(tensor_type, Source::Fill(init)))
}

fn like(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut tensor_type = args.tensor("input")?.tensor_type();
    if let Some(dtype) = dtype_keyword(args)? {
        tensor_type.dtype = dtype;
    }
    Ok(make(tensor_type, init_of(args.function)))
}

fn full(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let shape = shape_of(interpreter, &[args.value("size")])?;
    let value = args.float("fill_value")?;
    let is_int = matches!(args.value("fill_value"), Value::Int(_));
    let default = if is_int { DType::I64 } else { DType::F32 };
    let dtype = dtype_keyword(args)?.unwrap_or(default);
    Ok(make(TensorType { dtype, shape }, Init::Constant(value)))
}

/// `torch.tensor(data)` of numbers and of flat lists of them.
fn tensor(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let data = args.value("data");
    let dtype = args.optional_dtype("dtype")?;
    match &data {
        Value::Tensor(tensor) => Ok(Value::Tensor(tensor.clone())),
        Value::List(_) | Value::Tuple(_) | Value::Range(_) => {
            let mut found = Elements::default();
            found.gather(interpreter, &data, 0)?;
            let default =
                if found.has_float || found.numbers.is_empty() { DType::F32 } else { DType::I64 };
            Ok(found.tensor(dtype.unwrap_or(default)))
        }
        other => match other.as_float() {
            Some(number) => {
                let is_float = matches!(other, Value::Float(_));
                let default = if is_float { DType::F32 } else { DType::I64 };
                Ok(scalar(number, dtype.unwrap_or(default)))
            }
            None => Err(not_a_number(other)),
        },
    }
}

/// The numbers of nested lists and the extents of the lists.
#[derive(Default)]
struct Elements {
    numbers: Vec<f64>,
    extents: Vec<u64>,
    has_float: bool,
}

impl Elements {
    fn gather(
        &mut self,
        interpreter: &mut Interpreter<'_>,
        value: &Value,
        depth: usize,
    ) -> Eval<()> {
        if !matches!(value, Value::List(_) | Value::Tuple(_) | Value::Range(_)) {
            let number = value.as_float().ok_or_else(|| not_a_number(value))?;
            if depth != self.extents.len() {
                return Err(ragged());
            }
            self.has_float |= matches!(value, Value::Float(_));
            self.numbers.push(number);
            return Ok(());
        }
        let items = interpreter.collect(value)?;
        interpreter.fuel.allocate(items.len())?;
        match self.extents.get(depth) {
            Some(&extent) if extent != items.len() as u64 => return Err(ragged()),
            Some(_) => {}
            None if self.numbers.is_empty() && depth < 16 => self.extents.push(items.len() as u64),
            None => return Err(ragged()),
        }
        items.iter().try_for_each(|item| self.gather(interpreter, item, depth + 1))
    }

    fn tensor(self, dtype: DType) -> Value {
        let tensor_type = TensorType { dtype, shape: Shape::known(&self.extents) };
        Value::Tensor(Tensor::new(tensor_type, Source::Data(self.numbers.into())))
    }
}

fn ragged() -> Box<Stop> {
    bad_argument("a tensor is made of lists of the same length at every depth")
}

/// `torch.Tensor(2, 3)` and `torch.Tensor([1., 2.])`.
pub(crate) fn new_tensor(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    match args.rest.as_slice() {
        [Value::List(_)] => {
            let mut found = Elements::default();
            found.gather(interpreter, args.rest.first().unwrap_or(&Value::None), 0)?;
            Ok(found.tensor(legacy_dtype(args)))
        }
        sizes => {
            let shape = shape_of(interpreter, sizes)?;
            Ok(make(TensorType { dtype: legacy_dtype(args), shape }, Init::Constant(0.0)))
        }
    }
}

/// The element type of `torch.LongTensor` and `torch.FloatTensor`.
fn legacy_dtype(args: &Args) -> DType {
    if args.function.ends_with("LongTensor") { DType::I64 } else { DType::F32 }
}

/// `torch.randint(high, size)` and `torch.randint(low, high, size)`.
fn random_integers(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let size = match keyword(args, "size") {
        Value::None => args.rest.last().cloned().unwrap_or(Value::None),
        given => given,
    };
    let shape = shape_of(interpreter, &[size])?;
    let dtype = dtype_keyword(args)?.unwrap_or(DType::I64);
    Ok(make(TensorType { dtype, shape }, Init::Constant(0.0)))
}

/// `torch.eye(n, m)`
fn eye(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let rows = args.count("n", 0)?;
    let columns = if args.value("m").is_none() { rows } else { args.count("m", 0)? };
    let count = usize::try_from(rows.saturating_mul(columns)).unwrap_or(usize::MAX);
    interpreter.fuel.allocate(count)?;
    let one = |index: u64| f64::from(u8::from(index / columns.max(1) == index % columns.max(1)));
    let data: Vec<f64> = (0..rows.saturating_mul(columns)).map(one).collect();
    let dtype = dtype_keyword(args)?.unwrap_or(DType::F32);
    let tensor_type = TensorType { dtype, shape: Shape::known(&[rows, columns]) };
    Ok(Value::Tensor(Tensor::new(tensor_type, Source::Data(data.into()))))
}

fn arange(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let mut given = args.rest.clone();
    for name in ["start", "end", "step"] {
        let value = keyword(args, name);
        if value.is_none() {
            continue;
        }
        if name == "step" && given.len() == 1 {
            given.insert(0, Value::Int(0));
        }
        given.push(value);
    }
    let mut numbers = Vec::new();
    for value in &given {
        numbers.push(value.as_float().ok_or_else(|| not_a_number(value))?);
    }
    let (start, end, step) = match numbers.as_slice() {
        [end] => (0.0, *end, 1.0),
        [start, end] => (*start, *end, 1.0),
        [start, end, step] if *step != 0.0 => (*start, *end, *step),
        _ => return Err(crate::eval::error::type_error("arange() takes 1 to 3 numbers")),
    };
    let count = ((end - start) / step).ceil().max(0.0);
    if !count.is_finite() || count > 1e8 {
        return Err(refuse(Mistake::OutOfMemory, "torch.arange makes too many elements"));
    }
    interpreter.fuel.allocate(count as usize)?;
    let is_float = given.iter().any(|value| matches!(value, Value::Float(_)));
    let default = if is_float { DType::F32 } else { DType::I64 };
    let dtype = dtype_keyword(args)?.unwrap_or(default);
    let data = (0..count as u64).map(|index| start + index as f64 * step).collect();
    Ok(vector(data, dtype))
}

fn linspace(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (start, end) = (args.float("start")?, args.float("end")?);
    let steps = args.count("steps", 0)?;
    interpreter.fuel.allocate(usize::try_from(steps).unwrap_or(usize::MAX))?;
    let gaps = steps.saturating_sub(1).max(1) as f64;
    let data = (0..steps).map(|index| start + (end - start) * index as f64 / gaps).collect();
    Ok(vector(data, DType::F32))
}

/// `tensor.new_zeros(size)` and relatives: of the tensor's own type.
pub(super) fn new_filled(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let size = keyword(args, "size");
    let sizes = if size.is_none() { args.rest.clone() } else { vec![size] };
    let value = if args.function.ends_with("ones") { 1.0 } else { 0.0 };
    new_constant(interpreter, args, &sizes, value)
}

/// A tensor of one number, of the type of `input` unless another is asked for.
pub(super) fn new_constant(
    interpreter: &mut Interpreter<'_>,
    args: &Args,
    sizes: &[Value],
    value: f64,
) -> Eval<Value> {
    let shape = shape_of(interpreter, sizes)?;
    let dtype = match dtype_keyword(args)? {
        Some(dtype) => dtype,
        None => args.tensor("input")?.dtype(),
    };
    Ok(make(TensorType { dtype, shape }, Init::Constant(value)))
}
