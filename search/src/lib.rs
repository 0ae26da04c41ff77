//! Quality-diversity search over networks written by a language model.

pub mod archive;
pub mod config;
pub mod evaluate;
pub mod llm;
pub mod measures;
pub mod prompt;
pub mod seed;
#[cfg(test)]
mod tests;
