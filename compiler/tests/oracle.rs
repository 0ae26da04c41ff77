//! Shape rules and MACs against figures that PyTorch computed: tests/data/shapes.py made them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/more.rs"]
mod more;
#[path = "support/oracle.rs"]
mod oracle;

use std::collections::BTreeMap;

use nasc_compiler::cost::macs;
use nasc_compiler::ir::{Dim, Op, Shape, TensorType};
use nasc_compiler::shape::{ShapeError, infer};
use oracle::Case;

const CASES: &str =
    concat!(include_str!("data/shapes.jsonl"), include_str!("data/more_shapes.jsonl"));

/// Types of results and multiply-accumulates as nasc computes them.
fn run(case: &Case, symbolic: bool) -> Result<(Vec<TensorType>, u64), ShapeError> {
    let mut operands = case.inputs(symbolic);
    let (op, params) = case.op(&operands)?;
    let states =
        operands.split_off(if matches!(op, Op::Recurrent(_)) { 1 } else { operands.len() });
    operands.extend(params);
    operands.extend(states);
    let operands: Vec<&TensorType> = operands.iter().collect();
    let results = infer(&op, &operands)?;
    let macs = macs(&op, &operands, &results.iter().collect::<Vec<_>>());
    Ok((results, macs))
}

#[test]
fn known_shapes_and_errors_are_those_of_pytorch() {
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for case in Case::read(CASES) {
        let count = counts.entry(case.name().to_string()).or_default();
        let found = run(&case, false);
        let same = match (&found, case.outputs()) {
            (Ok((types, found_macs)), Some(expected)) => {
                count.0 += 1;
                *types == expected && case.macs().is_none_or(|macs| macs == *found_macs)
            }
            (Err(_), None) => {
                count.1 += 1;
                true
            }
            (Ok(_), None) | (Err(_), Some(_)) => false,
        };
        if !same {
            wrong.push(format!("{}\n    nasc: {found:?}", case.0));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    let total: u32 = counts.values().map(|(shapes, errors)| shapes + errors).sum();
    assert!(total > 1_300 && counts.len() > 40, "{total} {counts:?}");
}

/// With a symbolic batch the answer is PyTorch's at three samples, or an error where it depends on
/// the batch size or where PyTorch raises.
#[test]
fn symbolic_shapes_are_those_of_pytorch_at_that_batch() {
    let mut symbolic = 0;
    let mut refused = Vec::new();
    for case in Case::read(CASES).into_iter().filter(|case| !case.0["batch"].is_null()) {
        match (run(&case, true), case.outputs()) {
            (Ok((types, _)), Some(expected)) => {
                symbolic += 1;
                let at_batch: Vec<TensorType> = types.iter().map(|t| with_batch(t, 3)).collect();
                assert_eq!(at_batch, expected, "{}", case.0);
            }
            (Err(error), Some(_)) => refused.push((case, error)),
            (Err(_), None) => {}
            (Ok(found), None) => assert_eq!(Some(found), None, "{}", case.0),
        }
    }
    assert!(symbolic > 180, "{symbolic}");
    for (case, error) in refused {
        let fixed_batch = matches!(case.name(), "reshape" | "slice");
        assert!(fixed_batch, "{} {error:?}", case.0);
    }
}

fn with_batch(tensor_type: &TensorType, batch: u64) -> TensorType {
    let dims = tensor_type.shape.0.iter().map(|dim| Dim::Known(dim.at_batch(batch))).collect();
    TensorType { dtype: tensor_type.dtype, shape: Shape(dims) }
}
