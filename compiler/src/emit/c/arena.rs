//! Where buffers lie in the arena: two share memory if no step needs both. The largest buffers are
//! placed first, each at the lowest place that is free over its lifetime (greedy by size, as in
//! Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).

use std::cmp::Reverse;

use super::program::{Buffer, Program};

/// Floats that a place is a multiple of: one cache line.
const ALIGNMENT: i64 = 16;

/// Places of the buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arena {
    /// First float of each buffer; 0 for those elsewhere.
    pub offsets: Vec<i64>,
    /// Floats of the arena.
    pub length: i64,
}

impl Arena {
    /// Bytes of the arena.
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.length).unwrap_or(0).saturating_mul(4)
    }
}

struct Lifetime {
    buffer: usize,
    length: i64,
    first: usize,
    last: usize,
}

/// Places every buffer of the program.
pub(super) fn plan(program: &Program) -> Arena {
    let mut lifetimes = lifetimes(program);
    lifetimes.sort_by_key(|lifetime| Reverse((lifetime.length, Reverse(lifetime.first))));
    let mut offsets = vec![0; program.buffers.len()];
    let mut placed: Vec<(i64, &Lifetime)> = Vec::new();
    for lifetime in &lifetimes {
        let offset = lowest(lifetime, &placed);
        if let Some(slot) = offsets.get_mut(lifetime.buffer) {
            *slot = offset;
        }
        placed.push((offset, lifetime));
        placed.sort_by_key(|(offset, _)| *offset);
    }
    let ends = placed.iter().map(|(offset, lifetime)| offset + lifetime.length);
    Arena { offsets, length: ends.max().unwrap_or(0) }
}

fn lifetimes(program: &Program) -> Vec<Lifetime> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; program.buffers.len()];
    for (time, step) in program.steps.iter().enumerate() {
        for argument in &step.arguments {
            if let Some(span) = spans.get_mut(argument.buffer) {
                *span = Some((span.map_or(time, |(first, _)| first), time));
            }
        }
    }
    let buffers = program.buffers.iter().zip(spans).enumerate();
    buffers
        .filter_map(|(buffer, (kind, span))| match (kind, span) {
            (Buffer::Arena(length), Some((first, last))) => {
                let length = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
                Some(Lifetime { buffer, length, first, last })
            }
            _ => None,
        })
        .collect()
}

/// The lowest place between those that are alive at the same time. `placed` is sorted by place.
fn lowest(lifetime: &Lifetime, placed: &[(i64, &Lifetime)]) -> i64 {
    let mut offset = 0;
    for (other_offset, other) in placed {
        let overlaps = other.first <= lifetime.last && lifetime.first <= other.last;
        if !overlaps {
            continue;
        }
        if *other_offset >= offset + lifetime.length {
            break;
        }
        offset = offset.max(other_offset + other.length);
    }
    offset
}
