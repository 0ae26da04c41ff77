//! The invented table, and where the real one lies on machines that have it.
#![allow(clippy::unwrap_used)]

use super::invented_table::invented_csv;
use crate::benchmark::nasbench201::Table;
use std::sync::OnceLock;

/// The real table.
pub(crate) const REAL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/nasbench201.csv.gz");

pub(crate) fn invented() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::from_csv(invented_csv()).unwrap())
}
