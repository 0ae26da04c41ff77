//! Layers and functions against figures that PyTorch computed from the same text: `golden/layers.txt`
//! lists the cases, the compiler reads them as it reads users' programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::path::Path;

use nasc_compiler::ir::CheckedGraph;
use nasc_compiler::ir::{Dim, Shape, TensorType};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};
use nasc_runtime::trainable;
use support::golden;

fn text(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The network of a case.
fn network(name: &str, extents: &str, layer: &str, forward: &str) -> CheckedGraph {
    let layer = if layer == "-" { "nn.Identity()" } else { layer };
    let source = text("layers.py").replace("EXTENTS", extents).replace("LAYER", layer);
    let source = SourceFile::new(name, source.replace("FORWARD", forward));
    let extents = extents.split(',').map(|extent| Dim::Known(extent.trim().parse().unwrap()));
    let shape = Shape([Dim::N].into_iter().chain(extents).collect());
    let mut options = CompileOptions::image(1, 1, 1);
    options.inputs = vec![TensorType::f32(shape)];
    options.training = true;
    match compile(&source, &options) {
        Ok(compiled) => compiled.graph,
        Err(found) => panic!("{name}: {:?}", found.as_slice()),
    }
}

#[test]
fn every_layer_computes_what_pytorch_does() {
    let (mut failed, mut planned) = (Vec::new(), 0);
    let cases = text("layers.txt");
    let cases: Vec<&str> = cases.lines().skip(1).collect();
    for line in &cases {
        let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [name, extents, _, layer, forward] = parts.as_slice() else { panic!("{line}") };
        let compared = std::panic::catch_unwind(|| {
            let graph = network(name, extents, layer, forward);
            trainable(&graph).unwrap();
            golden::compare(name, &graph);
            support::planned(&graph, 1).is_some()
        });
        planned += usize::from(matches!(compared, Ok(true)));
        if compared.is_err() {
            failed.push((*name).to_owned());
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
    eprintln!("{planned} of {} cases have a static plan", cases.len());
}
