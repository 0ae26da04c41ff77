//! One time step of a recurrent layer after its matrix products: LSTM and GRU cells.
//! Rows are samples; gates lie beside each other as PyTorch stacks them.

#![expect(clippy::indexing_slicing, reason = "rows have the length that the kernel was made for")]

use super::kernel::{Kernel, Pass, target};
use super::memory::{Memory, Storage, Target};
use crate::error::RuntimeError;
use crate::kernel::vector::{sigmoid, simd, tanh};

/// c' = σ(f) c + σ(i) tanh(g); h' = σ(o) tanh(c'), with the gates i, f, g, o.
// Hochreiter and Schmidhuber, 1997; PyTorch: torch/nn/modules/rnn.py, LSTM
pub struct LstmCell {
    /// Features of the state.
    pub hidden: usize,
    /// Gates `[n, 4h]` from the input, gates from the state, and the old cell state `[n, h]`.
    pub inputs: [Storage; 3],
    /// The new state and the new cell state.
    pub outputs: [Storage; 2],
    /// Activated gates and tanh(c'), `[n, 5h]`.
    pub kept: Vec<f32>,
}

impl Kernel for LstmCell {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let h = self.hidden;
        let [gates, more, old] = self.inputs.map(|input| memory.value(input));
        let [state, cell] = self.outputs.map(|output| memory.value_mut(output));
        let kept = self.kept.as_mut_slice();
        simd(|| {
            for row in 0..old.len() / h {
                let (a, b) = (&gates[row * 4 * h..][..4 * h], &more[row * 4 * h..][..4 * h]);
                let kept = &mut kept[row * 5 * h..][..5 * h];
                for at in 0..4 * h {
                    let x = a[at] + b[at];
                    kept[at] = if at / h == 2 { tanh(x) } else { sigmoid(x) };
                }
                for at in 0..h {
                    let c = kept[h + at] * old[row * h + at] + kept[at] * kept[2 * h + at];
                    kept[4 * h + at] = tanh(c);
                    cell[row * h + at] = c;
                    state[row * h + at] = kept[3 * h + at] * kept[4 * h + at];
                }
            }
        });
        Ok(())
    }

    fn kept(&self) -> usize {
        size_of_val(self.kept.as_slice())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let h = self.hidden;
        let (kept, old) = (self.kept.as_slice(), memory.value(self.inputs[2]));
        let [of_state, of_cell] = self.outputs.map(|output| memory.gradient(output));
        // gradients of c' and of each gate before its activation
        let terms = |row: usize, at: usize| {
            let gate = |gate: usize| kept[(row * 5 + gate) * h + at];
            let (i, f, g, o, t) = (gate(0), gate(1), gate(2), gate(3), gate(4));
            let (ds, dc) = (of_state[row * h + at], of_cell[row * h + at]);
            let dc = dc + ds * o * (1.0 - t * t);
            let gates = [
                dc * g * i * (1.0 - i),
                dc * old[row * h + at] * f * (1.0 - f),
                dc * i * (1.0 - g * g),
                ds * t * o * (1.0 - o),
            ];
            (dc * f, gates)
        };
        let rows = old.len() / h;
        for index in 0..2 {
            target(targets, index).with(memory, |out, add| {
                for (row, at) in places(rows, h) {
                    for (gate, term) in terms(row, at).1.into_iter().enumerate() {
                        let out = &mut out[(row * 4 + gate) * h + at];
                        *out = if add { *out } else { 0.0 } + term;
                    }
                }
            });
        }
        target(targets, 2).with(memory, |out, add| {
            for (row, at) in places(rows, h) {
                let out = &mut out[row * h + at];
                *out = if add { *out } else { 0.0 } + terms(row, at).0;
            }
        });
        Ok(())
    }
}

fn places(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |row| (0..columns).map(move |at| (row, at)))
}

/// h' = (1 − z) n + z h with z = σ(xz + hz), r = σ(xr + hr), n = tanh(xn + r hn); gates r, z, n.
// Cho et al., 2014; PyTorch: torch/nn/modules/rnn.py, GRU
pub struct GruCell {
    /// Features of the state.
    pub hidden: usize,
    /// Gates `[n, 3h]` from the input, gates from the state, and the old state `[n, h]`.
    pub inputs: [Storage; 3],
    /// The new state.
    pub output: Storage,
    /// Activated gates, `[n, 3h]`.
    pub kept: Vec<f32>,
}

impl Kernel for GruCell {
    fn forward(&mut self, memory: &Memory<'_>, _: &Pass<'_>) -> Result<(), RuntimeError> {
        let h = self.hidden;
        let [gates, more, old] = self.inputs.map(|input| memory.value(input));
        let (state, kept) = (memory.value_mut(self.output), self.kept.as_mut_slice());
        simd(|| {
            for row in 0..old.len() / h {
                let (a, b) = (&gates[row * 3 * h..][..3 * h], &more[row * 3 * h..][..3 * h]);
                let kept = &mut kept[row * 3 * h..][..3 * h];
                for at in 0..2 * h {
                    kept[at] = sigmoid(a[at] + b[at]);
                }
                for at in 0..h {
                    let n = tanh(a[2 * h + at] + kept[at] * b[2 * h + at]);
                    let z = kept[h + at];
                    kept[2 * h + at] = n;
                    state[row * h + at] = (1.0 - z) * n + z * old[row * h + at];
                }
            }
        });
        Ok(())
    }

    fn kept(&self) -> usize {
        size_of_val(self.kept.as_slice())
    }

    fn backward(
        &mut self,
        memory: &Memory<'_>,
        targets: &[Target],
        _: &Pass<'_>,
    ) -> Result<(), RuntimeError> {
        let h = self.hidden;
        let kept = self.kept.as_slice();
        let (more, old) = (memory.value(self.inputs[1]), memory.value(self.inputs[2]));
        let gradient = memory.gradient(self.output);
        // gradients of the gates before their activation, for the input's part, and of hn
        let terms = |row: usize, at: usize| {
            let gate = |gate: usize| kept[(row * 3 + gate) * h + at];
            let (r, z, n) = (gate(0), gate(1), gate(2));
            let g = gradient[row * h + at];
            let dn = g * (1.0 - z) * (1.0 - n * n);
            let dr = dn * more[(row * 3 + 2) * h + at] * r * (1.0 - r);
            let dz = g * (old[row * h + at] - n) * z * (1.0 - z);
            ([dr, dz, dn], dn * r, g * z)
        };
        let rows = old.len() / h;
        for index in 0..2 {
            target(targets, index).with(memory, |out, add| {
                for (row, at) in places(rows, h) {
                    let ([dr, dz, dn], of_state, _) = terms(row, at);
                    let last = if index == 0 { dn } else { of_state };
                    for (gate, term) in [dr, dz, last].into_iter().enumerate() {
                        let out = &mut out[(row * 3 + gate) * h + at];
                        *out = if add { *out } else { 0.0 } + term;
                    }
                }
            });
        }
        target(targets, 2).with(memory, |out, add| {
            for (row, at) in places(rows, h) {
                let out = &mut out[row * h + at];
                *out = if add { *out } else { 0.0 } + terms(row, at).2;
            }
        });
        Ok(())
    }
}
