//! Which operations the backend lacks. One arm per operation, so that a new one forces a decision.

use nasc_compiler::ir::op::{PaddingMode, ReduceKind};
use nasc_compiler::ir::{DType, Op};

use crate::plan::Step;

/// What is missing for a step; `None` if it can be executed and differentiated.
pub(crate) fn gap(step: &Step) -> Option<&'static str> {
    let element = step.result_types.first().map(|result| result.dtype);
    if matches!(element, Some(DType::F16 | DType::Bf16 | DType::F64)) {
        return Some("only 32-bit floats are trained");
    }
    match &step.op {
        Op::Conv(conv) => match (&conv.transposed, conv.padding_mode) {
            (Some(_), PaddingMode::Reflect | PaddingMode::Replicate | PaddingMode::Circular) => {
                Some("a transposed convolution pads with zeros only")
            }
            _ => None,
        },
        Op::Reduce(reduce) => match reduce.kind {
            ReduceKind::Product => Some("the product has no gradient here"),
            ReduceKind::All | ReduceKind::Any => Some("the reduction of conditions is missing"),
            ReduceKind::Sum
            | ReduceKind::Mean
            | ReduceKind::Max
            | ReduceKind::Min
            | ReduceKind::Variance { .. }
            | ReduceKind::Deviation { .. }
            | ReduceKind::Norm
            | ReduceKind::LogSumExp => None,
        },
        Op::Linear(_)
        | Op::BatchNorm(_)
        | Op::Dropout(_)
        | Op::Pool(_)
        | Op::AdaptivePool(_)
        | Op::Activation(_)
        | Op::Softmax(_)
        | Op::Recurrent(_)
        | Op::Reshape(_)
        | Op::Permute(_)
        | Op::Cat(_)
        | Op::Expand(_)
        | Op::Slice(_)
        | Op::Unary(_)
        | Op::Binary(_)
        | Op::Scalar(_)
        | Op::MatMul
        | Op::Full(_)
        | Op::Cast(_)
        | Op::LayerNorm(_)
        | Op::GroupNorm(_)
        | Op::PRelu
        | Op::Glu(_)
        | Op::Clamp(_)
        | Op::Split(_)
        | Op::Flip(_)
        | Op::Roll(_)
        | Op::Repeat(_)
        | Op::PixelShuffle(_)
        | Op::Pad(_)
        | Op::Contiguous => None,
        Op::InstanceNorm(norm) if norm.track_running_stats => {
            Some("running statistics of instance normalisation are missing")
        }
        Op::Cumulate(cumulate) if cumulate.product => Some("a running product is missing"),
        Op::Einsum(einsum) if einsum.operands.iter().any(|labels| repeats(labels)) => {
            Some("a diagonal in einsum is missing")
        }
        Op::InstanceNorm(_)
        | Op::LocalResponseNorm(_)
        | Op::Embedding(_)
        | Op::Bilinear(_)
        | Op::Attention(_)
        | Op::LpPool(_)
        | Op::Unfold(_)
        | Op::Interpolate(_)
        | Op::Index(_)
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Einsum(_)
        | Op::Where
        | Op::MaskedFill(_)
        | Op::Arange(_)
        | Op::Cumulate(_)
        | Op::ArgExtreme(_)
        | Op::TopK(_)
        | Op::Triangle(_)
        | Op::Windows(_) => None,
        Op::Random(_) => Some("random numbers in forward are not repeatable here"),
    }
}

/// Whether a label names two dimensions.
fn repeats(labels: &[char]) -> bool {
    labels
        .iter()
        .enumerate()
        .any(|(at, label)| labels.iter().skip(at + 1).any(|other| other == label))
}
