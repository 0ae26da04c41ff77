//! The backend on candle tensors: candle's autograd over nasc's own CPU kernels where candle has no
//! gradient or is slow. Threads are rayon's global pool, whose size the program sets.

mod arithmetic;
mod attention;
mod convolution;
mod execute;
mod graph_ops;
mod linear;
mod native;
mod normalize;
mod optimize;
mod pointwise;
mod pooling;
mod random;
mod recurrent;
mod reduce;
mod resample;
mod select;
pub mod support;
mod tensors;

use std::time::Instant;

use candle_core::{DType, Device, Tensor, Var};
use nasc_compiler::ir::{CheckedGraph, ParamKind};
use rand_chacha::ChaCha8Rng;

use super::moments::{DROPOUT, MOMENTS, UPDATES, damaged, integers, read_integers};
use super::{Backend, Batch, BatchOutcome, TrainStep};
use crate::error::RuntimeError;
use crate::init;
use crate::plan::{ExecutionPlan, trainable};
use crate::state::{StateDict, is_stored};
use execute::{Mode, Run, Watch};
use optimize::Moments;

/// Executes a plan on one candle device.
pub struct CandleBackend {
    plan: ExecutionPlan,
    device: Device,
    params: Vec<Parameter>,
    generator: ChaCha8Rng,
    image: Vec<usize>,
    updates: u64,
    deadline: Option<Instant>,
}

/// A parameter or buffer on the device.
struct Parameter {
    /// What operations read.
    tensor: Tensor,
    /// Set for trainable ones; shares its storage with `tensor`.
    var: Option<Var>,
    /// What the optimiser keeps of it.
    moments: Moments,
}

impl CandleBackend {
    /// Prepares `graph` on the CPU with parameters initialised from `seed`, which also seeds dropout.
    ///
    /// # Errors
    /// [`RuntimeError::Unsupported`] if an operation cannot be trained.
    pub fn cpu(graph: &CheckedGraph, seed: u64) -> Result<CandleBackend, RuntimeError> {
        CandleBackend::on(graph, seed, Device::Cpu)
    }

    /// Prepares `graph` on CUDA device `index`. Needs the feature `cuda`.
    ///
    /// # Errors
    /// As [`CandleBackend::cpu`], and if there is no such device.
    pub fn cuda(
        graph: &CheckedGraph,
        seed: u64,
        index: usize,
    ) -> Result<CandleBackend, RuntimeError> {
        let device = Device::new_cuda(index).map_err(RuntimeError::backend("device"))?;
        CandleBackend::on(graph, seed, device)
    }

    fn on(graph: &CheckedGraph, seed: u64, device: Device) -> Result<CandleBackend, RuntimeError> {
        trainable(graph)?;
        let plan = ExecutionPlan::new(graph)?;
        let image = image_extents(&plan)?;
        let generator = init::generator(seed, "training");
        let params = plan.params.iter().map(|param| {
            let value = init::initial_value(param, seed);
            Parameter::new(&value, param.kind, &device)
        });
        let params =
            params.collect::<Result<Vec<_>, _>>().map_err(RuntimeError::backend("init"))?;
        Ok(CandleBackend { plan, device, params, generator, image, updates: 0, deadline: None })
    }

    /// Runs images through the network in evaluation mode and tells `watch` of the operand of each
    /// activation function, image after image.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn watch_activations(
        &mut self,
        images: &[f32],
        count: usize,
        watch: &mut dyn FnMut(&[f32]),
    ) -> Result<(), RuntimeError> {
        let mut told = |values: &Tensor| {
            watch(&values.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?);
            Ok(())
        };
        self.watched(images, count, Mode::Evaluation, Some(&mut told)).map(|_| ())
    }

    /// Logits of the images, `[count, classes]`.
    fn logits(&mut self, images: &[f32], count: usize, mode: Mode) -> Result<Tensor, RuntimeError> {
        self.watched(images, count, mode, None)
    }

    fn watched(
        &mut self,
        images: &[f32],
        count: usize,
        mode: Mode,
        watch: Option<Watch<'_>>,
    ) -> Result<Tensor, RuntimeError> {
        let mut shape = vec![count];
        shape.extend(&self.image);
        let failed = RuntimeError::backend("input");
        let input = Tensor::from_slice(images, shape, &self.device).map_err(&failed)?;
        let training = mode == Mode::Training;
        let read = |param: &Parameter| param.read(training);
        let mut params: Vec<Tensor> = self.params.iter().map(read).collect();
        let before = self.generator.clone();
        let run = Run {
            params: &mut params,
            generator: &mut self.generator,
            mode,
            batch: count,
            deadline: self.deadline,
            watch,
        };
        let logits = run.execute(&self.plan, vec![input]).inspect_err(|_| {
            self.generator = before;
        })?;
        if training {
            for (param, tensor) in self.params.iter_mut().zip(params) {
                param.keep_buffer(tensor);
            }
        }
        logits.into_iter().next().ok_or(RuntimeError::Malformed { reason: "there is no result" })
    }

    /// Mean cross-entropy as a tensor, and the outcome.
    fn loss(
        &mut self,
        batch: Batch<'_>,
        mode: Mode,
        smoothing: f64,
    ) -> Result<(Tensor, BatchOutcome), RuntimeError> {
        let logits = self.logits(batch.images, batch.labels.len(), mode)?;
        let failed = RuntimeError::backend("cross_entropy");
        let correct = count_correct(&logits, batch.labels).map_err(&failed)?;
        let loss = native::cross_entropy(&logits, batch.labels, smoothing).map_err(&failed)?;
        let value = loss.to_scalar::<f32>().map_err(&failed)?;
        Ok((loss, BatchOutcome { loss: f64::from(value), correct }))
    }
}

impl Backend for CandleBackend {
    fn load(&mut self, state: &StateDict) -> Result<(), RuntimeError> {
        state.check_params(&self.plan.params)?;
        self.updates = 0;
        for (param, slot) in self.plan.params.iter().zip(&mut self.params) {
            if let Some(value) = state.tensors.get(param.path.as_str()) {
                *slot = Parameter::new(value, param.kind, &self.device)
                    .map_err(RuntimeError::backend("load"))?;
            }
        }
        Ok(())
    }

    fn train_step(
        &mut self,
        batch: Batch<'_>,
        step: &TrainStep,
    ) -> Result<BatchOutcome, RuntimeError> {
        let (loss, outcome) = self.loss(batch, Mode::Training, step.label_smoothing)?;
        if outcome.loss.is_finite() && loss.track_op() {
            let gradients = loss.backward().map_err(RuntimeError::backend("backward"))?;
            self.updates += 1;
            optimize::update(&mut self.params, &gradients, step, self.updates)
                .map_err(RuntimeError::backend("update"))?;
        }
        Ok(outcome)
    }

    fn evaluate(&mut self, batch: Batch<'_>) -> Result<BatchOutcome, RuntimeError> {
        self.loss(batch, Mode::Evaluation, 0.0).map(|(_, outcome)| outcome)
    }

    fn predict(&mut self, images: &[f32], count: usize) -> Result<Vec<f32>, RuntimeError> {
        let logits = self.logits(images, count, Mode::Evaluation)?;
        let flat = logits.flatten_all().and_then(|logits| logits.to_vec1());
        flat.map_err(RuntimeError::backend("predict"))
    }

    fn gradients(&mut self, batch: Batch<'_>) -> Result<StateDict, RuntimeError> {
        let (loss, _) = self.loss(batch, Mode::Training, 0.0)?;
        let failed = RuntimeError::backend("backward");
        let store = loss.backward().map_err(&failed)?;
        let mut state = StateDict::default();
        for (param, slot) in self.plan.params.iter().zip(&self.params) {
            if let Some(gradient) = slot.var.as_ref().and_then(|var| store.get(var.as_tensor())) {
                let gradient = tensors::to_state(gradient).map_err(&failed)?;
                state.tensors.insert(param.path.as_str().to_owned(), gradient);
            }
        }
        Ok(state)
    }

    fn state(&self) -> Result<StateDict, RuntimeError> {
        let stored = self.plan.params.iter().zip(&self.params);
        let stored = stored.filter(|(param, _)| is_stored(param.kind));
        let tensors = stored.map(|(param, slot)| {
            let tensor = tensors::to_state(&slot.tensor).map_err(RuntimeError::backend("state"))?;
            Ok((param.path.as_str().to_owned(), tensor))
        });
        Ok(StateDict { tensors: tensors.collect::<Result<_, RuntimeError>>()? })
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    fn is_finite(&self) -> Result<bool, RuntimeError> {
        let floats = self.params.iter().filter(|param| param.tensor.dtype().is_float());
        for param in floats {
            // nothing times an infinite or undefined element is undefined, and so is the sum
            let zeros = param.tensor.affine(0.0, 0.0);
            let probe = zeros.and_then(|zeros| zeros.sum_all());
            let probe = probe.and_then(|sum| sum.to_dtype(DType::F32)?.to_scalar::<f32>());
            if !probe.map_err(RuntimeError::backend("is_finite"))?.is_finite() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn training_state(&self) -> Result<StateDict, RuntimeError> {
        let mut state = StateDict::default();
        for (param, slot) in self.plan.params.iter().zip(&self.params) {
            for (prefix, moment) in MOMENTS.into_iter().zip(slot.moments.both()) {
                if let Some(moment) = moment {
                    let value =
                        tensors::to_state(moment).map_err(RuntimeError::backend("state"))?;
                    state.tensors.insert(format!("{prefix}{}", param.path), value);
                }
            }
        }
        let position = self.generator.get_word_pos();
        let dropout = integers(&[position as u64, (position >> 64) as u64]);
        state.tensors.insert(DROPOUT.to_owned(), dropout);
        state.tensors.insert(UPDATES.to_owned(), integers(&[self.updates]));
        Ok(state)
    }

    fn load_training_state(&mut self, state: &StateDict) -> Result<(), RuntimeError> {
        let [low, high] = read_integers(state, DROPOUT)?;
        let [updates] = read_integers(state, UPDATES)?;
        for (param, slot) in self.plan.params.iter().zip(&mut self.params) {
            let moment = |prefix: &str| {
                let name = format!("{prefix}{}", param.path);
                let Some(value) = state.tensors.get(&name) else { return Ok(None) };
                if value.shape != slot.tensor.dims() {
                    return Err(damaged(&name));
                }
                let value = tensors::from_state(value, &self.device);
                value.map(Some).map_err(RuntimeError::backend("load"))
            };
            let [first, second] = MOMENTS;
            slot.moments = Moments { first: moment(first)?, second: moment(second)? };
        }
        self.generator.set_word_pos(u128::from(low) | u128::from(high) << 64);
        self.updates = updates;
        Ok(())
    }
}

impl Parameter {
    fn new(
        value: &crate::state::StateTensor,
        kind: ParamKind,
        device: &Device,
    ) -> candle_core::Result<Parameter> {
        let tensor = tensors::from_state(value, device)?;
        let var = match kind {
            ParamKind::Trainable => Some(Var::from_tensor(&tensor)?),
            ParamKind::Frozen
            | ParamKind::Buffer
            | ParamKind::TransientBuffer
            | ParamKind::Unregistered => None,
        };
        let tensor = var.as_ref().map_or(tensor, |var| var.as_detached_tensor());
        Ok(Parameter { tensor, var, moments: Moments::default() })
    }

    fn read(&self, training: bool) -> Tensor {
        match &self.var {
            Some(var) if training => var.as_tensor().clone(),
            _ => self.tensor.clone(),
        }
    }

    /// Takes over what a step wrote into a buffer.
    fn keep_buffer(&mut self, tensor: Tensor) {
        if self.var.is_none() {
            self.tensor = tensor;
        }
    }
}

/// Extents of one image: the only input without its batch dimension.
fn image_extents(plan: &ExecutionPlan) -> Result<Vec<usize>, RuntimeError> {
    let wrong = || RuntimeError::Interface {
        expected: format!("{} inputs", plan.inputs.len()),
        found: "one batch of images".to_owned(),
    };
    let [input] = plan.input_types.as_slice() else { return Err(wrong()) };
    let known = input.shape.0.iter().skip(1).map(|dim| dim.known().map(|extent| extent as usize));
    known.collect::<Option<Vec<usize>>>().ok_or_else(wrong)
}

/// Images whose first largest logit is the label's.
fn count_correct(logits: &Tensor, labels: &[u32]) -> candle_core::Result<usize> {
    let best = logits.detach().to_dtype(DType::F32)?.argmax(1)?.to_vec1::<u32>()?;
    Ok(best.iter().zip(labels).filter(|(best, label)| best == label).count())
}
