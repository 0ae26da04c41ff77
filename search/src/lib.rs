//! nasc search.
