//! nasc runtime.

pub mod data;
