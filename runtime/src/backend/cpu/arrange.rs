//! Kernels that move elements: any copy between two strided boxes, forwards and backwards. Changes of
//! layout, slices, parts, concatenation and broadcasts are all such copies.

#![expect(clippy::indexing_slicing, reason = "strides were checked against the extents")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::vector::simd;

/// A walk over two tensors at once: extents with a step in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Extent, step in the first tensor, step in the second; outermost first.
    pub dims: Vec<[usize; 3]>,
    /// First element of each.
    pub start: [usize; 2],
}

impl Walk {
    /// Merges dimensions that are walked as one, and drops those of extent 1.
    pub fn new(dims: &[[usize; 3]], start: [usize; 2]) -> Walk {
        let mut merged: Vec<[usize; 3]> = Vec::new();
        for &[extent, first, second] in dims.iter().filter(|dim| dim[0] != 1) {
            match merged.last_mut() {
                Some(last) if last[1] == extent * first && last[2] == extent * second => {
                    *last = [last[0] * extent, first, second];
                }
                _ => merged.push([extent, first, second]),
            }
        }
        if merged.is_empty() {
            merged.push([1, 1, 1]);
        }
        Walk { dims: merged, start }
    }

    /// With the longest dimension innermost if the innermost is short. The order of the elements changes.
    fn longest_inner(mut self) -> Walk {
        const SHORT: usize = 8;
        let longest = (0..self.dims.len()).max_by_key(|&dim| self.dims[dim][0]).unwrap_or(0);
        let last = self.dims.len() - 1;
        if self.dims[last][0] < SHORT {
            self.dims.swap(longest, last);
        }
        self
    }

    /// Calls `row` with the first positions of every run along the innermost dimension.
    #[inline(always)]
    pub fn rows(&self, mut row: impl FnMut(usize, usize)) {
        let outer = &self.dims[..self.dims.len() - 1];
        visit(outer, self.start, &mut row);
    }

    /// Extent and steps of the innermost dimension.
    pub fn inner(&self) -> [usize; 3] {
        self.dims[self.dims.len() - 1]
    }
}

fn visit(dims: &[[usize; 3]], at: [usize; 2], row: &mut impl FnMut(usize, usize)) {
    match dims {
        [] => row(at[0], at[1]),
        [[extent, first, second]] => {
            for index in 0..*extent {
                row(at[0] + index * first, at[1] + index * second);
            }
        }
        [[extent, first, second], rest @ ..] => {
            for index in 0..*extent {
                visit(rest, [at[0] + index * first, at[1] + index * second], row);
            }
        }
    }
}

/// Numbers for which a call of the system's copy costs more than the copy.
const SHORT_ROW: usize = 64;

/// Copies (or adds) from the first tensor of the walk to the second.
fn copy(walk: &Walk, from: &[f32], to: &mut [f32], add: bool) {
    let [extent, step, stride] = walk.inner();
    simd(|| {
        walk.rows(|first, second| match (step, stride, add) {
            (1, 1, false) if extent > SHORT_ROW => {
                to[second..][..extent].copy_from_slice(&from[first..][..extent]);
            }
            (1, 1, false) => {
                for (to, from) in to[second..][..extent].iter_mut().zip(&from[first..][..extent]) {
                    *to = *from;
                }
            }
            (1, 1, true) => {
                for (to, from) in to[second..][..extent].iter_mut().zip(&from[first..][..extent]) {
                    *to += from;
                }
            }
            (_, _, false) => {
                for index in 0..extent {
                    to[second + index * stride] = from[first + index * step];
                }
            }
            (_, _, true) => {
                for index in 0..extent {
                    to[second + index * stride] += from[first + index * step];
                }
            }
        });
    });
}

/// The walk with its tensors exchanged.
fn reversed(walk: &Walk) -> Walk {
    let dims = walk.dims.iter().map(|&[extent, first, second]| [extent, second, first]);
    Walk { dims: dims.collect(), start: [walk.start[1], walk.start[0]] }
}

/// Copies of boxes between inputs and outputs. Every element of an output is written by some piece;
/// an input may be read not at all, or more than once.
pub struct Copies {
    pieces: Vec<Piece>,
    /// Inputs that some element of is never read: their gradient starts at zero.
    partial: bool,
    /// What outputs hold where nothing is copied to.
    fill: Option<f32>,
}

/// One copy.
struct Piece {
    from: Storage,
    to: Storage,
    /// Which input it is.
    index: usize,
    walk: Walk,
    back: Walk,
}

impl Copies {
    /// `pieces` are input position, input, output, and the walk from input to output. `partial` says
    /// that gradients must be added up from zero.
    pub fn new(pieces: Vec<(usize, Storage, Storage, Walk)>, partial: bool) -> Copies {
        let pieces = pieces.into_iter().map(|(index, from, to, walk)| {
            let walk = walk.longest_inner();
            let back = reversed(&walk);
            Piece { from, to, index, walk, back }
        });
        Copies { pieces: pieces.collect(), partial, fill: None }
    }

    /// Copies into outputs that hold `fill` elsewhere.
    pub fn filled(self, fill: f32) -> Copies {
        Copies { fill: Some(fill), ..self }
    }
}

impl Kernel for Copies {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        for piece in &self.pieces {
            let to = memory.value_mut(piece.to);
            if let Some(fill) = self.fill {
                to.fill(fill);
            }
            copy(&piece.walk, memory.value(piece.from), to, false);
        }
        Ok(())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let mut begun = None;
        for piece in &self.pieces {
            let gradient = memory.gradient(piece.to);
            let first = begun != Some(piece.index);
            target(targets, piece.index).with(memory, |out, add| {
                if self.partial && !add && first {
                    out.fill(0.0);
                }
                copy(&piece.back, gradient, out, add || self.partial);
            });
            begun = Some(piece.index);
        }
        Ok(())
    }
}
