//! nasc's commands as a library: arguments in, text and an exit code out. One file per command.
//! Only this crate knows files, the environment and terminals; what it prints, the libraries decide.

mod ablate;
mod accelerate;
mod benchmark;
pub mod check;
mod cli;
mod compile;
mod data;
mod error;
mod eval;
mod explain;
pub mod folder;
mod input;
mod interrupt;
mod kept;
mod memory;
mod model;
mod native;
mod number;
mod output;
mod predict;
mod presets;
mod progress;
mod proxies;
pub mod render;
mod report;
pub mod restart;
mod search;
mod show;
pub mod source;
mod table;
pub mod train;
mod verify;
pub mod watch;
mod weights;

pub use cli::run;
pub use error::{CliError, Exit};
pub use explain::pages;
pub use input::parse_input;
pub use output::{Environment, Output};

/// The codes of the diagnostics that commands add to those of the compiler.
pub const CODES: &[&[&str]] = &[check::CODES, train::CODES, compile::CODES];
