//! `tensor[index] = value`: the tensor with one region replaced, put together out of what lies
//! before, in and behind the region along each dimension.

use crate::eval::error::{Eval, Mistake, refuse};
use crate::eval::interpreter::Interpreter;
use crate::eval::item::slice_bounds;
use crate::eval::value::{Source, Tensor, Value};
use crate::ir::op::{Cat, Op};
use crate::ir::{Dim, Init, Shape, TensorType};

/// A range of positions along a dimension; `None` is all of them.
type Range = Option<(u64, u64)>;

impl Interpreter<'_> {
    /// Assigns to a region given by integers, slices and `...`.
    pub(crate) fn set_tensor_item(
        &mut self,
        tensor: &Tensor,
        index: &Value,
        value: &Value,
    ) -> Eval<()> {
        let is_built = self.module_stack.is_empty();
        if is_built && super::fold::known_elements(tensor).is_none() {
            // Starting values of parameters are nasc's own.
            return Ok(());
        }
        let region = match region(tensor, index) {
            Ok(region) => region,
            Err(_) if is_built => return self.forget_elements(tensor),
            Err(stop) => return Err(stop),
        };
        let part = self.fitted(tensor, &region, value)?;
        let new = self.replaced(tensor, &region.ranges, 0, &part)?;
        self.replace_in_place(tensor, &new)
    }

    /// Elements that nasc cannot follow: the tensor keeps its shape only.
    fn forget_elements(&mut self, tensor: &Tensor) -> Eval<()> {
        *tensor.0.source.borrow_mut() = Source::Fill(Init::Constant(0.0));
        Ok(())
    }

    /// The value with the extents of the region.
    fn fitted(&mut self, tensor: &Tensor, region: &Region, value: &Value) -> Eval<Tensor> {
        let mut full = Vec::new();
        let mut without = Vec::new();
        for (dim, extent) in tensor.dims().into_iter().enumerate() {
            let range = region.ranges.get(dim).copied().flatten();
            let extent = range.map_or(extent, |(start, end)| Dim::Known(end - start));
            full.push(extent);
            if !region.dropped.contains(&dim) {
                without.push(extent);
            }
        }
        let dtype = tensor.dtype();
        let value = match value {
            Value::Tensor(value) => match self.cast(value, dtype)? {
                Value::Tensor(value) => value,
                _ => return Err(crate::eval::error::silent()),
            },
            other => {
                let Some(number) = other.as_float() else { return Err(unsupported()) };
                let source = Source::Fill(Init::Constant(number));
                return Ok(Tensor::new(TensorType { dtype, shape: Shape(full) }, source));
            }
        };
        let mut dims = value.dims();
        while dims.len() > without.len() && dims.first() == Some(&Dim::Known(1)) {
            dims.remove(0);
        }
        let value = self.expect_tensor(|i| i.reshape_to("index", &value, Shape(dims)))?;
        let value = self.expect_tensor(|i| i.expand_to(&value, Shape(without)))?;
        self.expect_tensor(|i| i.reshape_to("index", &value, Shape(full)))
    }

    fn expect_tensor(&mut self, make: impl FnOnce(&mut Self) -> Eval<Value>) -> Eval<Tensor> {
        match make(self)? {
            Value::Tensor(tensor) => Ok(tensor),
            _ => Err(crate::eval::error::silent()),
        }
    }

    /// The tensor with `part` in the region, from dimension `dim` on.
    fn replaced(
        &mut self,
        tensor: &Tensor,
        ranges: &[Range],
        dim: usize,
        part: &Tensor,
    ) -> Eval<Tensor> {
        let Some(range) = ranges.get(dim) else { return Ok(part.clone()) };
        let Some((start, end)) = *range else {
            return self.replaced(tensor, ranges, dim + 1, part);
        };
        let extent = super::reshape::known_extent(tensor, dim, "assigning along")?;
        let mut pieces = Vec::new();
        if start > 0 {
            pieces.push(self.expect_tensor(|i| i.narrow(tensor, dim, 0, Some(start), 1))?);
        }
        let middle = match start == 0 && end == extent {
            true => tensor.clone(),
            false => self.expect_tensor(|i| i.narrow(tensor, dim, start, Some(end), 1))?,
        };
        pieces.push(self.replaced(&middle, ranges, dim + 1, part)?);
        if end < extent {
            pieces.push(self.expect_tensor(|i| i.narrow(tensor, dim, end, Some(extent), 1))?);
        }
        match pieces.as_slice() {
            [only] => Ok(only.clone()),
            _ => self.expect_tensor(|i| i.emit("index", Op::Cat(Cat { dim }), &pieces)),
        }
    }
}

/// What an index names.
struct Region {
    ranges: Vec<Range>,
    /// Dimensions indexed by a number.
    dropped: Vec<usize>,
}

fn region(tensor: &Tensor, index: &Value) -> Eval<Region> {
    let parts = match index {
        Value::Tuple(items) => items.to_vec(),
        other => vec![other.clone()],
    };
    let parts = super::index::without_ellipsis(parts, tensor.rank())?;
    let mut region = Region { ranges: Vec::new(), dropped: Vec::new() };
    for (dim, part) in parts.iter().enumerate() {
        region.ranges.push(match part {
            Value::Slice(bounds) if bounds.iter().all(Value::is_none) => None,
            Value::Slice(bounds) => Some(bounded(tensor, dim, bounds)?),
            Value::Int(number) => {
                let start = super::index::index_position(tensor, dim, *number)?;
                region.dropped.push(dim);
                Some((start, start + 1))
            }
            _ => return Err(unsupported()),
        });
    }
    Ok(region)
}

fn bounded(tensor: &Tensor, dim: usize, bounds: &[Value; 3]) -> Eval<(u64, u64)> {
    let extent = super::reshape::known_extent(tensor, dim, "assigning along")?;
    let (start, stop, step) = slice_bounds(bounds, usize::try_from(extent).unwrap_or(usize::MAX))?;
    if step != 1 {
        return Err(unsupported());
    }
    let number = |value: i128| u64::try_from(value).unwrap_or(0);
    Ok((number(start), number(stop.max(start))))
}

fn unsupported() -> Box<crate::eval::error::Stop> {
    refuse(
        Mistake::UnsupportedFunction,
        "nasc does not support assignment to these parts of a tensor",
    )
    .help("build the tensor with torch.cat or torch.stack")
}
