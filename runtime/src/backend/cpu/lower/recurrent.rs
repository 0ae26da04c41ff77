//! Recurrent layers: one matrix product for all inputs of a layer, then for each time step one for the
//! state and the cell.

#![expect(clippy::indexing_slicing, reason = "dimensions are those of checked types")]

use nasc_compiler::ir::op::{Activation, Binary, Recurrent, RecurrentCell};

use super::{Lowering, unsupported};
use crate::backend::cpu::cell::{GruCell, LstmCell};
use crate::backend::cpu::view::View;
use crate::error::RuntimeError;
use crate::kernel::pointwise::Function;
use crate::plan::Step;

/// The parameters of one direction of one layer.
struct Weights {
    input: View,
    state: View,
    biases: Option<[View; 2]>,
}

/// What a direction of a layer ends with.
struct Pass {
    states: Vec<View>,
    cell: Option<View>,
}

impl Lowering<'_> {
    pub(super) fn recurrent(
        &mut self,
        step: &Step,
        layers: &Recurrent,
    ) -> Result<Vec<View>, RuntimeError> {
        let input = self.input(step, 0)?;
        if layers.initial_state || layers.dropout > 0.0 || input.dims.len() != 3 {
            return Err(unsupported(step));
        }
        let time = usize::from(layers.batch_first);
        let mut sequence = self.in_rows(&input);
        let (mut states, mut cells) = (Vec::new(), Vec::new());
        let mut operand = 1;
        for _ in 0..layers.num_layers {
            let mut outputs = Vec::new();
            for direction in 0..layers.directions() {
                let weights = self.weights(step, layers.bias, &mut operand)?;
                let mut pass = self.pass(&sequence, layers, &weights, time, direction == 1)?;
                states.extend(pass.states.last().cloned());
                cells.extend(pass.cell);
                if direction == 1 {
                    pass.states.reverse();
                }
                outputs.push(self.stacked(&pass.states, time));
            }
            sequence =
                if outputs.len() == 1 { outputs.remove(0) } else { self.joined(&outputs, 2) };
        }
        let mut results = vec![sequence, self.stacked(&states, 0)];
        if !cells.is_empty() {
            results.push(self.stacked(&cells, 0));
        }
        Ok(results)
    }

    fn weights(
        &mut self,
        step: &Step,
        bias: bool,
        operand: &mut usize,
    ) -> Result<Weights, RuntimeError> {
        let mut next = || {
            *operand += 1;
            self.input(step, *operand - 1)
        };
        let (input, state) = (next()?, next()?);
        let biases = if bias { Some([next()?, next()?]) } else { None };
        Ok(Weights { input, state, biases })
    }

    /// All time steps of one direction; the states are in the order in which they are made.
    fn pass(
        &mut self,
        sequence: &View,
        layers: &Recurrent,
        weights: &Weights,
        time: usize,
        backwards: bool,
    ) -> Result<Pass, RuntimeError> {
        let (of_input, of_state) = match &weights.biases {
            Some([input, state]) => (Some(input), Some(state)),
            None => (None, None),
        };
        let gates = self.mapped(sequence, &weights.input, of_input)?;
        let mut gates: Vec<View> = self.parts(&gates, time, 1);
        if backwards {
            gates.reverse();
        }
        let samples = sequence.dims[1 - time];
        let hidden = layers.hidden_size as usize;
        let mut state = self.filled(vec![samples, hidden], 0.0);
        let mut cell = (layers.cell == RecurrentCell::Lstm).then(|| state.clone());
        let mut states = Vec::new();
        for gates in gates {
            let gates = View::rows(gates.storage, vec![samples, gates.dims[2]]);
            let more = self.mapped(&state, &weights.state, of_state)?;
            (state, cell) = self.cell(layers.cell, &gates, &more, &state, cell);
            states.push(state.clone());
        }
        Ok(Pass { states, cell })
    }

    /// New state and cell state from gates of the input and of the state.
    fn cell(
        &mut self,
        kind: RecurrentCell,
        gates: &View,
        more: &View,
        state: &View,
        cell: Option<View>,
    ) -> (View, Option<View>) {
        let (dims, hidden) = (state.dims.clone(), state.dims[1]);
        let order = vec![0, 1];
        let size = state.len();
        match (kind, cell) {
            (RecurrentCell::Lstm, Some(old)) => {
                let inputs = [gates.storage, more.storage, old.storage];
                let new = self.fresh(dims.clone(), order.clone(), &inputs);
                let new_cell = self.fresh(dims, order, &inputs);
                let outputs = [new.storage, new_cell.storage];
                let kernel = LstmCell { hidden, inputs, outputs, kept: vec![0.0; 5 * size] };
                self.push(kernel, inputs.to_vec(), outputs.to_vec(), vec![old.storage]);
                (new, Some(new_cell))
            }
            (RecurrentCell::Gru, _) => {
                let inputs = [gates.storage, more.storage, state.storage];
                let new = self.fresh(dims, order, &inputs);
                let output = new.storage;
                let kernel = GruCell { hidden, inputs, output, kept: vec![0.0; 3 * size] };
                let saved = vec![more.storage, state.storage];
                self.push(kernel, inputs.to_vec(), vec![output], saved);
                (new, None)
            }
            (kind, cell) => {
                let sum = self.combined(Binary::Add, gates, more, dims);
                let relu = kind == RecurrentCell::RnnRelu;
                let activation = if relu { Activation::Relu } else { Activation::Tanh };
                (self.function(&sum, Function::Activation(activation)), cell)
            }
        }
    }

    /// Matrices of rows as one tensor with another dimension at `dim`.
    fn stacked(&mut self, views: &[View], dim: usize) -> View {
        let wide: Vec<View> = views
            .iter()
            .map(|view| {
                let view = self.in_rows(view);
                let mut dims = view.dims.clone();
                dims.insert(dim, 1);
                View::rows(view.storage, dims)
            })
            .collect();
        self.joined(&wide, dim)
    }
}
