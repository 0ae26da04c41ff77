//! Parameters and buffers in one block of floats, the integer counters beside it, and the optimiser's
//! state. Not here: how an update is computed (`optimize`).

use nasc_compiler::ir::{Param, ParamKind};

use super::memory::{Arena, LINE};
use super::optimize::Moments;
use crate::backend::TrainStep;
use crate::backend::moments::{MOMENTS, UPDATES, damaged, integers, read_integers};
use crate::error::RuntimeError;
use crate::init;
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

    /// Bytes of the parameters, of so many moments for each, and of a copy of the buffers.
    pub fn bytes(&self, moments: u64) -> usize {
        let moments = usize::try_from(moments).unwrap_or(usize::MAX);
        let kept = self.len - self.trainable;
        (self.len + self.trainable * moments + kept) * size_of::<f32>()
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
    /// The optimiser's state.
    moments: Moments,
    /// Running statistics and counters as they were before a pass that may be broken off.
    kept: (Vec<f32>, Vec<i64>),
}

impl Parameters {
    /// First values drawn from `seed`.
    pub fn new(params: &[Param], seed: u64) -> Parameters {
        let layout = Layout::new(params);
        let counters = layout.counters.iter().flatten().count();
        let mut parameters = Parameters {
            floats: Arena::new(layout.len),
            counters: vec![0; counters],
            moments: Moments::default(),
            kept: (Vec::new(), Vec::new()),
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
        self.moments = Moments::default();
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

    /// One step of the optimiser; `gradients` are summed over the members of a team.
    pub fn update(&mut self, gradients: &[&[f32]], step: &TrainStep) {
        let values = self.floats.floats().get_mut(..self.layout.trainable).unwrap_or_default();
        self.moments.update(values, gradients, step);
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        let moments = self.moments.first.len() + self.moments.second.len();
        (self.floats.read().len() + moments + self.kept.0.len()) * size_of::<f32>()
    }

    /// Copies running statistics and counters, so that [`Parameters::restore`] can undo a pass.
    pub fn keep_buffers(&mut self) {
        let buffers = self.floats.read().get(self.layout.trainable..).unwrap_or_default();
        self.kept.0.clear();
        self.kept.0.extend_from_slice(buffers);
        self.kept.1.clone_from(&self.counters);
    }

    /// Puts back what [`Parameters::keep_buffers`] copied.
    pub fn restore_buffers(&mut self) {
        let buffers = self.floats.floats().get_mut(self.layout.trainable..).unwrap_or_default();
        buffers.iter_mut().zip(&self.kept.0).for_each(|(buffer, kept)| *buffer = *kept);
        self.counters.clone_from(&self.kept.1);
    }

    /// The optimiser's state by the names of the parameters.
    pub fn optimizer_state(&self, params: &[Param]) -> StateDict {
        let mut state = StateDict::default();
        let blocks = MOMENTS.into_iter().zip([&self.moments.first, &self.moments.second]);
        for (prefix, block) in blocks.filter(|(_, block)| !block.is_empty()) {
            for (index, param) in params.iter().enumerate().filter(|(_, param)| is_trained(param)) {
                if let Some(tensor) = self.tensor(index, block) {
                    state.tensors.insert(format!("{prefix}{}", param.path), tensor);
                }
            }
        }
        state.tensors.insert(UPDATES.to_owned(), integers(&[self.moments.updates]));
        state
    }

    /// Takes up what [`Parameters::optimizer_state`] gave.
    ///
    /// # Errors
    /// If a tensor is missing or has another size.
    pub fn load_optimizer(
        &mut self,
        params: &[Param],
        state: &StateDict,
    ) -> Result<(), RuntimeError> {
        let [updates] = read_integers(state, UPDATES)?;
        self.moments = Moments { updates, ..Moments::default() };
        self.moments.first = self.moment(params, state, MOMENTS[0])?;
        self.moments.second = self.moment(params, state, MOMENTS[1])?;
        Ok(())
    }

    /// One block of the optimiser's state; empty if there is none.
    fn moment(
        &self,
        params: &[Param],
        state: &StateDict,
        prefix: &str,
    ) -> Result<Vec<f32>, RuntimeError> {
        if !state.tensors.keys().any(|name| name.starts_with(prefix)) {
            return Ok(Vec::new());
        }
        let mut block = vec![0.0; self.layout.trainable];
        for (part, param) in self.layout.parts.iter().zip(params) {
            let Some(part) = part.as_ref().filter(|part| part.trainable) else { continue };
            let name = format!("{prefix}{}", param.path);
            let len: usize = part.shape.iter().product();
            let slot = block.get_mut(part.offset..part.offset + len);
            let (Some(slot), Some(values)) = (slot, state.floats(&name)) else {
                return Err(damaged(&name));
            };
            if values.len() != len {
                return Err(damaged(&name));
            }
            slot.copy_from_slice(values);
        }
        Ok(block)
    }
}

fn is_trained(param: &Param) -> bool {
    param.kind == ParamKind::Trainable
}
