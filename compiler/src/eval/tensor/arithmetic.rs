//! Arithmetic, comparison and element-wise functions of tensors.

use crate::ast::{BinaryOp, CompareOp};
use crate::eval::error::{Eval, Mistake, Stop, refuse, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::iterate::data_dependent;
use crate::eval::native::Args;
use crate::eval::operator;
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{
    Activation, Binary, Cast, Clamp, Dropout, DropoutKind, MaskedFill, Op, Scalar, Softmax, Unary,
};
use crate::ir::{Dim, Shape};
use crate::shape::ShapeError;

impl Interpreter<'_> {
    /// `left op right` where at least one side is a tensor.
    pub(crate) fn tensor_binary(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
    ) -> Eval<Value> {
        if let Some(result) = self.constant_binary(op, left, right)? {
            return Ok(result);
        }
        if op == BinaryOp::MatMul {
            return match (left, right) {
                (Value::Tensor(a), Value::Tensor(b)) => {
                    self.emit("torch.matmul", Op::MatMul, &[a.clone(), b.clone()])
                }
                _ => Err(operator::unsupported(op, left, right)),
            };
        }
        let Some(binary) = binary_of(op) else { return Err(unsupported_operator(op)) };
        self.combine(binary, left, right).map_err(|stop| match *stop {
            Stop::Raise(_) => operator::unsupported(op, left, right),
            other => Box::new(other),
        })
    }

    /// Arithmetic of two tensors, or of a tensor and a number.
    pub(crate) fn combine(&mut self, op: Binary, left: &Value, right: &Value) -> Eval<Value> {
        match (left, right) {
            (Value::Unknown, _) | (_, Value::Unknown) => Ok(Value::Unknown),
            (Value::Tensor(a), Value::Tensor(b)) => {
                self.emit(op.name(), Op::Binary(op), &[a.clone(), b.clone()])
            }
            (Value::Tensor(tensor), number) => self.scalar(op, tensor, number, false),
            (number, Value::Tensor(tensor)) => self.scalar(op, tensor, number, true),
            _ => Err(type_error("a tensor is needed")),
        }
    }

    fn scalar(
        &mut self,
        op: Binary,
        tensor: &Tensor,
        number: &Value,
        reversed: bool,
    ) -> Eval<Value> {
        if matches!(number, Value::Batch(_)) {
            return Err(refuse(
                Mistake::SymbolicArithmetic,
                "arithmetic of a tensor with the batch size is not supported",
            )
            .help("use mean() instead of dividing by the batch size"));
        }
        let Some(value) = number.as_float() else {
            return Err(type_error(format!("a number is needed, not {}", number.type_name())));
        };
        let is_float = matches!(number, Value::Float(_));
        let scalar = Scalar { op, value, is_float, reversed };
        let result = self.emit(op.name(), Op::Scalar(scalar), std::slice::from_ref(tensor))?;
        Ok(keep_strides(tensor, result))
    }

    /// `-tensor`
    pub(crate) fn negate(&mut self, tensor: &Tensor) -> Eval<Value> {
        self.unary_op("neg", Unary::Neg, tensor)
    }

    /// An element-wise function.
    pub(crate) fn unary_op(&mut self, name: &str, op: Unary, tensor: &Tensor) -> Eval<Value> {
        if let (true, Some(result)) = (self.folds(tensor), constant_unary(op, tensor)) {
            return Ok(result);
        }
        let result = self.emit(name, Op::Unary(op), std::slice::from_ref(tensor))?;
        Ok(keep_strides(tensor, result))
    }

    /// An activation, in place if asked.
    pub(crate) fn activation(
        &mut self,
        activation: Activation,
        tensor: &Tensor,
        in_place: bool,
    ) -> Eval<Value> {
        let op = Op::Activation(activation);
        let result = self.emit(activation.name(), op, std::slice::from_ref(tensor))?;
        let result = keep_strides(tensor, result);
        if let (true, Value::Tensor(new)) = (in_place, &result) {
            self.replace_in_place(tensor, new)?;
        }
        Ok(result)
    }

    /// Makes all names of `old` see `new`.
    pub(crate) fn replace_in_place(&mut self, old: &Tensor, new: &Tensor) -> Eval<()> {
        if matches!(&*old.0.source.borrow(), Source::Param(_)) {
            return Ok(());
        }
        if old.dims() != new.dims() {
            return Ok(());
        }
        let source = new.0.source.borrow().clone();
        *old.0.source.borrow_mut() = source;
        let tensor_type = new.tensor_type();
        *old.0.tensor_type.borrow_mut() = tensor_type;
        Ok(())
    }

    /// Makes a tensor another, of another shape too: `unsqueeze_` and relatives.
    pub(crate) fn become_in_place(&mut self, old: &Tensor, new: &Tensor) {
        // cloned first: a squeeze that changes nothing gives the same tensor
        let (source, strides) = (new.0.source.borrow().clone(), new.0.strides.borrow().clone());
        let tensor_type = new.tensor_type();
        *old.0.source.borrow_mut() = source;
        *old.0.tensor_type.borrow_mut() = tensor_type;
        *old.0.strides.borrow_mut() = strides;
    }

    /// A comparison with a tensor; only its result's use can be refused.
    pub(crate) fn tensor_compare(
        &mut self,
        op: CompareOp,
        left: &Value,
        right: &Value,
    ) -> Eval<Value> {
        if left.is_none() || right.is_none() || left.as_str().is_some() || right.as_str().is_some()
        {
            return Ok(Value::Bool(op == CompareOp::NotEq));
        }
        if let (Some(a), Some(b)) = (single_number(left), single_number(right)) {
            return self.compare(op, &Value::Float(a), &Value::Float(b));
        }
        let op = match op {
            CompareOp::Eq => Binary::Equal,
            CompareOp::NotEq => Binary::NotEqual,
            CompareOp::Lt => Binary::Less,
            CompareOp::LtE => Binary::LessEqual,
            CompareOp::Gt => Binary::Greater,
            CompareOp::GtE => Binary::GreaterEqual,
            CompareOp::Is | CompareOp::IsNot | CompareOp::In | CompareOp::NotIn => {
                return Err(data_dependent("a comparison of tensor elements"));
            }
        };
        self.combine(op, left, right)
    }

    /// Dropout of elements or channels.
    pub(crate) fn dropout(&mut self, tensor: &Tensor, p: f64, kind: DropoutKind) -> Eval<Value> {
        if !(0.0..=1.0).contains(&p) {
            return Err(crate::eval::error::bad_argument(format!(
                "dropout probability has to be between 0 and 1, but got {}",
                crate::eval::format::float_text(p)
            )));
        }
        let result =
            self.emit("dropout", Op::Dropout(Dropout { p, kind }), std::slice::from_ref(tensor))?;
        Ok(keep_strides(tensor, result))
    }

    /// Softmax or its logarithm; without a dimension PyTorch's old choice is taken.
    pub(crate) fn softmax(&mut self, tensor: &Tensor, dim: &Value, log: bool) -> Eval<Value> {
        let rank = tensor.rank();
        let dim = match dim {
            // torch/nn/functional.py, _get_softmax_dim
            Value::None => usize::from(!matches!(rank, 0 | 1 | 3)),
            other => {
                let number = other.as_int().ok_or_else(|| {
                    type_error(format!("softmax(): dim must be int, not {}", other.type_name()))
                })?;
                crate::eval::native::normalise_dim(number, rank)?
            }
        };
        self.emit("softmax", Op::Softmax(Softmax { dim, log }), std::slice::from_ref(tensor))
    }

    /// Another element type.
    pub(crate) fn cast(&mut self, tensor: &Tensor, dtype: crate::ir::DType) -> Eval<Value> {
        if tensor.dtype() == dtype {
            return Ok(Value::Tensor(tensor.clone()));
        }
        if let Some(data) = tensor.data() {
            let mut tensor_type = tensor.tensor_type();
            tensor_type.dtype = dtype;
            return Ok(Value::Tensor(Tensor::new(tensor_type, Source::Data(data))));
        }
        self.emit("to", Op::Cast(Cast { dtype }), std::slice::from_ref(tensor))
    }
}

/// Element-wise results lie in memory as their operand does.
pub(crate) fn keep_strides(from: &Tensor, result: Value) -> Value {
    if let Value::Tensor(tensor) = &result {
        *tensor.0.strides.borrow_mut() = from.0.strides.borrow().clone();
    }
    result
}

fn single_number(value: &Value) -> Option<f64> {
    match value {
        Value::Tensor(tensor) => match tensor.data().as_deref() {
            Some([number]) => Some(*number),
            _ => None,
        },
        other => other.as_float(),
    }
}

fn constant_unary(op: Unary, tensor: &Tensor) -> Option<Value> {
    let data = tensor.data()?;
    let function = unary_function(op)?;
    let data: Vec<f64> = data.iter().map(|&x| function(x)).collect();
    Some(Value::Tensor(Tensor::new(tensor.tensor_type(), Source::Data(data.into()))))
}

/// What an element-wise operation does to a number.
pub(super) fn unary_function(op: Unary) -> Option<fn(f64) -> f64> {
    let function: fn(f64) -> f64 = match op {
        Unary::Neg => |x: f64| -x,
        Unary::Abs => f64::abs,
        Unary::Exp => f64::exp,
        Unary::Log => f64::ln,
        Unary::Sqrt => f64::sqrt,
        Unary::Rsqrt => |x: f64| 1.0 / x.sqrt(),
        Unary::Square => |x: f64| x * x,
        Unary::Sin => f64::sin,
        Unary::Cos => f64::cos,
        Unary::Tan => f64::tan,
        Unary::Reciprocal => |x: f64| 1.0 / x,
        Unary::Floor => f64::floor,
        Unary::Ceil => f64::ceil,
        Unary::Round => f64::round_ties_even,
        Unary::Sign => |x: f64| if x == 0.0 { 0.0 } else { x.signum() },
        Unary::Expm1 => f64::exp_m1,
        Unary::Log1p => f64::ln_1p,
        Unary::Log2 => f64::log2,
        Unary::Erf => |x: f64| crate::eval::builtins::math_function("erf", x).unwrap_or(f64::NAN),
        Unary::LogicalNot => |x: f64| f64::from(u8::from(x == 0.0)),
    };
    Some(function)
}

fn binary_of(op: BinaryOp) -> Option<Binary> {
    match op {
        BinaryOp::Add => Some(Binary::Add),
        BinaryOp::Sub => Some(Binary::Sub),
        BinaryOp::Mul => Some(Binary::Mul),
        BinaryOp::Div => Some(Binary::Div),
        BinaryOp::Pow => Some(Binary::Pow),
        BinaryOp::FloorDiv => Some(Binary::FloorDivide),
        BinaryOp::Mod => Some(Binary::Remainder),
        BinaryOp::MatMul
        | BinaryOp::LShift
        | BinaryOp::RShift
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor => None,
    }
}

fn unsupported_operator(op: BinaryOp) -> Box<Stop> {
    refuse(
        Mistake::UnsupportedFunction,
        format!("nasc does not support `{}` of tensors", operator::symbol(op)),
    )
    .help("write it with + - * / ** or @")
}

/// `torch.add(input, other, alpha=1)` and `torch.sub`.
pub(super) fn add(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let op = if args.function.ends_with("sub") { BinaryOp::Sub } else { BinaryOp::Add };
    let alpha = args.value("alpha");
    let other = match alpha.as_int() {
        Some(1) => args.value("other"),
        _ => interpreter.binary(BinaryOp::Mul, &args.value("other"), &alpha)?,
    };
    by_name(interpreter, args, op, &args.value("input"), &other)
}

/// Functions of arithmetic that are known by their names to those who count by replacing functions.
const NAMED: &[&str] = &["add", "mul", "matmul", "mm", "bmm"];

/// `left op right`, noted as a call by name.
fn by_name(
    interpreter: &mut Interpreter<'_>,
    args: &Args,
    op: BinaryOp,
    left: &Value,
    right: &Value,
) -> Eval<Value> {
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    interpreter.by_name = NAMED.contains(&name);
    let result = interpreter.binary(op, left, right);
    interpreter.by_name = false;
    result
}

/// `torch.mul`, `torch.div`, `torch.pow`, `torch.matmul` by the operator they are.
pub(super) fn by_operator(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let op = match name {
        "mul" | "multiply" => BinaryOp::Mul,
        "div" | "divide" | "true_divide" => BinaryOp::Div,
        "pow" => BinaryOp::Pow,
        _ => BinaryOp::MatMul,
    };
    if let ("bmm" | "mm", Value::Tensor(left), Value::Tensor(right)) =
        (name, args.value("input"), args.value("other"))
        && let Some(error) = matrices_misfit(name, &left, &right)
    {
        let provenance = interpreter.provenance();
        interpreter.report_shape_error(error, name, &provenance);
        return Ok(Value::Unknown);
    }
    by_name(interpreter, args, op, &args.value("input"), &args.value("other"))
}

/// `mm` takes matrices and `bmm` batches of them, neither broadcasts.
fn matrices_misfit(name: &str, left: &Tensor, right: &Tensor) -> Option<ShapeError> {
    let rank = if name == "bmm" { 3 } else { 2 };
    let misfit = [left, right].into_iter().find(|tensor| tensor.rank() != rank);
    if let Some(tensor) = misfit {
        return Some(ShapeError::RankMismatch {
            expected: vec![rank],
            input: Shape(tensor.dims()),
        });
    }
    let (left, right) = (left.dims(), right.dims());
    let ([batch, _, inner], [other, _, columns]) = (left.as_slice(), right.as_slice()) else {
        return None;
    };
    let is_broadcast = batch != other && [batch, other].contains(&&Dim::Known(1));
    let expected = Shape(vec![*batch, *inner, *columns]);
    let found = Shape(right.clone());
    is_broadcast.then_some(ShapeError::OperandShape { operand: "second batch", expected, found })
}

/// `torch.div` with its rounding, and `torch.floor_divide`.
pub(super) fn divide(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let (left, right) = (args.value("input"), args.value("other"));
    let mode = args.value("rounding_mode").as_str();
    if args.function.ends_with("floor_divide") || mode.as_deref() == Some("floor") {
        return interpreter.binary(BinaryOp::FloorDiv, &left, &right);
    }
    if mode.is_some() {
        return Err(refuse(
            Mistake::UnsupportedArgument,
            "nasc supports only rounding_mode='floor'",
        ));
    }
    interpreter.binary(BinaryOp::Div, &left, &right)
}

/// `torch.maximum(input, other)` and `torch.minimum`.
pub(super) fn extreme(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let op = if args.function.ends_with("maximum") { Binary::Maximum } else { Binary::Minimum };
    interpreter.combine(op, &args.value("input"), &args.value("other"))
}

/// `torch.exp` and other element-wise functions by name.
pub(super) fn unary(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let op = match name {
        "neg" | "negative" => Unary::Neg,
        "abs" | "absolute" => Unary::Abs,
        "exp" => Unary::Exp,
        "log" => Unary::Log,
        "sqrt" => Unary::Sqrt,
        "rsqrt" => Unary::Rsqrt,
        "sin" => Unary::Sin,
        "cos" => Unary::Cos,
        "tan" => Unary::Tan,
        "reciprocal" => Unary::Reciprocal,
        "floor" => Unary::Floor,
        "ceil" => Unary::Ceil,
        "round" => Unary::Round,
        "sign" => Unary::Sign,
        "erf" => Unary::Erf,
        "expm1" => Unary::Expm1,
        "log1p" => Unary::Log1p,
        "log2" => Unary::Log2,
        "logical_not" => Unary::LogicalNot,
        _ => Unary::Square,
    };
    let tensor = args.tensor("input")?;
    interpreter.unary_op(name, op, &tensor)
}

/// `torch.clamp(input, min, max)`
pub(super) fn clamp(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let bounds = (args.value("min"), args.value("max"));
    if let (Value::Tensor(_), _) | (_, Value::Tensor(_)) = &bounds {
        let mut value = Value::Tensor(tensor);
        for (bound, op) in [(bounds.0, Binary::Maximum), (bounds.1, Binary::Minimum)] {
            if !bound.is_none() {
                value = interpreter.combine(op, &value, &bound)?;
            }
        }
        return Ok(value);
    }
    let (min, max) = (args.optional_float("min")?, args.optional_float("max")?);
    interpreter.emit("clamp", Op::Clamp(Clamp { min, max }), &[tensor])
}

/// `torch.where(condition, input, other)` of tensors and numbers.
pub(super) fn choose(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let condition = args.tensor("condition")?;
    let mut operands = vec![condition];
    for name in ["input", "other"] {
        operands.push(match args.value(name) {
            Value::Tensor(tensor) => tensor,
            _ => match super::constant::scalar(args.float(name)?, crate::ir::DType::F32) {
                Value::Tensor(tensor) => tensor,
                _ => return Ok(Value::Unknown),
            },
        });
    }
    interpreter.emit("where", Op::Where, &operands)
}

/// `masked_fill(mask, value)`
pub(super) fn masked_fill(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let op = Op::MaskedFill(MaskedFill { value: args.float("value")? });
    interpreter.emit("masked_fill", op, &[args.tensor("input")?, args.tensor("mask")?])
}
