//! ONNX files: their results by nasc's evaluator of the operators, and the test vectors that their
//! metadata holds.

use std::path::Path;

use nasc_compiler::emit::onnx::evaluate::{EvaluateError, Model, Tensor};
use rayon::prelude::*;

use super::samples::{BATCH, Images};
use super::{read, stored, wrong};
use crate::error::CliError;

/// An ONNX file.
pub(crate) struct File {
    model: Model,
    /// Whether it takes bytes, channels last.
    pub takes_bytes: bool,
    /// Extents of one input.
    pub extents: Vec<usize>,
}

/// Inputs as a file takes them, one behind the other.
pub(crate) enum Inputs {
    Floats(Vec<f32>),
    Bytes(Vec<u8>),
}

impl File {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<File, CliError> {
        let named = |error: EvaluateError| wrong(format!("{}: {error}", path.display()));
        File::of(&read(path)?).map_err(named)
    }

    /// Reads the bytes of a file.
    pub fn of(bytes: &[u8]) -> Result<File, EvaluateError> {
        let model = Model::read(bytes)?;
        let (takes_bytes, extents) = model.first_input();
        Ok(File { model, takes_bytes, extents })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.model.metadata().get(key).map(String::as_str)
    }

    /// Numbers in the metadata.
    pub fn numbers(&self, key: &str) -> Vec<f32> {
        let text = self.text(key).unwrap_or_default();
        text.split(',').filter_map(|number| number.parse().ok()).collect()
    }

    /// Inputs as the file takes them.
    pub fn inputs(&self, floats: &[f32], images: Option<&Images>) -> Inputs {
        match images {
            Some(images) if self.takes_bytes => Inputs::Bytes(images.channels_last()),
            _ => Inputs::Floats(floats.to_vec()),
        }
    }

    /// The test vectors: inputs, results, and how many.
    pub fn vectors(&self) -> Result<(Inputs, Vec<f32>, usize), CliError> {
        let (inputs, outputs, count) = stored::vectors_of(self.model.metadata())?;
        let inputs = match self.takes_bytes {
            true => Inputs::Bytes(inputs),
            false => Inputs::Floats(stored::floats(&inputs)),
        };
        Ok((inputs, outputs, count))
    }

    /// The data set of the test images, and their classes.
    pub fn classes(&self) -> Option<(String, Vec<i64>)> {
        stored::classes_of(self.model.metadata())
    }

    /// The results for inputs.
    pub fn outputs(&self, inputs: &Inputs) -> Result<Vec<f32>, EvaluateError> {
        let length = self.extents.iter().product::<usize>().max(1) * BATCH;
        let batches: Vec<Tensor> = match inputs {
            Inputs::Floats(all) => all
                .chunks(length)
                .map(|batch| Tensor::of_floats(self.shape(batch.len()), batch.to_vec()))
                .collect(),
            Inputs::Bytes(all) => all
                .chunks(length)
                .map(|batch| {
                    let numbers = batch.iter().map(|&byte| i64::from(byte)).collect();
                    Tensor::of_integers(self.shape(batch.len()), numbers)
                })
                .collect(),
        };
        let results = batches.into_par_iter().map(|batch| {
            let results = self.model.run(vec![batch])?;
            Ok(results.first().and_then(Tensor::floats).unwrap_or_default().to_vec())
        });
        Ok(results.collect::<Result<Vec<_>, EvaluateError>>()?.concat())
    }

    fn shape(&self, elements: usize) -> Vec<usize> {
        let rows = elements / self.extents.iter().product::<usize>().max(1);
        [vec![rows], self.extents.clone()].concat()
    }
}
