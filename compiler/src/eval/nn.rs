//! `torch.nn`: constructors that check their arguments as PyTorch does and register parameters with
//! PyTorch's names and starting values; `forward` of layers; `torch.nn.functional`. One family per
//! file. A layer keeps its hyper-parameters as attributes and reads them back when it is called, so
//! that a program may look at them and change them.

mod activation;
mod container;
mod conv;
mod image;
mod init;
mod layer_norm;
mod linear;
mod module;
mod norm;
mod pool;
mod recurrent;
mod tree;

pub(crate) use activation::ACTIVATIONS;
pub(crate) use container::CONTAINERS;
pub(crate) use conv::CONVOLUTIONS;
pub(crate) use image::IMAGE_LAYERS;
pub(crate) use init::INITIALISERS;
pub(crate) use layer_norm::LAYER_NORMS;
pub(crate) use linear::LINEAR_LAYERS;
pub(crate) use module::BASE_LAYERS;
pub(crate) use norm::NORMALISATIONS;
pub(crate) use pool::POOLS;
pub(crate) use recurrent::RECURRENT_LAYERS;
pub(crate) use tree::{all_modules, all_parameters};

use super::builtins::native;
use super::error::{Eval, type_error};
use super::native::{Args, Native};
use super::object::{Instance, ModuleState};
use super::value::{Source, Tensor, Value};
use crate::ast::Name;
use crate::ir::{DType, Init, Shape, TensorType};
use std::rc::Rc;

/// Functions of `torch.nn.functional` and `torch.nn`.
pub(crate) const FUNCTIONS: &[Native] = &[
    native("torch.nn.functional.conv1d", conv::FUNCTION, conv::function),
    native("torch.nn.functional.conv2d", conv::FUNCTION, conv::function),
    native("torch.nn.functional.conv3d", conv::FUNCTION, conv::function),
    native("torch.nn.functional.conv_transpose1d", conv::TRANSPOSED, conv::function),
    native("torch.nn.functional.conv_transpose2d", conv::TRANSPOSED, conv::function),
    native("torch.nn.functional.conv_transpose3d", conv::TRANSPOSED, conv::function),
    native("torch.nn.functional.linear", "input, weight, bias=None", linear::function),
    native("torch.nn.functional.batch_norm", norm::FUNCTION, norm::function),
    native("torch.nn.functional.max_pool1d", pool::MAX, pool::function),
    native("torch.nn.functional.max_pool2d", pool::MAX, pool::function),
    native("torch.nn.functional.max_pool3d", pool::MAX, pool::function),
    native("torch.nn.functional.avg_pool1d", pool::AVERAGE, pool::function),
    native("torch.nn.functional.avg_pool2d", pool::AVERAGE, pool::function),
    native("torch.nn.functional.avg_pool3d", pool::AVERAGE, pool::function),
    native("torch.nn.functional.adaptive_avg_pool1d", "input, output_size", pool::adaptive),
    native("torch.nn.functional.adaptive_avg_pool2d", "input, output_size", pool::adaptive),
    native("torch.nn.functional.adaptive_avg_pool3d", "input, output_size", pool::adaptive),
    native("torch.nn.functional.adaptive_max_pool1d", "input, output_size", pool::adaptive),
    native("torch.nn.functional.adaptive_max_pool2d", "input, output_size", pool::adaptive),
    native("torch.nn.functional.adaptive_max_pool3d", "input, output_size", pool::adaptive),
    native("torch.nn.functional.relu", "input, inplace=False", activation::function),
    native("torch.nn.functional.relu_", "input, inplace=True", activation::function),
    native("torch.nn.functional.relu6", "input, inplace=False", activation::function),
    native(
        "torch.nn.functional.leaky_relu",
        "input, negative_slope=0.01, inplace=False",
        activation::function,
    ),
    native("torch.nn.functional.elu", "input, alpha=1.0, inplace=False", activation::function),
    native("torch.nn.functional.selu", "input, inplace=False", activation::function),
    native("torch.nn.functional.celu", "input, alpha=1.0, inplace=False", activation::function),
    native("torch.nn.functional.gelu", "input, approximate='none'", activation::function),
    native("torch.nn.functional.silu", "input, inplace=False", activation::function),
    native("torch.nn.functional.mish", "input, inplace=False", activation::function),
    native("torch.nn.functional.sigmoid", "input", activation::function),
    native("torch.nn.functional.tanh", "input", activation::function),
    native("torch.nn.functional.hardswish", "input, inplace=False", activation::function),
    native("torch.nn.functional.hardsigmoid", "input, inplace=False", activation::function),
    native(
        "torch.nn.functional.hardtanh",
        "input, min_val=-1.0, max_val=1.0, inplace=False",
        activation::function,
    ),
    native("torch.nn.functional.softplus", "input, beta=1.0, threshold=20.0", activation::function),
    native("torch.nn.functional.softsign", "input", activation::function),
    native("torch.nn.functional.logsigmoid", "input", activation::function),
    native("torch.nn.functional.glu", "input, dim=-1", activation::glu),
    native(
        "torch.nn.functional.softmax",
        "input, dim=None, _stacklevel=3, dtype=None",
        activation::softmax,
    ),
    native(
        "torch.nn.functional.log_softmax",
        "input, dim=None, _stacklevel=3, dtype=None",
        activation::softmax,
    ),
    native("torch.nn.functional.dropout", activation::DROPOUT, activation::dropout),
    native("torch.nn.functional.dropout1d", activation::DROPOUT, activation::dropout),
    native("torch.nn.functional.dropout2d", activation::DROPOUT, activation::dropout),
    native("torch.nn.functional.dropout3d", activation::DROPOUT, activation::dropout),
    native("torch.nn.functional.alpha_dropout", activation::DROPOUT, activation::dropout),
    native("torch.nn.functional.pixel_shuffle", "input, upscale_factor", linear::pixel_shuffle),
    native(
        "torch.nn.functional.layer_norm",
        "input, normalized_shape, weight=None, bias=None, eps=1e-05",
        layer_norm::layer_function,
    ),
    native(
        "torch.nn.functional.rms_norm",
        "input, normalized_shape, weight=None, eps=None",
        layer_norm::layer_function,
    ),
    native(
        "torch.nn.functional.group_norm",
        "input, num_groups, weight=None, bias=None, eps=1e-05",
        layer_norm::group_function,
    ),
    native(
        "torch.nn.functional.local_response_norm",
        "input, size, alpha=0.0001, beta=0.75, k=1.0",
        image::local_response_norm,
    ),
    native(
        "torch.nn.functional.unfold",
        "input, kernel_size, dilation=1, padding=0, stride=1",
        image::unfold,
    ),
    native("torch.nn.functional.pad", image::PAD, image::pad),
    native("torch.nn.functional.interpolate", image::INTERPOLATE, image::interpolate),
    native("torch.nn.functional.embedding", "input, weight, padding_idx=None", image::embedding),
    native("torch.nn.functional.scaled_dot_product_attention", image::ATTENTION, image::attention),
    native("torch.nn.Parameter", "data=None, requires_grad=True", linear::parameter),
];

/// Names of `torch.nn`.
pub(crate) fn layer_names_of_torch() -> &'static str {
    include_str!("names/nn.txt")
}

/// Names of `torch.nn.functional`.
pub(crate) fn functional_names() -> &'static str {
    include_str!("names/functional.txt")
}

/// The module that a method works on.
pub(crate) fn this(args: &Args) -> Eval<Rc<Instance>> {
    args.value("self")
        .module()
        .cloned()
        .ok_or_else(|| type_error(format!("{}() needs a module", args.function)))
}

/// Starts a module: what `nn.Module.__init__` does.
pub(crate) fn start(module: &Instance) {
    let mut state = module.module.borrow_mut();
    if state.is_none() {
        *state = Some(ModuleState::default());
    }
}

/// Registers a parameter with its starting value; `None` registers its absence.
pub(crate) fn register(
    module: &Instance,
    name: &str,
    spec: Option<(&[u64], DType, Init)>,
) -> Eval<()> {
    let tensor = match spec {
        Some((shape, dtype, init)) => {
            check_size(name, shape)?;
            let tensor_type = TensorType { dtype, shape: Shape::known(shape) };
            Some(Tensor::parameter(tensor_type, Source::Fill(init), true))
        }
        None => None,
    };
    if let Some(state) = module.module.borrow_mut().as_mut() {
        state.parameters.insert(Name::from(name), tensor);
    }
    Ok(())
}

/// PyTorch counts elements in 63 bits.
fn check_size(name: &str, shape: &[u64]) -> Eval<()> {
    let count = shape.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent));
    if count.is_some_and(|count| count < 1 << 62) {
        return Ok(());
    }
    Err(super::error::raise(
        super::error::Mistake::BadArgument,
        "RuntimeError",
        format!("`{name}` of shape {shape:?} has more elements than a tensor can hold"),
    )
    .help("use smaller sizes"))
}

/// Registers a buffer of the state dict.
pub(crate) fn register_buffer(module: &Instance, name: &str, tensor: Option<Tensor>) {
    if let Some(state) = module.module.borrow_mut().as_mut() {
        state.buffers.insert(Name::from(name), (tensor, true));
    }
}

/// A tuple of counts as an attribute.
pub(crate) fn tuple(counts: &[u64]) -> Value {
    Value::tuple(counts.iter().map(|&count| int(count)).collect())
}

/// A count as an attribute.
pub(crate) fn int(count: u64) -> Value {
    Value::Int(i128::from(count))
}

/// The element type of a layer's parameters.
pub(crate) fn parameter_dtype(args: &Args) -> Eval<DType> {
    Ok(args.optional_dtype("dtype")?.unwrap_or(DType::F32))
}

/// `rank` of `Conv2d.forward`, `max_pool1d` and the like: the digit before `d`.
pub(crate) fn spatial_rank(function: &str) -> usize {
    if function.contains("1d") {
        1
    } else if function.contains("3d") {
        3
    } else {
        2
    }
}

/// An attribute that a layer keeps.
pub(crate) fn kept(module: &Instance, name: &str) -> Value {
    module.attribute(name).unwrap_or(Value::None)
}

/// Counts that a layer keeps as an attribute.
pub(crate) fn kept_counts(module: &Instance, name: &str, rank: usize) -> Eval<Vec<u64>> {
    super::native::counts(&module.class.name, name, &kept(module, name), rank, 0)
}

/// A float that a layer keeps as an attribute.
pub(crate) fn kept_float(module: &Instance, name: &str) -> Eval<f64> {
    let value = kept(module, name);
    value.as_float().ok_or_else(|| {
        type_error(format!(
            "{}.{name} must be a number, not {}",
            module.class.name,
            value.type_name()
        ))
    })
}
