//! LSTM, GRU and Elman layers, composed step by step from matrix products.

use candle_core::{Result, Tensor};
use nasc_compiler::ir::op::{Activation, Dropout, DropoutKind, Recurrent, RecurrentCell};
use rand_chacha::ChaCha8Rng;

use super::{pointwise, random};

/// Weights of one layer in one direction.
struct Cell {
    kind: RecurrentCell,
    input_weight: Tensor,
    hidden_weight: Tensor,
    biases: Option<(Tensor, Tensor)>,
}

/// Hidden state, and cell state of an LSTM.
#[derive(Clone)]
struct State {
    hidden: Tensor,
    cell: Tensor,
}

/// Results: output, final hidden state and, for an LSTM, final cell state.
pub(super) fn recurrent(
    layers: &Recurrent,
    operands: &[Tensor],
    training: bool,
    generator: &mut ChaCha8Rng,
) -> Result<Vec<Tensor>> {
    let mut operands = operands.iter().cloned();
    let input = next(&mut operands)?;
    let batched = input.rank() == 3;
    let input = if batched { input } else { input.unsqueeze(usize::from(!layers.batch_first))? };
    // time first
    let mut sequence = if layers.batch_first { input.transpose(0, 1)? } else { input };
    let passes = (layers.num_layers * layers.directions()) as usize;
    let cells = (0..passes).map(|_| cell(layers, &mut operands)).collect::<Result<Vec<Cell>>>()?;
    let mut states = initial_states(layers, &sequence, passes, batched, &mut operands)?.into_iter();
    let mut finals = Vec::new();
    for (layer, cells) in cells.chunks(layers.directions() as usize).enumerate() {
        if layer > 0 && training && layers.dropout > 0.0 {
            let dropout = Dropout { p: layers.dropout, kind: DropoutKind::Element };
            sequence = random::dropout(&dropout, &sequence.contiguous()?, generator)?;
        }
        let mut outputs = Vec::new();
        for (direction, cell) in cells.iter().enumerate() {
            let Some(state) = states.next() else { candle_core::bail!("a state is missing") };
            let (output, state) = pass(cell, &sequence, state, direction == 1)?;
            outputs.push(output);
            finals.push(state);
        }
        sequence = Tensor::cat(&outputs, 2)?;
    }
    let output =
        if layers.batch_first { sequence.transpose(0, 1)?.contiguous()? } else { sequence };
    let mut results = vec![output, stack(&finals, |state| &state.hidden)?];
    if layers.cell == RecurrentCell::Lstm {
        results.push(stack(&finals, |state| &state.cell)?);
    }
    if batched {
        return Ok(results);
    }
    let dims = [usize::from(!layers.batch_first), 1, 1];
    results.into_iter().zip(dims).map(|(tensor, dim)| tensor.squeeze(dim)).collect()
}

fn stack(states: &[State], part: impl Fn(&State) -> &Tensor) -> Result<Tensor> {
    let parts: Vec<&Tensor> = states.iter().map(part).collect();
    Tensor::stack(&parts, 0)
}

fn next(operands: &mut impl Iterator<Item = Tensor>) -> Result<Tensor> {
    match operands.next() {
        Some(operand) => Ok(operand),
        None => candle_core::bail!("a weight of a recurrent layer is missing"),
    }
}

fn cell(layers: &Recurrent, operands: &mut impl Iterator<Item = Tensor>) -> Result<Cell> {
    let (input_weight, hidden_weight) = (next(operands)?.t()?, next(operands)?.t()?);
    let biases = if layers.bias { Some((next(operands)?, next(operands)?)) } else { None };
    Ok(Cell { kind: layers.cell, input_weight, hidden_weight, biases })
}

/// States from the operands, or zeros.
fn initial_states(
    layers: &Recurrent,
    sequence: &Tensor,
    passes: usize,
    batched: bool,
    operands: &mut impl Iterator<Item = Tensor>,
) -> Result<Vec<State>> {
    let batch = sequence.dim(1)?;
    let zeros =
        Tensor::zeros((batch, layers.hidden_size as usize), sequence.dtype(), sequence.device())?;
    if !layers.initial_state {
        return Ok(vec![State { hidden: zeros.clone(), cell: zeros }; passes]);
    }
    let mut given =
        || next(operands).and_then(|state| if batched { Ok(state) } else { state.unsqueeze(1) });
    let hidden = given()?;
    let cell = if layers.cell == RecurrentCell::Lstm { given()? } else { hidden.clone() };
    let state = |index| Ok(State { hidden: hidden.get(index)?, cell: cell.get(index)? });
    (0..passes).map(state).collect()
}

/// One pass over `[time, batch, features]`.
fn pass(
    cell: &Cell,
    sequence: &Tensor,
    mut state: State,
    backwards: bool,
) -> Result<(Tensor, State)> {
    let (time, batch, features) = sequence.dims3()?;
    let flat = sequence.contiguous()?.reshape((time * batch, features))?;
    let mut projected = flat.matmul(&cell.input_weight)?;
    if let Some((bias, _)) = &cell.biases {
        projected = projected.broadcast_add(bias)?;
    }
    let projected = projected.reshape((time, batch, ()))?;
    let mut outputs = Vec::with_capacity(time);
    for step in 0..time {
        let at = if backwards { time - 1 - step } else { step };
        state = advance(cell, &projected.get(at)?, &state)?;
        outputs.push(state.hidden.clone());
    }
    if backwards {
        outputs.reverse();
    }
    Ok((Tensor::stack(&outputs, 0)?, state))
}

fn advance(cell: &Cell, input: &Tensor, state: &State) -> Result<State> {
    let mut recurrent = state.hidden.matmul(&cell.hidden_weight)?;
    if let Some((_, bias)) = &cell.biases {
        recurrent = recurrent.broadcast_add(bias)?;
    }
    match cell.kind {
        RecurrentCell::Lstm => lstm(&input.add(&recurrent)?, state),
        RecurrentCell::Gru => gru(input, &recurrent, state),
        RecurrentCell::RnnTanh => elman(&input.add(&recurrent)?, Activation::Tanh),
        RecurrentCell::RnnRelu => elman(&input.add(&recurrent)?, Activation::Relu),
    }
}

fn sigmoid(input: &Tensor) -> Result<Tensor> {
    pointwise::activation(Activation::Sigmoid, input)
}

fn tanh(input: &Tensor) -> Result<Tensor> {
    pointwise::activation(Activation::Tanh, input)
}

fn elman(gates: &Tensor, activation: Activation) -> Result<State> {
    let hidden = pointwise::activation(activation, gates)?;
    Ok(State { cell: hidden.clone(), hidden })
}

// PyTorch: torch/nn/modules/rnn.py, LSTM: gates i, f, g, o
fn lstm(gates: &Tensor, state: &State) -> Result<State> {
    let size = state.hidden.dim(1)?;
    let gate = |index: usize| gates.narrow(1, index * size, size);
    let kept = sigmoid(&gate(1)?)?.mul(&state.cell)?;
    let cell = kept.add(&sigmoid(&gate(0)?)?.mul(&tanh(&gate(2)?)?)?)?;
    Ok(State { hidden: sigmoid(&gate(3)?)?.mul(&tanh(&cell)?)?, cell })
}

// PyTorch: torch/nn/modules/rnn.py, GRU: gates r, z, n; h = (1 − z) n + z h
fn gru(input: &Tensor, recurrent: &Tensor, state: &State) -> Result<State> {
    let size = state.hidden.dim(1)?;
    let part = |tensor: &Tensor, index: usize| tensor.narrow(1, index * size, size);
    let reset = sigmoid(&part(input, 0)?.add(&part(recurrent, 0)?)?)?;
    let update = sigmoid(&part(input, 1)?.add(&part(recurrent, 1)?)?)?;
    let new = tanh(&part(input, 2)?.add(&reset.mul(&part(recurrent, 2)?)?)?)?;
    let hidden = new.add(&update.mul(&state.hidden.sub(&new)?)?)?;
    Ok(State { cell: hidden.clone(), hidden })
}
