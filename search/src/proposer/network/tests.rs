//! Everything that is drawn, edited or spliced checks, keeps to the budget and can be read again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{Genome, Layer, NetworkSpace, Signature, edit, print};
use crate::proposer::NetworkSource as _;
use nasc_compiler::cost;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

const SPACE: NetworkSpace = NetworkSpace {
    signature: Signature { input: [3, 32, 32], classes: 10 },
    max_params: 1_000_000,
    max_macs: 50_000_000,
};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// What every text must be.
fn check(source: &str) -> Genome {
    let graph = SPACE.compile(source).unwrap_or_else(|| unreachable!("{source}"));
    let cost = cost::analyze(&graph);
    assert!(cost.trainable_params <= SPACE.max_params && cost.macs <= SPACE.max_macs, "{source}");
    assert_eq!(graph.tensor_type(graph.outputs[0]).unwrap().to_string(), "f32[N, 10]");
    let genome = SPACE.read(source).unwrap_or_else(|| unreachable!("{source}"));
    assert_eq!(print::source(&genome, SPACE.signature).unwrap(), source, "read otherwise");
    genome
}

#[test]
fn a_walk_of_edits_and_splices_never_leaves_the_space() {
    let mut rng = rng(1);
    let mut sources: Vec<String> = (0..8).map(|_| SPACE.random(&mut rng)).collect();
    let mut skips = 0;
    for step in 0..400 {
        let [at, other] = [step % 8, (step * 5 + 3) % 8];
        let child = if step % 3 == 0 {
            SPACE.crossover(&sources[at], &sources[other], &mut rng)
        } else {
            SPACE.mutate(&sources[at], &mut rng)
        };
        assert_ne!(child, sources[at]);
        let genome = check(&child);
        skips += u32::from(genome.layers.iter().any(|layer| matches!(layer, Layer::Skip { .. })));
        sources[at] = child;
    }
    assert!(skips > 40, "{skips} of 400 networks have a skip connection");
}

#[test]
fn each_edit_does_what_its_name_says() {
    let source = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n\
        class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)\n        \
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)\n        \
        self.fc1 = nn.Linear(16384, 10)\n\n    def forward(self, x):\n        \
        x = F.relu(self.conv1(x))\n        x = F.relu(self.conv2(x))\n        \
        x = torch.flatten(x, 1)\n        x = self.fc1(x)\n        return x\n";
    let parent = check(source);
    assert_eq!(parent.layers.len(), 6);
    let mut seen = [false; 5];
    for seed in 0..200 {
        let child = edit::mutated(&parent, SPACE.signature, &mut rng(seed)).unwrap();
        let child = child.settled(SPACE.signature);
        let width = |genome: &Genome| -> u64 {
            let out = |layer: &Layer| match *layer {
                Layer::Conv { out, .. } | Layer::Linear { out } => out,
                _ => 0,
            };
            genome.layers.iter().map(out).sum()
        };
        let has_skip = child.layers.iter().any(|layer| matches!(layer, Layer::Skip { .. }));
        let (before, after) = (parent.layers.len(), child.layers.len());
        seen[0] |= after > before && !has_skip;
        seen[1] |= after < before;
        seen[2] |= after == before && width(&child) > width(&parent);
        seen[3] |= after == before && width(&child) < width(&parent);
        seen[4] |= has_skip;
    }
    assert_eq!(seen, [true; 5], "insert, delete, widen, narrow, skip");
}

#[test]
fn a_network_written_by_hand_is_edited_and_one_that_is_no_chain_is_drawn_anew() {
    let residual = "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    \
        def __init__(self):\n        super().__init__()\n        \
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())\n        \
        self.body = nn.Conv2d(8, 16, 3, stride=2, padding=1)\n        \
        self.down = nn.Conv2d(8, 16, 1, stride=2)\n        self.fc = nn.Linear(16, 10)\n\n    \
        def forward(self, x):\n        x = self.stem(x)\n        \
        x = self.down(x) + torch.nn.functional.silu(self.body(x))\n        \
        return self.fc(x.mean(dim=(2, 3)))\n";
    let genome = SPACE.read(residual).unwrap();
    assert!(genome.layers.contains(&Layer::Skip { from: 3 }), "{genome:?}");
    check(&SPACE.mutate(residual, &mut rng(4)));
    let split = residual
        .replace("self.down(x) +", "torch.cat([self.down(x)]).chunk(2, 1)[0].repeat(1, 2, 1, 1) +");
    check(&SPACE.mutate(&split, &mut rng(4)));
}

#[test]
fn the_same_seed_gives_the_same_network() {
    let texts = [1, 1, 2].map(|seed| SPACE.random(&mut rng(seed)));
    assert_eq!(texts[0], texts[1]);
    assert_ne!(texts[0], texts[2]);
}
