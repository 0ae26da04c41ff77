//! The way from an image of bytes, pixel by pixel, to what a network was trained on, as part of the
//! exported graph: `(x / white − mean) / deviation`, channels first.

use super::super::EmitError;
use super::attribute::{element_type, int, ints};
use super::builder::Builder;
use super::message::{TensorShapeProto, TensorTypeProto, TypeProto};
use crate::ir::{DType, Dim};

/// What normalises an image. One number for each channel, where white is 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessing {
    /// The byte that stands for white, mostly 255.
    pub white: f32,
    /// Subtracted.
    pub mean: Vec<f32>,
    /// Divided by.
    pub deviation: Vec<f32>,
}

/// Makes the first input `uint8[N, height, width, channels]`.
pub(super) fn image(
    builder: &mut Builder<'_>,
    preprocessing: &Preprocessing,
) -> Result<(), EmitError> {
    let input = builder.graph.inputs.first().copied();
    let tensor_type = input.and_then(|input| builder.graph.tensor_type(input)).cloned();
    let (Some(input), Some(tensor_type)) = (input, tensor_type) else {
        return Err(unsupported("the network has no input".to_owned()));
    };
    let [batch, channels, height, width] = tensor_type.shape.0.as_slice() else {
        return Err(unsupported(format!("the input {tensor_type} is no batch of images")));
    };
    let lengths = [preprocessing.mean.len(), preprocessing.deviation.len()];
    if lengths.iter().any(|&length| Some(length as u64) != channels.known()) {
        let [means, deviations] = lengths;
        return Err(unsupported(format!(
            "{means} means and {deviations} deviations for {channels} channels"
        )));
    }
    builder.declare(input, "image", bytes(&[*batch, *height, *width, *channels]));
    let normalised = normalise(builder, preprocessing);
    builder.rename(input, normalised);
    Ok(())
}

fn bytes(dims: &[Dim]) -> TypeProto {
    let shape = TensorShapeProto { dim: dims.iter().map(super::attribute::dimension).collect() };
    TypeProto {
        tensor_type: Some(TensorTypeProto {
            elem_type: element_type(DType::U8),
            shape: Some(shape),
        }),
    }
}

fn normalise(builder: &mut Builder<'_>, preprocessing: &Preprocessing) -> String {
    let to = int("to", i64::from(element_type(DType::F32)));
    let floats = builder.apply("Cast", vec!["image".to_owned()], vec![to]);
    let first = builder.apply("Transpose", vec![floats], vec![ints("perm", vec![0, 3, 1, 2])]);
    let channels = preprocessing.mean.len() as u64;
    let white = builder.number(f64::from(preprocessing.white));
    let scaled = builder.apply("Div", vec![first, white], vec![]);
    let [mean, deviation] = [&preprocessing.mean, &preprocessing.deviation].map(|numbers| {
        let name = builder.temporary();
        builder.floats(&name, &[1, channels, 1, 1], numbers);
        name
    });
    let centered = builder.apply("Sub", vec![scaled, mean], vec![]);
    builder.apply("Div", vec![centered, deviation], vec![])
}

fn unsupported(reason: String) -> EmitError {
    EmitError::Preprocessing { reason }
}
