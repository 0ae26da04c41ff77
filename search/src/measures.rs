//! The descriptors an archive axis can be made of, by name, and their values for a network.
//! How the figures are computed is not here: the evaluator takes them from the compiler.

use crate::archive::{Measures, NotFinite};

/// Static figures of a network, for one example at a time.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CostFigures {
    /// Trainable parameters.
    pub params: u64,
    /// Multiply-accumulates of one forward pass (fvcore's count, the paper's "FLOPs").
    pub macs: u64,
    /// Layer instances registered in the network, as the paper counts depth.
    pub depth: u64,
    /// The largest `out_channels` of a Conv2d or `out_features` of a Linear.
    pub width: u64,
    /// Width divided by depth.
    pub width_to_depth: f64,
    /// Peak of simultaneously live activations, in bytes.
    pub peak_activation_bytes: u64,
    /// Seconds of a forward pass, measured; only where something asks for it.
    #[serde(default)]
    pub latency_seconds: Option<f64>,
}

/// A descriptor of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Descriptor {
    /// Largest layer width divided by depth.
    #[serde(alias = "ratio")]
    WidthToDepth,
    /// Multiply-accumulates of one forward pass, which the paper calls FLOPs.
    #[serde(alias = "flops")]
    Macs,
    /// Trainable parameters.
    Params,
    /// Peak of live activations in bytes.
    #[serde(alias = "peak_memory")]
    PeakActivationBytes,
    /// Number of registered layers.
    Depth,
    /// Largest layer width.
    Width,
    /// Seconds of a forward pass of one image, measured on this machine: runs with it do not repeat
    /// themselves.
    Latency,
}

impl Descriptor {
    /// All of them, in the order of documentation.
    pub const ALL: [Self; 7] = [
        Self::WidthToDepth,
        Self::Macs,
        Self::Params,
        Self::PeakActivationBytes,
        Self::Latency,
        Self::Depth,
        Self::Width,
    ];

    /// The descriptor of a name; `ratio`, `flops` and `peak_memory` are other words.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ratio" => Some(Self::WidthToDepth),
            "flops" => Some(Self::Macs),
            "peak_memory" => Some(Self::PeakActivationBytes),
            name => Self::ALL.into_iter().find(|descriptor| descriptor.name() == name),
        }
    }

    /// The name in configurations and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WidthToDepth => "width_to_depth",
            Self::Macs => "macs",
            Self::Params => "params",
            Self::PeakActivationBytes => "peak_activation_bytes",
            Self::Depth => "depth",
            Self::Width => "width",
            Self::Latency => "latency",
        }
    }

    /// The descriptor's value for a network, in its own unit.
    #[must_use]
    pub const fn value(self, cost: &CostFigures) -> f64 {
        match self {
            Self::WidthToDepth => cost.width_to_depth,
            Self::Macs => cost.macs as f64,
            Self::Params => cost.params as f64,
            Self::PeakActivationBytes => cost.peak_activation_bytes as f64,
            Self::Depth => cost.depth as f64,
            Self::Width => cost.width as f64,
            Self::Latency => match cost.latency_seconds {
                Some(seconds) => seconds,
                None => f64::NAN,
            },
        }
    }
}

/// A network's place in the space of these descriptors.
///
/// # Errors
/// [`NotFinite`] if the evaluator gave a ratio that is no number.
pub fn measures(descriptors: &[Descriptor], cost: &CostFigures) -> Result<Measures, NotFinite> {
    Measures::new(descriptors.iter().map(|descriptor| descriptor.value(cost)).collect())
}
