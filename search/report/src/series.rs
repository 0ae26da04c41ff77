//! What each generation of evolution came to: the lines of the paper's Figures 1 and 2.

use crate::run::RunData;
use serde::Serialize;
use std::collections::BTreeMap;

/// One generation of evolution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Step {
    /// Its number among the generations of evolution, from 1.
    pub number: u32,
    /// The best fitness of its own networks; `None` if none was trained.
    pub best: Option<f64>,
    /// The best fitness of evolution until then.
    pub best_so_far: Option<f64>,
    /// The lowest loss of its networks.
    pub loss: Option<f64>,
    /// Its networks that have a fitness.
    pub trainable: u32,
    /// Its networks in all.
    pub offspring: u32,
}

/// The generations of evolution of a run that were begun, in order.
#[must_use]
pub fn steps(run: &RunData) -> Vec<Step> {
    let numbers: BTreeMap<u32, u32> = run.evolution().into_iter().zip(1..).collect();
    let mut steps: BTreeMap<u32, Step> = BTreeMap::new();
    for row in &run.candidates {
        let Some(&number) = numbers.get(&row.generation) else { continue };
        let (best, best_so_far, loss) = (None, None, None);
        let new = Step { number, best, best_so_far, loss, trainable: 0, offspring: 0 };
        let step = steps.entry(number).or_insert(new);
        step.offspring += 1;
        step.trainable += u32::from(row.fitness.is_some());
        step.best = larger(step.best, row.fitness);
        step.loss = smaller(step.loss, row.loss);
    }
    let mut best_so_far = None;
    for step in steps.values_mut() {
        best_so_far = larger(best_so_far, step.best);
        step.best_so_far = best_so_far;
    }
    steps.into_values().collect()
}

fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}

fn smaller(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::min)
}
