//! nasc-compiler: text of a PyTorch-style network to a checked, costed graph. Pure: no files,
//! no environment, no clock, no threads, no randomness.

pub mod ast;
pub mod canon;
pub mod cost;
pub mod diagnostic;
mod eval;
pub mod ir;
mod module_tree;
pub mod shape;
pub mod source;

pub use eval::{CODES as EVAL_CODES, CompileOptions, Compiled, Limits, Parse, compile_with};
