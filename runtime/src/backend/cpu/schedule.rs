//! The plan of a program: which gradients are written and which are added, when each tensor lives, and
//! where in one arena it lies. Forward steps come first, then the loss, then backward steps in reverse.

#![expect(clippy::indexing_slicing, reason = "storages index the tables of their own program")]

use super::kernel::Node;
use super::memory::{LINE, Place, Places, Storage, Target};

/// One storage of a program before it is planned.
#[derive(Debug, Clone, Copy)]
pub struct Tensor {
    /// Floats.
    pub len: usize,
    /// Where it lies if not in the arena.
    pub fixed: Option<Place>,
    /// Whether gradients flow to it.
    pub differentiable: bool,
}

/// What a node does backwards.
#[derive(Debug, Clone, Default)]
pub struct Backward {
    /// One target for each input.
    pub targets: Vec<Target>,
    /// Outputs whose gradient nobody makes: it is zero.
    pub zero: Vec<Storage>,
}

/// A planned program.
#[derive(Debug)]
pub struct Schedule {
    /// Where everything lies.
    pub places: Places,
    /// Backward steps, one for each node; `None` if no gradient goes through it.
    pub backward: Vec<Option<Backward>>,
    /// Floats of the arena.
    pub arena: usize,
}

/// Memory with a lifetime in steps, both ends included.
#[derive(Debug, Clone, Copy)]
struct Block {
    len: usize,
    from: usize,
    to: usize,
}

struct Planner<'a> {
    tensors: &'a [Tensor],
    nodes: &'a [Node],
    blocks: Vec<Block>,
    /// Blocks of values and of gradients.
    values: Vec<Option<usize>>,
    gradients: Vec<Option<usize>>,
}

/// Plans a program whose result is `logits`; without training there is no backward step.
pub fn plan(tensors: &[Tensor], nodes: &[Node], logits: Storage, training: bool) -> Schedule {
    let mut planner = Planner {
        tensors,
        nodes,
        blocks: Vec::new(),
        values: vec![None; tensors.len()],
        gradients: vec![None; tensors.len()],
    };
    planner.forward(logits);
    let backward = if training { planner.backward(logits) } else { vec![None; nodes.len()] };
    let targets = |index: usize| {
        backward.get(index).and_then(Option::as_ref).map_or(&[][..], |b| b.targets.as_slice())
    };
    let scratch = nodes.iter().enumerate().map(|(index, node)| node.kernel.scratch(targets(index)));
    planner.finish(scratch.max().unwrap_or(0), backward)
}

impl Planner<'_> {
    fn block(&mut self, len: usize, from: usize) -> usize {
        self.blocks.push(Block { len: len.next_multiple_of(LINE).max(LINE), from, to: from });
        self.blocks.len() - 1
    }

    fn extend(&mut self, block: Option<usize>, to: usize) {
        if let Some(block) = block {
            self.blocks[block].to = self.blocks[block].to.max(to);
        }
    }

    /// Steps: node i runs at i, the loss at n, the backward step of node i at 2n − i.
    fn forward(&mut self, logits: Storage) {
        for (step, node) in self.nodes.iter().enumerate() {
            for &output in &node.outputs {
                if self.tensors[output.0].fixed.is_none() && self.values[output.0].is_none() {
                    self.values[output.0] = Some(self.block(self.tensors[output.0].len, step));
                }
            }
            for input in node.inputs.iter().chain(&node.outputs) {
                self.extend(self.values[input.0], step);
            }
        }
        self.extend(self.values[logits.0], self.nodes.len());
    }

    fn backward(&mut self, logits: Storage) -> Vec<Option<Backward>> {
        let end = self.nodes.len();
        let mut plan = vec![None; end];
        // how many contributions each gradient has had
        let mut begun = vec![false; self.tensors.len()];
        if self.tensors[logits.0].differentiable {
            self.begin(logits, end, &mut begun);
        }
        for (step, node) in self.nodes.iter().enumerate().rev() {
            let time = 2 * end - step;
            let reached = node.outputs.iter().any(|output| begun[output.0]);
            if !reached || !node.outputs.iter().any(|output| self.tensors[output.0].differentiable)
            {
                continue;
            }
            let mut zero = Vec::new();
            for &output in &node.outputs {
                if !begun[output.0] {
                    self.begin(output, time, &mut begun);
                    zero.push(output);
                }
                self.extend(self.gradients[output.0], time);
            }
            let targets = self.targets(node, time, &mut begun);
            for &saved in &node.saved {
                self.extend(self.values[saved.0], time);
            }
            plan[step] = Some(Backward { targets, zero });
        }
        plan
    }

    fn begin(&mut self, storage: Storage, time: usize, begun: &mut [bool]) {
        begun[storage.0] = true;
        if self.tensors[storage.0].fixed.is_none() {
            self.gradients[storage.0] = Some(self.block(self.tensors[storage.0].len, time));
        }
    }

    fn targets(&mut self, node: &Node, time: usize, begun: &mut [bool]) -> Vec<Target> {
        let mut targets = Vec::with_capacity(node.inputs.len());
        for (index, &input) in node.inputs.iter().enumerate() {
            let once = node.inputs.iter().filter(|&&other| other == input).count() == 1;
            targets.push(if !self.tensors[input.0].differentiable {
                Target::Nothing
            } else if begun[input.0] {
                self.extend(self.gradients[input.0], time);
                Target::Add(input)
            } else if node.in_place == Some(index) && once && self.tensors[input.0].fixed.is_none()
            {
                begun[input.0] = true;
                let output = node.outputs.first().and_then(|output| self.gradients[output.0]);
                self.gradients[input.0] = output;
                Target::InPlace(input)
            } else {
                self.begin(input, time, begun);
                Target::Write(input)
            });
        }
        targets
    }

    fn finish(self, scratch: usize, backward: Vec<Option<Backward>>) -> Schedule {
        let (offsets, end) = arrange(&self.blocks);
        let place = |index: usize, blocks: &[Option<usize>]| {
            let arena = blocks[index].map(|block| Place::Arena(offsets[block]));
            self.tensors[index].fixed.or(arena).unwrap_or(Place::Nowhere)
        };
        let count = self.tensors.len();
        let gradient = |index: usize| match place(index, &self.gradients) {
            Place::Input => Place::Nowhere,
            other => other,
        };
        let places = Places {
            lengths: self.tensors.iter().map(|tensor| tensor.len).collect(),
            values: (0..count).map(|index| place(index, &self.values)).collect(),
            gradients: (0..count).map(gradient).collect(),
            scratch: (end, scratch),
        };
        Schedule { places, backward, arena: end + scratch }
    }
}

/// The first offset of every block, largest first at the lowest place that is free for its life.
fn arrange(blocks: &[Block]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(blocks[index].len));
    let mut offsets = vec![0; blocks.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut end = 0;
    for index in order {
        let block = blocks[index];
        let meets =
            |other: &&usize| blocks[**other].from <= block.to && block.from <= blocks[**other].to;
        let mut taken: Vec<(usize, usize)> =
            placed.iter().filter(meets).map(|&other| (offsets[other], blocks[other].len)).collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (start, len) in taken {
            if offset + block.len <= start {
                break;
            }
            offset = offset.max(start + len);
        }
        offsets[index] = offset;
        end = end.max(offset + block.len);
        placed.push(index);
    }
    (offsets, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_live_together_lie_apart() {
        let mut state = 7_u64;
        let mut next = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % bound
        };
        let blocks: Vec<Block> = (0..300)
            .map(|_| {
                let from = next(100);
                Block { len: 16 * (1 + next(50)), from, to: from + next(20) }
            })
            .collect();
        let (offsets, end) = arrange(&blocks);
        for (i, a) in blocks.iter().enumerate() {
            assert!(offsets[i] + a.len <= end);
            for (j, b) in blocks.iter().enumerate().skip(i + 1) {
                let together = a.from <= b.to && b.from <= a.to;
                let apart = offsets[i] + a.len <= offsets[j] || offsets[j] + b.len <= offsets[i];
                assert!(!together || apart, "{a:?} at {} and {b:?} at {}", offsets[i], offsets[j]);
            }
        }
        let most = (0..120).map(|time| {
            blocks.iter().filter(|b| b.from <= time && time <= b.to).map(|b| b.len).sum::<usize>()
        });
        // fragmentation costs little
        assert!(end <= most.max().unwrap_or(0) * 13 / 10, "{end}");
    }
}
