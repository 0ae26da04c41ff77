//! Between candle tensors and plain slices.

use candle_core::{CpuStorage, DType, Device, Result, Storage, Tensor};

use crate::state::{Elements, StateTensor};

pub(super) fn from_state(value: &StateTensor, device: &Device) -> Result<Tensor> {
    match &value.elements {
        Elements::F32(values) => Tensor::from_slice(values, value.shape.as_slice(), device),
        Elements::I64(values) => Tensor::from_slice(values, value.shape.as_slice(), device),
    }
}

pub(super) fn to_state(tensor: &Tensor) -> Result<StateTensor> {
    let flat = tensor.flatten_all()?;
    let elements = match tensor.dtype() {
        DType::I64 => Elements::I64(flat.to_vec1()?),
        _ => Elements::F32(flat.to_dtype(DType::F32)?.to_vec1()?),
    };
    Ok(StateTensor { shape: tensor.dims().to_vec(), elements })
}

/// Calls `body` with the elements of a contiguous `f32` tensor in the CPU's memory.
pub(super) fn with_slice<T>(tensor: &Tensor, body: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => slice(storage, layout).map(body),
        _ => candle_core::bail!("a CPU kernel was given a tensor of another device"),
    }
}

/// The elements of a contiguous `f32` storage.
pub(super) fn slice<'a>(
    storage: &'a CpuStorage,
    layout: &candle_core::Layout,
) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a kernel needs contiguous elements")
    };
    match storage.as_slice::<f32>()?.get(start..end) {
        Some(slice) => Ok(slice),
        None => candle_core::bail!("a layout exceeds its storage"),
    }
}

/// Whether nasc's own kernels apply.
pub(super) fn is_native(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32
}

/// candle's element type; booleans are bytes, 32-bit integers are 64-bit.
pub(super) fn dtype(dtype: nasc_compiler::ir::DType) -> DType {
    use nasc_compiler::ir::DType as Type;
    match dtype {
        Type::F32 => DType::F32,
        Type::F64 => DType::F64,
        Type::F16 => DType::F16,
        Type::Bf16 => DType::BF16,
        Type::I64 | Type::I32 => DType::I64,
        Type::U8 | Type::Bool => DType::U8,
    }
}
