//! Attributes of operators, and types, in the format's messages.

use super::message::{
    AttributeProto, DimensionProto, DimensionValue, TensorShapeProto, TensorTypeProto, TypeProto,
    attribute_type, data_type,
};
use crate::ir::{DType, Dim, Shape, TensorType};

/// A type in the format's messages.
pub(super) fn type_proto(tensor_type: &TensorType) -> TypeProto {
    TypeProto {
        tensor_type: Some(TensorTypeProto {
            elem_type: element_type(tensor_type.dtype),
            shape: Some(shape_proto(&tensor_type.shape)),
        }),
    }
}

fn shape_proto(shape: &Shape) -> TensorShapeProto {
    TensorShapeProto { dim: shape.0.iter().map(dimension).collect() }
}

/// A dimension in the format's messages: a number or a symbol.
pub(super) fn dimension(dim: &Dim) -> DimensionProto {
    DimensionProto {
        value: Some(match dim {
            Dim::Known(extent) => DimensionValue::DimValue(signed(*extent)),
            Dim::Batch { .. } => DimensionValue::DimParam(dim.to_string()),
        }),
    }
}

/// The number of an element type in the format.
pub(super) const fn element_type(dtype: DType) -> i32 {
    match dtype {
        DType::F32 => data_type::FLOAT,
        DType::F64 => data_type::DOUBLE,
        DType::F16 => data_type::FLOAT16,
        DType::Bf16 => data_type::BFLOAT16,
        DType::I64 => data_type::INT64,
        DType::I32 => data_type::INT32,
        DType::U8 => data_type::UINT8,
        DType::Bool => data_type::BOOL,
    }
}

/// An extent as the format's integer; saturates.
pub(super) fn signed(extent: u64) -> i64 {
    i64::try_from(extent).unwrap_or(i64::MAX)
}

/// Extents as the format's integers.
pub(super) fn signed_all(extents: &[u64]) -> Vec<i64> {
    extents.iter().map(|&extent| signed(extent)).collect()
}

/// An integer attribute.
pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i, r#type: attribute_type::INT, ..Default::default() }
}

/// An attribute of several integers.
pub(super) fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints,
        r#type: attribute_type::INTS,
        ..Default::default()
    }
}

/// A float attribute.
#[expect(clippy::cast_possible_truncation, reason = "the format's attributes are 32-bit floats")]
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        f: value as f32,
        r#type: attribute_type::FLOAT,
        ..Default::default()
    }
}

/// A string attribute.
pub(super) fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        s: value.as_bytes().to_vec(),
        r#type: attribute_type::STRING,
        ..Default::default()
    }
}

/// An attribute of several strings.
pub(super) fn strings(name: &str, values: &[&str]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        strings: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
        r#type: attribute_type::STRINGS,
        ..Default::default()
    }
}
