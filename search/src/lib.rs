//! Quality-diversity search over networks written by a language model.

pub mod llm;
