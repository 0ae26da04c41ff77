//! LSTM, GRU and Elman networks: output sequence and final states.
//! Shapes: torch.nn.LSTM, section "Inputs" and "Outputs", without projections.

use super::linear::expect_features;
use super::{ShapeError, count, expect_shape, operand, same_dtype};
use crate::ir::op::{Recurrent, RecurrentCell};
use crate::ir::{Dim, Shape, TensorType};

/// `[time, batch, in]`, `[batch, time, in]` or `[time, in]` to output, h_n and, for an LSTM, c_n.
pub(super) fn recurrent(
    recurrent: &Recurrent,
    operands: &[&TensorType],
) -> Result<Vec<TensorType>, ShapeError> {
    count(operands, 1 + parameters(recurrent) + states(recurrent))?;
    let input = operand(operands, 0)?;
    if !matches!(input.shape.rank(), 2 | 3) {
        let input = input.shape.clone();
        return Err(ShapeError::RankMismatch { expected: vec![2, 3], input });
    }
    expect_features("input_size", recurrent.input_size, &input.shape)?;
    expect_steps(recurrent, &input.shape)?;
    expect_parameters(recurrent, input, operands)?;
    let state = TensorType { dtype: input.dtype, shape: state_shape(recurrent, &input.shape) };
    let first_state = 1 + parameters(recurrent);
    for &initial in operands.iter().skip(first_state) {
        expect_shape("initial state", initial, state.shape.clone())?;
        same_dtype(initial.dtype, input.dtype)?;
    }
    let mut output = input.clone();
    if let Some(last) = output.shape.0.last_mut() {
        *last = Dim::Known(recurrent.hidden_size.saturating_mul(recurrent.directions()));
    }
    Ok(match recurrent.cell {
        RecurrentCell::Lstm => vec![output, state.clone(), state],
        RecurrentCell::Gru | RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => {
            vec![output, state]
        }
    })
}

fn parameters(recurrent: &Recurrent) -> usize {
    let cells = recurrent.num_layers.saturating_mul(recurrent.directions());
    let per_cell = if recurrent.bias { 4 } else { 2 };
    usize::try_from(cells).unwrap_or(usize::MAX).saturating_mul(per_cell)
}

fn states(recurrent: &Recurrent) -> usize {
    match (recurrent.initial_state, recurrent.cell) {
        (false, _) => 0,
        (true, RecurrentCell::Lstm) => 2,
        (true, RecurrentCell::Gru | RecurrentCell::RnnTanh | RecurrentCell::RnnRelu) => 1,
    }
}

/// PyTorch refuses sequences of length 0.
fn expect_steps(recurrent: &Recurrent, input: &Shape) -> Result<(), ShapeError> {
    let dim = usize::from(input.rank() == 3 && recurrent.batch_first);
    if input.0.get(dim) == Some(&Dim::Known(0)) {
        let input = input.clone();
        return Err(ShapeError::EmptySpatialDim { dim, window: 1, padded: 0, input });
    }
    Ok(())
}

/// `[layers · directions, batch, hidden]`, without `batch` for an input without one.
fn state_shape(recurrent: &Recurrent, input: &Shape) -> Shape {
    let cells = recurrent.num_layers.saturating_mul(recurrent.directions());
    let batch_dim = usize::from(!recurrent.batch_first);
    let mut dims = vec![Dim::Known(cells)];
    if input.rank() == 3 {
        dims.extend(input.0.get(batch_dim));
    }
    dims.push(Dim::Known(recurrent.hidden_size));
    Shape(dims)
}

fn expect_parameters(
    recurrent: &Recurrent,
    input: &TensorType,
    operands: &[&TensorType],
) -> Result<(), ShapeError> {
    let gates = recurrent.cell.gates().saturating_mul(recurrent.hidden_size);
    let per_cell = if recurrent.bias { 4 } else { 2 };
    let parameters = operands.iter().skip(1).take(parameters(recurrent));
    for (position, &parameter) in parameters.enumerate() {
        let first_layer = (position / per_cell) as u64 / recurrent.directions() == 0;
        let features = if first_layer {
            recurrent.input_size
        } else {
            recurrent.hidden_size.saturating_mul(recurrent.directions())
        };
        let (name, shape) = match position % per_cell {
            0 => ("weight_ih", Shape::known(&[gates, features])),
            1 => ("weight_hh", Shape::known(&[gates, recurrent.hidden_size])),
            2 => ("bias_ih", Shape::known(&[gates])),
            _ => ("bias_hh", Shape::known(&[gates])),
        };
        expect_shape(name, parameter, shape)?;
        same_dtype(input.dtype, parameter.dtype)?;
    }
    Ok(())
}
