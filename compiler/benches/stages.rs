//! Time of the stages of a check, each on its own: parsing, everything up to the checked graph, and the
//! cost of that graph. `cargo bench -p nasc-compiler`; PROGRAM=FILE adds a program of the user's own.
// The library reads neither files nor the environment; its benchmark does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;

use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::{CompileOptions, compile, cost, syntax};

fn main() {
    divan::main();
}

fn programs() -> Vec<String> {
    let own = ["first_net", "lenet", "mixer", "mobilenet", "resnet20", "vgg11"];
    let own =
        own.iter().map(|name| format!("{}/../examples/{name}.py", env!("CARGO_MANIFEST_DIR")));
    own.chain(std::env::var("PROGRAM")).collect()
}

fn source(path: &str) -> SourceFile {
    let name = Path::new(path).file_name().unwrap().to_string_lossy().into_owned();
    SourceFile::new(name, std::fs::read_to_string(path).unwrap())
}

#[divan::bench(args = programs())]
fn parse(bencher: divan::Bencher<'_, '_>, path: &str) {
    let source = source(path);
    let limits = syntax::SourceLimits::standard();
    bencher.bench(|| syntax::parse(&source, FileId(0), &limits).unwrap());
}

#[divan::bench(args = programs())]
fn parse_evaluate_check(bencher: divan::Bencher<'_, '_>, path: &str) {
    let source = source(path);
    let options = CompileOptions::image(3, 32, 32);
    bencher.bench(|| compile(&source, &options).is_ok());
}

#[divan::bench(args = programs())]
fn analyze(bencher: divan::Bencher<'_, '_>, path: &str) {
    let Ok(compiled) = compile(&source(path), &CompileOptions::image(3, 32, 32)) else { return };
    bencher.bench(|| cost::analyze(&compiled.graph));
}
