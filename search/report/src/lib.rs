//! What a search came to: figures of runs and ablations, plots, tables for other programs, and one HTML
//! page that needs nothing else.
//!
//! A run is read whole from its database, also while it is written ([`run::RunData`]). Everything here is
//! made from that: the lines of the paper's figures ([`series`], [`ablation`]), maps of the archives
//! ([`voronoi`]), their health ([`health`]), files ([`plot`], [`table`]) and the page ([`page`]).
//! Deliberately not here: command lines, and the server that shows a page live.

pub mod ablation;
pub mod error;
pub mod figures;
pub mod front;
pub mod gather;
pub mod health;
pub mod outcome;
pub mod page;
pub mod passive;
pub mod plot;
pub mod rank;
pub mod run;
pub mod series;
pub mod spread;
pub mod table;
pub mod ticks;
pub mod voronoi;
