//! Seeded stratified selection: a subset with each class in proportion.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a selection is for. Each purpose has its own stream of one seed; epochs use the low streams.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    CarveValidation,
    LimitTrain,
    LimitValidation,
    LimitTest,
    CarveTest,
}

impl Purpose {
    fn stream(self) -> u64 {
        match self {
            Purpose::CarveValidation => u64::MAX,
            Purpose::LimitTrain => u64::MAX - 1,
            Purpose::LimitValidation => u64::MAX - 2,
            Purpose::LimitTest => u64::MAX - 3,
            Purpose::CarveTest => u64::MAX - 4,
        }
    }
}

/// The generator of one stream of a seed.
pub(super) fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// Fisher-Yates shuffle (Durstenfeld, Algorithm 235, CACM 1964), last position first.
pub(super) fn shuffle(items: &mut [u32], generator: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        let other = generator.random_range(0..=last as u64) as usize;
        items.swap(last, other);
    }
}

/// One flag per label: `count` images chosen at random, each class in proportion to its size.
/// Fractions of an image go to the classes with the largest remainder, lower label first on a tie.
pub(super) fn choose(labels: &[u32], count: usize, seed: u64, purpose: Purpose) -> Vec<bool> {
    let mut generator = generator(seed, purpose.stream());
    let mut members = members_by_class(labels);
    let quotas = quotas(&members, count.min(labels.len()), labels.len());
    let mut chosen = vec![false; labels.len()];
    for (class, quota) in members.iter_mut().zip(quotas) {
        shuffle(class, &mut generator);
        for &index in class.iter().take(quota) {
            if let Some(flag) = chosen.get_mut(index as usize) {
                *flag = true;
            }
        }
    }
    chosen
}

/// Indices of each class's images, in order.
fn members_by_class(labels: &[u32]) -> Vec<Vec<u32>> {
    let mut classes = std::collections::BTreeMap::<u32, Vec<u32>>::new();
    for (index, &label) in (0_u32..).zip(labels) {
        classes.entry(label).or_default().push(index);
    }
    classes.into_values().collect()
}

/// How many to take of each class so that the quotas sum to `count`.
fn quotas(members: &[Vec<u32>], count: usize, total: usize) -> Vec<usize> {
    let (count, total) = (count as u128, (total as u128).max(1));
    let exact = members.iter().map(|class| class.len() as u128 * count);
    let mut quotas: Vec<(usize, u128)> =
        exact.map(|exact| ((exact / total) as usize, exact % total)).collect();
    let given: usize = quotas.iter().map(|(quota, _)| quota).sum();
    let mut by_remainder: Vec<usize> = (0..quotas.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(quotas.get(class).map(|quota| quota.1)));
    for class in by_remainder.into_iter().take((count as usize).saturating_sub(given)) {
        if let Some(quota) = quotas.get_mut(class) {
            quota.0 += 1;
        }
    }
    quotas.into_iter().map(|(quota, _)| quota).collect()
}
