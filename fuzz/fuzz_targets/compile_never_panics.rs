//! Compiling any text ends within its budgets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};

fuzz_target!(|text: &str| {
    let _ = compile(&SourceFile::new("fuzz.py", text), &CompileOptions::image(3, 32, 32));
});
