//! Rust: a crate whose `no_std` core computes a network for one sample in an arena that the caller
//! gives, without dependencies and without `unsafe`; the weights are embedded as bytes. The loops
//! are plain (`kernel.rs.in`): the C form is the fast one. Deliberately not here: files, and where
//! the expected results of the crate's own test come from.

mod arena;
mod layer;
mod movement;
mod step;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use self::step::Steps;
use super::fold::Folding;
use super::{EmitError, Weights};
use crate::ir::{CheckedGraph, Node, Op, ValueId};

/// How a network is emitted.
#[derive(Debug, Clone)]
pub struct RustOptions {
    /// Name of the crate: lower-case letters, digits and `_`.
    pub name: String,
    /// Keys and values for the crate's documentation.
    pub metadata: Vec<(String, String)>,
}

/// A network as a crate: paths below its folder with their contents.
pub type Crate = BTreeMap<&'static str, Vec<u8>>;

/// A sample with the results that a reference computes for it.
#[derive(Debug, Clone)]
pub struct Vector {
    /// Elements of the input.
    pub input: Vec<f32>,
    /// Elements of the output.
    pub output: Vec<f32>,
}

const KERNEL: &str = include_str!("rust/kernel.rs.in");
const MATH: &str = include_str!("rust/math.rs.in");
const TEST: &str = include_str!("rust/test.rs.in");

/// Writes a network with one input and one output, its weights, and a test of these vectors.
///
/// # Errors
/// [`EmitError`] when the weights do not fit, or the network holds an operation that has no form.
pub fn emit(
    graph: &CheckedGraph,
    weights: &Weights<'_>,
    vectors: &[Vector],
    options: &RustOptions,
) -> Result<Crate, EmitError> {
    let folding = Folding::of(graph, weights)?;
    let mut steps = Steps::new(graph, weights)?;
    for (id, node) in graph.nodes_with_ids() {
        if !folding.is_absorbed(id) {
            steps.begin(node, folding.get(id));
            lower(&mut steps, node)?;
        }
    }
    let library = library(&steps, graph, options);
    let manifest = format!(
        "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         rust-version = \"1.88\"\n\n[workspace]\n\n[profile.dev]\nopt-level = 3\n",
        options.name
    );
    let bytes = |numbers: &[f32]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let vectors: Vec<f32> =
        vectors.iter().flat_map(|one| [one.input.as_slice(), &one.output].concat()).collect();
    Ok(Crate::from([
        ("Cargo.toml", manifest.into_bytes()),
        ("src/lib.rs", library.into_bytes()),
        ("src/kernel.rs", KERNEL.as_bytes().to_vec()),
        ("src/math.rs", MATH.as_bytes().to_vec()),
        ("src/weights.bin", bytes(&steps.weights)),
        ("tests/vectors.rs", TEST.replace("CRATE", &options.name).into_bytes()),
        ("tests/vectors.bin", bytes(&vectors)),
    ]))
}

/// The elements of a value for one sample.
fn length(graph: &CheckedGraph, id: ValueId) -> usize {
    let elements = graph.tensor_type(id).map_or(0, |found| found.shape.elements_at(1));
    usize::try_from(elements).unwrap_or(usize::MAX)
}

fn library(steps: &Steps<'_>, graph: &CheckedGraph, options: &RustOptions) -> String {
    let plan = arena::plan(steps, graph);
    let mut text = format!("//! The network `{}`, emitted by nasc.\n//!\n", options.name);
    for (key, value) in &options.metadata {
        let _ = writeln!(text, "//! - {key}: {}", value.replace(['\n', '\r'], " "));
    }
    let size = |ids: &[ValueId]| ids.first().map_or(0, |&id| length(graph, id));
    let (input, output, arena) = (size(&graph.inputs), size(&graph.outputs), plan.length);
    let _ = write!(
        text,
        "#![no_std]\n#![forbid(unsafe_code)]\n#![allow(unused_mut, clippy::all)]\n\n\
         pub mod kernel;\npub mod math;\n\n#[allow(unused_imports)]\nuse kernel::{{Bytes, Window}};\n\n\
         /// Elements of the input, one sample in PyTorch's order, normalised as in training.\n\
         pub const INPUT: usize = {input};\n/// Elements of the output.\n\
         pub const OUTPUT: usize = {output};\n/// Elements of the arena.\n\
         pub const ARENA: usize = {arena};\n\n\
         static WEIGHTS: &[u8] = include_bytes!(\"weights.bin\");\n\n\
         fn weights(start: usize, length: usize) -> &'static [Bytes] {{\n    \
         &WEIGHTS.as_chunks::<4>().0[start..start + length]\n}}\n\n\
         /// Parts of the arena that a step reads.\n\
         struct Parts<'a> {{\n    low: &'a [f32],\n    high: &'a [f32],\n    above: usize,\n}}\n\n\
         impl<'a> Parts<'a> {{\n    fn at(&self, start: usize, length: usize) -> &'a [f32] {{\n        \
         if start >= self.above {{\n            let start = start - self.above;\n            \
         &self.high[start..start + length]\n        }} else {{\n            \
         &self.low[start..start + length]\n        }}\n    }}\n}}\n\n\
         fn split(arena: &mut [f32], start: usize, length: usize) -> (&mut [f32], Parts<'_>) {{\n    \
         let (low, rest) = arena.split_at_mut(start);\n    \
         let (out, high) = rest.split_at_mut(length);\n    \
         (out, Parts {{ low, high, above: start + length }})\n}}\n\n\
         /// Computes the output of one sample.\n\
         pub fn run(input: &[f32; INPUT], arena: &mut [f32; ARENA], output: &mut [f32; OUTPUT]) {{\n    \
         let arena = &mut arena[..];\n    arena[{start}..{start} + INPUT].copy_from_slice(input);\n",
        start = plan.start(graph.inputs.first().map_or(0, |&id| steps.buffer_of(id)))
    );
    for step in &steps.steps {
        let (start, length) = (plan.start(step.output), steps.length(step.output));
        let _ = writeln!(text, "    {{\n        // {}", step.title);
        let _ = writeln!(text, "        let (out, parts) = split(arena, {start}, {length});");
        let _ =
            writeln!(text, "        let _ = &parts;\n        {}\n    }}", plan.resolve(&step.text));
    }
    let result = graph.outputs.first().map_or(0, |&id| steps.buffer_of(id));
    let start = plan.start(result);
    let _ = writeln!(text, "    output.copy_from_slice(&arena[{start}..{start} + OUTPUT]);\n}}");
    text
}

fn lower(steps: &mut Steps<'_>, node: &Node) -> Result<(), EmitError> {
    match &node.op {
        Op::Conv(conv) => layer::conv(steps, node, conv),
        Op::Linear(linear) => layer::linear(steps, node, linear),
        Op::BatchNorm(norm) => layer::batch_norm(steps, node, norm),
        Op::Pool(pool) => layer::pool(steps, node, pool),
        Op::AdaptivePool(pool) => layer::adaptive_pool(steps, node, pool),
        Op::Softmax(softmax) => layer::softmax(steps, node, softmax),
        Op::LayerNorm(norm) => layer::layer_norm(steps, node, norm),
        Op::MatMul => layer::matmul(steps, node),
        Op::Activation(activation) => movement::activation(steps, node, *activation),
        Op::Unary(unary) => movement::unary(steps, node, *unary),
        Op::Binary(binary) => movement::binary(steps, node, *binary),
        Op::Scalar(scalar) => movement::scalar(steps, node, scalar),
        Op::Clamp(clamp) => movement::clamp(steps, node, *clamp),
        Op::Reduce(reduce) => movement::reduce(steps, node, reduce),
        Op::Permute(permute) => movement::permute(steps, node, &permute.order),
        Op::Expand(_) => movement::expand(steps, node),
        Op::Slice(slice) => movement::slice(steps, node, slice),
        Op::Cat(cat) => movement::cat(steps, node, cat.dim),
        Op::Split(split) => movement::split(steps, node, split),
        Op::Dropout(_) | Op::Contiguous | Op::Reshape(_) => steps.alias(node),
        _ => Err(steps.unsupported("the Rust form does not have it; the ONNX and C forms may")),
    }
}
