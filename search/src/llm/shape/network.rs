//! The network declared so far: its shape, what it costs, and the cheapest way to close it.
//! Deliberately not here: text (see `grammar`).

use super::super::ShapeTarget;

/// At most this many layers are declared.
pub(super) const MAX_LAYERS: u64 = 24;
/// At least this many layers with weights that mix features (convolutions, linear) are declared.
pub(super) const MIN_WEIGHTED: u64 = 2;

/// The layers that a network may consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayerKind {
    Conv2d,
    Linear,
    BatchNorm1d,
    BatchNorm2d,
    Dropout,
    Dropout2d,
    MaxPool2d,
    AvgPool2d,
    AdaptiveAvgPool2d,
    Relu,
    LeakyRelu,
    Gelu,
    Silu,
    Sigmoid,
    Tanh,
    Flatten,
}

/// What a layer is to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Weighted,
    Norm,
    Dropout,
    Pool,
    Activation,
    Flatten,
}

impl LayerKind {
    pub(super) const ALL: [LayerKind; 16] = [
        LayerKind::Conv2d,
        LayerKind::Linear,
        LayerKind::BatchNorm1d,
        LayerKind::BatchNorm2d,
        LayerKind::Dropout,
        LayerKind::Dropout2d,
        LayerKind::MaxPool2d,
        LayerKind::AvgPool2d,
        LayerKind::AdaptiveAvgPool2d,
        LayerKind::Relu,
        LayerKind::LeakyRelu,
        LayerKind::Gelu,
        LayerKind::Silu,
        LayerKind::Sigmoid,
        LayerKind::Tanh,
        LayerKind::Flatten,
    ];

    pub(super) const fn role(self) -> Role {
        match self {
            LayerKind::Conv2d | LayerKind::Linear => Role::Weighted,
            LayerKind::BatchNorm1d | LayerKind::BatchNorm2d => Role::Norm,
            LayerKind::Dropout | LayerKind::Dropout2d => Role::Dropout,
            LayerKind::MaxPool2d | LayerKind::AvgPool2d | LayerKind::AdaptiveAvgPool2d => {
                Role::Pool
            }
            LayerKind::Relu
            | LayerKind::LeakyRelu
            | LayerKind::Gelu
            | LayerKind::Silu
            | LayerKind::Sigmoid
            | LayerKind::Tanh => Role::Activation,
            LayerKind::Flatten => Role::Flatten,
        }
    }

    /// Whether it works on `[N, C, H, W]` only.
    const fn needs_image(self) -> bool {
        matches!(
            self,
            LayerKind::Conv2d
                | LayerKind::BatchNorm2d
                | LayerKind::Dropout2d
                | LayerKind::MaxPool2d
                | LayerKind::AvgPool2d
                | LayerKind::AdaptiveAvgPool2d
                | LayerKind::Flatten
        )
    }
}

/// A layer with its arguments; those that its kind does not have are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) kind: LayerKind,
    /// Channels or features of the result.
    pub(super) output: u64,
    /// Of the window; of the result, for adaptive pooling.
    pub(super) kernel: u64,
    /// Where it is not written: 1, or the window of a pooling layer.
    pub(super) stride: Option<u64>,
    pub(super) padding: u64,
}

impl Draft {
    pub(super) const fn new(kind: LayerKind) -> Draft {
        Draft { kind, output: 1, kernel: 1, stride: None, padding: 0 }
    }

    /// Length of the result along an axis of this length, if the window fits.
    /// PyTorch's `Conv2d` and `MaxPool2d` documentation, with dilation 1.
    fn windows(&self, length: u64) -> Option<u64> {
        let room = (length + 2 * self.padding).checked_sub(self.kernel)?;
        let pooling = self.kind.role() == Role::Pool;
        let stride = self.stride.unwrap_or(if pooling { self.kernel } else { 1 });
        Some(room.checked_div(stride)? + 1)
    }
}

/// Type of one sample between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Features {
    /// `[C, H, W]`.
    Image { channels: u64, height: u64, width: u64 },
    /// `[F]`.
    Flat(u64),
}

impl Features {
    pub(super) const fn count(self) -> u64 {
        match self {
            Features::Image { channels, height, width } => {
                channels.saturating_mul(height).saturating_mul(width)
            }
            Features::Flat(features) => features,
        }
    }

    /// Channels of an image, features otherwise.
    pub(super) const fn channels(self) -> u64 {
        match self {
            Features::Image { channels, .. } => channels,
            Features::Flat(features) => features,
        }
    }

    /// Height and width of an image.
    pub(super) const fn size(self) -> Option<(u64, u64)> {
        match self {
            Features::Image { height, width, .. } => Some((height, width)),
            Features::Flat(_) => None,
        }
    }
}

/// The declared layers taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) features: Features,
    pub(super) last: Option<LayerKind>,
    /// Layers with weights that mix features.
    pub(super) weighted: u64,
    pub(super) convolutions: u64,
    layers: u64,
    params: u64,
    macs: u64,
}

/// What networks must keep to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) classes: u64,
    /// Convolutions before the first linear layer.
    pub(super) convolutions: u64,
    max_params: u64,
    max_macs: u64,
}

impl Totals {
    pub(super) fn new(target: &ShapeTarget) -> Totals {
        let [channels, height, width] = target.input.map(|extent| extent.max(1));
        let features = Features::Image { channels, height, width };
        Totals { features, last: None, weighted: 0, convolutions: 0, layers: 0, params: 0, macs: 0 }
    }

    /// With one more layer; `None` where its shape rule forbids it.
    pub(super) fn with(&self, layer: &Draft) -> Option<Totals> {
        if layer.kind.needs_image() && self.features.size().is_none() {
            return None;
        }
        let features = self.features_after(layer)?;
        let (params, macs) = self.cost(layer, features);
        Some(Totals {
            features,
            last: Some(layer.kind),
            weighted: self.weighted + u64::from(layer.kind.role() == Role::Weighted),
            convolutions: self.convolutions + u64::from(layer.kind == LayerKind::Conv2d),
            layers: self.layers + 1,
            params: self.params.saturating_add(params),
            macs: self.macs.saturating_add(macs),
        })
    }

    fn features_after(&self, layer: &Draft) -> Option<Features> {
        let (channels, size) = (self.features.channels(), self.features.size());
        let image = |channels: u64| {
            let (height, width) = size?;
            let (height, width) = (layer.windows(height)?, layer.windows(width)?);
            Some(Features::Image { channels, height, width })
        };
        match layer.kind {
            LayerKind::Conv2d => image(layer.output),
            LayerKind::MaxPool2d | LayerKind::AvgPool2d => image(channels),
            LayerKind::AdaptiveAvgPool2d => {
                Some(Features::Image { channels, height: layer.kernel, width: layer.kernel })
            }
            LayerKind::Linear => Some(Features::Flat(layer.output)),
            LayerKind::Flatten => Some(Features::Flat(self.features.count())),
            LayerKind::BatchNorm1d if size.is_some() => None,
            LayerKind::BatchNorm1d
            | LayerKind::BatchNorm2d
            | LayerKind::Dropout
            | LayerKind::Dropout2d
            | LayerKind::Relu
            | LayerKind::LeakyRelu
            | LayerKind::Gelu
            | LayerKind::Silu
            | LayerKind::Sigmoid
            | LayerKind::Tanh => Some(self.features),
        }
    }

    /// Parameters and MACs of one layer, counted as `nasc_compiler::cost` does.
    fn cost(&self, layer: &Draft, after: Features) -> (u64, u64) {
        match layer.kind {
            LayerKind::Conv2d => {
                let window = layer.kernel.saturating_mul(layer.kernel);
                let weights = self.features.channels().saturating_mul(window);
                let params = weights.saturating_add(1).saturating_mul(layer.output);
                (params, weights.saturating_mul(after.count()))
            }
            LayerKind::Linear => linear_cost(self.features.count(), layer.output),
            _ if layer.kind.role() == Role::Norm => (self.features.channels().saturating_mul(2), 0),
            _ => (0, 0),
        }
    }
}

impl Limits {
    /// The target's limits; budgets below the cheapest network of the signature are raised to it.
    pub(super) fn new(target: &ShapeTarget) -> Limits {
        let classes = target.classes.max(1);
        let convolutions = target.convolutions;
        let mut limits = Limits { classes, convolutions, max_params: u64::MAX, max_macs: u64::MAX };
        let (_, params, macs) = limits.closing(&Totals::new(target));
        limits.max_params = target.max_params.max(params);
        limits.max_macs = target.max_macs.max(macs);
        limits
    }

    /// Whether the network may end here.
    pub(super) fn ended(&self, totals: &Totals) -> bool {
        totals.last == Some(LayerKind::Linear)
            && totals.features == Features::Flat(self.classes)
            && totals.weighted >= MIN_WEIGHTED
    }

    /// Whether the network, closed in the cheapest way, keeps to the limits.
    pub(super) fn fits(&self, totals: &Totals) -> bool {
        let (layers, params, macs) = self.closing(totals);
        totals.layers + layers <= MAX_LAYERS
            && totals.params.saturating_add(params) <= self.max_params
            && totals.macs.saturating_add(macs) <= self.max_macs
    }

    /// Layers that the cheapest closing adds.
    pub(super) fn closing_layers(&self, totals: &Totals) -> u64 {
        self.closing(totals).0
    }

    /// Layers, parameters and MACs of the cheapest closing: average pooling to 1x1 and linear
    /// layers of `classes` features.
    fn closing(&self, totals: &Totals) -> (u64, u64, u64) {
        if self.ended(totals) {
            return (0, 0, 0);
        }
        let pooling = u64::from(totals.features.size().is_some_and(|size| size != (1, 1)));
        let (mut params, mut macs) = linear_cost(totals.features.channels(), self.classes);
        let more = MIN_WEIGHTED.saturating_sub(totals.weighted).saturating_sub(1);
        let (hidden_params, hidden_macs) = linear_cost(self.classes, self.classes);
        params = params.saturating_add(hidden_params.saturating_mul(more));
        macs = macs.saturating_add(hidden_macs.saturating_mul(more));
        (pooling + 1 + more, params, macs)
    }
}

/// Parameters and MACs of `Linear(input, output)`.
const fn linear_cost(input: u64, output: u64) -> (u64, u64) {
    let macs = input.saturating_mul(output);
    (macs.saturating_add(output), macs)
}
