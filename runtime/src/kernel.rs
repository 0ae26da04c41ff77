//! Numeric kernels of the CPU over plain slices of `f32`, parallel over images, with a result that
//! does not depend on the number of threads: work is cut into parts whose number is fixed, and parts
//! are added in order. No type of any tensor library.

pub mod batch_norm;
pub mod conv;
pub mod depthwise;
pub mod gemm;
pub mod linear;
pub mod pointwise;
pub mod pool;
pub mod resample;
pub mod vector;
pub mod window;
