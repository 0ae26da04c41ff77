//! nasc tests.
