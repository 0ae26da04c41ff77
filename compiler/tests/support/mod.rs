//! Builds small graphs for the tests: infers each node and registers layers under their paths.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use nasc_compiler::ir::op::{Conv, Linear, PaddingMode};
use nasc_compiler::ir::{
    DType, Dim, Graph, GraphBuilder, Init, Module, ModuleId, ModulePath, Op, Param, ParamKind,
    Provenance, Shape, TensorType, ValueId,
};
use nasc_compiler::shape::infer;
use nasc_compiler::source::{FileId, Span};

/// A graph under construction whose nodes are inferred as they are added.
pub struct Network {
    pub builder: GraphBuilder,
    calls: u32,
}

impl Network {
    pub fn new() -> Network {
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
        Network { builder, calls: 0 }
    }

    pub fn input(&mut self, dims: &[Dim]) -> ValueId {
        self.builder.input(TensorType::f32(Shape(dims.to_vec())))
    }

    pub fn layer(&mut self, path: &str, class: &str, out_features: Option<u64>) -> ModuleId {
        self.builder.module(Module {
            path: path.split('.').fold(ModulePath::root(), |path, name| path.join(name)),
            class_name: class.into(),
            layer: Some(class.into()),
            is_derived: false,
            out_features,
            parent: Some(ModuleId(0)),
            declared: Some(span(0)),
        })
    }

    pub fn param(
        &mut self,
        module: ModuleId,
        name: &str,
        shape: &[u64],
        kind: ParamKind,
    ) -> ValueId {
        let path = self.builder.graph().module(module).unwrap().path.join(name);
        let (shape, init) = (shape.to_vec(), Init::Constant(0.0));
        let id = self.builder.param(Param { path, module, dtype: DType::F32, shape, kind, init });
        self.builder.param_value(id).unwrap()
    }

    pub fn node_of(&mut self, module: ModuleId, op: Op, inputs: &[ValueId]) -> Vec<ValueId> {
        let graph = self.builder.graph();
        let operands: Vec<&TensorType> =
            inputs.iter().map(|&id| graph.tensor_type(id).unwrap()).collect();
        let types = infer(&op, &operands).unwrap();
        self.calls += 10;
        let declared = (module != ModuleId(0)).then_some(span(0));
        let provenance = Provenance { call: span(self.calls), declared, module, by_name: false };
        self.builder.node(op, inputs.to_vec(), types.into_iter().map(Some).collect(), provenance)
    }

    pub fn node(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        self.node_of(ModuleId(0), op, inputs)[0]
    }

    pub fn conv2d(&mut self, path: &str, input: ValueId, conv: Conv) -> ValueId {
        let module = self.layer(path, "Conv2d", Some(conv.out_channels));
        let mut shape = vec![conv.out_channels, conv.in_channels / conv.groups];
        shape.extend(&conv.kernel);
        let weight = self.param(module, "weight", &shape, ParamKind::Trainable);
        let bias = self.param(module, "bias", &[conv.out_channels], ParamKind::Trainable);
        self.node_of(module, Op::Conv(conv), &[input, weight, bias])[0]
    }

    pub fn linear(&mut self, path: &str, input: ValueId, sizes: (u64, u64)) -> ValueId {
        let (in_features, out_features) = sizes;
        let module = self.layer(path, "Linear", Some(out_features));
        let shape = [out_features, in_features];
        let weight = self.param(module, "weight", &shape, ParamKind::Trainable);
        let bias = self.param(module, "bias", &[out_features], ParamKind::Trainable);
        let linear = Linear { in_features, out_features, bias: true };
        self.node_of(module, Op::Linear(linear), &[input, weight, bias])[0]
    }

    pub fn finish(self, outputs: &[ValueId]) -> Graph {
        self.builder.finish(outputs.to_vec())
    }
}

pub fn span(start: u32) -> Span {
    Span { file: FileId(0), start, end: start + 5 }
}

/// A convolution with a square window, step 1 and a bias.
pub fn conv2d(in_channels: u64, out_channels: u64, kernel: u64, padding: u64) -> Conv {
    Conv {
        in_channels,
        out_channels,
        kernel: vec![kernel; 2],
        stride: vec![1; 2],
        padding: vec![(padding, padding); 2],
        dilation: vec![1; 2],
        groups: 1,
        bias: true,
        padding_mode: PaddingMode::Zeros,
        transposed: None,
    }
}

/// The paper's first network: Conv2d(3, 1, 1), ReLU, flatten, Linear(1024, 10), ReLU.
pub fn first_network() -> Graph {
    use nasc_compiler::ir::op::{Activation, Reshape};
    let mut network = Network::new();
    let x = network.input(&[Dim::N, Dim::Known(3), Dim::Known(32), Dim::Known(32)]);
    let x = network.conv2d("conv1", x, conv2d(3, 1, 1, 0));
    let x = network.node(Op::Activation(Activation::Relu), &[x]);
    let shape = Shape(vec![Dim::N, Dim::Known(1024)]);
    let x = network.node(Op::Reshape(Reshape { shape }), &[x]);
    let x = network.linear("fc1", x, (1024, 10));
    let x = network.node(Op::Activation(Activation::Relu), &[x]);
    network.finish(&[x])
}
