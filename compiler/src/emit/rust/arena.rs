//! Where buffers lie in the arena: first fit over lifetimes, from the step that fills a buffer to the
//! last that reads it.

use super::step::{Steps, USE};
use crate::ir::CheckedGraph;

/// The place of every buffer.
pub(super) struct Plan {
    starts: Vec<usize>,
    /// Elements of the arena.
    pub length: usize,
}

impl Plan {
    pub fn start(&self, buffer: usize) -> usize {
        self.starts.get(buffer).copied().unwrap_or_default()
    }

    /// The text of a step with places in for buffers.
    pub fn resolve(&self, text: &str) -> String {
        let mut parts = text.split(USE);
        let mut all = parts.next().unwrap_or_default().to_owned();
        while let (Some(buffer), Some(rest)) = (parts.next(), parts.next()) {
            let buffer = buffer.parse().unwrap_or_default();
            all.push_str(&self.start(buffer).to_string());
            all.push_str(rest);
        }
        all
    }
}

/// The first and last step of each buffer's life.
fn lives(steps: &Steps<'_>, graph: &CheckedGraph) -> Vec<(usize, usize)> {
    let mut lives = vec![(usize::MAX, 0); steps.buffers()];
    let mut touch = |buffer: usize, step: usize| {
        if let Some((first, last)) = lives.get_mut(buffer) {
            (*first, *last) = ((*first).min(step), (*last).max(step));
        }
    };
    graph.inputs.iter().for_each(|&id| touch(steps.buffer_of(id), 0));
    for (index, step) in (1..).zip(&steps.steps) {
        touch(step.output, index);
        step.inputs.iter().for_each(|&buffer| touch(buffer, index));
    }
    let end = steps.steps.len() + 1;
    graph.outputs.iter().for_each(|&id| touch(steps.buffer_of(id), end));
    lives
}

/// Places for all buffers.
pub(super) fn plan(steps: &Steps<'_>, graph: &CheckedGraph) -> Plan {
    let lives = lives(steps, graph);
    let mut plan = Plan { starts: vec![0; lives.len()], length: 0 };
    let mut placed: Vec<(usize, usize, usize)> = Vec::new();
    for (buffer, &(first, last)) in lives.iter().enumerate() {
        if first > last {
            continue;
        }
        let length = steps.length(buffer);
        let alive = |&&(other, _, _): &&(usize, usize, usize)| {
            lives.get(other).is_some_and(|life| life.0 <= last && first <= life.1)
        };
        let mut start = 0;
        for (_, from, to) in placed.iter().filter(alive) {
            if start + length <= *from {
                break;
            }
            start = start.max(*to);
        }
        placed.push((buffer, start, start + length));
        placed.sort_by_key(|&(_, from, to)| (from, to));
        if let Some(place) = plan.starts.get_mut(buffer) {
            *place = start;
        }
        plan.length = plan.length.max(start + length);
    }
    plan
}
