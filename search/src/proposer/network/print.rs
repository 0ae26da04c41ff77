//! A genome as a PyTorch class, as people write such networks: layers by kind and number, functions
//! for activations, a name for each value that is added later.

use super::{Activation, Bridge, Features, Genome, Layer, Signature, bridge};
use std::collections::{BTreeMap, BTreeSet};

const HEAD: &str = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n\
                    class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n";

/// The text; `None` if a step does not fit.
pub(super) fn source(genome: &Genome, signature: Signature) -> Option<String> {
    let mut printer = Printer::new(genome, genome.types(signature)?);
    for place in 0..genome.layers.len() {
        printer.step(place)?;
    }
    Some(printer.finish())
}

struct Printer<'a> {
    genome: &'a Genome,
    types: Vec<Features>,
    /// Places whose value is added later.
    kept: BTreeSet<usize>,
    names: BTreeMap<&'static str, u32>,
    init: Vec<String>,
    forward: Vec<String>,
}

impl<'a> Printer<'a> {
    fn new(genome: &'a Genome, types: Vec<Features>) -> Self {
        let from = |layer: &Layer| match layer {
            Layer::Skip { from } => Some(*from),
            _ => None,
        };
        let kept: BTreeSet<usize> = genome.layers.iter().filter_map(from).collect();
        let mut printer = Self {
            genome,
            types,
            kept,
            names: BTreeMap::new(),
            init: Vec::new(),
            forward: Vec::new(),
        };
        printer.keep(0);
        printer
    }

    /// Declares a layer under the next name of its kind, and applies it.
    fn layer(&mut self, kind: &'static str, constructor: &str) -> String {
        let number = self.names.entry(kind).or_default();
        *number += 1;
        let name = format!("{kind}{number}");
        self.init.push(format!("self.{name} = nn.{constructor}"));
        format!("self.{name}(x)")
    }

    fn step(&mut self, place: usize) -> Option<()> {
        let features = *self.types.get(place)?;
        let value = match *self.genome.layers.get(place)? {
            Layer::Conv { out, kernel, stride, padding } => {
                let channels = features.channels;
                let window = window(stride, padding, 1);
                self.layer("conv", &format!("Conv2d({channels}, {out}, {kernel}{window})"))
            }
            Layer::Linear { out } => {
                self.layer("fc", &format!("Linear({}, {out})", features.channels))
            }
            Layer::BatchNorm => {
                let dimensions = if features.size.is_some() { 2 } else { 1 };
                let channels = features.channels;
                self.layer("norm", &format!("BatchNorm{dimensions}d({channels})"))
            }
            Layer::Pool { average, kernel, stride, padding } => {
                let class = if average { "AvgPool2d" } else { "MaxPool2d" };
                let window = window(stride, padding, kernel);
                self.layer("pool", &format!("{class}({kernel}{window})"))
            }
            Layer::AdaptivePool { size } => {
                self.layer("pool", &format!("AdaptiveAvgPool2d({size})"))
            }
            Layer::Dropout { percent } => {
                self.layer("drop", &format!("Dropout({:?})", percent as f64 / 100.0))
            }
            Layer::Activation(activation) => format!("{}(x)", function(activation)),
            Layer::Flatten => "torch.flatten(x, 1)".to_owned(),
            Layer::Skip { from } => self.addition(from, features)?,
        };
        self.apply(place, &value);
        Some(())
    }

    /// `x + kept`, through a projection where the types differ.
    fn addition(&mut self, from: usize, to: Features) -> Option<String> {
        let source = *self.types.get(from)?;
        let value = match bridge(source, to)? {
            Bridge::Plain => kept(from),
            Bridge::Projected { stride } => {
                let (channels, out) = (source.channels, to.channels);
                let window = window(stride, 0, 1);
                let call = self.layer("project", &format!("Conv2d({channels}, {out}, 1{window})"));
                call.replace("(x)", &format!("({})", kept(from)))
            }
        };
        Some(format!("x + {value}"))
    }

    /// A line of `forward`; an activation goes around the call before it.
    fn apply(&mut self, place: usize, value: &str) {
        let is_function = matches!(self.genome.layers.get(place), Some(Layer::Activation(_)));
        let previous =
            self.forward.last_mut().filter(|_| is_function && !self.kept.contains(&place));
        match previous.and_then(|line| Some((line.strip_prefix("x = ")?.to_owned(), line))) {
            Some((inner, line)) => {
                *line = format!("x = {}", value.replace("(x)", &format!("({inner})")))
            }
            None => self.forward.push(format!("x = {value}")),
        }
        self.keep(place + 1);
    }

    fn keep(&mut self, place: usize) {
        if self.kept.contains(&place) {
            self.forward.push(format!("{} = x", kept(place)));
        }
    }

    fn finish(self) -> String {
        let lines = |lines: &[String]| -> String {
            lines.iter().map(|line| format!("        {line}\n")).collect()
        };
        format!(
            "{HEAD}{}\n    def forward(self, x):\n{}        return x\n",
            lines(&self.init),
            lines(&self.forward)
        )
    }
}

/// The name of the value after so many steps.
fn kept(place: usize) -> String {
    format!("kept{place}")
}

/// `, stride=2, padding=1`, without what is the default.
fn window(stride: u64, padding: u64, default_stride: u64) -> String {
    let stride =
        if stride == default_stride { String::new() } else { format!(", stride={stride}") };
    let padding = if padding == 0 { String::new() } else { format!(", padding={padding}") };
    stride + &padding
}

const fn function(activation: Activation) -> &'static str {
    match activation {
        Activation::Relu => "F.relu",
        Activation::LeakyRelu => "F.leaky_relu",
        Activation::Gelu => "F.gelu",
        Activation::Silu => "F.silu",
        Activation::Sigmoid => "torch.sigmoid",
        Activation::Tanh => "torch.tanh",
    }
}
