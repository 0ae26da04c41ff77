//! The conventions of counting: nasc's own and those of the tools that people compare with. Each is
//! a table with one row per family of operations; what has no row counts nothing. docs/conventions.md
//! explains the differences, and which rows repeat a known defect of a tool.

use super::family::{Family, family};
use super::formula::{Formula, count};
use crate::ir::{Graph, Node};

/// Which operations are counted, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// nasc's own: see [`Convention::statement`].
    Nasc,
    /// `torch.utils.flop_counter.FlopCounterMode` of PyTorch 2.15, halved for MACs.
    Torch,
    /// `fvcore.nn.FlopCountAnalysis`, 0.1.5.
    Fvcore,
    /// `thop.profile`, 0.1.1.
    Thop,
    /// `ptflops.get_model_complexity_info`, 0.7.5, PyTorch backend.
    Ptflops,
    /// `torchinfo.summary`, 1.8.0: "mult-adds".
    Torchinfo,
    /// `calflops.calculate_flops`, 0.3.2: MACs.
    Calflops,
}

/// How an operation of a family counts, by who calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The family.
    pub family: Family,
    /// Called by a layer of `torch.nn`.
    pub layer: Formula,
    /// Called by a layer of a class derived from one of `torch.nn`.
    pub derived: Formula,
    /// Called as a function.
    pub function: Formula,
    /// Arithmetic or softmax that is called by its name in `torch` or as a method.
    pub named: Formula,
}

/// The same wherever it is called.
const fn anywhere(family: Family, formula: Formula) -> Row {
    Row { family, layer: formula, derived: formula, function: formula, named: formula }
}

/// Only where a layer of exactly this class runs.
const fn exact(family: Family, formula: Formula) -> Row {
    Row {
        family,
        layer: formula,
        derived: Formula::Zero,
        function: Formula::Zero,
        named: Formula::Zero,
    }
}

/// Where a layer or one of a derived class runs.
const fn layers(family: Family, formula: Formula) -> Row {
    Row { family, layer: formula, derived: formula, function: Formula::Zero, named: Formula::Zero }
}

/// One count in a layer of exactly this class, another elsewhere.
const fn both(family: Family, layer: Formula, elsewhere: Formula) -> Row {
    Row { family, layer, derived: elsewhere, function: elsewhere, named: elsewhere }
}

/// Wherever it runs, but not where it is called by its name in `torch` or as a method.
const fn unnamed(family: Family, formula: Formula) -> Row {
    Row { family, layer: formula, derived: formula, function: formula, named: Formula::Zero }
}

/// Only arithmetic that is called by its name.
const fn named(family: Family, formula: Formula) -> Row {
    let zero = Formula::Zero;
    Row { family, layer: zero, derived: zero, function: zero, named: formula }
}

const NASC: &[Row] = &[
    anywhere(Family::Convolution, Formula::Macs),
    anywhere(Family::TransposedConvolution, Formula::Macs),
    anywhere(Family::Linear, Formula::Macs),
    anywhere(Family::MatMul, Formula::Macs),
    anywhere(Family::Bilinear, Formula::Macs),
    anywhere(Family::Einsum, Formula::Macs),
    anywhere(Family::Lstm, Formula::Macs),
    anywhere(Family::Recurrent, Formula::Macs),
    anywhere(Family::Attention, Formula::Macs),
];

// torch/utils/flop_counter.py, flop_registry
const TORCH: &[Row] = &[
    anywhere(Family::Convolution, Formula::Macs),
    anywhere(Family::TransposedConvolution, Formula::Macs),
    anywhere(Family::Linear, Formula::Macs),
    anywhere(Family::MatMul, Formula::Macs),
    anywhere(Family::Bilinear, Formula::Macs),
    anywhere(Family::Einsum, Formula::Macs),
    // GRU and RNN are made of matrix products before they are counted, LSTM is one operation
    anywhere(Family::Recurrent, Formula::Macs),
    anywhere(Family::Attention, Formula::Macs),
];

// fvcore/nn/flop_count.py, _DEFAULT_SUPPORTED_OPS
const FVCORE: &[Row] = &[
    anywhere(Family::Convolution, Formula::Macs),
    anywhere(Family::TransposedConvolution, Formula::Macs),
    anywhere(Family::Linear, Formula::Macs),
    anywhere(Family::MatMul, Formula::Macs),
    anywhere(Family::Einsum, Formula::Macs),
    anywhere(Family::BatchNorm, Formula::Normalisation(1, 2)),
    anywhere(Family::LayerNorm, Formula::Normalisation(4, 5)),
    anywhere(Family::GroupNorm, Formula::Normalisation(4, 5)),
    anywhere(Family::InstanceNorm, Formula::Normalisation(4, 5)),
    anywhere(Family::AdaptiveAveragePool, Formula::Input(1)),
    anywhere(Family::Nearest, Formula::Output(1)),
    anywhere(Family::Bilinear2d, Formula::Output(4)),
];

// thop/profile.py, register_hooks; thop/vision/calc_func.py
const THOP: &[Row] = &[
    exact(Family::Convolution, Formula::OutputTimesWindow),
    exact(Family::TransposedConvolution, Formula::OutputTimesWindow),
    exact(Family::Linear, Formula::Macs),
    exact(Family::BatchNorm, Formula::Normalisation(2, 4)),
    exact(Family::LayerNorm, Formula::Normalisation(2, 4)),
    exact(Family::InstanceNorm, Formula::Normalisation(2, 4)),
    exact(Family::PRelu, Formula::Input(1)),
    exact(Family::Softmax, Formula::Exponentials),
    exact(Family::AveragePool, Formula::Output(1)),
    exact(Family::AdaptiveAveragePool, Formula::MeanWithDivision),
    exact(Family::Nearest, Formula::Output(1)),
    exact(Family::Bilinear2d, Formula::Output(11)),
    exact(Family::Bicubic, Formula::Output(259)),
    exact(Family::Lstm, Formula::Macs),
    exact(Family::Recurrent, Formula::Macs),
];

// ptflops/pytorch_ops.py, MODULES_MAPPING and FUNCTIONAL_MAPPING. A layer whose forward calls a
// function of the second table is counted by both.
const PTFLOPS: &[Row] = &[
    exact(Family::Convolution, Formula::MacsAndBias),
    exact(Family::TransposedConvolution, Formula::MacsAndBias),
    exact(Family::Linear, Formula::MacsAndBias),
    named(Family::MatMul, Formula::Macs),
    named(Family::Sum, Formula::Output(1)),
    named(Family::Product, Formula::Output(1)),
    exact(Family::BatchNorm, Formula::Normalisation(1, 2)),
    exact(Family::InstanceNorm, Formula::Normalisation(1, 2)),
    exact(Family::GroupNorm, Formula::Normalisation(1, 2)),
    // the hook looks for `affine`, which LayerNorm calls `elementwise_affine`
    exact(Family::LayerNorm, Formula::Input(1)),
    both(Family::Relu, Formula::Output(2), Formula::Output(1)),
    both(Family::PRelu, Formula::Output(2), Formula::Output(1)),
    both(Family::Elu, Formula::Output(2), Formula::Output(1)),
    both(Family::Gelu, Formula::Output(2), Formula::Output(1)),
    // nn.ReLU6 calls hardtanh and nn.LeakyReLU leaky_relu, which are not in the second table
    anywhere(Family::Relu6, Formula::Output(1)),
    exact(Family::LeakyRelu, Formula::Output(1)),
    anywhere(Family::Silu, Formula::Output(1)),
    // torch.softmax and Tensor.softmax are not in the second table
    unnamed(Family::Softmax, Formula::Input(1)),
    both(Family::MaxPool, Formula::Input(2), Formula::Input(1)),
    both(Family::AveragePool, Formula::Input(2), Formula::Input(1)),
    both(Family::AdaptiveMaxPool, Formula::Input(2), Formula::Input(1)),
    both(Family::AdaptiveAveragePool, Formula::Input(2), Formula::Input(1)),
    both(Family::Nearest, Formula::Output(2), Formula::Output(1)),
    both(Family::Bilinear2d, Formula::Output(2), Formula::Output(1)),
    both(Family::Bicubic, Formula::Output(2), Formula::Output(1)),
];

// torchinfo/layer_info.py, calculate_macs
const TORCHINFO: &[Row] = &[
    layers(Family::Convolution, Formula::Parameters),
    layers(Family::TransposedConvolution, Formula::Parameters),
    layers(Family::Linear, Formula::Parameters),
    layers(Family::Bilinear, Formula::Parameters),
    layers(Family::Lstm, Formula::Parameters),
    layers(Family::Recurrent, Formula::Parameters),
    layers(Family::BatchNorm, Formula::Parameters),
    layers(Family::LayerNorm, Formula::Parameters),
    layers(Family::RmsNorm, Formula::Parameters),
    layers(Family::GroupNorm, Formula::Parameters),
    layers(Family::InstanceNorm, Formula::Parameters),
    layers(Family::PRelu, Formula::Parameters),
    layers(Family::Other, Formula::Parameters),
];

// calflops/pytorch_ops.py: the second number of each function
const CALFLOPS: &[Row] = &[
    anywhere(Family::Convolution, Formula::Macs),
    anywhere(Family::TransposedConvolution, Formula::Macs),
    anywhere(Family::Linear, Formula::Macs),
    anywhere(Family::MatMul, Formula::Macs),
];

impl Convention {
    /// All conventions, nasc's own first.
    pub const ALL: &'static [Convention] = &[
        Convention::Nasc,
        Convention::Torch,
        Convention::Fvcore,
        Convention::Thop,
        Convention::Ptflops,
        Convention::Torchinfo,
        Convention::Calflops,
    ];

    /// The table: one row per family that counts.
    #[must_use]
    pub const fn rows(self) -> &'static [Row] {
        match self {
            Convention::Nasc => NASC,
            Convention::Torch => TORCH,
            Convention::Fvcore => FVCORE,
            Convention::Thop => THOP,
            Convention::Ptflops => PTFLOPS,
            Convention::Torchinfo => TORCHINFO,
            Convention::Calflops => CALFLOPS,
        }
    }

    /// What a node counts for one sample; saturates.
    #[must_use]
    pub fn count(self, graph: &Graph, node: &Node) -> u64 {
        let kind = family(&node.op);
        let Some(row) = self.rows().iter().find(|row| row.family == kind) else { return 0 };
        let module = graph.module(node.provenance.module);
        let formula = match module.filter(|module| module.layer.is_some()) {
            _ if node.provenance.by_name => row.named,
            Some(layer) if layer.is_derived => row.derived,
            Some(_) => row.layer,
            None => row.function,
        };
        count(formula, graph, node)
    }

    /// One sentence to print under a table.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        match self {
            Convention::Nasc => {
                "MACs of convolutions, linear and recurrent layers and matrix products, one sample, \
                 bias excluded, padding included; 1 MAC = 2 FLOPs"
            }
            Convention::Torch => {
                "as torch.utils.flop_counter (PyTorch 2.15): convolutions, linear layers, matrix \
                 products, GRU and RNN but not LSTM, bias excluded; 1 MAC = 2 FLOPs"
            }
            Convention::Fvcore => {
                "as fvcore 0.1.5: one flop per multiply-accumulate of convolutions, linear layers and \
                 matrix products, and normalisations, adaptive average pooling and resampling; \
                 1 MAC = 1 FLOP"
            }
            Convention::Thop => {
                "as thop 0.1.1: layers of torch.nn alone, no functions and no derived classes; \
                 normalisations and average pooling count, transposed convolutions by their output; \
                 1 MAC = 2 FLOPs"
            }
            Convention::Ptflops => {
                "as ptflops 0.7.5: layers of torch.nn and some functions, biases, normalisations, \
                 activations and pooling count; as there, layers that call such a function count \
                 twice; 1 MAC = 2 FLOPs"
            }
            Convention::Torchinfo => {
                "as torchinfo 1.8.0: weights and biases of layers, for each position of a \
                 convolution's output, once for other layers; no functions; 1 MAC = 2 FLOPs"
            }
            Convention::Calflops => {
                "as calflops 0.3.2: MACs of convolutions, linear layers and matrix products, bias \
                 excluded; 1 MAC = 2 FLOPs"
            }
        }
    }

    /// Floating-point operations per multiply-accumulate.
    #[must_use]
    pub const fn flops_per_mac(self) -> u64 {
        match self {
            Convention::Fvcore => 1,
            Convention::Nasc
            | Convention::Torch
            | Convention::Thop
            | Convention::Ptflops
            | Convention::Torchinfo
            | Convention::Calflops => 2,
        }
    }
}
