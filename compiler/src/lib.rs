//! nasc-compiler: text of a PyTorch-style network to a checked, costed graph. Pure: no files,
//! no environment, no clock, no threads, no randomness.

pub mod ast;
pub mod canon;
pub mod cost;
pub mod diagnostic;
pub mod ir;
pub mod shape;
pub mod source;
