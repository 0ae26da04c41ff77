//! nasc runtime.
