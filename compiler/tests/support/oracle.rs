//! Cases that PyTorch computed (tests/data/shapes.jsonl), as operations and operand types.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use nasc_compiler::ir::op::*;
use nasc_compiler::ir::{DType, Dim, Shape, TensorType};
use nasc_compiler::shape::ShapeError;
use serde_json::Value as Json;

/// One line of the file.
pub struct Case(pub Json);

impl Case {
    pub fn read(text: &str) -> Vec<Case> {
        text.lines().map(|line| Case(serde_json::from_str(line).unwrap())).collect()
    }

    pub fn name(&self) -> &str {
        self.0["op"].as_str().unwrap()
    }

    pub fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap()
    }

    pub fn number(&self, key: &str) -> u64 {
        self.0[key].as_u64().unwrap()
    }

    pub fn flag(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap()
    }

    pub fn numbers(&self, key: &str) -> Vec<u64> {
        self.0[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
    }

    pub fn positions(&self, key: &str) -> Vec<usize> {
        self.numbers(key).into_iter().map(|n| n as usize).collect()
    }

    /// The operand types; dimensions of the batch are `N` if `symbolic`.
    pub fn inputs(&self, symbolic: bool) -> Vec<TensorType> {
        let batch = self.0["batch"].as_u64().filter(|_| symbolic).map(|dim| dim as usize);
        let shapes = self.0["inputs"].as_array().unwrap();
        let dtypes = self.0["dtypes"].as_array().unwrap();
        let mut types: Vec<TensorType> = shapes
            .iter()
            .zip(dtypes)
            .map(|(shape, dtype)| TensorType { dtype: dtype_named(dtype), shape: shape_of(shape) })
            .collect();
        if let Some(batch) = batch {
            types[0].shape.0[batch] = Dim::N;
            for state in types.iter_mut().skip(1).filter(|state| state.shape.rank() == 3) {
                state.shape.0[1] = Dim::N;
            }
        }
        types
    }

    /// What PyTorch computes; `None` if it raises.
    pub fn outputs(&self) -> Option<Vec<TensorType>> {
        let shapes = self.0.get("outputs")?.as_array()?;
        let dtypes = self.0["types"].as_array()?;
        let typed =
            |(shape, dtype)| TensorType { dtype: dtype_named(dtype), shape: shape_of(shape) };
        Some(shapes.iter().zip(dtypes).map(typed).collect())
    }

    pub fn macs(&self) -> Option<u64> {
        self.0.get("macs")?.as_u64()
    }

    /// The operation and the types of its parameters.
    pub fn op(&self, inputs: &[TensorType]) -> Result<(Op, Vec<TensorType>), ShapeError> {
        let none = Vec::new();
        Ok(match self.name() {
            "conv" => self.conv(),
            "linear" => self.linear(),
            "batch_norm" => self.batch_norm(),
            "recurrent" => self.recurrent(inputs.len() > 1),
            "pool" => (Op::Pool(self.pool()), none),
            "adaptive" => {
                let sizes = self.0["output"].as_array().unwrap().iter().map(Json::as_u64);
                let output = sizes.collect();
                (Op::AdaptivePool(AdaptivePool { mode: self.pool_mode(), output }), none)
            }
            "reshape" => {
                let sizes = self.0["target"].as_array().unwrap().iter();
                let sizes: Vec<Option<Dim>> = sizes.map(|n| n.as_u64().map(Dim::Known)).collect();
                let shape = nasc_compiler::shape::resolve_reshape(&inputs[0].shape, &sizes)?;
                (Op::Reshape(Reshape { shape }), none)
            }
            "matmul" => (Op::MatMul, none),
            "binary" => (Op::Binary(binary(self.text("name"))), none),
            "scalar" => {
                let (op, value) = (binary(self.text("name")), self.0["value"].as_f64().unwrap());
                let is_float = self.flag("is_float");
                (Op::Scalar(Scalar { op, value, is_float, reversed: false }), none)
            }
            "unary" => (Op::Unary(unary(self.text("name"))), none),
            "activation" => (Op::Activation(activation(self.text("name"))), none),
            "cat" => (Op::Cat(Cat { dim: self.number("dim") as usize }), none),
            "reduce" => {
                let kind = match self.text("name") {
                    "sum" => ReduceKind::Sum,
                    "mean" => ReduceKind::Mean,
                    "max" => ReduceKind::Max,
                    "min" => ReduceKind::Min,
                    "prod" => ReduceKind::Product,
                    "var" => ReduceKind::Variance { correction: 1 },
                    "std" => ReduceKind::Deviation { correction: 1 },
                    "norm" => ReduceKind::Norm,
                    "logsumexp" => ReduceKind::LogSumExp,
                    "all" => ReduceKind::All,
                    "any" => ReduceKind::Any,
                    other => panic!("no reduction {other}"),
                };
                let (dims, keep_dim) = (self.positions("dims"), self.flag("keep"));
                (Op::Reduce(Reduce { kind, dims, keep_dim }), none)
            }
            "softmax" => {
                (Op::Softmax(Softmax { dim: self.number("dim") as usize, log: false }), none)
            }
            "permute" => (Op::Permute(Permute { order: self.positions("order") }), none),
            "expand" => (Op::Expand(Expand { shape: shape_of(&self.0["target"]) }), none),
            "slice" => {
                let slice = Slice {
                    dim: self.number("dim") as usize,
                    start: self.number("start"),
                    end: self.0["end"].as_u64(),
                    step: self.number("step"),
                };
                (Op::Slice(slice), none)
            }
            _ => super::more::op(self, inputs),
        })
    }

    fn conv(&self) -> (Op, Vec<TensorType>) {
        let padding = self.0["padding"].as_array().unwrap().iter();
        let output_padding = self.0.get("output_padding").map(|_| self.numbers("output_padding"));
        let conv = Conv {
            in_channels: self.number("in"),
            out_channels: self.number("out"),
            kernel: self.numbers("kernel"),
            stride: self.numbers("stride"),
            padding: padding.map(|p| (p[0].as_u64().unwrap(), p[1].as_u64().unwrap())).collect(),
            dilation: self.numbers("dilation"),
            groups: self.number("groups"),
            bias: self.flag("bias"),
            padding_mode: match self.text("mode") {
                "zeros" => PaddingMode::Zeros,
                "reflect" => PaddingMode::Reflect,
                "replicate" => PaddingMode::Replicate,
                _ => PaddingMode::Circular,
            },
            transposed: output_padding,
        };
        let (first, second) = match conv.transposed {
            None => (conv.out_channels, conv.in_channels / conv.groups),
            Some(_) => (conv.in_channels, conv.out_channels / conv.groups),
        };
        let mut weight = vec![first, second];
        weight.extend(&conv.kernel);
        let mut params = vec![f32(&weight)];
        params.extend(conv.bias.then(|| f32(&[conv.out_channels])));
        (Op::Conv(conv), params)
    }

    fn linear(&self) -> (Op, Vec<TensorType>) {
        let (in_features, out_features) = (self.number("in"), self.number("out"));
        let bias = self.flag("bias");
        let mut params = vec![f32(&[out_features, in_features])];
        params.extend(bias.then(|| f32(&[out_features])));
        (Op::Linear(Linear { in_features, out_features, bias }), params)
    }

    fn batch_norm(&self) -> (Op, Vec<TensorType>) {
        let num_features = self.number("features");
        let counter = TensorType { dtype: DType::I64, shape: Shape(Vec::new()) };
        let mut params = vec![f32(&[num_features]); 4];
        params.push(counter);
        let op = BatchNorm {
            num_features,
            eps: 1e-5,
            momentum: Some(0.1),
            affine: true,
            track_running_stats: true,
            ranks: self.positions("ranks"),
        };
        (Op::BatchNorm(op), params)
    }

    fn recurrent(&self, initial_state: bool) -> (Op, Vec<TensorType>) {
        let op = Recurrent {
            cell: match self.text("cell") {
                "LSTM" => RecurrentCell::Lstm,
                "GRU" => RecurrentCell::Gru,
                _ => RecurrentCell::RnnTanh,
            },
            input_size: self.number("in"),
            hidden_size: self.number("hidden"),
            num_layers: self.number("layers"),
            bias: self.flag("bias"),
            batch_first: self.flag("batch_first"),
            dropout: 0.0,
            bidirectional: self.flag("bidirectional"),
            initial_state,
        };
        let gates = op.cell.gates() * op.hidden_size;
        let mut params = Vec::new();
        for layer in 0..op.num_layers {
            let upper = op.hidden_size * op.directions();
            let features = if layer == 0 { op.input_size } else { upper };
            for _ in 0..op.directions() {
                params.extend([f32(&[gates, features]), f32(&[gates, op.hidden_size])]);
                params.extend(vec![f32(&[gates]); if op.bias { 2 } else { 0 }]);
            }
        }
        (Op::Recurrent(op), params)
    }

    fn pool_mode(&self) -> PoolMode {
        if self.text("mode") == "max" { PoolMode::Max } else { PoolMode::Average }
    }

    fn pool(&self) -> Pool {
        Pool {
            mode: self.pool_mode(),
            kernel: self.numbers("kernel"),
            stride: self.numbers("stride"),
            padding: self.numbers("padding"),
            dilation: self.numbers("dilation"),
            ceil_mode: self.flag("ceil"),
            count_include_pad: true,
            divisor_override: None,
        }
    }
}

pub fn f32(extents: &[u64]) -> TensorType {
    TensorType::f32(Shape::known(extents))
}

fn shape_of(extents: &Json) -> Shape {
    let extents = extents.as_array().unwrap().iter();
    Shape(extents.map(|extent| Dim::Known(extent.as_u64().unwrap())).collect())
}

fn dtype_named(name: &Json) -> DType {
    serde_json::from_value(name.clone()).unwrap()
}

fn binary(name: &str) -> Binary {
    use Binary::*;
    let all = [
        Add,
        Sub,
        Mul,
        Div,
        Pow,
        Maximum,
        Minimum,
        FloorDivide,
        Remainder,
        Equal,
        NotEqual,
        Less,
        LessEqual,
        Greater,
        GreaterEqual,
        LogicalAnd,
        LogicalOr,
        LogicalXor,
    ];
    *all.iter().find(|op| op.name() == name).unwrap()
}

fn unary(name: &str) -> Unary {
    use Unary::*;
    let all = [
        Neg, Abs, Exp, Log, Sqrt, Rsqrt, Square, Sin, Cos, Tan, Reciprocal, Floor, Ceil, Round,
        Sign, Erf, Expm1, Log1p, Log2, LogicalNot,
    ];
    *all.iter().find(|op| op.name() == name).unwrap()
}

fn activation(name: &str) -> Activation {
    use Activation::*;
    let all = [
        Relu,
        Relu6,
        LeakyRelu { negative_slope: 0.01 },
        Elu { alpha: 1.0 },
        Selu,
        Celu { alpha: 1.0 },
        Gelu { tanh: false },
        Silu,
        Mish,
        Sigmoid,
        Tanh,
        Hardswish,
        Hardsigmoid,
        Hardtanh { min: -1.0, max: 1.0 },
        Softplus { beta: 1.0, threshold: 20.0 },
        Softsign,
        LogSigmoid,
        Hardshrink { lambda: 0.5 },
        Softshrink { lambda: 0.5 },
        Tanhshrink,
        Threshold { threshold: 0.0, value: 0.0 },
        Rrelu { lower: 0.125, upper: 0.25 },
    ];
    *all.iter().find(|op| op.name() == name).unwrap()
}
