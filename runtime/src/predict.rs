//! `Predictor`: a network with its weights, for images that nobody trained on. Not here: reading images
//! (`data::read_image`), training.

use std::ops::ControlFlow;

use nasc_compiler::ir::CheckedGraph;

use crate::backend::Backend;
use crate::data::{Dataset, ImageTask, SplitKind};
use crate::error::RuntimeError;
use crate::state::StateDict;
use crate::train::{Evaluation, backend_for};

/// Answers for images.
pub struct Predictor {
    backend: Box<dyn Backend>,
    task: ImageTask,
}

/// How well a network does on a split.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitScore {
    /// Over all images.
    pub overall: Evaluation,
    /// Images of each class.
    pub images: Vec<usize>,
    /// Images of each class that were recognised.
    pub correct: Vec<usize>,
}

impl Predictor {
    /// A network of the task's images and classes.
    ///
    /// # Errors
    /// [`RuntimeError::State`] for weights of another network, and what a backend refuses.
    pub fn new(
        graph: &CheckedGraph,
        state: &StateDict,
        task: ImageTask,
    ) -> Result<Predictor, RuntimeError> {
        let mut backend = backend_for(graph, 0)?;
        backend.load(state)?;
        Ok(Predictor { backend, task })
    }

    /// Probability of each class for one image of bytes, `[channels, height, width]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn probabilities(&mut self, image: &[u8]) -> Result<Vec<f64>, RuntimeError> {
        let mut pixels = vec![0.0; self.task.shape().elements()];
        self.task.scaling(u8::MAX).write_image(image, &mut pixels);
        Ok(softmax(&self.backend.predict(&pixels, 1)?))
    }

    /// Loss and accuracy over a split, `batch` images at a time. `told` hears how many images are done and
    /// may break off; then there is no score.
    ///
    /// # Errors
    /// If the data set is another task, or the device fails.
    pub fn score(
        &mut self,
        data: &Dataset,
        split: SplitKind,
        batch: usize,
        mut told: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<SplitScore>, RuntimeError> {
        self.task.check(data)?;
        let scaling = self.task.scaling(data.pixel_max());
        let split = data.split(split);
        let elements = data.shape().elements();
        let mut pixels = vec![0.0; batch * elements];
        let mut correct = vec![0; data.classes()];
        let (mut loss, mut done) = (0.0, 0);
        let rounds = split.images().chunks(batch * elements).zip(split.labels().chunks(batch));
        for (images, labels) in rounds {
            let out = pixels.get_mut(..images.len()).unwrap_or_default();
            for (image, out) in images.chunks_exact(elements).zip(out.chunks_exact_mut(elements)) {
                scaling.write_image(image, out);
            }
            let logits = self.backend.predict(out, labels.len())?;
            for (row, &label) in logits.chunks(data.classes()).zip(labels) {
                loss += cross_entropy(row, label as usize);
                if largest(row) == Some(label as usize)
                    && let Some(count) = correct.get_mut(label as usize)
                {
                    *count += 1;
                }
            }
            done += labels.len();
            if told(done).is_break() {
                return Ok(None);
            }
        }
        let images = split.len() as f64;
        let accuracy = correct.iter().sum::<usize>() as f64 / images;
        let overall = Evaluation { loss: loss / images, accuracy };
        Ok(Some(SplitScore { overall, images: split.class_counts(data.classes()), correct }))
    }
}

/// Position of the first largest number; `None` if there is no number.
fn largest(row: &[f32]) -> Option<usize> {
    let numbers = row.iter().enumerate().filter(|(_, value)| !value.is_nan());
    numbers.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(class, _)| class)
}

/// Of softmax(logits) with a class, in nats.
fn cross_entropy(logits: &[f32], label: usize) -> f64 {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|&x| (f64::from(x) - largest).exp()).sum();
    let chosen = logits.get(label).copied().unwrap_or(f32::NAN);
    largest + sum.ln() - f64::from(chosen)
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&x| f64::from(x - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
