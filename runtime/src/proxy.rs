//! Zero-cost proxies: what a network promises before it is trained, from one batch or none. Each is a
//! number by which networks can be ordered; numbers of different proxies cannot be compared.

mod codes;

use std::num::NonZeroUsize;

use nasc_compiler::ir::CheckedGraph;
use serde::{Deserialize, Serialize};

use crate::backend::Batch;
use crate::backend::candle::CandleBackend;
use crate::data::{Batches, Dataset, LastBatch};
use crate::error::RuntimeError;
use crate::state::{Elements, StateDict};
use crate::train::{TrainConfig, backend_for};
use codes::Codes;

/// A share by which all weights grow and shrink for the derivative of SynFlow.
const STEP: f32 = 0.01;

/// A way to score a network before it is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proxy {
    /// Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic
    /// flow", NeurIPS 2020, as a score of networks after Abdelfattah et al., ICLR 2021: the sum of
    /// weight times gradient over absolute weights, for an image of ones; its logarithm.
    Synflow,
    /// Mellor et al., "Neural architecture search without training", ICML 2021: how well the signs of
    /// activations tell the images of a batch apart.
    Naswot,
    /// The Euclidean norm of the loss's gradient for one batch (Abdelfattah et al., ICLR 2021).
    GradientNorm,
}

impl Proxy {
    /// All of them.
    pub const ALL: [Proxy; 3] = [Proxy::Synflow, Proxy::Naswot, Proxy::GradientNorm];

    /// The name on the command line and in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Proxy::Synflow => "synflow",
            Proxy::Naswot => "naswot",
            Proxy::GradientNorm => "gradient-norm",
        }
    }

    /// The proxy of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Proxy> {
        Proxy::ALL.into_iter().find(|proxy| proxy.name() == name)
    }

    /// Scores a network with the first weights that a training of `config` begins with, on the first
    /// `images` of the training split; higher is better. `None` where the proxy has nothing to say: a
    /// network without activations, or numbers that are not finite.
    ///
    /// # Errors
    /// As [`crate::train::Trainer::new`].
    pub fn score(
        self,
        graph: &CheckedGraph,
        data: &Dataset,
        config: &TrainConfig,
        images: NonZeroUsize,
    ) -> Result<Option<f64>, RuntimeError> {
        let score = match self {
            Proxy::Synflow => Some(synflow(graph, data, config.seed)?),
            Proxy::Naswot => naswot(graph, &Sample::first(data, config, images)?, config.seed)?,
            Proxy::GradientNorm => {
                Some(gradient_norm(graph, &Sample::first(data, config, images)?, config.seed)?)
            }
        };
        Ok(score.filter(|score| score.is_finite()))
    }
}

/// The first images of the training split.
struct Sample {
    images: Vec<f32>,
    labels: Vec<u32>,
}

impl Sample {
    fn first(
        data: &Dataset,
        config: &TrainConfig,
        images: NonZeroUsize,
    ) -> Result<Sample, RuntimeError> {
        let pixels = data.pixel_scaling(config.normalization);
        let count = images.min(NonZeroUsize::new(data.train().len()).unwrap_or(images));
        let mut batches = Batches::new(data.train(), &pixels, count, LastBatch::Keep)?;
        let mut sample = Sample {
            images: vec![0.0; count.get() * data.shape().elements()],
            labels: vec![0; count.get()],
        };
        batches.next_batch(&mut sample.images, &mut sample.labels)?;
        Ok(sample)
    }

    fn batch(&self) -> Batch<'_> {
        Batch { images: &self.images, labels: &self.labels }
    }
}

/// With weights ≥ 0 the sum of weight times gradient is the derivative of the result when all weights
/// grow by the same share, so two forward passes give it. Batch norms keep their initial statistics.
fn synflow(graph: &CheckedGraph, data: &Dataset, seed: u64) -> Result<f64, RuntimeError> {
    let mut backend = backend_for(graph, seed)?;
    let first = backend.state()?;
    let names: Vec<&str> = graph
        .params
        .iter()
        .filter(|param| param.kind == nasc_compiler::ir::ParamKind::Trainable)
        .map(|param| param.path.as_str())
        .collect();
    let ones = vec![1.0; data.shape().elements()];
    let mut result = |factor: f32| -> Result<f64, RuntimeError> {
        backend.load(&absolute(&first, &names, factor))?;
        Ok(backend.predict(&ones, 1)?.iter().map(|&logit| f64::from(logit)).sum())
    };
    let difference = result(1.0 + STEP)? - result(1.0 - STEP)?;
    Ok((difference / f64::from(2.0 * STEP)).ln())
}

/// The absolute weights, times a factor; buffers as they are.
fn absolute(state: &StateDict, names: &[&str], factor: f32) -> StateDict {
    let mut state = state.clone();
    for name in names {
        if let Some(tensor) = state.tensors.get_mut(*name)
            && let Elements::F32(values) = &mut tensor.elements
        {
            values.iter_mut().for_each(|value| *value = value.abs() * factor);
        }
    }
    state
}

fn naswot(graph: &CheckedGraph, sample: &Sample, seed: u64) -> Result<Option<f64>, RuntimeError> {
    let mut backend = CandleBackend::cpu(graph, seed)?;
    let mut codes = Codes::new(sample.labels.len());
    backend.watch_activations(&sample.images, sample.labels.len(), &mut |values| {
        codes.add(values);
    })?;
    Ok(codes.log_determinant())
}

fn gradient_norm(graph: &CheckedGraph, sample: &Sample, seed: u64) -> Result<f64, RuntimeError> {
    let gradients = backend_for(graph, seed)?.gradients(sample.batch())?;
    let floats = gradients.tensors.keys().filter_map(|name| gradients.floats(name));
    let squares = floats.flatten().map(|&value| f64::from(value) * f64::from(value));
    Ok(squares.sum::<f64>().sqrt())
}
