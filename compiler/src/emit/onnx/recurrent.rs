//! LSTM, GRU and Elman layers as ONNX operators: one operator per layer, both directions in it.
//! The gates' order differs: PyTorch has i, f, g, o and r, z, n; the format i, o, f, c and z, r, h.

use super::super::EmitError;
use super::attribute::{int, ints, signed, string, strings};
use super::builder::Builder;
use super::message::AttributeProto;
use super::operands::Operands;
use crate::ir::op::{Recurrent, RecurrentCell};

/// Stacked recurrent layers.
pub(super) fn recurrent(
    builder: &mut Builder<'_>,
    operands: &Operands,
    recurrent: &Recurrent,
) -> Result<(), EmitError> {
    if operands.input_dims(0).len() != 3 {
        return Err(operands.unsupported("an input without a batch dimension"));
    }
    let mut sequence = operands.input(0);
    if recurrent.batch_first {
        sequence = swap_batch_and_time(builder, sequence);
    }
    let (mut hidden, mut cells) = (Vec::new(), Vec::new());
    for layer in 0..recurrent.num_layers {
        let weights = layer_weights(builder, operands, recurrent, layer)?;
        let states = initial_states(builder, operands, recurrent, layer);
        let results = apply_layer(builder, recurrent, sequence, weights, states);
        sequence = join_directions(builder, results.sequence);
        hidden.push(results.hidden);
        cells.extend(results.cell);
    }
    finish_sequence(builder, operands, recurrent, sequence);
    finish_states(builder, operands, 1, hidden);
    finish_states(builder, operands, 2, cells);
    Ok(())
}

fn directions(recurrent: &Recurrent) -> usize {
    if recurrent.bidirectional { 2 } else { 1 }
}

/// Positions of PyTorch's gates in the format's order.
fn gate_order(cell: RecurrentCell) -> &'static [usize] {
    match cell {
        RecurrentCell::Lstm => &[0, 3, 1, 2],
        RecurrentCell::Gru => &[1, 0, 2],
        RecurrentCell::RnnTanh | RecurrentCell::RnnRelu => &[0],
    }
}

/// Names of the constants W, R and, if there is one, B of a layer.
struct LayerWeights {
    input: String,
    recurrence: String,
    bias: String,
}

fn layer_weights(
    builder: &mut Builder<'_>,
    operands: &Operands,
    recurrent: &Recurrent,
    layer: u64,
) -> Result<LayerWeights, EmitError> {
    let per_direction = if recurrent.bias { 4 } else { 2 };
    let directions = directions(recurrent);
    let layer_index = usize::try_from(layer).unwrap_or(usize::MAX);
    let base = 1 + layer_index.saturating_mul(directions * per_direction);
    let (mut input, mut recurrence, mut bias) = (Vec::new(), Vec::new(), Vec::new());
    for direction in 0..directions {
        let first = base + direction * per_direction;
        input.extend(gates(builder, operands, recurrent, first)?);
        recurrence.extend(gates(builder, operands, recurrent, first + 1)?);
        if recurrent.bias {
            bias.extend(gates(builder, operands, recurrent, first + 2)?);
            bias.extend(gates(builder, operands, recurrent, first + 3)?);
        }
    }
    let rows = recurrent.hidden_size * gate_order(recurrent.cell).len() as u64;
    let both = directions as u64;
    let features = input.len() as u64 / (both * rows).max(1);
    Ok(LayerWeights {
        input: constant(builder, &[both, rows, features], &input),
        recurrence: constant(builder, &[both, rows, recurrent.hidden_size], &recurrence),
        bias: if recurrent.bias {
            constant(builder, &[both, 2 * rows], &bias)
        } else {
            String::new()
        },
    })
}

fn constant(builder: &mut Builder<'_>, shape: &[u64], elements: &[f32]) -> String {
    let name = builder.temporary();
    builder.floats(&name, shape, elements);
    name
}

/// The parameter behind an operand, its gates in the format's order.
fn gates(
    builder: &Builder<'_>,
    operands: &Operands,
    recurrent: &Recurrent,
    operand: usize,
) -> Result<Vec<f32>, EmitError> {
    let elements = match operands.input_value(operand) {
        Some(value) => builder.param_elements(value)?,
        None => None,
    };
    let Some(elements) = elements else {
        return Err(operands.unsupported("weights that are computed"));
    };
    let order = gate_order(recurrent.cell);
    let blocks: Vec<&[f32]> = elements.chunks((elements.len() / order.len()).max(1)).collect();
    let block = |&gate: &usize| blocks.get(gate).copied().unwrap_or(&[]);
    Ok(order.iter().flat_map(|gate| block(gate).iter().copied()).collect())
}

/// Names of the initial hidden and cell state of a layer; empty where zeros are meant.
fn initial_states(
    builder: &mut Builder<'_>,
    operands: &Operands,
    recurrent: &Recurrent,
    layer: u64,
) -> [String; 2] {
    if !recurrent.initial_state {
        return [String::new(), String::new()];
    }
    let states = if recurrent.cell == RecurrentCell::Lstm { 2 } else { 1 };
    let first = operands.inputs.len().saturating_sub(states);
    let rows = directions(recurrent) as u64;
    let hidden = state_rows(builder, operands.input(first), layer * rows, rows);
    let cell = if states == 2 {
        state_rows(builder, operands.input(first + 1), layer * rows, rows)
    } else {
        String::new()
    };
    [hidden, cell]
}

fn state_rows(builder: &mut Builder<'_>, state: String, first: u64, rows: u64) -> String {
    let start = builder.integers(&[signed(first)]);
    let end = builder.integers(&[signed(first + rows)]);
    let axis = builder.integers(&[0]);
    builder.apply("Slice", vec![state, start, end, axis], vec![])
}

/// What the operator of one layer gives.
struct LayerResults {
    /// `[time, directions, batch, hidden]`
    sequence: String,
    /// `[directions, batch, hidden]`
    hidden: String,
    /// The same of the cell state.
    cell: Option<String>,
}

fn apply_layer(
    builder: &mut Builder<'_>,
    recurrent: &Recurrent,
    sequence: String,
    weights: LayerWeights,
    [hidden, cell]: [String; 2],
) -> LayerResults {
    let (op_type, mut attributes) = operator(recurrent);
    attributes.push(int("hidden_size", signed(recurrent.hidden_size)));
    if recurrent.bidirectional {
        attributes.push(string("direction", "bidirectional"));
    }
    let is_lstm = recurrent.cell == RecurrentCell::Lstm;
    let mut inputs =
        vec![sequence, weights.input, weights.recurrence, weights.bias, String::new(), hidden];
    if is_lstm {
        inputs.push(cell);
    }
    while inputs.last().is_some_and(String::is_empty) {
        inputs.pop();
    }
    let results = LayerResults {
        sequence: builder.temporary(),
        hidden: builder.temporary(),
        cell: is_lstm.then(|| builder.temporary()),
    };
    let mut outputs = vec![results.sequence.clone(), results.hidden.clone()];
    outputs.extend(results.cell.clone());
    builder.push_many(op_type, inputs, outputs, attributes);
    results
}

fn operator(recurrent: &Recurrent) -> (&'static str, Vec<AttributeProto>) {
    match recurrent.cell {
        RecurrentCell::Lstm => ("LSTM", vec![]),
        // PyTorch applies the reset gate after the product with the hidden state.
        RecurrentCell::Gru => ("GRU", vec![int("linear_before_reset", 1)]),
        RecurrentCell::RnnTanh => ("RNN", vec![]),
        RecurrentCell::RnnRelu => {
            let names: &[&str] =
                if recurrent.bidirectional { &["Relu", "Relu"] } else { &["Relu"] };
            ("RNN", vec![strings("activations", names)])
        }
    }
}

fn swap_batch_and_time(builder: &mut Builder<'_>, sequence: String) -> String {
    builder.apply("Transpose", vec![sequence], vec![ints("perm", vec![1, 0, 2])])
}

/// `[time, directions, batch, hidden]` to `[time, batch, directions · hidden]`
fn join_directions(builder: &mut Builder<'_>, sequence: String) -> String {
    let order = ints("perm", vec![0, 2, 1, 3]);
    let transposed = builder.apply("Transpose", vec![sequence], vec![order]);
    let shape = builder.integers(&[0, 0, -1]);
    builder.apply("Reshape", vec![transposed, shape], vec![])
}

fn finish_sequence(
    builder: &mut Builder<'_>,
    operands: &Operands,
    recurrent: &Recurrent,
    sequence: String,
) {
    if recurrent.batch_first {
        let order = ints("perm", vec![1, 0, 2]);
        builder.push("Transpose", vec![sequence], operands.output(0), vec![order]);
    } else {
        builder.push("Identity", vec![sequence], operands.output(0), vec![]);
    }
}

fn finish_states(
    builder: &mut Builder<'_>,
    operands: &Operands,
    result: usize,
    states: Vec<String>,
) {
    let name = operands.output(result);
    if !states.is_empty() && !name.is_empty() {
        builder.push("Concat", states, name, vec![int("axis", 0)]);
    }
}
