//! A batch divided among threads: programs for each share, kept for every batch size that occurs, and
//! the run of all of them at once. One thread needs none of it and starts none.

use std::time::Instant;

use nasc_compiler::ir::{Dim, Op, TensorType};

use super::kernel::Pass;
use super::parameters::{Layout, Parameters};
use super::program::{Partial, Program, Share, Shared};
use super::team::{Member, Team};
use crate::backend::{Batch, BatchOutcome, TrainStep};
use crate::error::RuntimeError;
use crate::onednn::OneDnn;
use crate::plan::{ExecutionPlan, Operand, Step};

/// One pass over a batch.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The batch.
    pub batch: Batch<'a>,
    /// Batch statistics and dropout.
    pub training: bool,
    /// Whether gradients are made.
    pub backward: bool,
    /// Seeds dropout.
    pub seed: u64,
    /// Share of the target that is spread over all classes.
    pub smoothing: f64,
    /// When the pass is broken off.
    pub deadline: Option<Instant>,
}

/// The threads' programs.
pub struct Crew {
    library: &'static OneDnn,
    threads: usize,
    squads: Vec<Squad>,
}

/// Programs of all members for one batch size.
struct Squad {
    batch: usize,
    training: bool,
    team: Team,
    programs: Vec<Program>,
}

impl Crew {
    /// A crew of so many threads.
    pub fn new(library: &'static OneDnn, threads: usize) -> Crew {
        Crew { library, threads, squads: Vec::new() }
    }

    /// Runs a batch.
    ///
    /// # Errors
    /// If a kernel cannot be prepared or fails.
    pub fn run(
        &mut self,
        plan: &ExecutionPlan,
        parameters: &mut Parameters,
        job: Job<'_>,
    ) -> Result<BatchOutcome, RuntimeError> {
        let size = job.batch.labels.len();
        let index = self.squad(plan, parameters, size, job.backward)?;
        let Some(squad) = self.squads.get_mut(index) else {
            return Err(RuntimeError::Malformed { reason: "a program is missing" });
        };
        squad.run(parameters, job).map(|partial| partial.outcome(size))
    }

    /// The programs for a batch size; those that train also evaluate.
    fn squad(
        &mut self,
        plan: &ExecutionPlan,
        parameters: &Parameters,
        batch: usize,
        training: bool,
    ) -> Result<usize, RuntimeError> {
        let fits = |squad: &Squad| squad.batch == batch && (squad.training || !training);
        if let Some(index) = self.squads.iter().position(fits) {
            return Ok(index);
        }
        self.squads.retain(|squad| squad.batch != batch);
        let members = self.threads.min(batch).max(1);
        let mut programs = Vec::with_capacity(members);
        for rank in 0..members {
            let share = share_of(batch, members, rank).1;
            let layout = &parameters.layout;
            programs.push(Program::new(self.library, plan, layout, share, training)?);
        }
        let exchange = programs.first().map_or(0, |program| program.exchange);
        self.squads.push(Squad { batch, training, team: Team::new(members, exchange), programs });
        Ok(self.squads.len() - 1)
    }

    /// Bytes that the programs for a batch size will hold.
    ///
    /// # Errors
    /// As [`Crew::run`].
    pub fn planned_bytes(
        &self,
        plan: &ExecutionPlan,
        layout: &Layout,
        batch: usize,
        training: bool,
    ) -> Result<usize, RuntimeError> {
        let members = self.threads.min(batch).max(1);
        let (larger, smaller) = (batch % members, members - batch % members);
        let shares = [(batch / members + 1, larger), (batch / members, smaller)];
        let mut bytes = 0;
        for (share, count) in shares.into_iter().filter(|(_, count)| *count > 0) {
            let [one, exchange] = Program::planned(self.library, plan, layout, share, training)?;
            bytes += count * (one + exchange * size_of::<f32>());
        }
        Ok(bytes)
    }

    /// Bytes that all programs hold.
    pub fn bytes(&self) -> usize {
        let of = |squad: &Squad| {
            let programs = squad.programs.iter();
            let bytes = |program: &Program| program.bytes() + program.exchange * size_of::<f32>();
            programs.map(bytes).sum::<usize>()
        };
        self.squads.iter().map(of).sum()
    }

    fn find(&mut self, batch: usize) -> Option<&mut Squad> {
        self.squads.iter_mut().find(|squad| squad.batch == batch)
    }

    /// Follows the gradients of the last training pass over a batch of this size.
    pub fn update(&mut self, parameters: &mut Parameters, batch: usize, step: &TrainStep) {
        let Some(squad) = self.find(batch) else { return };
        match squad.programs.as_slice() {
            [one] => parameters.update(&[one.gradients()], step),
            [one, two] => parameters.update(&[one.gradients(), two.gradients()], step),
            many => {
                let all: Vec<&[f32]> = many.iter().map(Program::gradients).collect();
                parameters.update(&all, step);
            }
        }
    }

    /// The gradients of the last training pass.
    pub fn sum_gradients(&mut self, batch: usize, len: usize) -> Vec<f32> {
        let mut sum = vec![0.0; len];
        for program in self.find(batch).map(|squad| &squad.programs).into_iter().flatten() {
            for (sum, value) in sum.iter_mut().zip(program.gradients()) {
                *sum += value;
            }
        }
        sum
    }

    /// The logits of the last pass over `batch`.
    pub fn logits(&mut self, batch: Batch<'_>) -> Vec<f32> {
        let programs = self.find(batch.labels.len()).map(|squad| &squad.programs);
        programs.into_iter().flatten().flat_map(|program| program.logits()).copied().collect()
    }
}

impl Squad {
    fn run(&mut self, parameters: &mut Parameters, job: Job<'_>) -> Result<Partial, RuntimeError> {
        self.team.begin();
        let shared = Shared(parameters.floats.floats().as_mut_ptr());
        let counters = parameters.counters.as_slice();
        let (team, members) = (&self.team, self.programs.len());
        let one = |rank: usize, program: &mut Program| {
            let (first, count) = share_of(job.batch.labels.len(), members, rank);
            let pass = Pass {
                training: job.training,
                member: Member { team, rank },
                seed: job.seed,
                first_sample: first,
                counters,
            };
            program.run(shared, share(&job, first, count), &pass, job.backward)
        };
        let mut programs = self.programs.iter_mut().enumerate();
        let Some((_, first)) = programs.next() else { return Ok(Partial::default()) };
        if members == 1 {
            return one(0, first);
        }
        std::thread::scope(|scope| {
            let others: Vec<_> =
                programs.map(|(rank, program)| scope.spawn(move || one(rank, program))).collect();
            let mut sum = one(0, first)?;
            for other in others {
                let crashed = RuntimeError::Malformed { reason: "a training thread panicked" };
                sum = sum.and(other.join().map_err(|_| crashed)??);
            }
            Ok(sum)
        })
    }
}

/// First sample and number of samples of a member.
fn share_of(batch: usize, members: usize, rank: usize) -> (usize, usize) {
    let (each, more) = (batch / members, batch % members);
    (rank * each + rank.min(more), each + usize::from(rank < more))
}

fn share<'a>(job: &Job<'a>, first: usize, count: usize) -> Share<'a> {
    let batch = job.batch;
    let whole = Share {
        images: batch.images,
        labels: batch.labels,
        total: batch.labels.len(),
        smoothing: job.smoothing,
        deadline: job.deadline,
    };
    whole.part(first, count)
}

/// Whether samples do not meet except in batch norm, so that a batch can be divided.
pub fn is_divisible(plan: &ExecutionPlan) -> bool {
    plan.steps.iter().all(|step| keeps_samples_apart(plan, step))
}

fn keeps_samples_apart(plan: &ExecutionPlan, step: &Step) -> bool {
    let inputs: Vec<Option<usize>> =
        step.operands.iter().map(|operand| batch_dim(plan, operand)).collect();
    let first = inputs.first().copied().flatten();
    let meets = |dim: usize| first == Some(dim);
    match &step.op {
        Op::Cat(cat) => !meets(cat.dim),
        Op::Slice(slice) => !meets(slice.dim),
        Op::Split(split) => !meets(split.dim),
        Op::Softmax(softmax) => !meets(softmax.dim),
        Op::Reduce(reduce) => {
            first.is_none_or(|dim| !reduce.dims.is_empty() && !reduce.dims.contains(&dim))
        }
        Op::LayerNorm(norm) => {
            let rank = rank_of(plan, step);
            first.is_none_or(|dim| dim + norm.normalized_shape.len() < rank)
        }
        Op::MatMul | Op::Attention(_) => {
            let rank = rank_of(plan, step);
            inputs.iter().flatten().all(|&dim| dim + 2 < rank)
                || (rank == 2 && first == Some(0) && inputs.get(1) == Some(&None))
        }
        Op::Linear(_) => first.is_none_or(|dim| dim + 1 < rank_of(plan, step)),
        Op::Conv(_)
        | Op::Pool(_)
        | Op::AdaptivePool(_)
        | Op::BatchNorm(_)
        | Op::GroupNorm(_)
        | Op::InstanceNorm(_)
        | Op::LocalResponseNorm(_)
        | Op::PRelu
        | Op::Interpolate(_) => first.is_none_or(|dim| dim == 0),
        Op::Glu(glu) => !meets(glu.dim),
        Op::Recurrent(layers) => first == Some(usize::from(!layers.batch_first)),
        Op::Roll(roll) => !roll.shifts.iter().any(|&(dim, _)| meets(dim)),
        Op::Flip(flip) => !flip.dims.iter().any(|&dim| meets(dim)),
        Op::Repeat(repeat) => {
            let same_rank = repeat.repeats.len() == rank_of(plan, step);
            first.is_none_or(|dim| same_rank && repeat.repeats.get(dim) == Some(&1))
        }
        _ => true,
    }
}

fn rank_of(plan: &ExecutionPlan, step: &Step) -> usize {
    step.operands.first().and_then(|operand| type_of(plan, operand)).map_or(0, |t| t.shape.0.len())
}

/// The dimension that the batch size is in.
fn batch_dim(plan: &ExecutionPlan, operand: &Operand) -> Option<usize> {
    let dims = &type_of(plan, operand)?.shape.0;
    dims.iter().position(|dim| matches!(dim, Dim::Batch { .. }))
}

fn type_of<'a>(plan: &'a ExecutionPlan, operand: &Operand) -> Option<&'a TensorType> {
    let Operand::Slot(slot) = operand else { return None };
    if let Some(input) = plan.inputs.iter().position(|input| input == slot) {
        return plan.input_types.get(input);
    }
    plan.steps.iter().find_map(|step| {
        let position = step.results.iter().position(|result| result == slot)?;
        step.result_types.get(position)
    })
}
