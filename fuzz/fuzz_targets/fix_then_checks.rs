//! A text that was mended checks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nasc_compiler::repair::{RepairBudget, repair};
use nasc_compiler::source::SourceFile;
use nasc_compiler::{CompileOptions, compile};

fuzz_target!(|text: &str| {
    let options = CompileOptions::image(3, 32, 32);
    let budget = RepairBudget { compilations: 8, mistakes: 2 };
    if let Some(repaired) = repair(&SourceFile::new("fuzz.py", text), &options, budget) {
        assert!(compile(&repaired.source, &options).is_ok(), "{}", repaired.source.text());
    }
});
