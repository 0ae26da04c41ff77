//! Chains of layers with residual additions, as the proposers without a language model write them:
//! read from a typed graph (`read`), edited (`edit`), drawn (`draw`), printed as PyTorch (`print`).
//! Every edit ends in [`Genome::settled`], which mends what no longer fits, so that what is printed
//! checks. Deliberately not here: other networks; a parent that is no such chain is not edited.

mod draw;
mod edit;
mod print;
mod read;
#[cfg(test)]
mod tests;

use super::NetworkSource;
use crate::config::BudgetConfig;
use crate::run::Task;
use nasc_compiler::ir::{CheckedGraph, Dim, Shape};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, Limits, canon, compile, cost};
use rand_chacha::ChaCha8Rng;

/// At most this many layers.
const MOST_LAYERS: usize = 48;
/// A head flattens up to this many features, and pools where there are more.
const HEAD_FEATURES: u64 = 1024;

/// An activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activation {
    Relu,
    LeakyRelu,
    Gelu,
    Silu,
    Sigmoid,
    Tanh,
}

/// One step of the chain. What its input is follows from the steps before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// A convolution of one group, with a bias.
    Conv {
        out: u64,
        kernel: u64,
        stride: u64,
        padding: u64,
    },
    Linear {
        out: u64,
    },
    BatchNorm,
    Activation(Activation),
    /// Max or average pooling with a window.
    Pool {
        average: bool,
        kernel: u64,
        stride: u64,
        padding: u64,
    },
    /// Average pooling to a square of this side.
    AdaptivePool {
        size: u64,
    },
    /// Dropout with a probability in percent.
    Dropout {
        percent: u64,
    },
    Flatten,
    /// Adds the value after so many steps, 0 being the input; through a 1×1 convolution where
    /// channels or extents differ.
    Skip {
        from: usize,
    },
}

/// Type of one sample between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Features {
    /// Channels of an image, features otherwise.
    channels: u64,
    /// Height and width of an image.
    size: Option<[u64; 2]>,
}

impl Features {
    fn count(self) -> u64 {
        let [height, width] = self.size.unwrap_or([1, 1]);
        self.channels.saturating_mul(height).saturating_mul(width)
    }

    const fn flat(features: u64) -> Self {
        Self { channels: features, size: None }
    }

    /// An image whose axes a window has gone over.
    fn windowed(self, channels: u64, kernel: u64, stride: u64, padding: u64) -> Option<Self> {
        let along = |length: u64| {
            let room = (length + 2 * padding).checked_sub(kernel)?;
            Some(room.checked_div(stride)? + 1)
        };
        let [height, width] = self.size?;
        Some(Self { channels, size: Some([along(height)?, along(width)?]) })
    }

    /// The stride of a 1×1 convolution that brings this image to the extents of another.
    fn stride_to(self, other: Self) -> Option<u64> {
        let ([height, width], [to_height, to_width]) = (self.size?, other.size?);
        let stride = height.checked_div(to_height)?.max(1);
        (height.div_ceil(stride) == to_height && width.div_ceil(stride) == to_width)
            .then_some(stride)
    }
}

/// How the value of a [`Layer::Skip`] comes to the type of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bridge {
    Plain,
    /// Through a 1×1 convolution of this stride.
    Projected {
        stride: u64,
    },
}

fn bridge(from: Features, to: Features) -> Option<Bridge> {
    if from == to {
        return Some(Bridge::Plain);
    }
    from.stride_to(to).map(|stride| Bridge::Projected { stride })
}

impl Layer {
    /// What it makes of a sample; `None` where it does not fit.
    fn after(self, features: Features) -> Option<Features> {
        match self {
            Self::Conv { out, kernel, stride, padding } => {
                features.windowed(out, kernel, stride, padding)
            }
            Self::Pool { kernel, stride, padding, .. } => {
                let fits = padding * 2 <= kernel;
                fits.then(|| features.windowed(features.channels, kernel, stride, padding))?
            }
            Self::AdaptivePool { size } => {
                features.size.map(|_| Features { size: Some([size, size]), ..features })
            }
            Self::Flatten => features.size.map(|_| Features::flat(features.count())),
            Self::Linear { out } => features.size.is_none().then_some(Features::flat(out)),
            Self::BatchNorm | Self::Activation(_) | Self::Dropout { .. } | Self::Skip { .. } => {
                Some(features)
            }
        }
    }

    /// Whether it has weights that mix features.
    const fn is_weighted(self) -> bool {
        matches!(self, Self::Conv { .. } | Self::Linear { .. })
    }
}

/// A network of a task's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Genome {
    layers: Vec<Layer>,
}

/// What a network takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signature {
    input: [u64; 3],
    classes: u64,
}

impl Signature {
    const fn features(self) -> Features {
        let [channels, height, width] = self.input;
        Features { channels, size: Some([height, width]) }
    }
}

impl Genome {
    /// The types between the steps, the input's first; `None` if a step does not fit.
    fn types(&self, signature: Signature) -> Option<Vec<Features>> {
        let mut types = vec![signature.features()];
        for &layer in &self.layers {
            let features = *types.last()?;
            if let Layer::Skip { from } = layer {
                bridge(*types.get(from)?, features)?;
            }
            types.push(layer.after(features)?);
        }
        Some(types)
    }

    /// The network with the steps that fit, flattened before its first linear layer and ended by one
    /// of the signature's classes.
    fn settled(&self, signature: Signature) -> Self {
        let mut settled = Settling::new(signature);
        for &layer in self.layers.iter().take(MOST_LAYERS) {
            settled.push_fitting(layer);
        }
        settled.end(signature);
        Self { layers: settled.layers }
    }
}

/// A genome while it is mended.
struct Settling {
    layers: Vec<Layer>,
    types: Vec<Features>,
    /// For each old place between steps the new one; `None` where the value is gone.
    places: Vec<usize>,
}

impl Settling {
    fn new(signature: Signature) -> Self {
        Self { layers: Vec::new(), types: vec![signature.features()], places: vec![0] }
    }

    fn features(&self) -> Features {
        self.types.last().copied().unwrap_or(Features::flat(1))
    }

    fn push_fitting(&mut self, layer: Layer) {
        let features = self.features();
        match layer {
            Layer::Linear { .. } if features.size.is_some() => {
                self.push(Layer::Flatten);
                self.push(layer);
            }
            Layer::Skip { from } => {
                let from = self.places.get(from).copied().unwrap_or(0);
                let source = self.types.get(from).copied();
                let fits = source.is_some_and(|source| bridge(source, features).is_some());
                if fits && from < self.layers.len() {
                    self.push(Layer::Skip { from });
                }
            }
            // Equal neighbours that change nothing the second time.
            Layer::BatchNorm
            | Layer::Activation(_)
            | Layer::Dropout { .. }
            | Layer::AdaptivePool { .. }
                if self.layers.last() == Some(&layer) => {}
            _ => self.push(layer),
        }
        self.places.push(self.layers.len());
    }

    /// Appends a layer if it fits and leaves anything over.
    fn push(&mut self, layer: Layer) {
        let after = layer.after(self.features()).filter(|after| after.count() > 0);
        if let Some(after) = after {
            self.layers.push(layer);
            self.types.push(after);
        }
    }

    /// The classifier.
    fn end(&mut self, signature: Signature) {
        let wanted = Features::flat(signature.classes);
        if self.features() == wanted && self.layers.iter().any(|layer| layer.is_weighted()) {
            return;
        }
        if self.features().count() > HEAD_FEATURES && self.features().size.is_some() {
            self.push(Layer::AdaptivePool { size: 1 });
        }
        self.push(Layer::Flatten);
        self.push(Layer::Linear { out: signature.classes });
    }
}

/// The space of such networks within a budget.
#[derive(Debug, Clone, Copy)]
pub struct NetworkSpace {
    signature: Signature,
    max_params: u64,
    max_macs: u64,
}

/// Edits that are tried before a network is given up and drawn anew.
const TRIES: u32 = 32;

impl NetworkSpace {
    /// The networks of a task that keep to a budget.
    #[must_use]
    pub const fn new(task: &Task, budget: &BudgetConfig) -> Self {
        let signature = Signature { input: task.input, classes: task.classes };
        Self { signature, max_params: budget.max_params, max_macs: budget.max_macs }
    }

    fn compile(&self, source: &str) -> Option<CheckedGraph> {
        let [channels, height, width] = self.signature.input;
        let mut options = CompileOptions::image(channels, height, width);
        options.training = true;
        options.limits = Limits::candidate();
        let file = SourceFile::new("candidate.py", source);
        compile(&file, &options).ok().map(|compiled| compiled.graph)
    }

    fn read(&self, source: &str) -> Option<Genome> {
        let genome = read::genome(&self.compile(source)?)?;
        genome.types(self.signature).is_some().then_some(genome)
    }

    /// The text of a network that checks and keeps to the budget.
    fn admitted(&self, genome: &Genome) -> Option<String> {
        let source = print::source(genome, self.signature)?;
        let graph = self.compile(&source)?;
        let expected = Shape(vec![Dim::N, Dim::Known(self.signature.classes)]);
        let output = graph.tensor_type(*graph.outputs.first()?)?;
        let cost = cost::analyze(&graph);
        let fits = cost.trainable_params <= self.max_params && cost.macs <= self.max_macs;
        (fits && output.shape == expected).then_some(source)
    }

    /// The first of several tries that is admitted and is none of `known`.
    fn first_admitted(
        &self,
        known: &[&Genome],
        mut tried: impl FnMut() -> Option<Genome>,
    ) -> Option<String> {
        (0..TRIES).find_map(|_| {
            let genome = tried()?.settled(self.signature);
            if known.contains(&&genome) { None } else { self.admitted(&genome) }
        })
    }
}

impl NetworkSource for NetworkSpace {
    fn random(&self, rng: &mut ChaCha8Rng) -> String {
        let drawn = self.first_admitted(&[], || Some(draw::genome(self.signature, rng)));
        drawn.unwrap_or_else(|| {
            let smallest = Genome { layers: Vec::new() }.settled(self.signature);
            print::source(&smallest, self.signature).unwrap_or_default()
        })
    }

    fn mutate(&self, parent: &str, rng: &mut ChaCha8Rng) -> String {
        let child = self.read(parent).and_then(|parent| {
            let parent = parent.settled(self.signature);
            self.first_admitted(&[&parent], || edit::mutated(&parent, self.signature, rng))
        });
        child.unwrap_or_else(|| self.random(rng))
    }

    fn fingerprint(&self, source: &str) -> Option<String> {
        self.compile(source).map(|graph| canon::hash(&graph).to_string())
    }

    fn crossover(&self, first: &str, second: &str, rng: &mut ChaCha8Rng) -> String {
        let parents = self.read(first).zip(self.read(second));
        let child = parents.and_then(|(first, second)| {
            let [a, b] = [first, second].map(|parent| parent.settled(self.signature));
            self.first_admitted(&[&a, &b], || edit::spliced(&a, &b, self.signature, rng))
        });
        child.unwrap_or_else(|| self.mutate(first, rng))
    }
}
