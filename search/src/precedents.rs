//! What earlier candidates of a run came to on the way: their accuracies at early epochs and the scores
//! that they got untrained. A new candidate is measured by them. Everything follows from what is stored.

use crate::config::{FilterConfig, HalvingConfig, TrainingConfig};
use crate::evaluate::EpochRecord;
use std::collections::BTreeMap;

/// An epoch after which a candidate is given up unless it is good enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hurdle {
    /// Epochs that are trained before.
    pub epochs: u32,
    /// The accuracy with which training goes on.
    pub accuracy: f64,
}

/// What a candidate has to reach.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Demands {
    /// Accuracies at early epochs, in order.
    pub hurdles: Vec<Hurdle>,
    /// The least score with which it is trained at all.
    pub score: Option<f64>,
}

/// Nothing.
pub static NO_DEMANDS: Demands = Demands { hurdles: Vec::new(), score: None };

/// Figures of earlier candidates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Precedents {
    /// Accuracies after so many epochs.
    accuracies: BTreeMap<u32, Vec<f64>>,
    scores: Vec<f64>,
}

impl HalvingConfig {
    /// Epochs after which decisions are made, in order.
    pub fn rungs(&self, epochs: u32) -> impl Iterator<Item = u32> + use<> {
        let factor = self.factor.max(2);
        std::iter::successors(Some(self.first_epochs.max(1)), move |rung| rung.checked_mul(factor))
            .take_while(move |&rung| rung < epochs)
    }

    /// The accuracy that is among the best share of all, this one included; `None` while there are too
    /// few to compare with.
    fn hurdle(&self, earlier: &[f64]) -> Option<f64> {
        let share = (earlier.len() + 1) / self.factor.max(2) as usize;
        (earlier.len() >= self.after as usize).then(|| largest(earlier, share.max(1)))?
    }
}

impl FilterConfig {
    /// The score that is among the share of all that is kept.
    fn least(&self, earlier: &[f64]) -> Option<f64> {
        let kept = ((earlier.len() + 1) as f64 * self.keep).ceil() as usize;
        (earlier.len() >= self.after as usize).then(|| largest(earlier, kept.max(1)))?
    }
}

/// The number at a place, from 1, in descending order; `None` if there are fewer.
fn largest(numbers: &[f64], place: usize) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(|one, other| other.total_cmp(one));
    sorted.get(place - 1).copied()
}

impl Precedents {
    /// Takes note of a candidate that was trained itself.
    pub fn add(&mut self, training: &TrainingConfig, curve: &[EpochRecord], score: Option<f64>) {
        self.scores.extend(score);
        let Some(halving) = training.halving else { return };
        for rung in halving.rungs(training.epochs) {
            let at = curve.iter().find(|record| record.epoch == rung);
            if let Some(accuracy) = at.and_then(|record| record.accuracy) {
                self.accuracies.entry(rung).or_default().push(accuracy);
            }
        }
    }

    /// What the next candidate has to reach.
    #[must_use]
    pub fn demands(&self, training: &TrainingConfig) -> Demands {
        let none = Vec::new();
        let hurdle = |halving: HalvingConfig, epochs: u32| {
            let earlier = self.accuracies.get(&epochs).unwrap_or(&none);
            halving.hurdle(earlier).map(|accuracy| Hurdle { epochs, accuracy })
        };
        let hurdles = training.halving.into_iter().flat_map(|halving| {
            halving.rungs(training.epochs).filter_map(move |epochs| hurdle(halving, epochs))
        });
        Demands {
            hurdles: hurdles.collect(),
            score: training.filter.and_then(|filter| filter.least(&self.scores)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::{Hurdle, Precedents};
    use crate::config::{FilterConfig, HalvingConfig, SearchConfig, TrainingConfig};
    use crate::evaluate::EpochRecord;
    use nasc_runtime::proxy::Proxy;

    fn training() -> TrainingConfig {
        TrainingConfig {
            epochs: 20,
            halving: Some(HalvingConfig { first_epochs: 2, factor: 3, after: 3 }),
            filter: Some(FilterConfig { proxy: Proxy::Naswot, keep: 0.5, after: 3, images: 32 }),
            ..SearchConfig::quick().training
        }
    }

    fn curve(accuracies: &[(u32, f64)]) -> Vec<EpochRecord> {
        let record = |&(epoch, accuracy): &(u32, f64)| EpochRecord {
            epoch,
            train_loss: 1.0,
            train_accuracy: 0.0,
            loss: None,
            accuracy: Some(accuracy),
        };
        accuracies.iter().map(record).collect()
    }

    #[test]
    fn decisions_come_at_growing_distances_and_before_the_end() {
        let rungs = |epochs| training().halving.map(|one| one.rungs(epochs).collect::<Vec<_>>());
        assert_eq!(rungs(20), Some(vec![2, 6, 18]));
        assert_eq!(rungs(18), Some(vec![2, 6]));
        assert_eq!(rungs(2), Some(vec![]));
    }

    #[test]
    fn a_third_goes_on_and_half_is_trained_once_there_is_something_to_compare_with() {
        let (training, mut earlier) = (training(), Precedents::default());
        for (accuracy, score) in [(0.1, 1.0), (0.5, 9.0), (0.3, 4.0)] {
            assert!(earlier.demands(&training).hurdles.is_empty());
            assert_eq!(earlier.demands(&training).score, None);
            earlier.add(&training, &curve(&[(1, 0.9), (2, accuracy)]), Some(score));
        }
        let demands = earlier.demands(&training);
        // of four the best one; of four scores the best two
        assert_eq!(demands.hurdles, [Hurdle { epochs: 2, accuracy: 0.5 }]);
        assert_eq!(demands.score, Some(4.0));
        earlier.add(&training, &curve(&[(2, 0.4)]), None);
        earlier.add(&training, &curve(&[(2, 0.45)]), None);
        assert_eq!(earlier.demands(&training).hurdles[0].accuracy, 0.45);
    }
}
