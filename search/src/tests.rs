//! Tests of the whole search with an invented model and an invented evaluator.

pub(crate) mod fault;
pub(crate) mod invented_table;
pub(crate) mod table;

mod ablations;
mod archive;
mod benchmark;
mod bookkeeping;
mod config;
mod database;
mod known;
mod proposers;
mod resume;
mod shortcuts;
mod training;
mod whole_run;
mod world;
