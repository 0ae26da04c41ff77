//! Scaled dot-product attention, bilinear maps and sums of products over named dimensions.

use candle_core::{D, DType, Result, Tensor};
use nasc_compiler::ir::op::{Attention, Dropout, DropoutKind, Einsum};
use rand_chacha::ChaCha8Rng;

use super::execute::{at, first};
use super::{native, random};

/// softmax(q kᵀ · scale + mask) v
// PyTorch: torch/nn/functional.py, the comment of scaled_dot_product_attention
pub(super) fn attention(
    attention: &Attention,
    operands: &[Tensor],
    training: bool,
    generator: &mut ChaCha8Rng,
) -> Result<Tensor> {
    let (query, key, value) = (first(operands)?, at(operands, 1)?, at(operands, 2)?);
    let features = query.dim(D::Minus1)? as f64;
    let scale = attention.scale.unwrap_or(1.0 / features.sqrt());
    let turned = key.transpose(D::Minus2, D::Minus1)?.contiguous()?;
    let mut weights = (query.contiguous()?.broadcast_matmul(&turned)? * scale)?;
    if attention.is_causal {
        let (queries, keys) = (weights.dim(D::Minus2)?, weights.dim(D::Minus1)?);
        let hidden = |row: usize, column: usize| if column > row { f32::NEG_INFINITY } else { 0.0 };
        let all = (0..queries).flat_map(|row| (0..keys).map(move |column| hidden(row, column)));
        let mask = Tensor::from_vec(all.collect::<Vec<f32>>(), (queries, keys), query.device())?;
        weights = weights.broadcast_add(&mask)?;
    }
    if attention.mask {
        weights = weights.broadcast_add(&bias(at(operands, 3)?)?)?;
    }
    let last = weights.rank() - 1;
    let mut weights = native::softmax(&weights, last, false)?;
    if training && attention.dropout > 0.0 {
        let dropout = Dropout { p: attention.dropout, kind: DropoutKind::Element };
        weights = random::dropout(&dropout, &weights, generator)?;
    }
    weights.contiguous()?.broadcast_matmul(&value.contiguous()?)
}

/// A mask as what is added: conditions hide where they do not hold.
fn bias(mask: &Tensor) -> Result<Tensor> {
    if mask.dtype() == DType::F32 {
        return Ok(mask.clone());
    }
    let zero = Tensor::zeros(mask.shape(), DType::F32, mask.device())?;
    let hidden = Tensor::full(f32::NEG_INFINITY, mask.shape(), mask.device())?;
    mask.contiguous()?.where_cond(&zero, &hidden)
}

/// Σ left[i] weight[o, i, j] right[j] + bias
pub(super) fn bilinear(operands: &[Tensor]) -> Result<Tensor> {
    let (left, right, weight) = (first(operands)?, at(operands, 1)?, at(operands, 2)?);
    let (out, in1, in2) = weight.dims3()?;
    let rows = left.elem_count() / in1.max(1);
    let flat = weight.permute([1, 0, 2])?.contiguous()?.reshape((in1, out * in2))?;
    let mixed =
        left.contiguous()?.reshape((rows, in1))?.matmul(&flat)?.reshape((rows, out, in2))?;
    let right = right.contiguous()?.reshape((rows, in2, 1))?;
    let mut result = mixed.matmul(&right)?.reshape((rows, out))?;
    if let Some(bias) = operands.get(3) {
        result = result.broadcast_add(&bias.reshape((1, out))?)?;
    }
    let mut shape = left.dims().to_vec();
    shape.pop();
    shape.push(out);
    result.reshape(shape)
}

/// Operands are joined from the left, each pair by one matrix product.
pub(super) fn einsum(einsum: &Einsum, operands: &[Tensor]) -> Result<Tensor> {
    let mut labels = einsum.operands.iter();
    let mut labelled = operands.iter().zip(labels.by_ref());
    let Some((tensor, own)) = labelled.next() else { candle_core::bail!("einsum of nothing") };
    let mut result = (tensor.clone(), own.clone());
    let rest: Vec<(&Tensor, &Vec<char>)> = labelled.collect();
    for (index, (tensor, own)) in rest.iter().enumerate() {
        let later = rest.iter().skip(index + 1).flat_map(|(_, labels)| labels.iter());
        let wanted: Vec<char> = einsum.output.iter().chain(later).copied().collect();
        result = product(&result, &((*tensor).clone(), (*own).clone()), &wanted)?;
    }
    let (tensor, own) = summed(&result, &einsum.output)?;
    let position = |label: &char| own.iter().position(|other| other == label).unwrap_or(0);
    tensor.permute(einsum.output.iter().map(position).collect::<Vec<usize>>())
}

type Labelled = (Tensor, Vec<char>);

/// Without the dimensions that nobody wants.
fn summed((tensor, labels): &Labelled, wanted: &[char]) -> Result<Labelled> {
    let mut out = tensor.clone();
    for (dim, _) in labels.iter().enumerate().rev().filter(|(_, label)| !wanted.contains(label)) {
        out = out.sum(dim)?;
    }
    Ok((out, labels.iter().copied().filter(|label| wanted.contains(label)).collect()))
}

fn product(left: &Labelled, right: &Labelled, wanted: &[char]) -> Result<Labelled> {
    let keep = |other: &Labelled| -> Vec<char> { other.1.iter().chain(wanted).copied().collect() };
    let (left, right) = (summed(left, &keep(right))?, summed(right, &keep(left))?);
    let of = |from: &Labelled, both: bool, kept: bool, other: &Labelled| -> Vec<char> {
        let fits = |label: &char| other.1.contains(label) == both && wanted.contains(label) == kept;
        from.1.iter().copied().filter(fits).collect()
    };
    let shared = of(&left, true, true, &right);
    let inner = of(&left, true, false, &right);
    let (rows, columns) = (of(&left, false, true, &right), of(&right, false, true, &left));
    let a = arranged(&left, [&shared, &rows, &inner])?;
    let b = arranged(&right, [&shared, &inner, &columns])?;
    let extent =
        |label: &char| extent_of(&left, *label).or_else(|| extent_of(&right, *label)).unwrap_or(1);
    let labels: Vec<char> = [shared, rows, columns].concat();
    let shape: Vec<usize> = labels.iter().map(extent).collect();
    Ok((a.matmul(&b)?.reshape(shape)?, labels))
}

fn extent_of((tensor, labels): &Labelled, label: char) -> Option<usize> {
    let dim = labels.iter().position(|&other| other == label)?;
    tensor.dims().get(dim).copied()
}

/// Three groups of dimensions, each as one.
fn arranged(from: &Labelled, groups: [&Vec<char>; 3]) -> Result<Tensor> {
    let (tensor, labels) = from;
    let position = |label: &char| labels.iter().position(|other| other == label).unwrap_or(0);
    let order: Vec<usize> = groups.iter().flat_map(|group| group.iter().map(position)).collect();
    let shape: Vec<usize> = groups
        .iter()
        .map(|group| group.iter().filter_map(|&label| extent_of(from, label)).product())
        .collect();
    tensor.permute(order)?.contiguous()?.reshape(shape)
}
