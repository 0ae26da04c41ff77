//! What the compiler says of a network's memory against what the static plan allocates.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::num::NonZeroUsize;
use std::path::Path;

use nasc_compiler::cost::{peak_activation_bytes, peak_training_bytes};
use nasc_compiler::ir::CheckedGraph;
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::backend::cpu::CpuBackend;

fn graph(path: &str) -> CheckedGraph {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let source = SourceFile::new(path, std::fs::read_to_string(file).unwrap());
    compile(&source, &CompileOptions::image(3, 32, 32)).unwrap().graph
}

#[test]
fn liveness_over_the_graph_is_what_the_plan_allocates() {
    let networks = [
        "examples/first_net.py",
        "examples/lenet.py",
        "examples/mixer.py",
        "examples/mobilenet.py",
        "examples/resnet20.py",
        "examples/vgg11.py",
        "benches/networks/cell.py",
        "benches/networks/depthwise.py",
        "benches/networks/small_cnn.py",
        "benches/networks/vit.py",
    ];
    let mut apart = Vec::new();
    for path in networks {
        let graph = graph(path);
        if support::planned(&graph, 1).is_none() {
            continue;
        }
        for (batch, training) in [(128, true), (1, true), (128, false)] {
            let said = if training {
                peak_training_bytes(&graph, batch)
            } else {
                peak_activation_bytes(&graph, batch)
            };
            let samples = NonZeroUsize::new(batch as usize).unwrap();
            let plan = CpuBackend::activation_memory(&graph, samples, training).unwrap().unwrap();
            let input = batch * 3 * 32 * 32 * 4;
            let ratio = said as f64 / (plan + input) as f64;
            println!("{path} batch {batch} training {training}: {said} {plan} {ratio:.3}");
            if !(0.9..=1.1).contains(&ratio) {
                apart.push(format!("{path}, batch {batch}, training {training}: {ratio:.3}"));
            }
        }
    }
    assert!(apart.is_empty(), "{apart:#?}");
}
