//! LSTM, GRU and Elman layers, in one or both directions.

use super::EvaluateError;
use super::call::Call;
use super::elementwise::sigmoid;
use super::product::{add_product, flipped};
use super::tensor::Tensor;

/// Extents of a layer.
struct Sizes {
    time: usize,
    batch: usize,
    features: usize,
    hidden: usize,
    /// Gates: rows of the weights by the hidden size.
    gates: usize,
    directions: usize,
}

/// One direction's weights: `[features, gates · hidden]`, `[hidden, gates · hidden]` and the biases
/// of both products.
struct Weights {
    input: Vec<f32>,
    recurrence: Vec<f32>,
    input_bias: Vec<f32>,
    recurrence_bias: Vec<f32>,
}

/// A layer's results: the sequence, the last hidden state and, of an LSTM, the last cell state.
pub(super) fn recurrent(call: &Call<'_>) -> Result<Vec<Tensor>, EvaluateError> {
    let sizes = sizes(call)?;
    let Sizes { time, batch, hidden, directions, .. } = sizes;
    let mut sequence = vec![0.0; time * directions * batch * hidden];
    let (mut hiddens, mut cells) = (Vec::new(), Vec::new());
    for direction in 0..directions {
        let weights = weights(call, &sizes, direction)?;
        let mut state = initial(call, 5, &sizes, direction)?;
        let mut cell = initial(call, 6, &sizes, direction)?;
        let x = call.floats(0)?;
        for step in 0..time {
            let now = if direction == 0 { step } else { time - 1 - step };
            let length = batch * sizes.features;
            let x = x.get(now * length..(now + 1) * length).unwrap_or_default();
            advance(call, &sizes, &weights, x, &mut state, &mut cell);
            let place = (now * directions + direction) * batch * hidden;
            if let Some(slot) = sequence.get_mut(place..place + batch * hidden) {
                slot.copy_from_slice(&state);
            }
        }
        hiddens.extend(state);
        cells.extend(cell);
    }
    let last = || vec![directions, batch, hidden];
    Ok(vec![
        Tensor::of_floats(vec![time, directions, batch, hidden], sequence),
        Tensor::of_floats(last(), hiddens),
        Tensor::of_floats(last(), cells),
    ])
}

fn sizes(call: &Call<'_>) -> Result<Sizes, EvaluateError> {
    let (x, weight) = (call.input(0)?, call.input(1)?);
    let ([time, batch, features], [directions, rows, _]) =
        (x.shape.as_slice(), weight.shape.as_slice())
    else {
        return Err(call.wrong("its operands have another rank"));
    };
    let hidden = usize::try_from(call.int("hidden_size", 1)).unwrap_or(1).max(1);
    Ok(Sizes {
        time: *time,
        batch: *batch,
        features: *features,
        hidden,
        gates: rows / hidden,
        directions: *directions,
    })
}

fn weights(call: &Call<'_>, sizes: &Sizes, direction: usize) -> Result<Weights, EvaluateError> {
    let rows = sizes.gates * sizes.hidden;
    let part = |operand: usize, length: usize| -> Result<&[f32], EvaluateError> {
        let found = call.floats(operand)?.get(direction * length..(direction + 1) * length);
        found.ok_or_else(|| call.wrong("its weights are too few"))
    };
    let bias = match call.optional(3) {
        Some(_) => part(3, 2 * rows)?.to_vec(),
        None => vec![0.0; 2 * rows],
    };
    let (input_bias, recurrence_bias) = bias.split_at(rows);
    Ok(Weights {
        input: flipped(part(1, rows * sizes.features)?, rows, sizes.features),
        recurrence: flipped(part(2, rows * sizes.hidden)?, rows, sizes.hidden),
        input_bias: input_bias.to_vec(),
        recurrence_bias: recurrence_bias.to_vec(),
    })
}

fn initial(
    call: &Call<'_>,
    operand: usize,
    sizes: &Sizes,
    direction: usize,
) -> Result<Vec<f32>, EvaluateError> {
    let length = sizes.batch * sizes.hidden;
    if call.optional(operand).is_none() {
        return Ok(vec![0.0; length]);
    }
    let found = call.floats(operand)?.get(direction * length..(direction + 1) * length);
    Ok(found.unwrap_or_default().to_vec())
}

/// `bias + x · weights` for each sample.
fn affine(x: &[f32], weights: &[f32], bias: &[f32], batch: usize) -> Vec<f32> {
    let mut sums = bias.repeat(batch);
    let inner = x.len() / batch.max(1);
    add_product(x, weights, inner, bias.len(), &mut sums);
    sums
}

/// One step of time.
fn advance(
    call: &Call<'_>,
    sizes: &Sizes,
    weights: &Weights,
    x: &[f32],
    state: &mut [f32],
    cell: &mut [f32],
) {
    let (batch, hidden) = (sizes.batch, sizes.hidden);
    let rows = (sizes.gates * hidden).max(1);
    let of_input = affine(x, &weights.input, &weights.input_bias, batch);
    let of_state = affine(state, &weights.recurrence, &weights.recurrence_bias, batch);
    let uses_relu = call.attribute("activations").is_some();
    let samples = of_input.chunks(rows).zip(of_state.chunks(rows));
    let states = state.chunks_mut(hidden).zip(cell.chunks_mut(hidden));
    for ((own, other), (state, cell)) in samples.zip(states) {
        for (unit, (state, cell)) in state.iter_mut().zip(cell).enumerate() {
            let gate = |gate: usize| {
                let place = gate * hidden + unit;
                let at = |all: &[f32]| all.get(place).copied().unwrap_or(0.0);
                (at(own), at(other))
            };
            let sum = |index: usize| gate(index).0 + gate(index).1;
            match call.operator() {
                // gates i, o, f, c
                "LSTM" => {
                    *cell = sigmoid(sum(2)) * *cell + sigmoid(sum(0)) * sum(3).tanh();
                    *state = sigmoid(sum(1)) * cell.tanh();
                }
                // gates z, r, h; the reset gate follows the product
                "GRU" => {
                    let (update, reset) = (sigmoid(sum(0)), sigmoid(sum(1)));
                    let candidate = (gate(2).0 + reset * gate(2).1).tanh();
                    *state = (1.0 - update) * candidate + update * *state;
                }
                _ if uses_relu => *state = sum(0).max(0.0),
                _ => *state = sum(0).tanh(),
            }
        }
    }
}
