//! The parser that pest derives from `grammar/python.pest`. Nothing else is here, since the
//! derived items carry no documentation of their own.
#![allow(missing_docs, reason = "pest derives one enum variant per rule of the grammar")]

/// The derived parser.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/python.pest"]
pub(super) struct Grammar;
