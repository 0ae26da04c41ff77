//! einops: `rearrange`, `repeat`, `reduce` and the layers `Rearrange` and `Reduce`, as reshape,
//! reduction, permutation, broadcast and reshape of one tensor.

use std::collections::BTreeMap;

use crate::ast::Name;
use crate::ir::op::{Op, Reduce, ReduceKind};
use crate::ir::{Dim, Shape};

use super::builtins::native;
use super::error::{Eval, Mistake, Stop, raise, silent};
use super::interpreter::Interpreter;
use super::library::Layer;
use super::native::{Args, Native, extent};
use super::nn::{kept, start, this};
use super::value::{Tensor, Value};

/// Functions by dotted name.
pub(crate) const FUNCTIONS: &[Native] = &[
    native("einops.rearrange", "tensor, pattern, **axes_lengths", |interpreter, args| {
        function(interpreter, args, None)
    }),
    native("einops.repeat", "tensor, pattern, **axes_lengths", |interpreter, args| {
        function(interpreter, args, None)
    }),
    native("einops.reduce", "tensor, pattern, reduction, **axes_lengths", |interpreter, args| {
        let kind = kind_of(&args.value("reduction"))?;
        function(interpreter, args, Some(kind))
    }),
];

/// Layers of `einops.layers.torch`.
pub(crate) const LAYERS: &[Layer] = &[
    Layer { name: "Rearrange", base: "Module", methods: REARRANGE },
    Layer { name: "Reduce", base: "Module", methods: REDUCE },
];

const REARRANGE: &[Native] = &[
    native("Rearrange.__init__", "self, pattern, **axes_lengths", keep),
    native("Rearrange.forward", "self, input", forward),
];
const REDUCE: &[Native] = &[
    native("Reduce.__init__", "self, pattern, reduction, **axes_lengths", keep),
    native("Reduce.forward", "self, input", forward),
];

fn keep(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    start(&module);
    module.set("pattern", args.value("pattern"));
    module.set("reduction", args.value("reduction"));
    let lengths = args.extra.iter().map(|(name, value)| (Value::Str(name.clone()), value.clone()));
    let lengths = interpreter.make_dict(lengths.collect::<Vec<_>>())?;
    module.set("axes_lengths", lengths);
    Ok(Value::None)
}

fn forward(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let module = this(args)?;
    let reduction = kept(&module, "reduction");
    let kind = if reduction.is_none() { None } else { Some(kind_of(&reduction)?) };
    let Some(pattern) = kept(&module, "pattern").as_str() else { return Err(silent()) };
    let mut lengths = Vec::new();
    for (name, value) in interpreter.mapping_items(&kept(&module, "axes_lengths"))? {
        lengths.extend(name.as_str().map(|name| (name, value)));
    }
    transform(interpreter, &args.tensor("input")?, &pattern, &lengths, kind)
}

fn function(
    interpreter: &mut Interpreter<'_>,
    args: &Args,
    kind: Option<ReduceKind>,
) -> Eval<Value> {
    let pattern = args.string("pattern")?;
    let tensor = match args.value("tensor") {
        list @ (Value::List(_) | Value::Tuple(_)) => stacked(interpreter, list)?,
        _ => args.tensor("tensor")?,
    };
    transform(interpreter, &tensor, &pattern, &args.extra, kind)
}

/// Tensors of a list count as one with the list as its first axis.
fn stacked(interpreter: &mut Interpreter<'_>, list: Value) -> Eval<Tensor> {
    let Some(stack) = super::library::function("torch.stack") else { return Err(silent()) };
    match interpreter.call_values(&Value::Native(stack), vec![list])? {
        Value::Tensor(tensor) => Ok(tensor),
        _ => Err(silent()),
    }
}

fn kind_of(reduction: &Value) -> Eval<ReduceKind> {
    let name = reduction.as_str();
    Ok(match name.as_deref() {
        Some("mean") => ReduceKind::Mean,
        Some("sum") => ReduceKind::Sum,
        Some("max") => ReduceKind::Max,
        Some("min") => ReduceKind::Min,
        Some("prod") => ReduceKind::Product,
        _ => {
            return Err(super::error::refuse(
                Mistake::UnsupportedArgument,
                "nasc supports the reductions mean, sum, max, min and prod",
            ));
        }
    })
}

/// Axes that share one dimension of a tensor.
type Group = Vec<String>;

/// One side of a pattern; `...` stands for as many axes as are left.
fn parse(side: &str, ellipsis: usize) -> Eval<Vec<Group>> {
    let spaced = side.replace('(', " ( ").replace(')', " ) ").replace("...", " ... ");
    let mut groups: Vec<Group> = Vec::new();
    let mut open: Option<Group> = None;
    for token in spaced.split_whitespace() {
        match (token, &mut open) {
            ("(", None) => open = Some(Group::new()),
            (")", Some(_)) => groups.extend(open.take()),
            ("...", Some(group)) => group.extend((0..ellipsis).map(hidden)),
            ("...", None) => groups.extend((0..ellipsis).map(|index| vec![hidden(index)])),
            ("1", None) => groups.push(Group::new()),
            ("1", Some(_)) => {}
            (name, Some(group)) if is_axis(name) => group.push(name.to_owned()),
            (name, None) if is_axis(name) => groups.push(vec![name.to_owned()]),
            _ => return Err(wrong(format!("`{side}` is no pattern"))),
        }
    }
    if open.is_some() {
        Err(wrong(format!("`{side}` has an open parenthesis")))
    } else {
        Ok(groups)
    }
}

/// The name of an axis behind `...`.
fn hidden(index: usize) -> String {
    format!(".{index}")
}

fn is_axis(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

fn wrong(message: String) -> Box<Stop> {
    raise(Mistake::BadArgument, "EinopsError", message)
}

/// Lengths of the axes by name.
type Lengths = BTreeMap<String, Dim>;

fn transform(
    interpreter: &mut Interpreter<'_>,
    tensor: &Tensor,
    pattern: &str,
    given: &[(Name, Value)],
    kind: Option<ReduceKind>,
) -> Eval<Value> {
    let Some((left, right)) = pattern.split_once("->") else {
        return Err(wrong(format!("the pattern `{pattern}` has no `->`")));
    };
    let dims = tensor.dims();
    let named = parse(left, 0)?.len();
    let ellipsis = if left.contains("...") { dims.len().saturating_sub(named) } else { 0 };
    let (left, right) = (parse(left, ellipsis)?, parse(right, ellipsis)?);
    if left.len() != dims.len() {
        let (expected, found) = (left.len(), dims.len());
        return Err(wrong(format!(
            "the pattern `{pattern}` needs {expected} dimensions, but the tensor has {found}"
        )));
    }
    let mut lengths = Lengths::new();
    for (name, value) in given {
        lengths.insert(name.to_string(), extent(value)?);
    }
    for (group, dim) in left.iter().zip(&dims) {
        solve(group, *dim, &mut lengths)?;
    }
    let plan = Plan { left: left.concat(), right, lengths };
    plan.run(interpreter, tensor, kind)
}

/// Finds the one length of a group that is not known.
fn solve(group: &Group, dim: Dim, lengths: &mut Lengths) -> Eval<()> {
    let mut known = Dim::Known(1);
    let mut open = None;
    for axis in group {
        match lengths.get(axis) {
            Some(&length) => known = product(known, length)?,
            None if open.is_none() => open = Some(axis),
            None => {
                return Err(wrong(format!("the lengths of ({}) are not given", group.join(" "))));
            }
        }
    }
    match open {
        Some(axis) => {
            let length = quotient(dim, known)
                .ok_or_else(|| wrong(format!("{dim} cannot be divided into parts of {known}")))?;
            lengths.insert(axis.clone(), length);
            Ok(())
        }
        None if known == dim => Ok(()),
        None => {
            let group = group.join(" ");
            Err(wrong(format!("({group}) has length {known}, but the dimension has {dim}")))
        }
    }
}

fn product(left: Dim, right: Dim) -> Eval<Dim> {
    let multiplied = match (left, right) {
        (Dim::Known(a), Dim::Known(b)) => a.checked_mul(b).map(Dim::Known),
        (Dim::Batch { factor }, Dim::Known(b)) | (Dim::Known(b), Dim::Batch { factor }) => {
            factor.checked_mul(b).map(|factor| Dim::Batch { factor })
        }
        (Dim::Batch { .. }, Dim::Batch { .. }) => None,
    };
    multiplied.ok_or_else(|| {
        super::error::refuse(Mistake::SymbolicArithmetic, "an axis that holds the batch twice")
    })
}

fn quotient(whole: Dim, part: Dim) -> Option<Dim> {
    let divide = |a: u64, b: u64| (b > 0 && a.is_multiple_of(b)).then(|| a / b);
    match (whole, part) {
        (Dim::Known(a), Dim::Known(b)) => divide(a, b).map(Dim::Known),
        (Dim::Batch { factor }, Dim::Known(b)) => {
            divide(factor, b).map(|factor| Dim::Batch { factor })
        }
        (Dim::Batch { factor: a }, Dim::Batch { factor: b }) => divide(a, b).map(Dim::Known),
        (Dim::Known(_), Dim::Batch { .. }) => None,
    }
}

/// A pattern with all lengths.
struct Plan {
    /// Axes of the input in order.
    left: Vec<String>,
    right: Vec<Group>,
    lengths: Lengths,
}

impl Plan {
    fn run(
        &self,
        interpreter: &mut Interpreter<'_>,
        tensor: &Tensor,
        kind: Option<ReduceKind>,
    ) -> Eval<Value> {
        let wanted: Vec<&String> = self.right.iter().flatten().collect();
        let split = self.shape(&self.left)?;
        let mut value = shaped(interpreter, tensor, split)?;
        let gone = |axis: &String| !wanted.contains(&axis);
        let dims: Vec<usize> =
            self.left.iter().enumerate().filter(|(_, axis)| gone(axis)).map(|(i, _)| i).collect();
        if !dims.is_empty() {
            let Some(kind) = kind else {
                return Err(wrong(String::from("an axis of the left side is lost on the right")));
            };
            value = one(interpreter.emit("reduce", reduction(kind, dims), &[value])?)?;
        }
        let left: Vec<&String> = self.left.iter().filter(|axis| !gone(axis)).collect();
        let order: Vec<usize> =
            wanted.iter().filter_map(|axis| left.iter().position(|known| known == axis)).collect();
        if !order.iter().copied().eq(0..order.len()) {
            value = one(interpreter.permute_dims(&value, order)?)?;
        }
        value = self.repeat(interpreter, value, &wanted, &left)?;
        let mut output = Vec::new();
        for group in &self.right {
            output.push(self.length(group)?);
        }
        shaped(interpreter, &value, Shape(output)).map(Value::Tensor)
    }

    /// Axes that only the right side has are new: broadcast along them.
    fn repeat(
        &self,
        interpreter: &mut Interpreter<'_>,
        value: Tensor,
        wanted: &[&String],
        left: &[&String],
    ) -> Eval<Tensor> {
        if wanted.iter().all(|axis| left.contains(axis)) {
            return Ok(value);
        }
        let (mut single, mut full) = (Vec::new(), Vec::new());
        for axis in wanted {
            let length = self.length(std::slice::from_ref(*axis))?;
            single.push(if left.contains(axis) { length } else { Dim::Known(1) });
            full.push(length);
        }
        let value = shaped(interpreter, &value, Shape(single))?;
        one(interpreter.expand_to(&value, Shape(full))?)
    }

    fn shape(&self, axes: &[String]) -> Eval<Shape> {
        let dims = axes.iter().map(|axis| self.length(std::slice::from_ref(axis)));
        Ok(Shape(dims.collect::<Eval<Vec<Dim>>>()?))
    }

    fn length(&self, group: &[String]) -> Eval<Dim> {
        let mut length = Dim::Known(1);
        for axis in group {
            let Some(&known) = self.lengths.get(axis) else {
                return Err(wrong(format!("the length of `{axis}` is not given")));
            };
            length = product(length, known)?;
        }
        Ok(length)
    }
}

fn reduction(kind: ReduceKind, dims: Vec<usize>) -> Op {
    Op::Reduce(Reduce { kind, dims, keep_dim: false })
}

/// The tensor under another shape, if it has another one.
fn shaped(interpreter: &mut Interpreter<'_>, tensor: &Tensor, shape: Shape) -> Eval<Tensor> {
    if tensor.dims() == shape.0 {
        return Ok(tensor.clone());
    }
    one(interpreter.reshape_to("rearrange", tensor, shape)?)
}

fn one(value: Value) -> Eval<Tensor> {
    match value {
        Value::Tensor(tensor) => Ok(tensor),
        _ => Err(silent()),
    }
}
