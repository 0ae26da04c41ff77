//! `Kernel`: one operation of a program, compiled for fixed extents, with its gradient.

use super::memory::{Memory, Storage, Target};
use super::team::Member;
use crate::error::RuntimeError;

/// What kernels of one pass share.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// Batch statistics and dropout.
    pub training: bool,
    /// The thread's place in the team.
    pub member: Member<'a>,
    /// Changes with every step; dropout draws from it.
    pub seed: u64,
    /// Position of this thread's first sample in the batch.
    pub first_sample: usize,
    /// The integer buffers: batches that each normalisation has seen, this one included.
    pub counters: &'a [i64],
}

/// An operation on storages. After construction nothing allocates.
pub trait Kernel: Send {
    /// Makes the outputs.
    ///
    /// # Errors
    /// If the library fails.
    fn forward(&mut self, memory: &Memory<'_>, pass: &Pass<'_>) -> Result<(), RuntimeError>;

    /// Makes the gradients of the inputs, one target for each, from those of the outputs.
    ///
    /// # Errors
    /// If the library fails.
    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        pass: &Pass<'_>,
    ) -> Result<(), RuntimeError>;

    /// Bytes that the kernel keeps for itself from one pass to the next, if they are many.
    fn kept(&self) -> usize {
        0
    }

    /// Floats of scratch memory.
    fn scratch(&self, targets: &[Target]) -> usize {
        let _ = targets;
        0
    }
}

/// A kernel and the storages it touches.
pub struct Node {
    /// What is computed.
    pub kernel: Box<dyn Kernel>,
    /// What it reads, in the order of its targets.
    pub inputs: Vec<Storage>,
    /// What it makes.
    pub outputs: Vec<Storage>,
    /// Values that its backward pass reads.
    pub saved: Vec<Storage>,
    /// The input whose gradient can be made where the output's lies.
    pub in_place: Option<usize>,
}

impl Target {
    /// Hands `out` and whether to add to `body`, unless nothing is wanted.
    pub fn with(self, memory: &Memory<'_>, body: impl FnOnce(&mut [f32], bool)) {
        match self {
            Target::Nothing | Target::InPlace(_) => {}
            Target::Write(storage) => body(memory.gradient_mut(storage), false),
            Target::Add(storage) => body(memory.gradient_mut(storage), true),
        }
    }

    /// Whether a gradient is wanted.
    pub fn is_wanted(self) -> bool {
        self != Target::Nothing
    }
}

/// The target at `index`; none is no target.
pub fn target(targets: &[Target], index: usize) -> Target {
    targets.get(index).copied().unwrap_or(Target::Nothing)
}

/// Adds or writes `from` to `out`.
pub fn put(out: &mut [f32], from: &[f32], add: bool) {
    if add {
        for (out, from) in out.iter_mut().zip(from) {
            *out += from;
        }
    } else {
        out.copy_from_slice(from);
    }
}
