//! Parameters and buffers in one block of floats, the integer counters beside it, and the optimiser's
//! state: an update is one pass over the block.

use nasc_compiler::ir::{Param, ParamKind};

use super::memory::{Arena, LINE};
use crate::backend::SgdStep;
use crate::init;
use crate::kernel::vector::simd;
use crate::state::{Elements, StateDict, StateTensor, is_stored};

/// Where one parameter lies.
#[derive(Debug, Clone)]
pub struct Part {
    /// First float.
    pub offset: usize,
    /// Extents.
    pub shape: Vec<usize>,
    /// Whether training updates it.
    pub trainable: bool,
}

/// Where all parameters lie.
#[derive(Debug, Clone)]
pub struct Layout {
    /// One for each parameter of the plan; `None` for integers.
    pub parts: Vec<Option<Part>>,
    /// Which counter each integer parameter is.
    counters: Vec<Option<usize>>,
    /// Floats that training updates; they come first.
    pub trainable: usize,
    /// Floats in all.
    pub len: usize,
}

impl Layout {
    /// Trainable parameters first.
    pub fn new(params: &[Param]) -> Layout {
        let mut layout = Layout {
            parts: vec![None; params.len()],
            counters: vec![None; params.len()],
            trainable: 0,
            len: 0,
        };
        layout.place(params, true);
        layout.trainable = layout.len;
        layout.place(params, false);
        let integers = params.iter().enumerate().filter(|(_, param)| !param.dtype.is_float());
        for (counter, (index, _)) in integers.enumerate() {
            if let Some(slot) = layout.counters.get_mut(index) {
                *slot = Some(counter);
            }
        }
        layout
    }

    fn place(&mut self, params: &[Param], trainable: bool) {
        for (slot, param) in self.parts.iter_mut().zip(params) {
            if (param.kind == ParamKind::Trainable) != trainable || !param.dtype.is_float() {
                continue;
            }
            let shape: Vec<usize> = param.shape.iter().map(|&extent| extent as usize).collect();
            let len: usize = shape.iter().product();
            *slot = Some(Part { offset: self.len, shape, trainable });
            self.len += len.next_multiple_of(LINE);
        }
    }

    /// The counter of parameter `index`.
    pub fn counter(&self, index: usize) -> Option<usize> {
        self.counters.get(index).copied().flatten()
    }
}

/// The values.
#[derive(Debug)]
pub struct Parameters {
    /// Where they lie.
    pub layout: Layout,
    /// All floats.
    pub floats: Arena,
    /// All integers.
    pub counters: Vec<i64>,
    /// The optimiser's momentum, once there is one.
    momentum: Option<Vec<f32>>,
}

impl Parameters {
    /// First values drawn from `seed`.
    pub fn new(params: &[Param], seed: u64) -> Parameters {
        let layout = Layout::new(params);
        let counters = layout.counters.iter().flatten().count();
        let mut parameters = Parameters {
            floats: Arena::new(layout.len),
            counters: vec![0; counters],
            momentum: None,
            layout,
        };
        for (index, param) in params.iter().enumerate() {
            parameters.set(index, &init::initial_value(param, seed));
        }
        parameters
    }

    /// Replaces one parameter.
    pub fn set(&mut self, index: usize, value: &StateTensor) {
        match &value.elements {
            Elements::F32(values) => {
                if let Some(Some(part)) = self.layout.parts.get(index) {
                    let slot = self.floats.floats().get_mut(part.offset..).unwrap_or_default();
                    for (slot, value) in slot.iter_mut().zip(values) {
                        *slot = *value;
                    }
                }
            }
            Elements::I64(values) => {
                let counter = self.layout.counter(index);
                let slot = counter.and_then(|counter| self.counters.get_mut(counter));
                if let (Some(slot), Some(&value)) = (slot, values.first()) {
                    *slot = value;
                }
            }
        }
    }

    /// Forgets the optimiser's state.
    pub fn forget(&mut self) {
        self.momentum = None;
    }

    /// What `block`, laid out as the parameters are, holds of parameter `index`.
    pub fn tensor(&self, index: usize, block: &[f32]) -> Option<StateTensor> {
        if let Some(counter) = self.layout.counter(index) {
            let elements = Elements::I64(vec![*self.counters.get(counter)?]);
            return Some(StateTensor { shape: Vec::new(), elements });
        }
        let part = self.layout.parts.get(index)?.as_ref()?;
        let len: usize = part.shape.iter().product();
        let values = block.get(part.offset..part.offset + len)?.to_vec();
        Some(StateTensor { shape: part.shape.clone(), elements: Elements::F32(values) })
    }

    /// All that a state dict holds.
    pub fn state(&self, params: &[Param]) -> StateDict {
        let stored = params.iter().enumerate().filter(|(_, param)| is_stored(param.kind));
        let tensors = stored.filter_map(|(index, param)| {
            let tensor = self.tensor(index, self.floats.read())?;
            Some((param.path.as_str().to_owned(), tensor))
        });
        StateDict { tensors: tensors.collect() }
    }

    /// One step of stochastic gradient descent; `gradients` are summed over the members of a team.
    // PyTorch: torch/optim/sgd.py, _single_tensor_sgd
    pub fn update(&mut self, gradients: &[&[f32]], step: &SgdStep) {
        let trainable = self.layout.trainable;
        let (first, others) = match gradients {
            [first, others @ ..] => (*first, others),
            [] => return,
        };
        let fresh = self.momentum.is_none();
        if step.momentum != 0.0 && fresh {
            self.momentum = Some(vec![0.0; trainable]);
        }
        let (rate, decay) = (step.learning_rate as f32, step.weight_decay as f32);
        let momentum = if fresh { 0.0 } else { step.momentum as f32 };
        let values = self.floats.floats().get_mut(..trainable).unwrap_or_default();
        let sum = |index: usize, first: f32| {
            others.iter().fold(first, |sum, more| sum + more.get(index).copied().unwrap_or(0.0))
        };
        simd(|| match &mut self.momentum {
            Some(velocities) if step.momentum != 0.0 => {
                let ahead = if step.nesterov { step.momentum as f32 } else { 0.0 };
                let own = if step.nesterov { 1.0 } else { 0.0 };
                let rows = values.iter_mut().zip(first).zip(velocities).enumerate();
                for (index, ((value, gradient), velocity)) in rows {
                    let gradient = sum(index, *gradient) + decay * *value;
                    *velocity = momentum * *velocity + gradient;
                    let direction =
                        if own == 1.0 { gradient + ahead * *velocity } else { *velocity };
                    *value -= rate * direction;
                }
            }
            _ => {
                for (index, (value, gradient)) in values.iter_mut().zip(first).enumerate() {
                    *value -= rate * (sum(index, *gradient) + decay * *value);
                }
            }
        });
    }
}
