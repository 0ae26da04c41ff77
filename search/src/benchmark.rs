//! Tabular benchmarks: what every network of a small space scores, measured by others, so that a
//! search of it needs no training. Deliberately not here: the tables' data, which users bring.

pub mod nasbench201;
