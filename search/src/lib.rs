//! Quality-diversity search over networks written by a language model.

pub mod archive;
pub mod llm;
pub mod seed;
#[cfg(test)]
mod tests;
