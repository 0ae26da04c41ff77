//! Tensors: operations of `torch`, `torch.nn.functional` and tensor methods as nodes of the graph.
//! A function and its method twin are one row in each table. Small constants are computed.

mod arithmetic;
mod assign;
mod constant;
mod create;
mod device;
mod einsum;
mod emit;
mod fold;
mod index;
mod method;
mod reduce;
mod reshape;
mod select;
mod stride;

pub(crate) use constant::vector;
pub(crate) use create::{CREATION, new_tensor};
pub(crate) use method::{FUNCTIONS, attribute_names, torch_names};
pub(crate) use select::SELECTIONS;
