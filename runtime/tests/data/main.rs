//! Data sets: every layout read back from files written here, every damage reported, splits and
//! batches repeatable.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod augment;
mod batches;
mod cifar;
mod digits;
mod download;
mod idx;
mod numpy;
mod parquet;
mod pickles;
mod pictures;
mod real;
mod splits;
mod support;
