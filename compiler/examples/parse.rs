//! Parses files and prints how long it took, or the first mistake: `parse FILE...`.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a tool, not the library")]

use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::syntax::{SourceLimits, parse};

fn main() {
    let mut failed = 0;
    for path in std::env::args().skip(1) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let source = SourceFile::new(path.as_str(), text);
        let began = std::time::Instant::now();
        match parse(&source, FileId(0), &SourceLimits::standard()) {
            Ok(module) => {
                println!("{path}: {} statements, {:?}", module.body.len(), began.elapsed())
            }
            Err(error) => {
                failed += 1;
                let place = source.line_column(error.span().start);
                println!("FAILED {path}:{}:{}: {error}", place.line, place.column);
            }
        }
    }
    println!("{failed} failed");
}
