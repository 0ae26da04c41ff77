//! Reads the pickles that image archives are made of, as data. Nothing is ever called: the only
//! globals understood are numpy's array, its rebuild function and its element type, and they build
//! a node here. Every other global is refused by name.
//!
//! Values live in one arena and refer to each other by number, so that neither deep nesting nor
//! shared parts can cost more memory than the file has instructions.

mod error;
mod machine;
mod node;
mod object;
mod reader;

pub use error::PickleError;
use node::Pickle;

/// Reads one pickle of protocol 2, 3, 4 or 5.
pub(super) fn parse(bytes: &[u8]) -> Result<Pickle<'_>, PickleError> {
    machine::Machine::new(bytes).run()
}
