//! Operations that move elements without changing them: view, permute, cat, split and relatives.

use crate::eval::error::{Eval, Mistake, misfit, raise, type_error};
use crate::eval::interpreter::Interpreter;
use crate::eval::native::{Args, extent, normalise_dim};
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{Cat, Expand, Flip, Op, Permute, Reshape, Roll, Slice, Split, Triangle};
use crate::ir::{Dim, Shape};
use crate::shape;
use crate::shape::ShapeError;

use super::stride;

impl Interpreter<'_> {
    /// The same elements under another shape, which is known to fit.
    pub(crate) fn reshape_to(
        &mut self,
        subject: &str,
        tensor: &Tensor,
        shape: Shape,
    ) -> Eval<Value> {
        if let Source::Data(_) | Source::Fill(_) = &*tensor.0.source.borrow() {
            let mut tensor_type = tensor.tensor_type();
            if shape.elements() == tensor_type.shape.elements() {
                tensor_type.shape = shape;
                let source = tensor.0.source.borrow().clone();
                return Ok(Value::Tensor(Tensor::new(tensor_type, source)));
            }
        }
        let from = stride::strides(tensor);
        let extents = stride::extents(&tensor.dims());
        let result =
            self.emit(subject, Op::Reshape(Reshape { shape }), std::slice::from_ref(tensor))?;
        if let Value::Tensor(new) = &result
            && let Some(strides) = stride::view(&extents, &from, &stride::extents(&new.dims()))
        {
            stride::note(new, strides);
        }
        Ok(result)
    }

    /// Dimensions in another order.
    pub(crate) fn permute_dims(&mut self, tensor: &Tensor, order: Vec<usize>) -> Eval<Value> {
        let from = stride::strides(tensor);
        let strides = order.iter().filter_map(|&dim| from.get(dim).copied()).collect();
        let op = Op::Permute(Permute { order });
        let result = self.emit("permute", op, std::slice::from_ref(tensor))?;
        if let Value::Tensor(new) = &result {
            stride::note(new, strides);
        }
        Ok(result)
    }

    /// A range along one dimension.
    pub(crate) fn narrow(
        &mut self,
        tensor: &Tensor,
        dim: usize,
        start: u64,
        end: Option<u64>,
        step: u64,
    ) -> Eval<Value> {
        let mut strides = stride::strides(tensor);
        if let Some(stride) = strides.get_mut(dim) {
            *stride = stride.saturating_mul(step);
        }
        let op = Op::Slice(Slice { dim, start, end, step });
        let result = self.emit("slice", op, std::slice::from_ref(tensor))?;
        if let Value::Tensor(new) = &result {
            stride::note(new, strides);
        }
        Ok(result)
    }

    /// The same elements repeated along dimensions of extent 1 and new ones in front.
    pub(crate) fn expand_to(&mut self, tensor: &Tensor, shape: Shape) -> Eval<Value> {
        let old = tensor.dims();
        let old_strides = stride::strides(tensor);
        let added = shape.rank().saturating_sub(old.len());
        let mut strides = vec![0; added];
        for ((from, to), stride) in old.iter().zip(shape.0.iter().skip(added)).zip(old_strides) {
            strides.push(if from == to { stride } else { 0 });
        }
        let op = Op::Expand(Expand { shape });
        let result = self.emit("expand", op, std::slice::from_ref(tensor))?;
        if let Value::Tensor(new) = &result {
            stride::note(new, strides);
        }
        Ok(result)
    }

    /// Consecutive parts of a dimension.
    fn pieces(&mut self, tensor: &Tensor, dim: usize, sizes: Vec<u64>) -> Eval<Value> {
        self.fuel.allocate(sizes.len())?;
        let strides = stride::strides(tensor);
        let op = Op::Split(Split { dim, sizes });
        let parts = self.emit_all("split", op, std::slice::from_ref(tensor))?;
        if parts.is_empty() {
            return Ok(Value::Unknown);
        }
        for part in &parts {
            if let Value::Tensor(part) = part {
                stride::note(part, strides.clone());
            }
        }
        Ok(Value::tuple(parts))
    }

    /// The entries along the first dimension.
    pub(crate) fn unbind_items(&mut self, tensor: &Tensor) -> Eval<Vec<Value>> {
        if let (Some(data), 1) = (tensor.data(), tensor.rank()) {
            let dtype = tensor.dtype();
            return Ok(data.iter().map(|&n| super::constant::scalar(n, dtype)).collect());
        }
        self.unbind_dim(tensor, 0)
    }

    fn unbind_dim(&mut self, tensor: &Tensor, dim: usize) -> Eval<Vec<Value>> {
        let count = known_extent(tensor, dim, "iterating over")?;
        let mut items = Vec::new();
        for index in 0..count {
            self.fuel.allocate(1)?;
            let piece = self.narrow(tensor, dim, index, Some(index + 1), 1)?;
            items.push(self.squeeze_one(&piece, dim)?);
        }
        Ok(items)
    }

    /// Drops a dimension of extent 1.
    pub(crate) fn squeeze_one(&mut self, value: &Value, dim: usize) -> Eval<Value> {
        let Value::Tensor(tensor) = value else { return Ok(Value::Unknown) };
        let mut dims = tensor.dims();
        if dim < dims.len() {
            dims.remove(dim);
        }
        self.reshape_to("squeeze", tensor, Shape(dims))
    }
}

/// The extent of a dimension that must not depend on the batch size.
pub(super) fn known_extent(tensor: &Tensor, dim: usize, what: &str) -> Eval<u64> {
    match tensor.dims().get(dim) {
        Some(Dim::Known(extent)) => Ok(*extent),
        Some(Dim::Batch { .. }) => Err(crate::eval::error::refuse(
            Mistake::DataDependentControlFlow,
            format!("{what} the batch dimension has no fixed number of steps"),
        )
        .help("use tensor operations over the whole batch")),
        None => Err(type_error("a tensor without dimensions has no items")),
    }
}

/// Sizes given one by one or as one sequence.
fn sizes(interpreter: &mut Interpreter<'_>, args: &Args, name: &str) -> Eval<Vec<Value>> {
    if !args.value(name).is_none() {
        return interpreter.collect(&args.value(name));
    }
    match args.rest.as_slice() {
        [only @ (Value::Tuple(_) | Value::List(_))] => interpreter.collect(only),
        several => Ok(several.to_vec()),
    }
}

/// Extents where −1 is `None`.
fn target(sizes: &[Value]) -> Eval<Vec<Option<Dim>>> {
    sizes
        .iter()
        .map(|size| match size.as_int() {
            Some(-1) => Ok(None),
            _ => extent(size).map(Some),
        })
        .collect()
}

/// `view`, `reshape`.
pub(super) fn view(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    if let (Some(Value::DType(dtype)), 1) = (args.rest.first(), args.rest.len()) {
        return interpreter.cast(&tensor, *dtype);
    }
    let sizes = sizes(interpreter, args, "shape")?;
    let wanted = target(&sizes)?;
    let shape = match shape::resolve_reshape(&Shape(tensor.dims()), &wanted) {
        Ok(shape) => shape,
        Err(error) => {
            let provenance = interpreter.provenance();
            interpreter.report_shape_error(error, name, &provenance);
            return Ok(Value::Unknown);
        }
    };
    if name == "view" {
        check_view(&tensor, &shape)?;
    }
    if let (Some(None), Some(Dim::Batch { factor: 2.. })) = (wanted.first(), shape.0.first())
        && tensor.dims().first() == Some(&Dim::N)
    {
        interpreter.merged_batches.insert(interpreter.site);
    }
    interpreter.reshape_to(name, &tensor, shape)
}

/// `view` cannot copy.
fn check_view(tensor: &Tensor, shape: &Shape) -> Eval<()> {
    let old = stride::extents(&tensor.dims());
    let fits = stride::view(&old, &stride::strides(tensor), &stride::extents(&shape.0)).is_some();
    if fits || old.contains(&0) {
        return Ok(());
    }
    Err(misfit(ShapeError::NotViewable { input: Shape(tensor.dims()), target: shape.clone() }))
}

/// `torch.flatten(input, start_dim=0, end_dim=-1)`
pub(crate) fn flatten(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let number =
        |name: &str| args.int(name).map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let (start, end) = (number("start_dim")?, number("end_dim")?);
    match shape::flatten(&Shape(tensor.dims()), start, end) {
        Ok(shape) => interpreter.reshape_to("flatten", &tensor, shape),
        Err(error) => {
            let provenance = interpreter.provenance();
            interpreter.report_shape_error(error, "flatten", &provenance);
            Ok(Value::Unknown)
        }
    }
}

/// `unflatten(dim, sizes)`
pub(crate) fn unflatten(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dims = tensor.dims();
    let dim = args.dim("dim", dims.len())?;
    let sizes = interpreter.collect(&args.value("sizes"))?;
    let mut wanted: Vec<Option<Dim>> = dims.iter().take(dim).copied().map(Some).collect();
    wanted.extend(target(&sizes)?);
    wanted.extend(dims.iter().skip(dim + 1).copied().map(Some));
    match shape::resolve_reshape(&Shape(dims), &wanted) {
        Ok(shape) => interpreter.reshape_to("unflatten", &tensor, shape),
        Err(error) => {
            let provenance = interpreter.provenance();
            interpreter.report_shape_error(error, "unflatten", &provenance);
            Ok(Value::Unknown)
        }
    }
}

/// `permute(*dims)`
pub(super) fn permute(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let rank = tensor.rank();
    let sizes = sizes(interpreter, args, "dims")?;
    let mut order = Vec::new();
    for size in &sizes {
        let number = size.as_int().ok_or_else(|| type_error("permute() takes integers"))?;
        order.push(normalise_dim(number, rank)?);
    }
    interpreter.permute_dims(&tensor, order)
}

/// `transpose(dim0, dim1)`
pub(super) fn transpose(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let rank = tensor.rank();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(args.dim("dim0", rank)?, args.dim("dim1", rank)?);
    interpreter.permute_dims(&tensor, order)
}

/// `t()`
pub(super) fn t(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    if tensor.rank() > 2 {
        let (expected, input) = (vec![0, 1, 2], Shape(tensor.dims()));
        let provenance = interpreter.provenance();
        let error = ShapeError::RankMismatch { expected, input };
        interpreter.report_shape_error(error, "t", &provenance);
        return Ok(Value::Unknown);
    }
    interpreter.permute_dims(&tensor, (0..tensor.rank()).rev().collect())
}

/// `unsqueeze(dim)`
pub(super) fn unsqueeze(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let mut dims = tensor.dims();
    let dim = args.dim("dim", dims.len() + 1)?;
    dims.insert(dim, Dim::Known(1));
    interpreter.reshape_to("unsqueeze", &tensor, Shape(dims))
}

/// `squeeze(dim=None)`
pub(super) fn squeeze(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dims = tensor.dims();
    let dropped = match args.value("dim") {
        Value::None => (0..dims.len()).collect(),
        _ => args.dims("dim", dims.len())?,
    };
    let kept = dims
        .iter()
        .enumerate()
        .filter(|(position, dim)| !dropped.contains(position) || **dim != Dim::Known(1));
    let shape = Shape(kept.map(|(_, dim)| *dim).collect());
    if shape.rank() == dims.len() {
        return Ok(Value::Tensor(tensor));
    }
    interpreter.reshape_to("squeeze", &tensor, shape)
}

/// `expand(*sizes)`
pub(super) fn expand(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let sizes = sizes(interpreter, args, "size")?;
    let wanted = target(&sizes)?;
    match shape::resolve_expand(&Shape(tensor.dims()), &wanted) {
        Ok(shape) => expand_to(interpreter, &tensor, shape),
        Err(error) => {
            let provenance = interpreter.provenance();
            interpreter.report_shape_error(error, "expand", &provenance);
            Ok(Value::Unknown)
        }
    }
}

/// `expand_as(other)`
pub(super) fn expand_as(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let shape = Shape(args.tensor("other")?.dims());
    expand_to(interpreter, &args.tensor("input")?, shape)
}

fn expand_to(interpreter: &mut Interpreter<'_>, tensor: &Tensor, shape: Shape) -> Eval<Value> {
    interpreter.expand_to(tensor, shape)
}

/// `repeat(*sizes)` as a concatenation per dimension.
pub(super) fn repeat(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let counts = sizes(interpreter, args, "repeats")?;
    let mut dims = tensor.dims();
    let added = counts.len().saturating_sub(dims.len());
    dims.splice(0..0, vec![Dim::Known(1); added]);
    let mut value = if added > 0 {
        interpreter.reshape_to("repeat", &tensor, Shape(dims.clone()))?
    } else {
        Value::Tensor(tensor)
    };
    let ones_then_batch = target(&counts)?;
    for (dim, count) in ones_then_batch.into_iter().enumerate() {
        let Value::Tensor(current) = &value else { return Ok(Value::Unknown) };
        let is_one = dims.get(dim) == Some(&Dim::Known(1));
        value = match count {
            Some(Dim::Known(1)) => value,
            Some(count) if is_one => {
                let mut shape = current.dims();
                if let Some(slot) = shape.get_mut(dim) {
                    *slot = count;
                }
                expand_to(interpreter, &current.clone(), Shape(shape))?
            }
            Some(Dim::Known(count)) if count > 0 => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                interpreter.fuel.allocate(count)?;
                let copies = vec![current.clone(); count];
                interpreter.emit("repeat", Op::Cat(Cat { dim }), &copies)?
            }
            _ => return Err(type_error("repeat() takes positive counts")),
        };
    }
    Ok(value)
}

/// Tensors out of a list argument.
fn tensor_list(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Vec<Tensor>> {
    let mut tensors = Vec::new();
    for item in interpreter.collect(&args.value("tensors"))? {
        match item {
            Value::Tensor(tensor) => tensors.push(tensor),
            Value::Unknown => return Err(crate::eval::error::silent()),
            other => {
                return Err(type_error(format!(
                    "expected Tensor as element {} in argument 0, but got {}",
                    tensors.len(),
                    other.type_name()
                )));
            }
        }
    }
    if tensors.is_empty() {
        return Err(raise(
            Mistake::BadArgument,
            "RuntimeError",
            format!("{}(): expected a non-empty list of Tensors", args.function),
        ));
    }
    Ok(tensors)
}

/// `torch.cat(tensors, dim=0)`
pub(super) fn cat(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    if args.any_unknown() {
        return Ok(Value::Unknown);
    }
    let tensors = tensor_list(interpreter, args)?;
    let rank = tensors.first().map_or(0, Tensor::rank);
    let dim = args.dim("dim", rank)?;
    interpreter.emit("torch.cat", Op::Cat(Cat { dim }), &tensors)
}

/// `torch.stack(tensors, dim=0)`
pub(super) fn stack(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    if args.any_unknown() {
        return Ok(Value::Unknown);
    }
    let tensors = tensor_list(interpreter, args)?;
    let rank = tensors.first().map_or(0, Tensor::rank);
    let dim = args.dim("dim", rank + 1)?;
    let mut expanded = Vec::new();
    for tensor in tensors {
        let mut dims = tensor.dims();
        dims.insert(dim.min(dims.len()), Dim::Known(1));
        match interpreter.reshape_to("torch.stack", &tensor, Shape(dims))? {
            Value::Tensor(tensor) => expanded.push(tensor),
            _ => return Ok(Value::Unknown),
        }
    }
    interpreter.emit("torch.stack", Op::Cat(Cat { dim }), &expanded)
}

/// `chunk(chunks, dim=0)`
pub(super) fn chunk(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = args.dim("dim", tensor.rank())?;
    let chunks = args.count("chunks", 1)?;
    let extent = known_extent(&tensor, dim, "splitting")?;
    let size = extent.div_ceil(chunks).max(1);
    interpreter.pieces(&tensor, dim, split_lengths(extent, size))
}

fn split_lengths(extent: u64, size: u64) -> Vec<u64> {
    let mut lengths = vec![size; usize::try_from(extent / size).unwrap_or(0).min(1 << 20)];
    if !extent.is_multiple_of(size) {
        lengths.push(extent % size);
    }
    lengths
}

/// `split(split_size_or_sections, dim=0)`
pub(super) fn split(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = args.dim("dim", tensor.rank())?;
    let name = match args.value("split_size") {
        Value::None => "split_size_or_sections",
        _ => "split_size",
    };
    let sections = args.value(name);
    if let Value::List(_) | Value::Tuple(_) = &sections {
        let mut lengths = Vec::new();
        for item in interpreter.collect(&sections)? {
            let number = item.as_int().and_then(|number| u64::try_from(number).ok());
            lengths.push(number.ok_or_else(|| type_error("split() takes sizes"))?);
        }
        return interpreter.pieces(&tensor, dim, lengths);
    }
    let size = args.count(name, 1)?;
    let extent = known_extent(&tensor, dim, "splitting")?;
    interpreter.pieces(&tensor, dim, split_lengths(extent, size))
}

/// `unbind(dim=0)`
pub(super) fn unbind(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = args.dim("dim", tensor.rank())?;
    interpreter.unbind_dim(&tensor, dim).map(Value::tuple)
}

/// `narrow(dim, start, length)`
pub(super) fn narrow(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dim = args.dim("dim", tensor.rank())?;
    let (start, length) = (args.count("start", 0)?, args.count("length", 0)?);
    interpreter.narrow(&tensor, dim, start, Some(start.saturating_add(length)), 1)
}

/// `contiguous()`, `clone()`, `detach()` and others that change no element.
pub(super) fn identity(_: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let name = args.function.rsplit('.').next().unwrap_or(args.function);
    if !matches!(name, "contiguous" | "clone") {
        return Ok(Value::Tensor(tensor));
    }
    let source = tensor.0.source.borrow().clone();
    let copy = Tensor::new(tensor.tensor_type(), source);
    if name == "clone" {
        *copy.0.strides.borrow_mut() = tensor.0.strides.borrow().clone();
    }
    Ok(Value::Tensor(copy))
}

/// `torch.roll(input, shifts, dims)`
pub(super) fn roll(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let list = |value: Value| match value {
        Value::Tuple(items) => items.to_vec(),
        Value::List(items) => items.borrow().clone(),
        other => vec![other],
    };
    let mut shifts = Vec::new();
    for (shift, dim) in list(args.value("shifts")).iter().zip(list(args.value("dims"))) {
        let (Some(shift), Some(dim)) = (shift.as_int(), dim.as_int()) else {
            return Err(crate::eval::error::refuse(
                Mistake::UnsupportedArgument,
                "nasc supports torch.roll only with numbers for shifts and dims",
            ));
        };
        shifts.push((normalise_dim(dim, tensor.rank())?, i64::try_from(shift).unwrap_or(0)));
    }
    interpreter.emit("roll", Op::Roll(Roll { shifts }), &[tensor])
}

/// `torch.flip(input, dims)`
pub(super) fn flip(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let dims = args.dims("dims", tensor.rank())?;
    interpreter.emit("flip", Op::Flip(Flip { dims }), &[tensor])
}

/// `torch.tril` and `torch.triu`.
pub(super) fn triangle(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let diagonal = i64::try_from(args.int("diagonal")?).unwrap_or(0);
    let upper = args.function.ends_with("triu");
    let op = Op::Triangle(Triangle { upper, diagonal });
    interpreter.emit("triangle", op, &[args.tensor("input")?])
}

/// `repeat_interleave(repeats, dim)` with one number: each entry that many times in a row.
pub(super) fn repeat_interleave(interpreter: &mut Interpreter<'_>, args: &Args) -> Eval<Value> {
    let tensor = args.tensor("input")?;
    let repeats = Dim::Known(args.count("repeats", 0)?);
    let mut dims = tensor.dims();
    let dim = match args.value("dim") {
        Value::None => {
            let total = Shape(dims).elements();
            let Some(total) = total else { return Err(type_error("the size is not known")) };
            dims = vec![total];
            0
        }
        _ => args.dim("dim", dims.len())?,
    };
    let mut split = dims.clone();
    split.insert(dim + 1, Dim::Known(1));
    let mut wide = dims.clone();
    wide.insert(dim + 1, repeats);
    let mut joined: Vec<Option<Dim>> = dims.into_iter().map(Some).collect();
    if let Some(extent) = joined.get_mut(dim) {
        *extent = None;
    }
    let Value::Tensor(split) =
        interpreter.reshape_to("repeat_interleave", &tensor, Shape(split))?
    else {
        return Ok(Value::Unknown);
    };
    let Value::Tensor(wide) = interpreter.expand_to(&split, Shape(wide))? else {
        return Ok(Value::Unknown);
    };
    match shape::resolve_reshape(&Shape(wide.dims()), &joined) {
        Ok(shape) => interpreter.reshape_to("repeat_interleave", &wide, shape),
        Err(error) => Err(misfit(error)),
    }
}
