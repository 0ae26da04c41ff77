//! A tree printed and parsed again is the same tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nasc_compiler::ast::{print, without_places};
use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::syntax::{SourceLimits, SyntaxError, parse};

fuzz_target!(|text: &str| {
    let limits = SourceLimits::standard();
    let Ok(module) = parse(&SourceFile::new("fuzz.py", text), FileId(0), &limits) else { return };
    let printed = print(&module);
    match parse(&SourceFile::new("printed.py", printed.as_str()), FileId(0), &limits) {
        Ok(again) => assert_eq!(without_places(again), without_places(module), "{printed}"),
        // Parentheses that printing adds may pass the limit that the source just met.
        Err(SyntaxError::NestedTooDeep { .. }) => {}
        Err(error) => panic!("{error} in:\n{printed}"),
    }
});
