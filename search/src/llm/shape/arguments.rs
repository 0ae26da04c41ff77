//! The layers and arguments that leave the network closable within its limits.

use super::grammar::Program;
use super::network::{Draft, LayerKind, MIN_WEIGHTED, Role};
use super::number::Numbers;

/// Most channels of a convolution's result.
const MAX_CHANNELS: u64 = 512;
/// Most features of a linear layer's result.
const MAX_FEATURES: u64 = 1024;
/// Fewest channels of a convolution's result, and features between linear layers, where there is
/// room: fewer choke what comes after.
const MIN_CHANNELS: u64 = 8;
const MIN_HIDDEN: u64 = 32;
/// Largest window of a convolution.
const MAX_CONV_KERNEL: u64 = 11;
/// Largest window and stride of a pooling layer.
const MAX_POOL_KERNEL: u64 = 8;
/// Largest stride of a convolution.
const MAX_CONV_STRIDE: u64 = 4;
/// Results of adaptive pooling, the largest first.
const POOL_SIZES: [u64; 3] = [4, 2, 1];
/// The ending flattens up to this many features, and pools where there are more.
const ENDING_FEATURES: u64 = 1024;
/// Features between the layers of an ending that needs two linear ones.
const ENDING_HIDDEN: u64 = 64;
/// Channels of a convolution that the ending has to finish.
const ENDING_CHANNELS: u64 = 16;

impl Program {
    /// Whether the network with this layer can be closed within its limits.
    pub(super) fn allowed(&self, layer: &Draft) -> bool {
        self.totals.with(layer).is_some_and(|totals| self.limits.fits(&totals))
    }

    /// Whether a layer of this kind may come next, with some arguments.
    pub(super) fn possible(&self, kind: LayerKind) -> bool {
        let last = self.totals.last;
        let layer = Draft::new(kind);
        let waits = self.missing_convolutions() > 0
            && kind != LayerKind::Conv2d
            && self.possible(LayerKind::Conv2d);
        let is_early = match kind.role() {
            Role::Pool => kind == LayerKind::AdaptiveAvgPool2d || self.totals.convolutions == 0,
            Role::Flatten => true,
            Role::Weighted => kind == LayerKind::Linear,
            Role::Norm | Role::Dropout | Role::Activation => self.totals.convolutions == 0,
        };
        if waits && is_early {
            return false;
        }
        match kind {
            LayerKind::Conv2d => self.allowed(&cheapest_window(&layer)),
            LayerKind::Linear => self.allowed(&Draft { output: self.limits.classes, ..layer }),
            LayerKind::MaxPool2d | LayerKind::AvgPool2d => !self.pool_kernels().is_empty(),
            LayerKind::AdaptiveAvgPool2d => !self.pool_sizes().is_empty(),
            LayerKind::BatchNorm1d
            | LayerKind::BatchNorm2d
            | LayerKind::Dropout
            | LayerKind::Dropout2d => {
                last.map(LayerKind::role) != Some(kind.role()) && self.allowed(&layer)
            }
            LayerKind::Relu
            | LayerKind::LeakyRelu
            | LayerKind::Gelu
            | LayerKind::Silu
            | LayerKind::Sigmoid
            | LayerKind::Tanh
            | LayerKind::Flatten => last != Some(kind) && self.allowed(&layer),
        }
    }

    /// Convolutions that the target still asks for; none once the image is flat.
    pub(super) fn missing_convolutions(&self) -> u64 {
        let wanted = self.limits.convolutions.saturating_sub(self.totals.convolutions);
        if self.totals.features.size().is_some() { wanted } else { 0 }
    }

    /// What the ending declares next.
    pub(super) fn closing_kind(&self) -> LayerKind {
        if self.missing_convolutions() > 0 && self.possible(LayerKind::Conv2d) {
            return LayerKind::Conv2d;
        }
        let linear = Draft { output: self.limits.classes, ..Draft::new(LayerKind::Linear) };
        let many = self.totals.features.count() > ENDING_FEATURES;
        if self.pool_sizes().is_empty() || (!many && self.allowed(&linear)) {
            LayerKind::Linear
        } else {
            LayerKind::AdaptiveAvgPool2d
        }
    }

    /// Channels or features of the result: those that do not choke the network, or the classes.
    pub(super) fn outputs(&self, layer: &Draft) -> Vec<Numbers> {
        let linear = layer.kind == LayerKind::Linear;
        let last = linear && self.totals.weighted + 1 >= MIN_WEIGHTED;
        let ending = last.then(|| Numbers::Set(vec![self.limits.classes]));
        let wide = if linear { MIN_HIDDEN.max(self.limits.classes + 1) } else { MIN_CHANNELS };
        let least = if linear { self.limits.classes } else { 1 };
        let hidden = match self.range(layer, wide) {
            Some(range) => Some(range),
            None if last => None,
            None => self.range(layer, least),
        };
        ending.into_iter().chain(hidden).collect()
    }

    /// The outputs from `low` on that keep to the limits. The cost grows with them.
    fn range(&self, layer: &Draft, low: u64) -> Option<Numbers> {
        let linear = layer.kind == LayerKind::Linear;
        let most = if linear { MAX_FEATURES } else { MAX_CHANNELS };
        let fits = |output| {
            let layer = Draft { output, ..*layer };
            if linear { self.allowed(&layer) } else { self.allowed(&cheapest_window(&layer)) }
        };
        let (mut high, mut over) = (low, most.max(low) + 1);
        while high + 1 < over {
            let middle = high.midpoint(over);
            if fits(middle) { high = middle } else { over = middle }
        }
        let wish = if linear { ENDING_HIDDEN } else { ENDING_CHANNELS };
        let preferred = wish.clamp(low, high);
        fits(low).then_some(Numbers::Range { low, high, preferred })
    }

    /// Windows of a convolution for which some stride and padding will do, 3 first.
    pub(super) fn conv_kernels(&self, layer: &Draft) -> Vec<u64> {
        if self.totals.features.size().is_none() {
            return Vec::new();
        }
        let fits = |kernel: &u64| {
            let layer = Draft { kernel: *kernel, ..*layer };
            !self.conv_strides(&layer).is_empty()
        };
        let mut kernels: Vec<u64> = (1..=MAX_CONV_KERNEL).filter(fits).collect();
        kernels.sort_by_key(|kernel| *kernel != 3);
        kernels
    }

    /// Strides of a convolution for which some padding will do.
    pub(super) fn conv_strides(&self, layer: &Draft) -> Vec<u64> {
        let fits = |stride: &u64| {
            let layer = Draft { stride: Some(*stride), ..*layer };
            !self.paddings(&layer).is_empty()
        };
        (1..=MAX_CONV_STRIDE).filter(fits).collect()
    }

    /// Paddings of a convolution: at most half the window, as PyTorch's pooling has it.
    pub(super) fn paddings(&self, layer: &Draft) -> Vec<u64> {
        let fits = |padding: &u64| self.allowed(&Draft { padding: *padding, ..*layer });
        (0..=layer.kernel / 2).filter(fits).collect()
    }

    /// Windows of pooling.
    pub(super) fn pool_kernels(&self) -> Vec<u64> {
        let Some((height, width)) = self.totals.features.size() else { return Vec::new() };
        if !self.allowed(&Draft::new(LayerKind::MaxPool2d)) {
            return Vec::new();
        }
        (2..=height.min(width).min(MAX_POOL_KERNEL)).collect()
    }

    /// Strides of pooling.
    pub(super) fn pool_strides(&self) -> Vec<u64> {
        (1..=self.draft.kernel).collect()
    }

    /// Results of adaptive pooling, which only shrinks; what the ending takes comes first.
    pub(super) fn pool_sizes(&self) -> Vec<u64> {
        let Some((height, width)) = self.totals.features.size() else { return Vec::new() };
        let smaller = |size: &u64| *size <= height.min(width) && (*size, *size) != (height, width);
        let pooled = |size: u64| Draft { kernel: size, ..Draft::new(LayerKind::AdaptiveAvgPool2d) };
        let mut sizes: Vec<u64> = POOL_SIZES
            .into_iter()
            .filter(|size| smaller(size) && self.allowed(&pooled(*size)))
            .collect();
        sizes.sort_by_key(|size| !self.linear_closes(&pooled(*size)));
        sizes
    }

    /// Whether the ending can go on with a linear layer after this one.
    fn linear_closes(&self, layer: &Draft) -> bool {
        let linear = Draft { output: self.limits.classes, ..Draft::new(LayerKind::Linear) };
        self.totals
            .with(layer)
            .filter(|totals| totals.features.count() <= ENDING_FEATURES)
            .and_then(|totals| totals.with(&linear))
            .is_some_and(|totals| self.limits.fits(&totals))
    }
}

/// A convolution with the window and stride that cost least.
const fn cheapest_window(layer: &Draft) -> Draft {
    Draft { kernel: 1, stride: Some(MAX_CONV_STRIDE), padding: 0, ..*layer }
}
