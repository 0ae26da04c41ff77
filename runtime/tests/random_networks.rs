//! Networks from a generator: the static plan and candle must agree on loss, gradients and training.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use nasc_compiler::ir::CheckedGraph;
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::backend::candle::CandleBackend;
use nasc_runtime::backend::{Backend, Batch, SgdStep};
use nasc_runtime::init;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A network under construction: its layers, its forward, and the shape so far.
struct Draft {
    random: ChaCha8Rng,
    layers: String,
    forward: String,
    channels: usize,
    size: [usize; 2],
    count: usize,
}

impl Draft {
    fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound as u64) as usize
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        let index = self.below(from.len());
        from[index]
    }

    /// Adds a layer and a line that uses it as `self.lN(x)`.
    fn layer(&mut self, layer: &str, forward: &str) {
        let name = format!("self.l{}", self.count);
        self.count += 1;
        self.layers += &format!("        {name} = {layer}\n");
        self.forward += &format!("        {}\n", forward.replace('@', &name));
    }

    fn line(&mut self, forward: &str) {
        self.forward += &format!("        {forward}\n");
    }

    fn conv(&mut self) {
        let outputs = [2, 4, 6, 8][self.below(4)];
        let kernel = [1, 2, 3][self.below(3)];
        let kernel = kernel.min(self.size[0]).min(self.size[1]);
        let stride = 1 + self.below(2);
        let padding = self.below(kernel);
        let groups = if self.channels.is_multiple_of(2) && self.below(3) == 0 { 2 } else { 1 };
        let bias = self.pick(&["True", "False"]);
        let smallest = self.size[0].min(self.size[1]);
        let modes = ["zeros", "zeros", "reflect", "replicate", "circular"];
        let mode = if padding < smallest { self.pick(&modes) } else { "zeros" };
        let (inputs, layer) = (self.channels, "nn.Conv2d");
        self.layer(
            &format!(
                "{layer}({inputs}, {outputs}, {kernel}, stride={stride}, padding={padding}, \
                 groups={groups}, bias={bias}, padding_mode='{mode}')"
            ),
            "x = @(x)",
        );
        self.channels = outputs;
        self.size = self.size.map(|size| (size + 2 * padding - kernel) / stride + 1);
    }

    fn residual(&mut self) {
        let channels = self.channels;
        self.layer(
            &format!("nn.Conv2d({channels}, {channels}, 3, padding=1, bias=False)"),
            "y = @(x)",
        );
        self.layer(&format!("nn.BatchNorm2d({channels})"), "y = @(y)");
        self.line("x = F.relu(x + y)");
    }

    fn attention(&mut self) {
        let channels = self.channels;
        self.line("n, c, h, w = x.shape");
        self.line("t = x.flatten(2).transpose(1, 2)");
        self.layer(&format!("nn.LayerNorm({channels})"), "q = @(t)");
        self.layer(&format!("nn.Linear({channels}, {channels})"), "k = @(q)");
        self.line("t = t + F.scaled_dot_product_attention(q, k, t)");
        self.line("x = t.transpose(1, 2).reshape(n, c, h, w)");
    }

    fn sequence(&mut self) {
        let (channels, hidden) = (self.channels, 2 * (1 + self.below(3)));
        let kind = self.pick(&["LSTM", "GRU", "RNN"]);
        let both = self.pick(&["True", "False"]);
        self.line("n, c, h, w = x.shape");
        self.line("t = x.flatten(2).transpose(1, 2)");
        let layer =
            format!("nn.{kind}({channels}, {hidden}, batch_first=True, bidirectional={both})");
        self.layer(&layer, "t, _ = @(t)");
        self.channels = if both == "True" { 2 * hidden } else { hidden };
        let channels = self.channels;
        self.line(&format!("x = t.transpose(1, 2).reshape(n, {channels}, h, w)"));
    }

    fn block(&mut self) {
        let channels = self.channels;
        match self.below(14) {
            0..=3 => self.conv(),
            4 => self.layer(&format!("nn.BatchNorm2d({channels})"), "x = @(x)"),
            5 => self.residual(),
            6 => {
                let function =
                    self.pick(&["gelu", "silu", "elu", "hardswish", "tanh", "leaky_relu"]);
                self.line(&format!("x = F.{function}(x)"));
            }
            7 if self.size[0] > 2 && self.size[1] > 2 => {
                let kind = self.pick(&["MaxPool2d", "AvgPool2d"]);
                self.layer(&format!("nn.{kind}(3, stride=2, padding=1)"), "x = @(x)");
                self.size = self.size.map(|size| (size - 1) / 2 + 1);
            }
            8 => {
                let layer = match self.below(4) {
                    0 => format!("nn.GroupNorm(1, {channels})"),
                    1 if self.size[0] * self.size[1] > 1 => {
                        format!("nn.InstanceNorm2d({channels}, affine=True)")
                    }
                    2 => "nn.LocalResponseNorm(3)".to_owned(),
                    _ => format!("nn.PReLU({channels})"),
                };
                self.layer(&layer, "x = @(x)");
            }
            9 if channels.is_multiple_of(2) && channels > 2 => {
                self.layer("nn.GLU(1)", "x = @(x)");
                self.channels /= 2;
            }
            10 if self.size[0] < 9 => {
                let mode = self.pick(&["nearest", "bilinear", "bicubic"]);
                self.layer(&format!("nn.Upsample(scale_factor=2, mode='{mode}')"), "x = @(x)");
                self.size = self.size.map(|size| 2 * size);
            }
            11 => self.attention(),
            12 => self.sequence(),
            13 if self.size[0] < 9 => {
                let layer = format!("nn.ConvTranspose2d({channels}, 4, 3, stride=2, padding=1)");
                self.layer(&layer, "x = @(x)");
                self.channels = 4;
                self.size = self.size.map(|size| 2 * size - 1);
            }
            _ => self.line("x = x.flip(3) + x.roll(1, 2)"),
        }
    }
}

fn text(seed: u64) -> (String, [u64; 2]) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let size = [5 + random.random_range(0..6_u64), 5 + random.random_range(0..6_u64)];
    let mut draft = Draft {
        random,
        layers: String::new(),
        forward: String::new(),
        channels: 3,
        size: size.map(|size| size as usize),
        count: 0,
    };
    for _ in 0..3 + draft.below(4) {
        draft.block();
    }
    let channels = draft.channels;
    let head = draft.pick(&["x.mean((2, 3))", "x.amax((2, 3))", "x.var((2, 3), correction=0)"]);
    draft.line(&format!("x = {head}"));
    draft.layer(&format!("nn.Linear({channels}, 5)"), "x = @(x)");
    let Draft { layers, forward, .. } = draft;
    let text = format!(
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\n\
         class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n{layers}\n    \
         def forward(self, x):\n{forward}        return x\n"
    );
    (text, size)
}

fn graph(seed: u64) -> (CheckedGraph, [u64; 2], String) {
    let (text, size) = text(seed);
    let mut options = CompileOptions::image(3, size[0], size[1]);
    options.training = true;
    match compile(&SourceFile::new("net.py", text.clone()), &options) {
        Ok(compiled) => (compiled.graph, size, text),
        Err(found) => panic!("{text}\n{:?}", found.as_slice()),
    }
}

/// Largest difference of two tensors, over the largest element.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(1e-2_f32, |scale, x| scale.max(x.abs()));
    ours.iter().zip(theirs).fold(0.0, |most, (a, b)| (a - b).abs().max(most)) / scale
}

#[test]
fn twenty_networks_train_alike_on_both_backends() {
    let mut without = 0;
    for seed in 0..20 {
        let (graph, size, text) = graph(seed);
        let mut reference = CandleBackend::cpu(&graph, 1).unwrap();
        let threads = 1 + (seed % 2) as usize;
        let Some(mut planned) = support::planned(&graph, threads) else {
            without += 1;
            continue;
        };
        let start = init::initialize(&graph, seed);
        planned.load(&start).unwrap();
        reference.load(&start).unwrap();
        let count = 5;
        let mut random = ChaCha8Rng::seed_from_u64(100 + seed);
        let elements = count * 3 * (size[0] * size[1]) as usize;
        let images: Vec<f32> = (0..elements).map(|_| random.random::<f32>() * 2.0 - 1.0).collect();
        let labels = [0, 1, 2, 3, 4];
        let batch = Batch { images: &images, labels: &labels };
        let (ours, theirs) =
            (planned.gradients(batch).unwrap(), reference.gradients(batch).unwrap());
        for path in theirs.tensors.keys() {
            let off = difference(ours.floats(path).unwrap(), theirs.floats(path).unwrap());
            assert!(off < 2e-3, "seed {seed}, gradient of {path}: {off}\n{text}");
        }
        let step = SgdStep {
            learning_rate: 0.01,
            momentum: 0.9,
            weight_decay: 0.0,
            dampening: 0.0,
            nesterov: false,
        };
        for _ in 0..3 {
            let ours = planned.train_step(batch, &step.into()).unwrap().loss;
            let theirs = reference.train_step(batch, &step.into()).unwrap().loss;
            assert!(
                (ours - theirs).abs() < 2e-3 * theirs.abs().max(0.1),
                "{ours} {theirs}\n{text}"
            );
        }
        let (ours, theirs) =
            (planned.predict(&images, count).unwrap(), reference.predict(&images, count).unwrap());
        assert!(difference(&ours, &theirs) < 5e-3, "seed {seed}\n{text}");
    }
    // without oneDNN none has a plan; with it most must, or nothing is compared
    assert!(without <= 4 || without == 20, "{without} networks have no static plan");
}
