//! From a checked graph to trained weights.
//!
//! The path is [`plan::ExecutionPlan`] → [`backend::Backend`] → [`train::Trainer`] →
//! [`train::TrainReport`] and a [`state::StateDict`], which [`checkpoint`] keeps as safetensors.
//! Not here: Python text, costs, the search.

pub mod backend;
pub mod checkpoint;
pub mod data;
pub mod error;
pub mod init;
pub mod kernel;
pub mod latency;
pub mod onednn;
pub mod plan;
pub mod predict;
pub mod proxy;
pub mod replace;
pub mod state;
pub mod train;
pub mod workload;

pub use error::RuntimeError;
pub use plan::trainable;
pub use workload::{Workload, estimate_memory, fits_batches};
