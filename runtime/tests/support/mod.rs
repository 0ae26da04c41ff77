//! Builds checked graphs for tests as the compiler would.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod golden;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use nasc_compiler::ir::op::{
    Activation, BatchNorm, Conv, Linear, PaddingMode, Pool, PoolMode, Reshape,
};
use nasc_compiler::ir::{
    CheckedGraph, DType, Dim, GraphBuilder, Init, Module, ModuleId, ModulePath, Op, Param,
    ParamKind, Provenance, Shape, TensorType, ValueId,
};
use nasc_compiler::shape;
use nasc_compiler::source::{FileId, Span};
use nasc_runtime::backend::Backend;
use nasc_runtime::backend::cpu::CpuBackend;

/// The static plan of a graph; `None`, said once, where oneDNN is not in the cache folder, or where the
/// graph has an operation that it leaves to candle.
pub fn planned(graph: &CheckedGraph, threads: usize) -> Option<Box<dyn Backend>> {
    let cache = std::env::var_os("NASC_CACHE").map(PathBuf::from).or_else(|| {
        let folder = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        Some(folder.or_else(home)?.join("nasc"))
    })?;
    if let Err(error) = nasc_runtime::onednn::install(&cache.join("onednn/libdnnl.so.3")) {
        eprintln!("skipped: the static plan needs oneDNN ({error}); scripts/setup.sh fetches it");
        return None;
    }
    let threads = NonZeroUsize::new(threads).unwrap();
    let backend = CpuBackend::new(graph, 1, threads).unwrap()?;
    Some(Box::new(backend))
}

/// A graph under construction.
pub struct Net {
    builder: GraphBuilder,
}

impl Net {
    /// A network with one input `[N, extents...]`.
    pub fn new(extents: &[u64]) -> (Net, ValueId) {
        let mut builder = GraphBuilder::new();
        builder.module(Module {
            path: ModulePath::root(),
            class_name: "Net".into(),
            layer: None,
            is_derived: false,
            out_features: None,
            parent: None,
            declared: None,
        });
        let dims = [Dim::N].into_iter().chain(extents.iter().map(|&extent| Dim::Known(extent)));
        let input = builder.input(TensorType::f32(Shape(dims.collect())));
        (Net { builder }, input)
    }

    pub fn param(&mut self, path: &str, shape: &[u64], kind: ParamKind, init: Init) -> ValueId {
        let dtype = if path.ends_with("num_batches_tracked") { DType::I64 } else { DType::F32 };
        let path = ModulePath::root().join(path);
        let param = Param { path, module: ModuleId(0), dtype, shape: shape.to_vec(), kind, init };
        let id = self.builder.param(param);
        self.builder.param_value(id).unwrap()
    }

    pub fn weight(&mut self, path: &str, shape: &[u64], fan_in: u64) -> ValueId {
        let bound = 1.0 / (fan_in as f64).sqrt();
        self.param(path, shape, ParamKind::Trainable, Init::Uniform { low: -bound, high: bound })
    }

    pub fn ops(&mut self, op: Op, inputs: &[ValueId]) -> Vec<ValueId> {
        let graph = self.builder.graph();
        let types: Vec<TensorType> =
            inputs.iter().map(|&id| graph.tensor_type(id).unwrap().clone()).collect();
        let results = shape::infer(&op, &types.iter().collect::<Vec<_>>()).unwrap();
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let provenance =
            Provenance { call: span, declared: None, module: ModuleId(0), by_name: false };
        let results = results.into_iter().map(Some).collect();
        self.builder.node(op, inputs.to_vec(), results, provenance)
    }

    pub fn op(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        self.ops(op, inputs)[0]
    }

    pub fn extents(&self, value: ValueId) -> Vec<u64> {
        let shape = &self.builder.graph().tensor_type(value).unwrap().shape;
        shape.0.iter().skip(1).map(|dim| dim.known().unwrap()).collect()
    }

    pub fn conv(&mut self, path: &str, input: ValueId, conv: Conv) -> ValueId {
        let mut shape = match conv.transposed {
            None => vec![conv.out_channels, conv.in_channels / conv.groups],
            Some(_) => vec![conv.in_channels, conv.out_channels / conv.groups],
        };
        shape.extend(&conv.kernel);
        let fan_in = shape[1..].iter().product();
        let mut inputs = vec![input, self.weight(&format!("{path}.weight"), &shape, fan_in)];
        if conv.bias {
            inputs.push(self.weight(&format!("{path}.bias"), &[conv.out_channels], fan_in));
        }
        self.op(Op::Conv(conv), &inputs)
    }

    pub fn linear(&mut self, path: &str, input: ValueId, out_features: u64) -> ValueId {
        let in_features = *self.extents(input).last().unwrap();
        let weight =
            self.weight(&format!("{path}.weight"), &[out_features, in_features], in_features);
        let bias = self.weight(&format!("{path}.bias"), &[out_features], in_features);
        self.op(
            Op::Linear(Linear { in_features, out_features, bias: true }),
            &[input, weight, bias],
        )
    }

    pub fn batch_norm(&mut self, path: &str, input: ValueId, momentum: Option<f64>) -> ValueId {
        let num_features = self.extents(input)[0];
        let constant = |value| Init::Constant(value);
        let name = |member: &str| format!("{path}.{member}");
        let shape = [num_features];
        let inputs = [
            input,
            self.param(&name("weight"), &shape, ParamKind::Trainable, constant(1.0)),
            self.param(&name("bias"), &shape, ParamKind::Trainable, constant(0.0)),
            self.param(&name("running_mean"), &shape, ParamKind::Buffer, constant(0.0)),
            self.param(&name("running_var"), &shape, ParamKind::Buffer, constant(1.0)),
            self.param(&name("num_batches_tracked"), &[], ParamKind::Buffer, constant(0.0)),
        ];
        let norm = BatchNorm {
            num_features,
            eps: 1e-5,
            momentum,
            affine: true,
            track_running_stats: true,
            ranks: vec![2, 3, 4, 5],
        };
        self.op(Op::BatchNorm(norm), &inputs)
    }

    pub fn relu(&mut self, input: ValueId) -> ValueId {
        self.op(Op::Activation(Activation::Relu), &[input])
    }

    pub fn max_pool(&mut self, input: ValueId, size: u64) -> ValueId {
        self.op(Op::Pool(pool(PoolMode::Max, &[size; 2], &[size; 2])), &[input])
    }

    pub fn flatten(&mut self, input: ValueId) -> ValueId {
        let features = self.extents(input).iter().product();
        let shape = Shape(vec![Dim::N, Dim::Known(features)]);
        self.op(Op::Reshape(Reshape { shape }), &[input])
    }

    pub fn finish(self, output: ValueId) -> CheckedGraph {
        shape::check(self.builder.finish(vec![output])).unwrap()
    }
}

/// A convolution with stride 1 and no padding.
pub fn conv(in_channels: u64, out_channels: u64, kernel: &[u64]) -> Conv {
    Conv {
        in_channels,
        out_channels,
        kernel: kernel.to_vec(),
        stride: vec![1; kernel.len()],
        padding: vec![(0, 0); kernel.len()],
        dilation: vec![1; kernel.len()],
        groups: 1,
        bias: true,
        padding_mode: PaddingMode::Zeros,
        transposed: None,
    }
}

/// A pooling without padding.
pub fn pool(mode: PoolMode, kernel: &[u64], stride: &[u64]) -> Pool {
    Pool {
        mode,
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        padding: vec![0; kernel.len()],
        dilation: vec![1; kernel.len()],
        ceil_mode: false,
        count_include_pad: true,
        divisor_override: None,
    }
}

/// conv 3x3 -> batch norm -> relu -> max pool -> linear, for `[1, 8, 8]` images of ten classes.
pub fn small_cnn() -> CheckedGraph {
    let (mut net, input) = Net::new(&[1, 8, 8]);
    let x = net.conv("conv", input, Conv { padding: vec![(1, 1); 2], ..conv(1, 8, &[3, 3]) });
    let x = net.batch_norm("norm", x, Some(0.1));
    let x = net.relu(x);
    let x = net.max_pool(x, 2);
    let x = net.flatten(x);
    let x = net.linear("head", x, 10);
    net.finish(x)
}

/// A 3x3 convolution that keeps the size of its images.
pub fn padded_conv(in_channels: u64, out_channels: u64) -> Conv {
    Conv { padding: vec![(1, 1); 2], ..conv(in_channels, out_channels, &[3, 3]) }
}
