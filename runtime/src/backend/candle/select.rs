//! Operations that choose elements: by index, by condition, by rank; and sequences of numbers.

use candle_core::{D, DType, Device, Result, Tensor};
use nasc_compiler::ir::op::{
    Arange, ArgExtreme, Cumulate, MaskedFill, Scatter, TopK, Triangle, Unfold, Windows,
};

use super::execute::{at, first};
use super::tensors;

/// Rows of `table` along `dim`; the dimensions of the indices take its place.
pub(super) fn index(table: &Tensor, indices: &Tensor, dim: usize) -> Result<Tensor> {
    let extent = table.dim(dim)? as f64;
    let flat = indices.flatten_all()?.to_dtype(DType::I64)?;
    // negative indices count from the end
    let behind = flat.lt(&flat.zeros_like()?)?.to_dtype(DType::I64)?;
    let flat = flat.add(&behind.affine(extent, 0.0)?)?;
    let chosen = table.contiguous()?.index_select(&flat.contiguous()?, dim)?;
    let (before, behind) = (table.dims().iter().take(dim), table.dims().iter().skip(dim + 1));
    let shape: Vec<usize> = before.chain(indices.dims()).chain(behind).copied().collect();
    chosen.reshape(shape)
}

/// `torch.scatter` and `torch.scatter_add`.
pub(super) fn scatter(operands: &[Tensor], scatter: Scatter) -> Result<Tensor> {
    let indices = at(operands, 1)?.to_dtype(DType::I64)?.contiguous()?;
    let (input, mut source) = (first(operands)?.contiguous()?, at(operands, 2)?.clone());
    for dim in 0..input.rank() {
        source = source.narrow(dim, 0, indices.dim(dim)?)?;
    }
    let source = source.contiguous()?;
    let put = |target: &Tensor, source: &Tensor| target.scatter_add(&indices, source, scatter.dim);
    if scatter.add {
        return put(&input, &source);
    }
    // what is overwritten is set to zero first, so that the gradient does not pass it
    let ones = Tensor::ones_like(&source)?;
    let covered = put(&Tensor::zeros_like(&input)?, &ones)?.gt(0f64)?;
    let kept = covered.where_cond(&input.zeros_like()?, &input)?;
    put(&kept, &source)
}

/// `torch.gather`.
pub(super) fn gather(operands: &[Tensor], dim: usize) -> Result<Tensor> {
    let indices = at(operands, 1)?.to_dtype(DType::I64)?.contiguous()?;
    let mut input = first(operands)?.contiguous()?;
    // dimensions beside `dim` may be longer than those of the indices
    for other in (0..input.rank()).filter(|&other| other != dim) {
        input = input.narrow(other, 0, indices.dim(other)?)?;
    }
    input.contiguous()?.gather(&indices, dim)
}

/// The left operand where the condition holds, else the right one.
pub(super) fn choose(operands: &[Tensor]) -> Result<Tensor> {
    let (condition, left, right) = (first(operands)?, at(operands, 1)?, at(operands, 2)?);
    let shape = condition.shape().broadcast_shape_binary_op(left.shape(), "where")?;
    let shape = shape.broadcast_shape_binary_op(right.shape(), "where")?;
    let dtype = if left.dtype() == DType::F32 { DType::F32 } else { right.dtype() };
    let wide = |tensor: &Tensor| tensor.broadcast_as(&shape)?.contiguous();
    let (left, right) = (wide(&left.to_dtype(dtype)?)?, wide(&right.to_dtype(dtype)?)?);
    wide(&truth(condition)?)?.where_cond(&left, &right)
}

/// A condition as bytes.
fn truth(condition: &Tensor) -> Result<Tensor> {
    if condition.dtype() == DType::U8 {
        Ok(condition.clone())
    } else {
        condition.ne(&condition.zeros_like()?)
    }
}

/// A number where the condition holds.
pub(super) fn masked_fill(fill: &MaskedFill, operands: &[Tensor]) -> Result<Tensor> {
    let (input, condition) = (first(operands)?, at(operands, 1)?);
    let value = Tensor::new(fill.value, input.device())?.to_dtype(input.dtype())?;
    choose(&[condition.clone(), value, input.clone()])
}

/// Equally spaced numbers.
pub(super) fn arange(arange: &Arange, device: &Device) -> Result<Tensor> {
    let count = ((arange.end - arange.start) / arange.step).ceil().max(0.0) as usize;
    let values: Vec<f64> = (0..count).map(|at| arange.start + at as f64 * arange.step).collect();
    Tensor::from_vec(values, count, device)?.to_dtype(tensors::dtype(arange.dtype))
}

/// Running sums.
pub(super) fn cumulate(cumulate: &Cumulate, input: &Tensor) -> Result<Tensor> {
    input.contiguous()?.cumsum(cumulate.dim)
}

/// Positions of extreme elements.
pub(super) fn extreme(extreme: &ArgExtreme, input: &Tensor) -> Result<Tensor> {
    let find = |input: &Tensor, dim: usize| {
        if extreme.largest { input.argmax_keepdim(dim) } else { input.argmin_keepdim(dim) }
    };
    let input = input.detach().contiguous()?;
    let found = match extreme.dim {
        Some(dim) => {
            let kept = find(&input, dim)?;
            if extreme.keep_dim { kept } else { kept.squeeze(dim)? }
        }
        None => {
            let flat = find(&input.flatten_all()?, 0)?;
            let shape = if extreme.keep_dim { vec![1; input.rank()] } else { Vec::new() };
            flat.reshape(shape)?
        }
    };
    found.to_dtype(DType::I64)
}

/// The extreme elements in order, and their positions.
pub(super) fn top(top: &TopK, input: &Tensor) -> Result<Vec<Tensor>> {
    let moved = input.transpose(top.dim, D::Minus1)?.contiguous()?;
    let order = moved.detach().arg_sort_last_dim(!top.largest)?;
    let count = top.k.map_or(input.dim(top.dim)?, |k| k as usize);
    let order = order.narrow(D::Minus1, 0, count)?.contiguous()?;
    let values = moved.gather(&order, D::Minus1)?;
    let back = |tensor: &Tensor| tensor.transpose(top.dim, D::Minus1)?.contiguous();
    Ok(vec![back(&values)?, back(&order.to_dtype(DType::I64)?)?])
}

/// Matrices with zeros on the other side of a diagonal.
pub(super) fn triangle(triangle: &Triangle, input: &Tensor) -> Result<Tensor> {
    let (rows, columns) = (input.dim(D::Minus2)?, input.dim(D::Minus1)?);
    let kept = |row: usize, column: usize| {
        let offset = column as i64 - row as i64;
        if triangle.upper { offset >= triangle.diagonal } else { offset <= triangle.diagonal }
    };
    let all = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let mask: Vec<f32> =
        all.map(|(row, column)| if kept(row, column) { 1.0 } else { 0.0 }).collect();
    let mask = Tensor::from_vec(mask, (rows, columns), input.device())?;
    input.broadcast_mul(&mask.to_dtype(input.dtype())?)
}

/// Overlapping windows along one dimension as a new last one.
pub(super) fn windows(windows: &Windows, input: &Tensor) -> Result<Tensor> {
    let (dim, size, step) = (windows.dim, windows.size as usize, windows.step as usize);
    let count = (input.dim(dim)? - size) / step + 1;
    let places = (0..count).flat_map(|window| (0..size).map(move |at| (window * step + at) as u32));
    let chosen = select(input, dim, places.collect())?;
    let mut shape = input.dims().to_vec();
    shape.splice(dim..=dim, [count, size]);
    let mut order: Vec<usize> = (0..shape.len()).filter(|&other| other != dim + 1).collect();
    order.push(dim + 1);
    chosen.reshape(shape)?.permute(order)?.contiguous()
}

/// Windows of an image as columns, `[n, c·kh·kw, positions]`.
pub(super) fn unfold(unfold: &Unfold, input: &Tensor) -> Result<Tensor> {
    let (n, c, _, _) = input.dims4()?;
    let mut out = input.clone();
    let mut counts = [0; 2];
    for (index, count) in counts.iter_mut().enumerate() {
        let pick = |values: [u64; 2]| values.get(index).map_or(1, |&value| value as usize);
        let (kernel, step) = (pick(unfold.kernel), pick(unfold.stride));
        let (dilation, padding) = (pick(unfold.dilation), pick(unfold.padding));
        out = out.pad_with_zeros(2 + index, padding, padding)?;
        *count = (out.dim(2 + index)? - dilation * (kernel - 1) - 1) / step + 1;
        let count = *count;
        let places = (0..kernel)
            .flat_map(|at| (0..count).map(move |out| (at * dilation + out * step) as u32));
        out = select(&out, 2 + index, places.collect())?;
    }
    let ([kh, kw], [oh, ow]) = (unfold.kernel.map(|extent| extent as usize), counts);
    let out = out.reshape((n, c, kh, oh, kw, ow))?.permute([0, 1, 2, 4, 3, 5])?;
    out.contiguous()?.reshape((n, c * kh * kw, oh * ow))
}

fn select(input: &Tensor, dim: usize, places: Vec<u32>) -> Result<Tensor> {
    let count = places.len();
    input.contiguous()?.index_select(&Tensor::from_vec(places, count, input.device())?, dim)
}
