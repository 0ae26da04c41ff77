//! First values of parameters, as PyTorch distributes them. Each parameter draws from a generator of
//! its own, seeded by the run's seed and the parameter's name, so that one layer more or less leaves
//! the others as they were. The bounds come with the graph (`Param::init`); not here.

use nasc_compiler::ir::{Graph, Init, Param};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::state::{Elements, StateDict, StateTensor, stored_params};

/// First values of all parameters and buffers that belong into the state dict.
pub fn initialize(graph: &Graph, seed: u64) -> StateDict {
    let stored = stored_params(&graph.params);
    let tensors = stored.map(|param| (param.path.as_str().to_owned(), initial_value(param, seed)));
    StateDict { tensors: tensors.collect() }
}

/// First value of one parameter or buffer.
pub(crate) fn initial_value(param: &Param, seed: u64) -> StateTensor {
    let shape = param.shape.iter().map(|&extent| extent as usize).collect();
    StateTensor { shape, elements: elements(param, seed) }
}

fn elements(param: &Param, seed: u64) -> Elements {
    let count = param.elements() as usize;
    if !param.dtype.is_float() {
        let value = match &param.init {
            Init::Constant(value) => *value as i64,
            Init::Uniform { low, .. } => *low as i64,
            Init::Normal { mean, .. } => *mean as i64,
            Init::Elements(elements) => {
                return Elements::I64(elements.iter().map(|&element| element as i64).collect());
            }
        };
        return Elements::I64(vec![value; count]);
    }
    let mut generator = generator(seed, param.path.as_str());
    Elements::F32(match &param.init {
        Init::Elements(elements) => elements.iter().map(|&element| element as f32).collect(),
        Init::Constant(value) => vec![*value as f32; count],
        &Init::Uniform { low, high } => {
            (0..count).map(|_| uniform(&mut generator, low, high)).collect()
        }
        &Init::Normal { mean, std } => {
            (0..count).map(|_| (mean + std * standard_normal(&mut generator)) as f32).collect()
        }
    })
}

/// The generator of one named purpose of a seed.
pub(crate) fn generator(seed: u64, name: &str) -> ChaCha8Rng {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name).finalize();
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&digest);
    ChaCha8Rng::from_seed(bytes)
}

fn uniform(generator: &mut ChaCha8Rng, low: f64, high: f64) -> f32 {
    (low + (high - low) * generator.random::<f64>()) as f32
}

/// One standard normal number by the Box-Muller transform.
// Box and Muller, "A Note on the Generation of Random Normal Deviates", Ann. Math. Stat. 29, 1958.
pub(crate) fn standard_normal(generator: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - generator.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * generator.random::<f64>()).cos()
}
