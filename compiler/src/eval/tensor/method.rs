//! The tables of tensor functions and methods, and the attributes of tensors.

use std::rc::Rc;

use crate::ast::Name;
use crate::eval::builtins::{method_name, native};
use crate::eval::error::{Eval, Mistake, refuse, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, CallArgs, Native};
use crate::eval::value::{Partial, Source, Tensor, Value};
use crate::ir::op::{Activation, Index, Op, Windows};
use crate::ir::{DType, Shape, TensorType};

use super::{arithmetic, reduce, reshape};

/// Functions of `torch`.
pub(crate) const FUNCTIONS: &[Native] = &[
    native("torch.cat", "tensors, dim=0, *, out=None", reshape::cat),
    native("torch.concat", "tensors, dim=0, *, out=None", reshape::cat),
    native("torch.stack", "tensors, dim=0, *, out=None", reshape::stack),
    native("torch.flatten", "input, start_dim=0, end_dim=-1", reshape::flatten),
    native("torch.reshape", "input, shape", reshape::view),
    native("torch.permute", "input, dims", reshape::permute),
    native("torch.transpose", "input, dim0, dim1", reshape::transpose),
    native("torch.swapaxes", "input, dim0, dim1", reshape::transpose),
    native("torch.t", "input", reshape::t),
    native("torch.unsqueeze", "input, dim", reshape::unsqueeze),
    native("torch.squeeze", "input, dim=None", reshape::squeeze),
    native("torch.chunk", "input, chunks, dim=0", reshape::chunk),
    native("torch.split", "input, split_size_or_sections, dim=0", reshape::split),
    native("torch.unbind", "input, dim=0", reshape::unbind),
    native("torch.narrow", "input, dim, start, length", reshape::narrow),
    native("torch.add", "input, other, *, alpha=1", arithmetic::add),
    native("torch.sub", "input, other, *, alpha=1", arithmetic::add),
    native("torch.mul", "input, other", arithmetic::by_operator),
    native("torch.multiply", "input, other", arithmetic::by_operator),
    native("torch.div", "input, other, *, rounding_mode=None", arithmetic::divide),
    native("torch.divide", "input, other, *, rounding_mode=None", arithmetic::divide),
    native("torch.floor_divide", "input, other", arithmetic::divide),
    native("torch.index_select", "input, dim, index", index_select),
    native("torch.nonzero", "input, *, as_tuple=False", nonzero),
    native("torch.pow", "input, other", arithmetic::by_operator),
    native("torch.matmul", "input, other", arithmetic::by_operator),
    native("torch.bmm", "input, other", arithmetic::by_operator),
    native("torch.mm", "input, other", arithmetic::by_operator),
    native("torch.maximum", "input, other", arithmetic::extreme),
    native("torch.minimum", "input, other", arithmetic::extreme),
    native("torch.clamp", "input, min=None, max=None", arithmetic::clamp),
    native("torch.clip", "input, min=None, max=None", arithmetic::clamp),
    native("torch.neg", "input", arithmetic::unary),
    native("torch.abs", "input", arithmetic::unary),
    native("torch.exp", "input", arithmetic::unary),
    native("torch.log", "input", arithmetic::unary),
    native("torch.sqrt", "input", arithmetic::unary),
    native("torch.rsqrt", "input", arithmetic::unary),
    native("torch.square", "input", arithmetic::unary),
    native("torch.relu", "input", activate),
    native("torch.relu_", "input", activate),
    native("torch.sigmoid", "input", activate),
    native("torch.tanh", "input", activate),
    native("torch.softmax", "input, dim, dtype=None", softmax),
    native("torch.log_softmax", "input, dim, dtype=None", softmax),
    native("torch.device", "type='cpu', index=None", super::device::device),
    native("torch.finfo", "dtype=None", super::device::float_limits),
    native("torch.iinfo", "dtype=None", super::device::integer_limits),
    native(
        "torch.unique",
        "input, sorted=True, return_inverse=False, return_counts=False, dim=None",
        unique,
    ),
    native("torch.repeat_interleave", "input, repeats, dim=None", reshape::repeat_interleave),
    native("torch.sum", "input, dim=None, keepdim=False, dtype=None", reduce::reduce),
    native("torch.mean", "input, dim=None, keepdim=False, dtype=None", reduce::reduce),
    native("torch.amax", "input, dim=None, keepdim=False", reduce::reduce),
    native("torch.amin", "input, dim=None, keepdim=False", reduce::reduce),
    native("torch.max", "input, dim=None, keepdim=False", reduce::extreme),
    native("torch.min", "input, dim=None, keepdim=False", reduce::extreme),
    native("torch.sin", "input", arithmetic::unary),
    native("torch.cos", "input", arithmetic::unary),
    native("torch.tan", "input", arithmetic::unary),
    native("torch.reciprocal", "input", arithmetic::unary),
    native("torch.floor", "input", arithmetic::unary),
    native("torch.ceil", "input", arithmetic::unary),
    native("torch.round", "input", arithmetic::unary),
    native("torch.sign", "input", arithmetic::unary),
    native("torch.erf", "input", arithmetic::unary),
    native("torch.expm1", "input", arithmetic::unary),
    native("torch.log1p", "input", arithmetic::unary),
    native("torch.log2", "input", arithmetic::unary),
    native("torch.logical_not", "input", arithmetic::unary),
    native("torch.prod", "input, dim=None, keepdim=False", reduce::reduce),
    native("torch.logsumexp", "input, dim=None, keepdim=False", reduce::reduce),
    native("torch.all", "input, dim=None, keepdim=False", reduce::reduce),
    native("torch.any", "input, dim=None, keepdim=False", reduce::reduce),
    native(
        "torch.var",
        "input, dim=None, unbiased=None, keepdim=False, *, correction=None",
        reduce::reduce,
    ),
    native(
        "torch.std",
        "input, dim=None, unbiased=None, keepdim=False, *, correction=None",
        reduce::reduce,
    ),
    native("torch.norm", "input, p=2, dim=None, keepdim=False", reduce::reduce),
    native("torch.argmax", "input, dim=None, keepdim=False", reduce::arg_extreme),
    native("torch.argmin", "input, dim=None, keepdim=False", reduce::arg_extreme),
    native("torch.cumsum", "input, dim, *, dtype=None", reduce::cumulate),
    native("torch.cumprod", "input, dim, *, dtype=None", reduce::cumulate),
    native("torch.roll", "input, shifts, dims=None", reshape::roll),
    native("torch.flip", "input, dims", reshape::flip),
    native("torch.tril", "input, diagonal=0", reshape::triangle),
    native("torch.triu", "input, diagonal=0", reshape::triangle),
    native("torch.masked_fill", "input, mask, value", arithmetic::masked_fill),
    native("torch.einsum", "equation, *operands", super::einsum::einsum),
    native("torch.where", "condition, input, other", arithmetic::choose),
    native("torch.clone", "input", reshape::identity),
    native("torch.numel", "input", numel),
];

/// Methods of tensors.
const METHODS: &[Native] = &[
    native("Tensor.view", "input, *args, shape=None", reshape::view),
    native("Tensor.reshape", "input, *args, shape=None", reshape::view),
    native("Tensor.flatten", "input, start_dim=0, end_dim=-1", reshape::flatten),
    native("Tensor.unflatten", "input, dim, sizes", reshape::unflatten),
    native("Tensor.permute", "input, *args, dims=None", reshape::permute),
    native("Tensor.transpose", "input, dim0, dim1", reshape::transpose),
    native("Tensor.swapaxes", "input, dim0, dim1", reshape::transpose),
    native("Tensor.t", "input", reshape::t),
    native("Tensor.unsqueeze", "input, dim", reshape::unsqueeze),
    native("Tensor.squeeze", "input, dim=None", reshape::squeeze),
    native("Tensor.expand", "input, *args, size=None", reshape::expand),
    native("Tensor.expand_as", "input, other", reshape::expand_as),
    native("Tensor.view_as", "input, other", view_as),
    native("Tensor.reshape_as", "input, other", view_as),
    native("Tensor.repeat", "input, *args, repeats=None", reshape::repeat),
    native("Tensor.chunk", "input, chunks, dim=0", reshape::chunk),
    native("Tensor.split", "input, split_size, dim=0", reshape::split),
    native("Tensor.unbind", "input, dim=0", reshape::unbind),
    native("Tensor.narrow", "input, dim, start, length", reshape::narrow),
    native("Tensor.contiguous", "input, **kwargs", reshape::identity),
    native("Tensor.clone", "input, **kwargs", reshape::identity),
    native("Tensor.detach", "input", reshape::identity),
    native("Tensor.requires_grad_", "input, requires_grad=True", requires_grad),
    native("Tensor.cuda", "input, *args, **kwargs", reshape::identity),
    native("Tensor.cpu", "input", reshape::identity),
    native("Tensor.to", "input, *args, **kwargs", to),
    native("Tensor.type", "input, dtype=None", to_type),
    native("Tensor.type_as", "input, other", |i, args| {
        let dtype = args.tensor("other")?.dtype();
        i.cast(&args.tensor("input")?, dtype)
    }),
    native("Tensor.float", "input", |i, args| i.cast(&args.tensor("input")?, DType::F32)),
    native("Tensor.double", "input", |i, args| i.cast(&args.tensor("input")?, DType::F64)),
    native("Tensor.half", "input", |i, args| i.cast(&args.tensor("input")?, DType::F16)),
    native("Tensor.long", "input", |i, args| i.cast(&args.tensor("input")?, DType::I64)),
    native("Tensor.int", "input", |i, args| i.cast(&args.tensor("input")?, DType::I32)),
    native("Tensor.bool", "input", |i, args| i.cast(&args.tensor("input")?, DType::Bool)),
    native("Tensor.add", "input, other, *, alpha=1", arithmetic::add),
    native("Tensor.sub", "input, other, *, alpha=1", arithmetic::add),
    native("Tensor.mul", "input, other", arithmetic::by_operator),
    native("Tensor.div", "input, other, *, rounding_mode=None", arithmetic::divide),
    native("Tensor.pow", "input, other", arithmetic::by_operator),
    native("Tensor.matmul", "input, other", arithmetic::by_operator),
    native("Tensor.bmm", "input, other", arithmetic::by_operator),
    native("Tensor.mm", "input, other", arithmetic::by_operator),
    native("Tensor.maximum", "input, other", arithmetic::extreme),
    native("Tensor.minimum", "input, other", arithmetic::extreme),
    native("Tensor.clamp", "input, min=None, max=None", arithmetic::clamp),
    native("Tensor.clip", "input, min=None, max=None", arithmetic::clamp),
    native("Tensor.multiply", "input, other", arithmetic::by_operator),
    native("Tensor.divide", "input, other, *, rounding_mode=None", arithmetic::divide),
    native("Tensor.floor_divide", "input, other", arithmetic::divide),
    native("Tensor.pin_memory", "input", reshape::identity),
    native("Tensor.share_memory_", "input", reshape::identity),
    native("Tensor.ndimension", "input", rank),
    native("Tensor.neg", "input", arithmetic::unary),
    native("Tensor.abs", "input", arithmetic::unary),
    native("Tensor.exp", "input", arithmetic::unary),
    native("Tensor.log", "input", arithmetic::unary),
    native("Tensor.sqrt", "input", arithmetic::unary),
    native("Tensor.rsqrt", "input", arithmetic::unary),
    native("Tensor.square", "input", arithmetic::unary),
    native("Tensor.relu", "input", activate),
    native("Tensor.sigmoid", "input", activate),
    native("Tensor.tanh", "input", activate),
    native("Tensor.softmax", "input, dim, dtype=None", softmax),
    native("Tensor.log_softmax", "input, dim, dtype=None", softmax),
    native("Tensor.sum", "input, dim=None, keepdim=False, dtype=None", reduce::reduce),
    native("Tensor.mean", "input, dim=None, keepdim=False, dtype=None", reduce::reduce),
    native("Tensor.amax", "input, dim=None, keepdim=False", reduce::reduce),
    native("Tensor.amin", "input, dim=None, keepdim=False", reduce::reduce),
    native("Tensor.max", "input, dim=None, keepdim=False", reduce::extreme),
    native("Tensor.min", "input, dim=None, keepdim=False", reduce::extreme),
    native("Tensor.sin", "input", arithmetic::unary),
    native("Tensor.cos", "input", arithmetic::unary),
    native("Tensor.tan", "input", arithmetic::unary),
    native("Tensor.reciprocal", "input", arithmetic::unary),
    native("Tensor.floor", "input", arithmetic::unary),
    native("Tensor.ceil", "input", arithmetic::unary),
    native("Tensor.round", "input", arithmetic::unary),
    native("Tensor.sign", "input", arithmetic::unary),
    native("Tensor.erf", "input", arithmetic::unary),
    native("Tensor.expm1", "input", arithmetic::unary),
    native("Tensor.log1p", "input", arithmetic::unary),
    native("Tensor.log2", "input", arithmetic::unary),
    native("Tensor.logical_not", "input", arithmetic::unary),
    native("Tensor.prod", "input, dim=None, keepdim=False", reduce::reduce),
    native("Tensor.logsumexp", "input, dim=None, keepdim=False", reduce::reduce),
    native("Tensor.all", "input, dim=None, keepdim=False", reduce::reduce),
    native("Tensor.any", "input, dim=None, keepdim=False", reduce::reduce),
    native(
        "Tensor.var",
        "input, dim=None, unbiased=None, keepdim=False, *, correction=None",
        reduce::reduce,
    ),
    native(
        "Tensor.std",
        "input, dim=None, unbiased=None, keepdim=False, *, correction=None",
        reduce::reduce,
    ),
    native("Tensor.norm", "input, p=2, dim=None, keepdim=False", reduce::reduce),
    native("Tensor.argmax", "input, dim=None, keepdim=False", reduce::arg_extreme),
    native("Tensor.argmin", "input, dim=None, keepdim=False", reduce::arg_extreme),
    native("Tensor.cumsum", "input, dim, *, dtype=None", reduce::cumulate),
    native("Tensor.cumprod", "input, dim, *, dtype=None", reduce::cumulate),
    native("Tensor.roll", "input, shifts, dims=None", reshape::roll),
    native("Tensor.flip", "input, dims", reshape::flip),
    native("Tensor.tril", "input, diagonal=0", reshape::triangle),
    native("Tensor.triu", "input, diagonal=0", reshape::triangle),
    native("Tensor.masked_fill", "input, mask, value", arithmetic::masked_fill),
    native("Tensor.where", "input, condition, other", |interpreter, args| {
        let names = ["condition", "input", "other"];
        let call = CallArgs::positional(names.map(|name| args.value(name)).to_vec());
        match crate::eval::library::function("torch.where") {
            Some(function) => interpreter.call_native(function, call),
            None => Ok(Value::Unknown),
        }
    }),
    native("Tensor.size", "input, dim=None", size),
    native("Tensor.dim", "input", rank),
    native("Tensor.repeat_interleave", "input, repeats, dim=None", reshape::repeat_interleave),
    native("Tensor.index_select", "input, dim, index", index_select),
    native("Tensor.nonzero", "input, *, as_tuple=False", nonzero),
    native("Tensor.unfold", "input, dimension, size, step", windows),
    native("Tensor.new_zeros", "input, *size, **kwargs", super::create::new_filled),
    native("Tensor.new_ones", "input, *size, **kwargs", super::create::new_filled),
    native("Tensor.new_empty", "input, *size, **kwargs", super::create::new_filled),
    native("Tensor.new_full", "input, size, fill_value, **kwargs", |interpreter, args| {
        let value = args.float("fill_value")?;
        super::create::new_constant(interpreter, args, &[args.value("size")], value)
    }),
    native("Tensor.numel", "input", numel),
    native("Tensor.nelement", "input", numel),
    native("Tensor.astype", "input, dtype", crate::eval::numpy::as_type),
    native("Tensor.item", "input", |i, args| i.tensor_item_value(&args.tensor("input")?)),
    native("Tensor.tolist", "input", |i, args| i.tensor_list(&args.tensor("input")?)),
    native("Tensor.is_contiguous", "input", |_, args| {
        Ok(Value::Bool(args.tensor("input")?.0.strides.borrow().is_none()))
    }),
    native("Tensor.is_floating_point", "input", |_, args| {
        Ok(Value::Bool(args.tensor("input")?.dtype().is_float()))
    }),
];

/// Methods that set elements of a tensor: starting values, which nasc leaves to its own rule.
const INITIALISING: &[&str] = &[
    "normal_",
    "uniform_",
    "zero_",
    "fill_",
    "trunc_normal_",
    "bernoulli_",
    "erfinv_",
    "exponential_",
    "random_",
    "constant_",
];

/// Methods whose in-place twin cannot enlarge its tensor.
const BROADCASTING: &[&str] = &[
    "add",
    "sub",
    "subtract",
    "mul",
    "multiply",
    "div",
    "divide",
    "true_divide",
    "floor_divide",
    "remainder",
    "pow",
    "masked_fill",
];

/// Methods whose in-place twin gives its tensor another shape.
const MOVING: &[&str] = &["unsqueeze", "squeeze", "transpose", "swapaxes", "t"];

/// `tensor.copy_(source)`: while the network runs, its elements are those of the source.
static COPY: Native =
    native("Tensor.copy_", "input, src, non_blocking=False", |interpreter, args| {
        let input = args.tensor("input")?;
        let Value::Tensor(source) = args.value("src") else { return Ok(Value::Tensor(input)) };
        if interpreter.module_stack.is_empty() {
            take_over(&input, &source);
            return Ok(Value::Tensor(input));
        }
        let shape = input.tensor_type().shape;
        let Value::Tensor(wide) = interpreter.expand_to(&source, shape)? else {
            return Ok(Value::Tensor(input));
        };
        if let Value::Tensor(new) = interpreter.cast(&wide, input.dtype())? {
            interpreter.replace_in_place(&input, &new)?;
        }
        Ok(Value::Tensor(input))
    });

/// While the network is built, a constant takes over known elements, such as a table of indices in a
/// buffer; for a parameter they are a starting value.
fn take_over(tensor: &Tensor, source: &Tensor) {
    let is_constant = matches!(&*tensor.0.source.borrow(), Source::Fill(_) | Source::Data(_));
    let fits = !tensor.0.parameter && tensor.dims() == source.dims();
    if let Some(data) = source.data().filter(|_| is_constant && fits) {
        let whole = !tensor.dtype().is_float();
        let data = data.iter().map(|&number| if whole { number.trunc() } else { number });
        *tensor.0.source.borrow_mut() = Source::Data(data.collect());
    }
}

static INITIALISE: Native =
    native("Tensor.initialise", "input, *args, **kwargs", |_, args| Ok(args.value("input")));

static IN_PLACE: Native = native(
    "Tensor.in_place",
    "function, input, *args, **kwargs",
    |interpreter, args| {
        let tensor = args.tensor("input")?;
        let moves = matches!(&args.value("function"), Value::Native(native) if MOVING.contains(&method_name(native)));
        let is_parameter = matches!(&*tensor.0.source.borrow(), Source::Param(_));
        let is_filled = matches!(&*tensor.0.source.borrow(), Source::Fill(_));
        if is_parameter || is_filled && !moves && interpreter.module_stack.is_empty() {
            return Ok(Value::Tensor(tensor));
        }
        let mut positional = vec![Value::Tensor(tensor.clone())];
        positional.extend(args.rest.iter().cloned());
        let call = CallArgs { positional, keywords: args.extra.clone() };
        let function = args.value("function");
        match interpreter.call(&function, call)? {
            Value::Tensor(new) if moves => {
                interpreter.become_in_place(&tensor, &new);
                Ok(Value::Tensor(tensor))
            }
            Value::Tensor(new) => {
                if let Value::Native(native) = &function
                    && BROADCASTING.contains(&method_name(native))
                {
                    let subject = format!("{}_", method_name(native));
                    if interpreter.misfits_in_place(&subject, &tensor, &new) {
                        return Ok(Value::Tensor(tensor));
                    }
                }
                interpreter.replace_in_place(&tensor, &new)?;
                Ok(Value::Tensor(tensor))
            }
            other => Ok(other),
        }
    },
);

/// A method that is one function, in place or not.
fn fixed_method(name: &str) -> Option<&'static Native> {
    match name {
        "copy_" => Some(&COPY),
        _ if INITIALISING.contains(&name) => Some(&INITIALISE),
        _ => find(name),
    }
}

fn bound(tensor: &Tensor, function: Value) -> Value {
    Value::Bound(Rc::new((Value::Tensor(tensor.clone()), function)))
}

fn find(name: &str) -> Option<&'static Native> {
    METHODS.iter().chain(super::select::METHODS).find(|native| method_name(native) == name)
}

/// Names of methods and attributes, for suggestions.
pub(crate) fn attribute_names() -> Vec<Name> {
    let names = METHODS.iter().map(method_name).chain(["shape", "dtype", "ndim"]);
    names.map(Name::from).collect()
}

/// Names that `torch` has.
pub(crate) fn torch_names() -> &'static str {
    include_str!("../names/torch.txt")
}

impl Interpreter<'_> {
    /// `tensor.name`
    pub(crate) fn tensor_attribute(&mut self, tensor: &Tensor, name: &str) -> Eval<Option<Value>> {
        Ok(Some(match name {
            "shape" => Value::tuple(tensor.dims().into_iter().map(Value::dim).collect()),
            "ndim" => Value::Int(tensor.rank() as i128),
            "dtype" => Value::DType(tensor.dtype()),
            "data" => Value::Tensor(tensor.clone()),
            "device" => super::device::cpu(self)?,
            "requires_grad" => Value::Bool(tensor.0.requires_grad.get()),
            "grad" => Value::None,
            "is_cuda" | "is_quantized" | "is_sparse" => Value::Bool(false),
            "T" | "mT" => {
                let rank = tensor.rank();
                let mut order: Vec<usize> = (0..rank).collect();
                if name == "T" {
                    order.reverse();
                } else if rank >= 2 {
                    order.swap(rank - 1, rank - 2);
                }
                return self.permute_dims(tensor, order).map(Some);
            }
            _ => match self.tensor_method(tensor, name)? {
                Some(method) => method,
                None if super::super::modules::contains(
                    include_str!("../names/tensor.txt"),
                    name,
                ) =>
                {
                    return Err(refuse(
                        Mistake::UnsupportedMethod,
                        format!("nasc does not support Tensor.{name}"),
                    )
                    .help("write it with functions that nasc supports"));
                }
                None => return Ok(None),
            },
        }))
    }

    fn tensor_method(&mut self, tensor: &Tensor, name: &str) -> Eval<Option<Value>> {
        if let Some(native) = fixed_method(name) {
            return Ok(Some(bound(tensor, Value::Native(native))));
        }
        if let Some(function) = self.prelude_method(name)? {
            return Ok(Some(bound(tensor, function)));
        }
        let Some(name) = name.strip_suffix('_') else { return Ok(None) };
        let base = match find(name) {
            Some(native) => Some(Value::Native(native)),
            None => self.prelude_method(name)?,
        };
        Ok(base.map(|base| {
            let in_place = Value::Partial(Rc::new(Partial {
                function: Value::Native(&IN_PLACE),
                positional: vec![base],
                keywords: Vec::new(),
            }));
            bound(tensor, in_place)
        }))
    }

    /// `tensor.name = value`
    pub(crate) fn set_tensor_attribute(
        &mut self,
        tensor: &Tensor,
        name: &str,
        value: Value,
    ) -> Eval<()> {
        match name {
            "requires_grad" => {
                let flag = self.truth(&value)?;
                tensor.0.requires_grad.set(flag);
            }
            "data" => {
                if let Value::Tensor(new) = &value {
                    let tensor_type = new.tensor_type();
                    *tensor.0.tensor_type.borrow_mut() = tensor_type;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `relu`, `sigmoid`, `tanh` by the name they were called with.
fn activate(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    let activation = match name.trim_end_matches('_') {
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        _ => Activation::Relu,
    };
    interpreter.activation(activation, &tensor, name.ends_with('_'))
}

fn softmax(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = Value::Int(args.int("dim")?);
    interpreter.by_name = true;
    let result = interpreter.softmax(&tensor, &dim, args.function.ends_with("log_softmax"));
    interpreter.by_name = false;
    result
}

/// `size()` and `size(dim)`.
fn size(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dims = tensor.dims();
    match args.value("dim") {
        Value::None => Ok(Value::tuple(dims.into_iter().map(Value::dim).collect())),
        _ => {
            let dim = args.dim("dim", dims.len())?;
            dims.get(dim)
                .map(|&dim| Value::dim(dim))
                .ok_or_else(|| type_error("size() of a tensor without dimensions"))
        }
    }
}

fn rank(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    Ok(Value::Int(args.tensor("input")?.rank() as i128))
}

fn numel(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let shape = args.tensor("input")?.tensor_type().shape;
    shape.elements().map(Value::dim).ok_or_else(|| {
        refuse(
            Mistake::SymbolicArithmetic,
            "the number of elements is no multiple of the batch size",
        )
    })
}

fn view_as(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let sizes = args.tensor("other")?.dims().into_iter().map(Value::dim).collect();
    let name = if args.function.ends_with("view_as") { "view" } else { "reshape" };
    let method = interpreter.attribute(&args.value("input"), name)?;
    interpreter.call_values(&method, sizes)
}

fn requires_grad(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    tensor.0.requires_grad.set(args.bool(interpreter, "requires_grad")?);
    Ok(Value::Tensor(tensor))
}

/// `to(dtype)`, `to(device)`, `to(other)`.
fn to(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let keywords = args.extra.iter().map(|(_, value)| value);
    let dtype = args.rest.iter().chain(keywords).find_map(|value| match value {
        Value::DType(dtype) => Some(*dtype),
        Value::Tensor(other) => Some(other.dtype()),
        _ => None,
    });
    match dtype {
        Some(dtype) => interpreter.cast(&tensor, dtype),
        None => Ok(Value::Tensor(tensor)),
    }
}

fn to_type(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    match args.optional_dtype("dtype")? {
        Some(dtype) => interpreter.cast(&tensor, dtype),
        None => Ok(Value::str("torch.FloatTensor")),
    }
}

/// `torch.unique` of known elements, sorted, with counts on request.
fn unique(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let Some(data) = tensor.data() else {
        return Err(crate::eval::iterate::data_dependent("the number of different elements"));
    };
    if args.bool(interpreter, "return_inverse")? {
        return Err(refuse(Mistake::UnsupportedArgument, "nasc does not support return_inverse"));
    }
    let groups = crate::eval::numpy::groups(data.to_vec());
    let values = groups.iter().map(|group| group.0).collect();
    let values = super::constant::vector(values, tensor.dtype());
    if !args.bool(interpreter, "return_counts")? {
        return Ok(values);
    }
    let counts = groups.iter().map(|group| group.1).collect();
    Ok(Value::tuple(vec![values, super::constant::vector(counts, DType::I64)]))
}

/// `index_select(dim, index)`
fn index_select(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = args.dim("dim", tensor.rank())?;
    let op = Op::Index(Index { dim });
    interpreter.emit("index_select", op, &[tensor, args.tensor("index")?])
}

/// `unfold(dimension, size, step)`: overlapping windows.
fn windows(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = args.dim("dimension", tensor.rank())?;
    let op = Windows { dim, size: args.count("size", 0)?, step: args.count("step", 1)? };
    interpreter.emit("unfold", Op::Windows(op), &[tensor])
}

/// `nonzero()` of known elements: one row of positions for each.
fn nonzero(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let extents: Option<Vec<u64>> = tensor.dims().iter().map(|dim| dim.known()).collect();
    let (Some(data), Some(extents)) = (super::fold::known_elements(&tensor), extents) else {
        return Err(crate::eval::iterate::data_dependent("the number of elements that are not 0"));
    };
    let mut rows = Vec::new();
    let mut count = 0;
    for (place, _) in data.iter().enumerate().filter(|(_, number)| **number != 0.0) {
        let mut rest = place as u64;
        let mut row: Vec<f64> = Vec::new();
        for &extent in extents.iter().rev() {
            row.push((rest % extent.max(1)) as f64);
            rest /= extent.max(1);
        }
        rows.extend(row.into_iter().rev());
        count += 1;
    }
    let shape = Shape::known(&[count, extents.len() as u64]);
    let tensor_type = TensorType { dtype: DType::I64, shape };
    Ok(Value::Tensor(Tensor::new(tensor_type, Source::Data(rows.into()))))
}
