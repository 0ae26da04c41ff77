//! Recurrent layers: for each layer, direction and time step the gates of input and hidden state,
//! then the cell. Weights are transposed, so that gates are the innermost loop.

use std::fmt::Write as _;

use super::super::EmitError;
use super::convolution::signed;
use super::expression::Expression;
use super::loops;
use super::lower::{Held, Lowering};
use super::program::Step;
use super::view::View;
use crate::ir::op::{Recurrent, RecurrentCell};
use crate::ir::{Node, ValueId};

/// One pass over the sequence.
struct Pass {
    /// `[inputs, gates]`
    input_weights: View,
    /// `[hidden, gates]`
    hidden_weights: View,
    input_bias: View,
    hidden_bias: View,
    inputs: i64,
    backwards: bool,
}

/// Recurrent layers. Results: output, last hidden states and, for an LSTM, last cell states.
pub(super) fn recurrent(
    lowering: &mut Lowering<'_>,
    node: &Node,
    recurrent: &Recurrent,
) -> Result<(), EmitError> {
    let input = lowering.view(lowering.operand(node, 0)?)?;
    let mut sequence = match (input.rank(), recurrent.batch_first) {
        (3, true) => input.permute(&[1, 0, 2]),
        (3, false) => input,
        _ => return Err(lowering.unsupported("an input without a batch dimension")),
    };
    let (time, batch) = (sequence.axis(0).extent, sequence.axis(1).extent);
    let hidden = signed(recurrent.hidden_size);
    let directions = signed(recurrent.directions());
    let states = [signed(recurrent.num_layers) * directions, batch, hidden];
    let (mut last_hidden, mut last_cell) = states_of(lowering, node, recurrent, &states)?;
    for layer in 0..signed(recurrent.num_layers) {
        let output = lowering.program.allocate_plain(&[time, batch, directions * hidden]);
        for direction in 0..directions {
            let place = layer * directions + direction;
            let inputs = sequence.axis(2).extent;
            let pass = pass(lowering, node, recurrent, place, inputs, direction == 1)?;
            let part = output.slice(2, direction * hidden, hidden, 1);
            let state = |states: &View| states.slice(0, place, 1, 1).remove(0);
            let (h, c) = (state(&mut last_hidden), state(&mut last_cell));
            run(lowering, recurrent.cell, &pass, &sequence, &part, &h, &c);
        }
        sequence = output;
    }
    let output = if recurrent.batch_first { sequence.permute(&[1, 0, 2]) } else { sequence };
    for (&id, view) in node.outputs.iter().zip([output, last_hidden, last_cell]) {
        lowering.define_value(id, Held::View(view))?;
    }
    Ok(())
}

/// Hidden and cell states, at their first values; they are changed in place.
fn states_of(
    lowering: &mut Lowering<'_>,
    node: &Node,
    recurrent: &Recurrent,
    extents: &[i64],
) -> Result<(View, View), EmitError> {
    let per_pass = if recurrent.bias { 4 } else { 2 };
    let passes = usize::try_from(recurrent.num_layers * recurrent.directions()).unwrap_or(0);
    let first = 1 + passes * per_pass;
    let mut states = Vec::new();
    for index in [first, first + 1] {
        let given = node.inputs.get(index).filter(|_| recurrent.initial_state).copied();
        let start = match given {
            Some(id) => Expression::load(lowering.view(id)?),
            None => Expression::number(0.0),
        };
        let state = lowering.program.allocate_plain(extents);
        lowering.store(&start, &state);
        states.push(state);
    }
    match states.as_slice() {
        [hidden, cell] => Ok((hidden.clone(), cell.clone())),
        _ => Err(lowering.unsupported("it has no state")),
    }
}

fn pass(
    lowering: &mut Lowering<'_>,
    node: &Node,
    recurrent: &Recurrent,
    place: i64,
    inputs: i64,
    backwards: bool,
) -> Result<Pass, EmitError> {
    let hidden = signed(recurrent.hidden_size);
    let gates = signed(recurrent.cell.gates()) * hidden;
    let tensors = if recurrent.bias { 4 } else { 2 };
    let first = 1 + usize::try_from(place).unwrap_or(0) * tensors;
    let operand = |lowering: &Lowering<'_>, index: usize| -> Result<ValueId, EmitError> {
        lowering.operand(node, first + index)
    };
    let mut transposed = |index: usize, columns: i64| -> Result<View, EmitError> {
        let elements = lowering.elements(operand(lowering, index)?)?;
        let (rows, width) = (gates as usize, columns as usize);
        let places = (0..width).flat_map(|c| (0..rows).map(move |r| r * width + c));
        let elements = places.map(|place| elements.get(place).copied().unwrap_or(0.0));
        Ok(lowering.program.constant(elements.collect(), &[columns, gates]))
    };
    let (input_weights, hidden_weights) = (transposed(0, inputs)?, transposed(1, hidden)?);
    let mut bias = |index: usize| -> Result<View, EmitError> {
        let elements = match recurrent.bias {
            true => lowering.elements(operand(lowering, index)?)?,
            false => vec![0.0; gates as usize],
        };
        Ok(lowering.program.constant(elements, &[gates]))
    };
    let (input_bias, hidden_bias) = (bias(2)?, bias(3)?);
    Ok(Pass { input_weights, hidden_weights, input_bias, hidden_bias, inputs, backwards })
}

fn run(
    lowering: &mut Lowering<'_>,
    cell: RecurrentCell,
    pass: &Pass,
    sequence: &View,
    output: &View,
    hidden: &View,
    state: &View,
) {
    let (time, batch, size) = (output.axis(0).extent, output.axis(1).extent, output.axis(2).extent);
    let gates = signed(cell.gates()) * size;
    let scratch = lowering.program.allocate_plain(&[2, gates]);
    let mut step = Step::new("recurrent layer");
    let (y, g) = (step.write(output), step.write(&scratch));
    let (h, c) = (step.write(hidden), step.write(state));
    let x = step.read(sequence);
    let (wi, wh) = (step.read(&pass.input_weights), step.read(&pass.hidden_weights));
    let (bi, bh) = (step.read(&pass.input_bias), step.read(&pass.hidden_bias));
    let mut text = format!("{}\n{}\n", loops::head("n", batch), loops::head("step", time));
    let now = if pass.backwards { format!("{} - step", time - 1) } else { "step".to_owned() };
    let _ = writeln!(text, "const ptrdiff_t t = {now};");
    let _ = writeln!(text, "float *restrict a = {g};\nfloat *restrict r = {g} + {gates};");
    let _ = writeln!(text, "float *restrict hidden = {h} + n * {size};");
    let _ = writeln!(text, "float *restrict state = {c} + n * {size};");
    let _ = writeln!(text, "{}a[j] = {bi}[j];\nr[j] = {bh}[j];\n}}", loops::head("j", gates));
    let place = |view: &View, feature: &str| {
        loops::sum([
            ("t".to_owned(), view.axis(0).stride),
            ("n".to_owned(), view.axis(1).stride),
            (feature.to_owned(), view.axis(2).stride),
        ])
    };
    let _ = writeln!(text, "{}", loops::head("k", pass.inputs));
    let _ = writeln!(text, "const float s = {x}[{}];", place(sequence, "k"));
    let _ = writeln!(text, "{}a[j] += s * {wi}[k * {gates} + j];\n}}\n}}", loops::head("j", gates));
    let _ = writeln!(text, "{}\nconst float s = hidden[k];", loops::head("k", size));
    let _ = writeln!(text, "{}r[j] += s * {wh}[k * {gates} + j];\n}}\n}}", loops::head("j", gates));
    let _ = writeln!(text, "{}", loops::head("j", size));
    text.push_str(&cell_text(cell, size));
    // The cell state of an Elman network or GRU is not read; the cast keeps compilers quiet.
    let _ = writeln!(text, "{y}[{}] = hidden[j];\n}}\n(void)state;\n}}\n}}", place(output, "j"));
    step.body = text;
    lowering.program.steps.push(step);
}

/// The cell at one feature: `a` holds the gates of the input, `r` those of the hidden state.
fn cell_text(cell: RecurrentCell, size: i64) -> String {
    let gate = |index: i64| format!("a[j + {0}] + r[j + {0}]", index * size);
    match cell {
        RecurrentCell::Lstm => format!(
            "const float cell = op_sigmoid({}) * state[j] + op_sigmoid({}) * op_tanh({});\n\
             state[j] = cell;\nhidden[j] = op_sigmoid({}) * op_tanh(cell);\n",
            gate(1),
            gate(0),
            gate(2),
            gate(3)
        ),
        RecurrentCell::Gru => format!(
            "const float reset = op_sigmoid({});\nconst float update = op_sigmoid({});\n\
             const float fresh = op_tanh(a[j + {2}] + reset * r[j + {2}]);\n\
             hidden[j] = fresh + update * (hidden[j] - fresh);\n",
            gate(0),
            gate(1),
            2 * size
        ),
        RecurrentCell::RnnTanh => format!("hidden[j] = op_tanh({});\n", gate(0)),
        RecurrentCell::RnnRelu => format!("hidden[j] = op_relu({});\n", gate(0)),
    }
}
