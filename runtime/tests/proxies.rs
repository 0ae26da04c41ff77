//! Zero-cost proxies on the embedded digits: what they measure, and that the same seed gives the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::num::NonZeroUsize;

use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile, ir::CheckedGraph};
use nasc_runtime::data;
use nasc_runtime::proxy::Proxy;
use nasc_runtime::train::TrainConfig;
use support::small_cnn;

fn graph(layers: &str, forward: &str) -> CheckedGraph {
    let text = format!(
        "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n    \
         def __init__(self):\n        super().__init__()\n{layers}\n    def forward(self, x):\n{forward}"
    );
    let file = SourceFile::new("net.py", text.as_str());
    compile(&file, &CompileOptions::image(1, 8, 8)).unwrap_or_else(|_| panic!("{text}")).graph
}

fn score(proxy: Proxy, graph: &CheckedGraph, seed: u64) -> Option<f64> {
    let data = data::digits().unwrap();
    let size = NonZeroUsize::new(32).unwrap();
    let config = TrainConfig::sgd(1, size, 0.05, 0.9, seed);
    proxy.score(graph, &data, &config, size).unwrap()
}

#[test]
fn every_proxy_gives_a_number_that_follows_from_the_seed() {
    for proxy in Proxy::ALL {
        let one = score(proxy, &small_cnn(), 3).unwrap();
        assert_eq!(Some(one), score(proxy, &small_cnn(), 3));
        assert_ne!(Some(one), score(proxy, &small_cnn(), 4));
        assert_eq!(Proxy::from_name(proxy.name()), Some(proxy));
    }
}

/// Of a chain of linear layers without biases the result is homogeneous: scaled by every layer, so its
/// derivative is the number of layers times the result.
#[test]
fn synflow_of_linear_layers_is_their_number_times_the_result() {
    let one = graph(
        "        self.a = nn.Linear(64, 10, bias=False)\n",
        "        return self.a(x.flatten(1))\n",
    );
    let scaled = score(Proxy::Synflow, &one, 1).unwrap().exp();
    // the sum of 640 weights of a uniform distribution on ±1/8, without their signs
    assert!((scaled - 640.0 / 16.0).abs() < 3.0, "{scaled}");
    let deep = graph(
        "        self.a = nn.Linear(64, 64, bias=False)\n        self.b = nn.Linear(64, 10, bias=False)\n",
        "        return self.b(F.relu(self.a(x.flatten(1))))\n",
    );
    let deep = score(Proxy::Synflow, &deep, 1).unwrap().exp();
    let result = 64.0 / 16.0 * 640.0 / 16.0;
    assert!((deep / (2.0 * result) - 1.0).abs() < 0.15, "{deep}");
}

#[test]
fn more_activations_tell_more_images_apart_and_without_any_there_is_no_score() {
    let of_width = |width: usize| {
        graph(
            &format!(
                "        self.a = nn.Linear(64, {width})\n        self.b = nn.Linear({width}, 10)\n"
            ),
            "        return self.b(F.relu(self.a(x.flatten(1))))\n",
        )
    };
    assert!(score(Proxy::Naswot, &of_width(256), 1) > score(Proxy::Naswot, &of_width(16), 1));
    let linear =
        graph("        self.a = nn.Linear(64, 10)\n", "        return self.a(x.flatten(1))\n");
    assert_eq!(score(Proxy::Naswot, &linear, 1), None);
}
