//! Budgets that make evaluation total: steps, nesting, memory. Each has its own code.

use super::error::{Eval, Mistake, refuse};

/// Limits of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Statements and expressions evaluated.
    pub steps: u64,
    /// Nested evaluations: a call counts about five, a nested expression one each.
    pub depth: u32,
    /// Elements of lists and strings made, all together; an operation of the graph counts [`NODE`].
    pub elements: u64,
}

impl Limits {
    /// Enough for every network known to us, and safe on a stack of 2 MiB in optimised builds.
    #[must_use]
    pub const fn standard() -> Limits {
        Limits { steps: 20_000_000, depth: 700, elements: 8_000_000 }
    }

    /// For generated text, of which there is much: less than 100 MB, and well under a second.
    #[must_use]
    pub const fn candidate() -> Limits {
        Limits { steps: 2_000_000, depth: 700, elements: 1_000_000 }
    }
}

/// What an operation of the graph costs in elements; it takes about as much memory.
pub const NODE: usize = 25;

/// Numbers of a constant tensor that take the memory of one element of a list.
pub const NUMBERS: usize = 4;

/// What is left of the limits.
#[derive(Debug)]
pub(crate) struct Fuel {
    limits: Limits,
    steps: u64,
    depth: u32,
    elements: u64,
}

impl Fuel {
    pub(crate) fn new(limits: Limits) -> Fuel {
        Fuel { limits, steps: limits.steps, depth: 0, elements: limits.elements }
    }

    /// One step.
    pub(crate) fn step(&mut self) -> Eval<()> {
        match self.steps.checked_sub(1) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(self.out_of_fuel()),
        }
    }

    #[cold]
    fn out_of_fuel(&self) -> Box<super::error::Stop> {
        refuse(Mistake::OutOfFuel, format!("evaluation took more than {} steps", self.limits.steps))
            .help("bound the loop that runs here; a network is built in far fewer steps")
    }

    /// Goes one level deeper; [`Fuel::leave`] comes back.
    pub(crate) fn enter(&mut self) -> Eval<()> {
        if self.depth >= self.limits.depth {
            return Err(refuse(Mistake::TooDeep, "calls nest too deeply")
                .help("end the recursion earlier, or write a loop"));
        }
        self.depth += 1;
        Ok(())
    }

    pub(crate) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Takes memory for `count` elements.
    pub(crate) fn allocate(&mut self, count: usize) -> Eval<()> {
        match self.elements.checked_sub(count as u64) {
            Some(left) => {
                self.elements = left;
                Ok(())
            }
            None => Err(refuse(
                Mistake::OutOfMemory,
                format!("evaluation made more than {} elements", self.limits.elements),
            )
            .help("make shorter lists and strings, and bound the loops that add operations")),
        }
    }
}
