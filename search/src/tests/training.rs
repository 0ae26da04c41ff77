//! The evaluator of real searches on the embedded digits: what it refuses, how often it validates,
//! when it looks up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use crate::config::SearchConfig;
use crate::evaluate::training::TrainingEvaluator;
use crate::evaluate::*;
use nasc_runtime::data::{self, Dataset};
use std::ops::ControlFlow;

/// A body between the image and ten classes.
fn network(layers: &str, forward: &str) -> String {
    format!(
        "import torch.nn as nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        \
         super().__init__()\n        self.norm = {layers}\n        self.fc = nn.Linear(64, 10)\n\n    \
         def forward(self, x):\n        x = {forward}\n        return self.fc(x.flatten(1))\n"
    )
}

fn plain() -> String {
    network("nn.BatchNorm2d(1)", "self.norm(x)")
}

fn request(source: &str, effort: Effort) -> EvaluationRequest<'_> {
    EvaluationRequest { source, effort, seed: 3 }
}

fn evaluator(data: &Dataset, batch_size: u32) -> TrainingEvaluator<'_> {
    let config = SearchConfig::quick();
    let mut training = config.training.with_batch_size(batch_size);
    training.epochs = 2;
    TrainingEvaluator::new(data, training, config.budget)
}

fn verdict(evaluator: &mut TrainingEvaluator<'_>, source: &str, effort: Effort) -> Verdict {
    let go_on = &mut |_: TrainProgress| ControlFlow::Continue(());
    evaluator.evaluate(request(source, effort), go_on).unwrap().verdict
}

fn rejection(evaluator: &mut TrainingEvaluator<'_>, source: &str) -> Rejection {
    match verdict(evaluator, source, Effort::Train) {
        Verdict::Rejected(rejection) => rejection,
        Verdict::Evaluated(_) => panic!("it was trained"),
    }
}

#[test]
fn a_network_that_the_machine_has_no_memory_for_is_refused() {
    let data = data::digits().unwrap();
    let mut poor = evaluator(&data, 32).with_memory(|| 1000);
    let Rejection::OverBudget { figure, value, limit } = rejection(&mut poor, &plain()) else {
        panic!("not over budget")
    };
    // 32 images of 64 pixels, twice, at the least
    assert!(figure == "memory_bytes" && limit == 1000 && value > 2 * 32 * 64 * 4, "{value}");
    let mut rich = evaluator(&data, 32).with_memory(|| u64::MAX);
    assert!(matches!(verdict(&mut rich, &plain(), Effort::Train), Verdict::Evaluated(_)));
}

#[test]
fn batches_of_one_image_train_and_refuse_batch_norm_of_vectors() {
    let data = data::digits().unwrap();
    let mut ones = evaluator(&data, 1);
    let Verdict::Evaluated(trained) = verdict(&mut ones, &plain(), Effort::Train) else {
        panic!("it was refused")
    };
    assert!(trained.objective.value() > 0.5);
    let vectors = network("nn.BatchNorm1d(64)", "self.norm(x.flatten(1))");
    let Rejection::Compile { parsed: true, diagnostics } = rejection(&mut ones, &vectors) else {
        panic!("not refused for what it is")
    };
    assert_eq!(diagnostics[0].code, "nasc::train::single_value_per_channel");
    assert_eq!(diagnostics[0].line, Some(11));
    let mut many = evaluator(&data, 32);
    assert!(matches!(verdict(&mut many, &vectors, Effort::Train), Verdict::Evaluated(_)));
}

/// Validation images that were told of, and where the sink breaks off.
fn validated(effort: Effort, stop_at: u64) -> (u64, Result<Judgement, EvaluateError>) {
    let data = data::digits().unwrap();
    let mut images = 0;
    let mut last = 0;
    let mut count = |progress: TrainProgress| {
        if progress.stage == Stage::Validation {
            images += progress.done - if progress.done > last { last } else { 0 };
            last = progress.done;
        }
        if images >= stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let judged = evaluator(&data, 32).evaluate(request(&plain(), effort), &mut count);
    (images, judged)
}

#[test]
fn validation_is_made_once_an_epoch_and_can_be_broken_off() {
    let each = data::digits().unwrap().validation().len() as u64;
    let (images, judged) = validated(Effort::Train, u64::MAX);
    let Verdict::Evaluated(evaluation) = judged.unwrap().verdict else { panic!("refused") };
    assert_eq!(images, 2 * each);
    let last = evaluation.curve.last().unwrap();
    assert_eq!(Some(evaluation.objective.value()), last.accuracy);
    assert_eq!(Some(evaluation.objective.loss()), last.loss);
    assert_eq!(validated(Effort::Untrained, u64::MAX).0, each);
    for effort in [Effort::Train, Effort::Untrained] {
        let (images, judged) = validated(effort, 32);
        assert_eq!(images, 32);
        assert!(matches!(judged, Err(EvaluateError::Interrupted)));
    }
}

#[test]
fn a_test_can_be_broken_off() {
    let data = data::digits().unwrap();
    let mut evaluator = evaluator(&data, 32);
    let Verdict::Evaluated(trained) = verdict(&mut evaluator, &plain(), Effort::Train) else {
        panic!("refused")
    };
    let weights = trained.weights.unwrap();
    let mut stages = Vec::new();
    let stop = &mut |progress: TrainProgress| {
        stages.push(progress.stage);
        ControlFlow::Break(())
    };
    let broken = evaluator.test(&plain(), &weights, stop);
    assert!(matches!(broken, Err(EvaluateError::Interrupted)));
    assert_eq!(stages, [Stage::Test]);
    let go_on = &mut |_: TrainProgress| ControlFlow::Continue(());
    assert!(evaluator.test(&plain(), &weights, go_on).unwrap().accuracy > 0.5);
}
