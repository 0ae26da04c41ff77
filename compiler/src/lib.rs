//! nasc compiler.
