//! Tests of the whole search with an invented model and an invented evaluator.

mod archive;
mod config;
