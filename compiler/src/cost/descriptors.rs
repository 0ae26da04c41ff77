//! Width, depth and their ratio: the first descriptor of the network archive.
//! Definition: LLMatic (arXiv 2306.01102) and its authors' list of layer types.

use crate::ir::Graph;

/// Layer types that count towards the depth, one per registered instance.
const DEPTH_LAYERS: &[&str] = &[
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LocalResponseNorm",
    "Linear",
    "Bilinear",
    "Dropout",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "EmbeddingBag",
    "RNN",
    "LSTM",
    "GRU",
    "ReLU",
    "ReLU6",
    "PReLU",
    "RReLU",
    "SELU",
    "CELU",
    "ELU",
    "GELU",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "LogSigmoid",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanhshrink",
    "Threshold",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "Softmax",
    "Softmin",
    "LogSoftmax",
];

/// Number of registered layers of the types that count; a layer used twice counts once, a function
/// never.
#[must_use]
pub fn depth(graph: &Graph) -> u64 {
    let layers = graph.modules.iter().filter_map(|module| module.layer.as_deref());
    layers.filter(|layer| DEPTH_LAYERS.contains(layer)).count() as u64
}

/// Layer types whose output counts towards the width.
const WIDTH_LAYERS: &[&str] = &["Conv2d", "Linear", "Bilinear"];

/// The largest `out_channels` of a two-dimensional convolution or `out_features` of a linear layer;
/// 0 without any.
#[must_use]
pub fn width(graph: &Graph) -> u64 {
    let counted = graph.modules.iter().filter(|module| {
        module.layer.as_deref().is_some_and(|layer| WIDTH_LAYERS.contains(&layer))
    });
    counted.filter_map(|module| module.out_features).max().unwrap_or(0)
}

/// Width divided by depth; 0 for a network without layers.
#[must_use]
pub fn width_to_depth(graph: &Graph) -> f64 {
    match depth(graph) {
        0 => 0.0,
        depth => width(graph) as f64 / depth as f64,
    }
}
