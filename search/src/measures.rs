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
}

/// A descriptor of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Descriptor {
    /// Largest layer width divided by depth.
    WidthToDepth,
    /// Multiply-accumulates of one forward pass.
    Macs,
    /// Trainable parameters.
    Params,
    /// Peak of live activations in bytes.
    PeakActivationBytes,
    /// Number of registered layers.
    Depth,
    /// Largest layer width.
    Width,
}

impl Descriptor {
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
