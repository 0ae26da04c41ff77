//! `Program`: the kernels of one batch size with their memory; one member of a team runs it on its
//! share of a batch, slice by slice where samples never meet. After construction a step allocates nothing.

#![expect(unsafe_code, reason = "parameters are shared by the members of a team")]

use std::time::Instant;

use nasc_compiler::ir::Op;

use super::divide::is_divisible;
use super::kernel::{Node, Pass, put};
use super::lower::{Lowered, lower};
use super::memory::{Arena, Memory, Storage};
use super::parameters::Layout;
use super::schedule::{Schedule, plan};
use crate::backend::BatchOutcome;
use crate::error::RuntimeError;
use crate::onednn::OneDnn;
use crate::plan::{ExecutionPlan, Step};

/// Kernels and memory for a fixed number of samples.
pub struct Program {
    nodes: Vec<Node>,
    schedule: Schedule,
    arena: Arena,
    gradients: Vec<f32>,
    /// Sum over slices, where there are several.
    sum: Vec<f32>,
    logits: Storage,
    /// Those of all slices.
    all_logits: Vec<f32>,
    classes: usize,
    slices: usize,
    /// Floats that the members of a team exchange.
    pub exchange: usize,
}

/// Parameters that all members read; one of them keeps running statistics in it.
#[derive(Debug, Clone, Copy)]
pub struct Shared(pub *mut f32);

// SAFETY: members only read parameters during a pass, except for running statistics, which member 0
// alone writes and nobody reads in training.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// A member's share of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Share<'a> {
    /// Pixels of its samples.
    pub images: &'a [f32],
    /// Classes of its samples.
    pub labels: &'a [u32],
    /// Samples of the whole batch.
    pub total: usize,
    /// Share of the target that is spread over all classes.
    pub smoothing: f64,
    /// When the pass is broken off.
    pub deadline: Option<Instant>,
}

impl Share<'_> {
    /// Whether to go on; if not, the whole team learns it.
    fn go_on(&self, pass: &Pass<'_>) -> Result<(), RuntimeError> {
        let team = pass.member.team;
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            team.stop();
        }
        if team.is_stopped() { Err(RuntimeError::TimeLimit) } else { Ok(()) }
    }
}

/// A share's part of an outcome.
#[derive(Debug, Clone, Copy, Default)]
pub struct Partial {
    /// Sum of the losses, over the samples of the whole batch.
    pub loss: f64,
    /// Samples whose largest logit is the label's.
    pub correct: usize,
}

impl Program {
    /// Prepares a plan for `batch` samples; without `training` it only runs forwards.
    ///
    /// # Errors
    /// If an operation has no kernel, or the library refuses one.
    pub fn new(
        library: &'static OneDnn,
        execution: &ExecutionPlan,
        layout: &Layout,
        batch: usize,
        training: bool,
    ) -> Result<Program, RuntimeError> {
        let slices = slices(library, execution, layout, batch, training)?;
        let lowered = lower(library, execution, layout, batch / slices, false)?;
        let schedule = schedule(&lowered, training);
        let sizes = Sizes::new(&lowered, &schedule, layout, [batch, slices], training);
        let Lowered { nodes, logits, exchange, .. } = lowered;
        Ok(Program {
            arena: Arena::new(schedule.arena),
            gradients: vec![0.0; sizes.gradients],
            sum: vec![0.0; sizes.sum],
            all_logits: vec![0.0; sizes.logits],
            classes: logits.dims.last().copied().unwrap_or(0),
            logits: logits.storage,
            nodes,
            schedule,
            slices,
            exchange,
        })
    }

    /// Bytes that a program will hold, and floats that the members of its team exchange; nothing but the
    /// kernels is made to find out.
    ///
    /// # Errors
    /// As [`Program::new`].
    pub fn planned(
        library: &'static OneDnn,
        execution: &ExecutionPlan,
        layout: &Layout,
        batch: usize,
        training: bool,
    ) -> Result<[usize; 2], RuntimeError> {
        let slices = slices(library, execution, layout, batch, training)?;
        let lowered = lower(library, execution, layout, batch / slices, false)?;
        let schedule = schedule(&lowered, training);
        let sizes = Sizes::new(&lowered, &schedule, layout, [batch, slices], training);
        Ok([sizes.bytes(&lowered.nodes), lowered.exchange])
    }

    /// Bytes of the values of one pass over the whole batch, with what kernels keep for the backward pass
    /// and without what they work in.
    ///
    /// # Errors
    /// As [`Program::new`].
    pub fn activations(
        library: &'static OneDnn,
        execution: &ExecutionPlan,
        layout: &Layout,
        batch: usize,
        training: bool,
    ) -> Result<usize, RuntimeError> {
        let lowered = lower(library, execution, layout, batch, false)?;
        let schedule = schedule(&lowered, training);
        let arena = schedule.arena - schedule.places.scratch.1;
        let kept = if training { kept(&lowered.nodes) } else { 0 };
        Ok(arena * size_of::<f32>() + kept)
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        let floats =
            self.arena.read().len() + self.gradients.len() + self.sum.len() + self.all_logits.len();
        floats * size_of::<f32>() + kept(&self.nodes)
    }

    /// Gradients of the last training pass, laid out as the trainable parameters.
    pub fn gradients(&self) -> &[f32] {
        if self.slices > 1 { &self.sum } else { &self.gradients }
    }

    /// Forward pass and loss; in training also the gradients.
    ///
    /// # Errors
    /// If the library fails, and [`RuntimeError::TimeLimit`].
    pub fn run(
        &mut self,
        parameters: Shared,
        share: Share<'_>,
        pass: &Pass<'_>,
        backward: bool,
    ) -> Result<Partial, RuntimeError> {
        if self.slices == 1 {
            return self.run_slice(parameters, 0, share, pass, backward);
        }
        self.sum.fill(0.0);
        let mut partial = Partial::default();
        let samples = share.labels.len() / self.slices;
        for index in 0..self.slices {
            let slice = share.part(index * samples, samples);
            let first_sample = pass.first_sample + index * samples;
            let pass = Pass { first_sample, ..*pass };
            partial = partial.and(self.run_slice(parameters, index, slice, &pass, backward)?);
            if backward {
                put(&mut self.sum, &self.gradients, true);
            }
        }
        Ok(partial)
    }

    fn run_slice(
        &mut self,
        parameters: Shared,
        index: usize,
        share: Share<'_>,
        pass: &Pass<'_>,
        backward: bool,
    ) -> Result<Partial, RuntimeError> {
        let places = &self.schedule.places;
        // SAFETY: the planner made places for this arena and these blocks; see `Shared`.
        let memory = unsafe {
            Memory::new(
                places,
                self.arena.floats(),
                parameters.0,
                &mut self.gradients,
                share.images,
            )
        };
        for node in &mut self.nodes {
            share.go_on(pass)?;
            node.kernel.forward(&memory, pass)?;
        }
        let logits = memory.value(self.logits);
        let kept = self.all_logits.chunks_exact_mut(logits.len().max(1)).nth(index);
        if let Some(kept) = kept {
            kept.copy_from_slice(logits);
        }
        let gradient = if backward { memory.gradient_mut(self.logits) } else { &mut [] };
        let partial = cross_entropy(logits, self.classes, share, gradient);
        if backward {
            let steps = self.nodes.iter_mut().zip(&self.schedule.backward).rev();
            for (node, step) in steps {
                let Some(step) = step else { continue };
                share.go_on(pass)?;
                for &zero in &step.zero {
                    memory.gradient_mut(zero).fill(0.0);
                }
                node.kernel.backward(&memory, &step.targets, pass)?;
            }
        }
        Ok(partial)
    }

    /// Logits of the last pass.
    pub fn logits(&self) -> &[f32] {
        &self.all_logits
    }
}

fn schedule(lowered: &Lowered, training: bool) -> Schedule {
    plan(&lowered.tensors, &lowered.nodes, lowered.logits.storage, training)
}

/// Floats of the memory of a program.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    arena: usize,
    gradients: usize,
    sum: usize,
    logits: usize,
}

impl Sizes {
    fn new(
        lowered: &Lowered,
        schedule: &Schedule,
        layout: &Layout,
        [batch, slices]: [usize; 2],
        training: bool,
    ) -> Sizes {
        let gradients = if training { layout.trainable } else { 0 };
        Sizes {
            arena: schedule.arena,
            gradients,
            sum: if slices > 1 { gradients } else { 0 },
            logits: batch * lowered.logits.dims.last().copied().unwrap_or(0),
        }
    }

    fn bytes(self, nodes: &[Node]) -> usize {
        let floats = self.arena + self.gradients + self.sum + self.logits;
        floats * size_of::<f32>() + kept(nodes)
    }
}

/// Bytes that kernels keep for themselves.
fn kept(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| node.kernel.kept()).sum()
}

/// Floats of tensors that stay in a core's cache together with what they are made from.
const SLICE: usize = 1 << 18;

/// Into how many equal slices a share is cut: 1 where samples meet, in batch statistics or otherwise.
fn slices(
    library: &'static OneDnn,
    execution: &ExecutionPlan,
    layout: &Layout,
    batch: usize,
    training: bool,
) -> Result<usize, RuntimeError> {
    // both keep statistics
    let meet = |step: &Step| matches!(&step.op, Op::BatchNorm(_) | Op::InstanceNorm(_));
    if !is_divisible(execution) || execution.steps.iter().any(meet) {
        return Ok(1);
    }
    let Lowered { nodes, tensors, logits, .. } = lower(library, execution, layout, batch, true)?;
    let floats = plan(&tensors, &nodes, logits.storage, training).arena;
    // parameters and their gradients are read again for every slice
    let most = SLICE.max(2 * layout.trainable);
    let mut even = (1..=batch / FEWEST).filter(|&slices| batch.is_multiple_of(slices));
    let fitting = even.clone().find(|slices| floats / slices <= most);
    Ok(fitting.or_else(|| even.next_back()).unwrap_or(1))
}

/// Fewest samples of a slice: kernels lose by less.
const FEWEST: usize = 8;

impl<'a> Share<'a> {
    /// `count` of its samples, starting with `first`.
    pub fn part(self, first: usize, count: usize) -> Share<'a> {
        let pixels = self.images.len() / self.labels.len().max(1);
        Share {
            images: self.images.get(first * pixels..(first + count) * pixels).unwrap_or_default(),
            labels: self.labels.get(first..first + count).unwrap_or_default(),
            ..self
        }
    }
}

impl Partial {
    /// Adds another member's part.
    pub fn and(self, other: Partial) -> Partial {
        Partial { loss: self.loss + other.loss, correct: self.correct + other.correct }
    }

    /// The outcome of a whole batch.
    pub fn outcome(self, total: usize) -> BatchOutcome {
        BatchOutcome { loss: self.loss / total.max(1) as f64, correct: self.correct }
    }
}

/// Sum of the cross-entropies of softmax(logits) with the targets; the gradient, if wanted, is of the
/// mean over the whole batch. A target is 1 − s for the label and s spread over all classes.
fn cross_entropy(
    logits: &[f32],
    classes: usize,
    share: Share<'_>,
    gradient: &mut [f32],
) -> Partial {
    let mut partial = Partial::default();
    let scale = 1.0 / share.total.max(1) as f64;
    let each = share.smoothing / classes.max(1) as f64;
    let mut gradients = gradient.chunks_exact_mut(classes.max(1));
    for (row, &label) in logits.chunks_exact(classes.max(1)).zip(share.labels) {
        let best = largest(row);
        let log_sum = log_sum(row, best.1);
        let chosen = row.get(label as usize).copied().unwrap_or(f32::NAN);
        let mut target = (1.0 - share.smoothing) * f64::from(chosen);
        if each != 0.0 {
            target += each * row.iter().map(|&x| f64::from(x)).sum::<f64>();
        }
        partial.loss += log_sum - target;
        partial.correct += usize::from(best.0 == label);
        if let Some(gradient) = gradients.next() {
            for ((gradient, &x), class) in gradient.iter_mut().zip(row).zip(0_u32..) {
                let own = if class == label { 1.0 - share.smoothing } else { 0.0 };
                *gradient = (scale * ((f64::from(x) - log_sum).exp() - own - each)) as f32;
            }
        }
    }
    partial
}

/// Class and value of the first largest logit.
fn largest(row: &[f32]) -> (u32, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &logit) in (0_u32..).zip(row) {
        if logit > best.1 {
            best = (class, logit);
        }
    }
    best
}

/// log Σ exp of a row whose largest element is known.
fn log_sum(row: &[f32], largest: f32) -> f64 {
    let largest = f64::from(largest);
    largest + row.iter().map(|&x| (f64::from(x) - largest).exp()).sum::<f64>().ln()
}
