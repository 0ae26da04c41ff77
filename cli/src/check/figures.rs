//! Which figures of a network are asked for: the convention of counting, and what memory depends on.

use clap::{Args, ValueEnum};
use nasc_compiler::cost::{Convention, CostReport, MemoryConfig, MemoryReport, analyze_as, memory};
use nasc_compiler::ir::CheckedGraph;

/// How MACs are counted, and for which training memory is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Figures {
    /// Whose rules MACs are counted by; docs/conventions.md compares them.
    #[arg(long, value_enum, default_value_t = ConventionArg::Nasc)]
    pub convention: ConventionArg,
    /// Samples of a batch, for the estimate of memory.
    #[arg(long, default_value_t = 1, value_name = "SAMPLES",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub batch: u64,
    /// The optimiser whose state takes memory in training.
    #[arg(long, value_enum, default_value_t = OptimizerArg::Adam)]
    pub optimizer: OptimizerArg,
}

/// The names of the conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConventionArg {
    /// nasc's own.
    Nasc,
    /// torch.utils.flop_counter
    Torch,
    /// fvcore
    Fvcore,
    /// thop
    Thop,
    /// ptflops
    Ptflops,
    /// torchinfo
    Torchinfo,
    /// calflops
    Calflops,
}

/// What an optimiser keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OptimizerArg {
    /// Plain SGD: nothing.
    Sgd,
    /// SGD with momentum: one number for each trainable parameter.
    Momentum,
    /// Adam or AdamW: two numbers for each trainable parameter.
    Adam,
}

impl Figures {
    /// nasc's own convention, one sample, Adam.
    #[must_use]
    pub const fn standard() -> Figures {
        Figures { convention: ConventionArg::Nasc, batch: 1, optimizer: OptimizerArg::Adam }
    }

    /// The costs of a network.
    #[must_use]
    pub fn cost(&self, graph: &CheckedGraph) -> CostReport {
        analyze_as(graph, self.convention.into())
    }

    /// The memory of a network.
    #[must_use]
    pub fn memory(&self, graph: &CheckedGraph) -> MemoryReport {
        let optimizer_states = match self.optimizer {
            OptimizerArg::Sgd => 0,
            OptimizerArg::Momentum => 1,
            OptimizerArg::Adam => 2,
        };
        memory(graph, &MemoryConfig { batch: self.batch, optimizer_states })
    }
}

impl From<ConventionArg> for Convention {
    fn from(name: ConventionArg) -> Convention {
        match name {
            ConventionArg::Nasc => Convention::Nasc,
            ConventionArg::Torch => Convention::Torch,
            ConventionArg::Fvcore => Convention::Fvcore,
            ConventionArg::Thop => Convention::Thop,
            ConventionArg::Ptflops => Convention::Ptflops,
            ConventionArg::Torchinfo => Convention::Torchinfo,
            ConventionArg::Calflops => Convention::Calflops,
        }
    }
}
