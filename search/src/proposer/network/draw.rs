//! Networks and layers drawn at random, with the sizes that people use.

use super::{Activation, Features, Genome, Layer, Signature};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Channels of convolutions.
const CHANNELS: [u64; 6] = [8, 16, 24, 32, 48, 64];
/// Features of linear layers.
const FEATURES: [u64; 5] = [32, 64, 128, 256, 512];
const ACTIVATIONS: [Activation; 6] = [
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Sigmoid,
    Activation::Tanh,
];

fn one<T: Copy>(list: &[T], rng: &mut ChaCha8Rng, otherwise: T) -> T {
    list.choose(rng).copied().unwrap_or(otherwise)
}

pub(super) fn activation(rng: &mut ChaCha8Rng) -> Layer {
    // ReLU as often as the others together, as in the networks that people write.
    let other = one(&ACTIVATIONS, rng, Activation::Relu);
    Layer::Activation(if rng.random::<bool>() { Activation::Relu } else { other })
}

pub(super) fn convolution(rng: &mut ChaCha8Rng) -> Layer {
    let kernel = one(&[1, 3, 3, 5], rng, 3);
    let stride = one(&[1, 1, 1, 2], rng, 1);
    Layer::Conv { out: one(&CHANNELS, rng, 16), kernel, stride, padding: kernel / 2 }
}

pub(super) fn pooling(rng: &mut ChaCha8Rng) -> Layer {
    let kernel = one(&[2, 2, 3], rng, 2);
    let (stride, padding) = if kernel == 2 { (2, 0) } else { (one(&[1, 2], rng, 2), 1) };
    Layer::Pool { average: rng.random(), kernel, stride, padding }
}

pub(super) fn dropout(rng: &mut ChaCha8Rng) -> Layer {
    Layer::Dropout { percent: one(&[10, 20, 30, 50], rng, 20) }
}

pub(super) fn linear(rng: &mut ChaCha8Rng) -> Layer {
    Layer::Linear { out: one(&FEATURES, rng, 64) }
}

/// A layer for a place of this type.
pub(super) fn layer(features: Features, rng: &mut ChaCha8Rng) -> Layer {
    let image = features.size.is_some();
    match rng.random_range(0..10u32) {
        0..4 if image => convolution(rng),
        0..4 => linear(rng),
        4 | 5 if image => pooling(rng),
        4..7 => Layer::BatchNorm,
        7 | 8 => activation(rng),
        _ => dropout(rng),
    }
}

/// A network: some blocks of a convolution and what goes with it, perhaps hidden linear layers, a
/// classifier.
pub(super) fn genome(signature: Signature, rng: &mut ChaCha8Rng) -> Genome {
    let mut layers = Vec::new();
    for _ in 0..rng.random_range(0..5u32) {
        layers.push(convolution(rng));
        if rng.random_bool(0.5) {
            layers.push(Layer::BatchNorm);
        }
        layers.push(activation(rng));
        if rng.random_bool(0.4) {
            layers.push(pooling(rng));
        }
        if rng.random_bool(0.1) {
            layers.push(dropout(rng));
        }
    }
    if rng.random_bool(0.3) {
        layers.push(Layer::AdaptivePool { size: one(&[1, 2, 4], rng, 1) });
    }
    for _ in 0..rng.random_range(0..2u32) {
        layers.extend([linear(rng), activation(rng)]);
    }
    layers.push(Layer::Linear { out: signature.classes });
    Genome { layers }
}
