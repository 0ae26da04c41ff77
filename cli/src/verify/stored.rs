//! Test vectors as artefacts carry them: a safetensors file in a folder, or text among the metadata
//! of a file.

use std::collections::BTreeMap;
use std::path::Path;

use nasc_runtime::checkpoint;
use nasc_runtime::state::{Elements, StateDict, StateTensor};

use super::comparison::Comparison;
use super::samples::Samples;
use super::wrong;
use crate::error::CliError;

/// The file with inputs and results in a folder.
pub(crate) const VECTORS: &str = "vectors.safetensors";

/// Floats of all inputs that a folder carries at most.
const MOST_IN_FOLDER: usize = 4 << 20;

/// Floats of all inputs that a file carries at most, if one input does not have more.
const MOST_IN_FILE: usize = 16 << 10;

/// Test vectors that a file carries at most.
const IN_FILE: usize = 8;

/// Inputs and the results that are expected.
pub(crate) struct Vectors {
    /// The number of inputs, then the extents of one.
    pub shape: Vec<usize>,
    pub inputs: Vec<f32>,
    pub outputs: Vec<f32>,
}

/// How many of the samples fit.
fn count(samples: &Samples, most: usize) -> usize {
    (most / samples.length().max(1)).max(1).min(samples.count)
}

const INPUTS: &str = "nasc.test_inputs";
const OUTPUTS: &str = "nasc.test_outputs";
const COUNT: &str = "nasc.test_count";
const DATA: &str = "nasc.test_data";
const CLASSES: &str = "nasc.test_classes";

/// Keys and values of a file's metadata.
type Metadata = BTreeMap<String, String>;

/// What a file says of the samples that it was compared on.
pub(crate) fn metadata(samples: &Samples, takes_bytes: bool) -> Vec<(String, String)> {
    if !samples.is_comparable() {
        return Vec::new();
    }
    let (inputs, outputs, count) = samples.first(count(samples, MOST_IN_FILE).min(IN_FILE));
    let bytes = match &samples.images {
        Some(images) if takes_bytes => {
            let bytes = images.channels_last();
            bytes.into_iter().take(count * samples.length()).collect()
        }
        _ => float_bytes(inputs),
    };
    let mut all = vec![
        (INPUTS, base64(&bytes)),
        (OUTPUTS, base64(&float_bytes(outputs))),
        (COUNT, count.to_string()),
    ];
    if let Some(data) = &samples.data {
        let classes: Vec<String> = samples.result_classes().iter().map(i64::to_string).collect();
        all.extend([(DATA, data.clone()), (CLASSES, classes.join(","))]);
    }
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The test vectors in metadata: inputs as bytes, results, and how many.
pub(crate) fn vectors_of(metadata: &Metadata) -> Result<(Vec<u8>, Vec<f32>, usize), CliError> {
    let bytes = |key: &str| metadata.get(key).and_then(|text| from_base64(text));
    let count = metadata.get(COUNT).and_then(|count| count.parse().ok());
    match (bytes(INPUTS), bytes(OUTPUTS), count) {
        (Some(inputs), Some(outputs), Some(count)) => Ok((inputs, floats(&outputs), count)),
        _ => Err(wrong("the file carries no test vectors of `nasc compile`".to_owned())),
    }
}

/// The data set of the test images in metadata, and their classes.
pub(crate) fn classes_of(metadata: &Metadata) -> Option<(String, Vec<i64>)> {
    let classes = metadata.get(CLASSES)?.split(',').map(|class| class.parse().ok());
    Some((metadata.get(DATA)?.clone(), classes.collect::<Option<_>>()?))
}

/// The bytes of the safetensors file of a folder.
pub(crate) fn file_of(samples: &Samples) -> Result<Vec<u8>, CliError> {
    let (inputs, outputs, count) = samples.first(count(samples, MOST_IN_FOLDER));
    let shape = [vec![count], samples.extents.clone()].concat();
    let rows = outputs.len() / samples.width.max(1);
    let tensors = [
        ("inputs".to_owned(), tensor(shape, inputs)),
        ("outputs".to_owned(), tensor(vec![rows, samples.width], outputs)),
    ];
    Ok(checkpoint::to_bytes(&StateDict { tensors: tensors.into() })?)
}

fn tensor(shape: Vec<usize>, elements: &[f32]) -> StateTensor {
    StateTensor { shape, elements: Elements::F32(elements.to_vec()) }
}

impl Vectors {
    /// Those of a folder.
    pub fn of_folder(folder: &Path) -> Result<Vectors, CliError> {
        let without =
            || wrong(format!("{} was written without results to compare with", folder.display()));
        let path = folder.join(VECTORS);
        if !path.is_file() {
            return Err(without());
        }
        let state = checkpoint::load(&path)?;
        let floats = |name: &str| state.floats(name).unwrap_or_default().to_vec();
        let shape = state.tensors.get("inputs").map(|inputs| inputs.shape.clone());
        let (inputs, outputs) = (floats("inputs"), floats("outputs"));
        match shape {
            Some(shape) if !outputs.is_empty() => Ok(Vectors { shape, inputs, outputs }),
            _ => Err(without()),
        }
    }

    /// How results differ from those that are expected.
    pub fn compare(&self, found: &[f32]) -> Comparison {
        Comparison::of(found, &self.outputs, self.shape.first().copied().unwrap_or(0))
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as base64 (RFC 4648), since metadata is text.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let whole = three.iter().fold(0_u32, |whole, &byte| whole << 8 | u32::from(byte));
        let whole = whole << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = ALPHABET.get((whole >> (18 - 6 * place)) as usize & 63).copied();
            text.push(if place > three.len() { '=' } else { char::from(letter.unwrap_or(b'A')) });
        }
    }
    text
}

/// The bytes of base64; `None` for other text.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut whole = 0_u32;
        for letter in four {
            whole =
                whole << 6 | u32::try_from(ALPHABET.iter().position(|own| own == letter)?).ok()?;
        }
        let whole = whole << (6 * (4 - four.len()));
        let [_, a, b, c] = whole.to_be_bytes();
        bytes.extend([a, b, c].iter().take(four.len().checked_sub(1)?));
    }
    Some(bytes)
}

/// The floats in bytes.
pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// The bytes of floats.
pub(crate) fn float_bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, 10
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
            assert_eq!(from_base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(from_base64("Zg?="), None);
    }
}
