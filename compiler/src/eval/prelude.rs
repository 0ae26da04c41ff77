//! What PyTorch itself writes in Python out of simpler layers and functions, written so here, too:
//! attention with its projections, transformers, `meshgrid`; so are the defaults of `argparse`. The text is evaluated when one of its
//! names is first used; its places never show, a mistake in it is one of the call that led there.

use std::rc::Rc;

use crate::source::{FileId, ModuleSource, SourceFile, Span};

use super::builtins::native;
use super::error::{Eval, Mistake, refuse};
use super::interpreter::Interpreter;
use super::native::Native;
use super::package::Package;
use super::value::{Source, Value};
use crate::ir::Init;

/// The number of the file that the prelude is.
pub(crate) const FILE: FileId = FileId(u32::MAX);

/// The module's name, which no file can have.
pub(crate) const NAME: &str = "<torch>";

const TEXT: &str = concat!(
    "import argparse, copy, math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n",
    include_str!("prelude.py"),
    "\n\n",
    include_str!("prelude_functions.py")
);

/// Which of the prelude's names each module has.
const NAMES: &[(&str, &str)] = &[
    (
        "torch.nn",
        "MultiheadAttention TransformerEncoderLayer TransformerDecoderLayer TransformerEncoder \
         TransformerDecoder Transformer Unfold LocalResponseNorm CosineSimilarity PixelUnshuffle \
         ChannelShuffle Softmax2d UpsamplingNearest2d UpsamplingBilinear2d \
         ReflectionPad1d ReflectionPad3d ReplicationPad1d ReplicationPad3d CircularPad1d \
         CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ZeroPad1d ZeroPad3d \
         Fold LPPool1d LPPool2d Bilinear PairwiseDistance \
         ParameterList ParameterDict RNNCell LSTMCell GRUCell \
         SyncBatchNorm Hardshrink Softshrink Tanhshrink Threshold Softmin EmbeddingBag MSELoss L1Loss \
         SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss NLLLoss CrossEntropyLoss KLDivLoss \
         LazyLinear LazyConv1d LazyConvTranspose1d LazyBatchNorm1d LazyInstanceNorm1d \
         LazyConv2d LazyConvTranspose2d LazyBatchNorm2d LazyInstanceNorm2d LazyConv3d \
         LazyConvTranspose3d LazyBatchNorm3d LazyInstanceNorm3d",
    ),
    (
        "torch.nn.functional",
        "normalize cosine_similarity pixel_unshuffle channel_shuffle one_hot upsample fold lp_pool1d lp_pool2d bilinear pairwise_distance \
         threshold hardshrink softshrink tanhshrink softmin gumbel_softmax affine_grid grid_sample \
         mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits \
         nll_loss cross_entropy kl_div prelu instance_norm",
    ),
    (
        "torch",
        "full_like broadcast_tensors atleast_1d atleast_2d atleast_3d concatenate hstack vstack row_stack \
         dstack column_stack conv1d conv2d conv3d dropout embedding layer_norm group_norm rms_norm prelu \
         selu celu pixel_shuffle adaptive_avg_pool1d avg_pool1d max_pool1d max_pool2d max_pool3d threshold \
         chain_matmul std_mean var_mean aminmax \
         meshgrid diff addcmul addcdiv lerp addmm baddbmm outer pixel_unshuffle channel_shuffle cosine_similarity rot90 cdist bilinear pairwise_distance",
    ),
    ("torch.nn.utils", "weight_norm spectral_norm remove_weight_norm remove_spectral_norm"),
    ("torch.nn.utils.parametrizations", "weight_norm_parametrized spectral_norm_parametrized"),
    ("torch.nn.modules.utils", "_single _pair _triple _quadruple _ntuple"),
    ("einops", "pack unpack"),
    ("types", "SimpleNamespace"),
    ("argparse", "ArgumentParser Namespace"),
];

/// Functions that are methods of tensors, too.
const BOTH: &str = "index_add index_copy index_fill broadcast_to movedim moveaxis swapdims adjoint tile ravel select split_with_sizes \
     tensor_split fliplr flipud take_along_dim diagonal diag diag_embed trace tensordot \
     inner dot mv addmv addbmm addr ger cross dist count_nonzero kthvalue median msort \
     clamp_min clamp_max subtract true_divide negative positive absolute sgn trunc fix \
     frac remainder fmod log10 exp2 erfc sinh cosh asinh acosh atanh logit logaddexp \
     hypot xlogy deg2rad rad2deg gt greater ge greater_equal lt less le less_equal eq ne \
     not_equal logical_and logical_or logical_xor isnan isinf isfinite nan_to_num \
     hardshrink";

/// Methods of tensors whose functions are listed elsewhere.
const METHODS: &str = "addcmul addcdiv addmm baddbmm lerp outer diff rot90 prelu aminmax";

/// Functions that only the prelude calls.
pub(crate) const HELPERS: &[Native] = &[
    native("nasc_unsupported", "what", |_, args| {
        let what = args.string("what")?;
        Err(refuse(Mistake::UnsupportedArgument, format!("nasc does not support {what}")))
    }),
    native("nasc_magnitude", "tensor", |_, args| {
        let source = args.tensor("tensor")?.0.source.borrow().clone();
        // The root of the mean square of what a weight starts with.
        let square = match source {
            Source::Fill(Init::Uniform { low, high }) => {
                (low * low + low * high + high * high) / 3.0
            }
            Source::Fill(Init::Normal { mean, std }) => mean * mean + std * std,
            Source::Fill(Init::Constant(value)) => value * value,
            _ => 1.0,
        };
        Ok(Value::Float(square.sqrt()))
    }),
    native("nasc_xavier_uniform", "module", |_, args| {
        let Value::Instance(module) = args.value("module") else { return Ok(Value::None) };
        for name in ["in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"] {
            if let Some(tensor) = module.parameter(name) {
                let fans: u64 = tensor.dims().iter().filter_map(|dim| dim.known()).sum();
                // torch/nn/init.py, xavier_uniform_: the bound is √(6 / (fan_in + fan_out)).
                let bound = (6.0 / fans.max(1) as f64).sqrt();
                *tensor.0.source.borrow_mut() =
                    Source::Fill(Init::Uniform { low: -bound, high: bound });
            }
        }
        Ok(Value::None)
    }),
];

fn is_listed(module: &str, name: &str) -> bool {
    let has = |names: &str| names.split_whitespace().any(|defined| defined == name);
    match module {
        "torch" if has(BOTH) => true,
        "Tensor" => has(BOTH) || has(METHODS),
        _ => NAMES.iter().any(|(known, names)| *known == module && has(names)),
    }
}

/// Whether `module.name` is the prelude's.
pub(crate) fn defines(module: &str, name: &str) -> bool {
    is_listed(module, name) || is_listed(module, &format!("{name}_parametrized"))
}

/// Whether a place lies in the prelude.
pub(crate) fn is_here(span: Span) -> bool {
    span.file == FILE
}

/// The prelude as a module's source.
pub(crate) fn source() -> ModuleSource {
    ModuleSource { file: FILE, source: SourceFile::new(NAME, TEXT), is_package: false }
}

impl Interpreter<'_> {
    /// `module.name` if the prelude defines it.
    pub(crate) fn prelude_attribute(&mut self, module: &str, name: &str) -> Eval<Option<Value>> {
        let parametrized = format!("{name}_parametrized");
        let name = match module {
            "torch.nn.utils.parametrizations" => parametrized.as_str(),
            _ => name,
        };
        if !is_listed(module, name) {
            return Ok(None);
        }
        let package: Option<Rc<Package>> = self.package(NAME);
        match package {
            Some(package) => self.package_attribute(&package, name),
            None => Ok(None),
        }
    }

    /// A method of tensors that the prelude defines.
    pub(crate) fn prelude_method(&mut self, name: &str) -> Eval<Option<Value>> {
        self.prelude_attribute("Tensor", name)
    }

    /// Moves the place of the program that runs, except within the prelude.
    pub(crate) fn visit(&mut self, span: Span) {
        if !is_here(span) {
            self.site = span;
        }
    }
}
