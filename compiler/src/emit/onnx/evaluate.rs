//! Evaluates an ONNX file by the definitions of its operators, from the bytes alone: the proof that
//! an exported file computes what its network computes, for machines without an ONNX runtime.
//! All operators that `emit` writes are here, 32-bit floats and whole numbers. Deliberately not
//! here: speed beyond loops that compilers turn into vectors, and operators nobody writes.

mod call;
mod convolution;
mod elementwise;
mod image;
mod movement;
mod norm;
mod product;
mod recurrent;
mod reduce;
mod select;
mod tensor;

use std::collections::BTreeMap;

use prost::Message as _;

use self::call::Call;
pub use self::tensor::{Elements, Tensor};
use super::message::{
    DimensionProto, DimensionValue, GraphProto, ModelProto, NodeProto, data_type,
};

/// Why a file cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The bytes are no ONNX file.
    #[error("it is no ONNX file: {reason}")]
    NoModel {
        /// What is wrong.
        reason: String,
    },
    /// An operation cannot be evaluated.
    #[error("its operation {operator} cannot be evaluated: {reason}")]
    Operation {
        /// The operator.
        operator: String,
        /// What is wrong.
        reason: String,
    },
}

/// What is shown the results of operations while a file is evaluated: names and elements.
pub type Observer<'a> = &'a mut dyn FnMut(&str, &Tensor);

/// An ONNX file that was read.
#[derive(Debug, Clone)]
pub struct Model {
    graph: GraphProto,
    metadata: BTreeMap<String, String>,
    constants: BTreeMap<String, Tensor>,
    /// For each operation the values that nothing behind it reads.
    endings: Vec<Vec<String>>,
}

impl Model {
    /// Reads a file.
    ///
    /// # Errors
    /// [`EvaluateError::NoModel`].
    pub fn read(bytes: &[u8]) -> Result<Model, EvaluateError> {
        let wrong = |reason: String| EvaluateError::NoModel { reason };
        let model = ModelProto::decode(bytes).map_err(|error| wrong(error.to_string()))?;
        let graph = model.graph.ok_or_else(|| wrong("it holds no graph".to_owned()))?;
        let constants = graph.initializer.iter().map(|constant| {
            let tensor = Tensor::read(constant)
                .ok_or_else(|| wrong(format!("its constant {} cannot be read", constant.name)))?;
            Ok((constant.name.clone(), tensor))
        });
        let constants = constants.collect::<Result<_, EvaluateError>>()?;
        let metadata = model.metadata_props.into_iter().map(|entry| (entry.key, entry.value));
        Ok(Model { endings: endings(&graph), constants, metadata: metadata.collect(), graph })
    }

    /// Keys and values that the file says about itself.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Whether the first input holds bytes, and its extents behind the batch.
    #[must_use]
    pub fn first_input(&self) -> (bool, Vec<usize>) {
        let input = self.graph.input.first().and_then(|input| input.r#type.as_ref());
        let Some(found) = input.and_then(|found| found.tensor_type.as_ref()) else {
            return (false, Vec::new());
        };
        let dims = found.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
        let extent = |dim: &DimensionProto| match dim.value {
            Some(DimensionValue::DimValue(extent)) => usize::try_from(extent).unwrap_or(1),
            _ => 1,
        };
        (found.elem_type == data_type::UINT8, dims.iter().skip(1).map(extent).collect())
    }

    /// Computes the results for inputs in the order of the file.
    ///
    /// # Errors
    /// [`EvaluateError::Operation`].
    pub fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, EvaluateError> {
        self.observe(inputs, &mut |_, _| {})
    }

    /// As [`Model::run`]; the observer sees the result of each operation.
    ///
    /// # Errors
    /// [`EvaluateError::Operation`].
    pub fn observe(
        &self,
        inputs: Vec<Tensor>,
        observer: Observer<'_>,
    ) -> Result<Vec<Tensor>, EvaluateError> {
        let names = self.graph.input.iter().map(|input| input.name.clone());
        let mut values: BTreeMap<String, Tensor> = names.zip(inputs).collect();
        for (node, ending) in self.graph.node.iter().zip(&self.endings) {
            for (name, tensor) in node.output.iter().zip(self.apply(node, &values)?) {
                observer(name, &tensor);
                values.insert(name.clone(), tensor);
            }
            for name in ending {
                values.remove(name);
            }
        }
        let result = |name: &String| {
            let found = values.get(name).or_else(|| self.constants.get(name)).cloned();
            found.ok_or_else(|| EvaluateError::NoModel { reason: format!("nothing makes {name}") })
        };
        self.graph.output.iter().map(|output| result(&output.name)).collect()
    }

    fn apply(
        &self,
        node: &NodeProto,
        values: &BTreeMap<String, Tensor>,
    ) -> Result<Vec<Tensor>, EvaluateError> {
        let find = |name: &String| values.get(name).or_else(|| self.constants.get(name));
        let call = Call { node, inputs: node.input.iter().map(find).collect() };
        dispatch(&call)
    }
}

/// For each operation the values that it is the last to read.
fn endings(graph: &GraphProto) -> Vec<Vec<String>> {
    let mut seen: Vec<&String> = graph.output.iter().map(|output| &output.name).collect();
    let mut endings: Vec<Vec<String>> = Vec::new();
    for node in graph.node.iter().rev() {
        let mut ending = Vec::new();
        for name in &node.input {
            if !seen.contains(&name) {
                seen.push(name);
                ending.push(name.clone());
            }
        }
        endings.push(ending);
    }
    endings.reverse();
    endings
}

fn dispatch(call: &Call<'_>) -> Result<Vec<Tensor>, EvaluateError> {
    let one = |tensor: Result<Tensor, EvaluateError>| tensor.map(|tensor| vec![tensor]);
    match call.operator() {
        "LSTM" | "GRU" | "RNN" => recurrent::recurrent(call),
        "Split" => movement::split(call),
        "TopK" => select::top_k(call),
        _ => one(single(call)),
    }
}

/// Operators with one result.
fn single(call: &Call<'_>) -> Result<Tensor, EvaluateError> {
    match call.operator() {
        "Conv" => convolution::conv(call),
        "ConvTranspose" => convolution::transposed(call),
        "Gemm" => product::gemm(call),
        "MatMul" => product::matmul(call),
        "Einsum" => product::einsum(call),
        "MaxPool" | "AveragePool" => image::pool(call),
        "Resize" => image::resize(call),
        "DepthToSpace" => image::depth_to_space(call),
        "Pad" => image::pad(call),
        "BatchNormalization" => norm::batch(call),
        "InstanceNormalization" => norm::instance(call),
        "LRN" => norm::local_response(call),
        "Softmax" | "LogSoftmax" => norm::softmax(call),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL2"
        | "ReduceLogSumExp" => reduce::reduce(call),
        "CumSum" => reduce::cumulate(call),
        "ArgMax" | "ArgMin" => select::extreme(call),
        "Gather" => select::gather(call),
        "GatherElements" => select::gather_elements(call),
        "ScatterElements" => select::scatter_elements(call),
        "Where" => elementwise::choose(call),
        "Trilu" => select::triangle(call),
        "Cast" => elementwise::cast(call),
        "Clip" => elementwise::clip(call),
        "Identity" => call.input(0).cloned(),
        "Reshape" => movement::reshape(call),
        "Transpose" => movement::transpose(call),
        "Concat" => movement::concat(call),
        "Slice" => movement::slice(call),
        "Unsqueeze" => movement::unsqueeze(call),
        "Expand" => movement::expand(call),
        "Tile" => movement::tile(call),
        "Shape" => movement::shape(call),
        _ => elementwise::elementwise(call),
    }
}
