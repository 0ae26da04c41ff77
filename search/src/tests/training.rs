//! The evaluator of real searches on the embedded digits: what it refuses, how often it validates,
//! when it looks up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use crate::config::{FilterConfig, SearchConfig, TrainingConfig};
use crate::evaluate::training::TrainingEvaluator;
use crate::evaluate::*;
use crate::precedents::{Demands, Hurdle, NO_DEMANDS};
use nasc_runtime::data::{self, Dataset};
use nasc_runtime::proxy::Proxy;
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
    let demands = &NO_DEMANDS;
    EvaluationRequest { source, effort, seed: 3, demands, inherited: None }
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

/// Two layers with a width that names their parameters.
fn wide(width: u32) -> String {
    format!(
        "import torch.nn as nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        \
         self.first = nn.Linear(64, {width})\n        self.second = nn.Linear({width}, 10)\n\n    \
         def forward(self, x):\n        return self.second(self.first(x.flatten(1)).relu())\n"
    )
}

fn judged(
    evaluator: &mut TrainingEvaluator<'_>,
    source: &str,
    demands: &Demands,
    inherited: Option<&[u8]>,
) -> Judgement {
    let go_on = &mut |_: TrainProgress| ControlFlow::Continue(());
    let request = EvaluationRequest { source, effort: Effort::Train, seed: 3, demands, inherited };
    evaluator.evaluate(request, go_on).unwrap()
}

fn evaluation(judgement: Judgement) -> Evaluation {
    match judgement.verdict {
        Verdict::Evaluated(evaluation) => *evaluation,
        Verdict::Rejected(rejection) => panic!("{rejection}"),
    }
}

#[test]
fn a_candidate_that_misses_a_hurdle_ends_there_with_its_accuracy() {
    let data = data::digits().unwrap();
    let training = TrainingConfig { epochs: 4, ..SearchConfig::quick().training };
    let mut evaluator = TrainingEvaluator::new(&data, training, SearchConfig::quick().budget);
    let whole = evaluation(judged(&mut evaluator, &wide(16), &NO_DEMANDS, None));
    assert_eq!(whole.curve.len(), 4);
    let hurdle = |accuracy| Demands { hurdles: vec![Hurdle { epochs: 2, accuracy }], score: None };
    let ended = evaluation(judged(&mut evaluator, &wide(16), &hurdle(1.1), None));
    assert_eq!(ended.curve, whole.curve[..2]);
    assert_eq!(Some(ended.objective.value()), ended.curve[1].accuracy);
    assert!(ended.weights.is_some());
    let taken = hurdle(whole.curve[1].accuracy.unwrap());
    assert_eq!(evaluation(judged(&mut evaluator, &wide(16), &taken, None)).curve, whole.curve);
}

#[test]
fn a_candidate_that_promises_too_little_is_not_trained() {
    let data = data::digits().unwrap();
    let filter = FilterConfig { proxy: Proxy::Naswot, keep: 0.5, after: 1, images: 32 };
    let training =
        TrainingConfig { epochs: 1, filter: Some(filter), ..SearchConfig::quick().training };
    let mut evaluator = TrainingEvaluator::new(&data, training, SearchConfig::quick().budget);
    let wide_one = judged(&mut evaluator, &wide(64), &NO_DEMANDS, None);
    let least = wide_one.proxy_score.unwrap();
    let demands = Demands { hurdles: Vec::new(), score: Some(least) };
    assert!(matches!(
        judged(&mut evaluator, &wide(64), &demands, None).verdict,
        Verdict::Evaluated(_)
    ));
    let narrow = judged(&mut evaluator, &wide(4), &demands, None);
    assert!(narrow.proxy_score.unwrap() < least);
    let Verdict::Rejected(rejection) = narrow.verdict else { panic!("it was trained") };
    assert_eq!(rejection.name(), "unpromising");
    assert!(rejection.parsed() && rejection.checked());
}

#[test]
fn a_child_begins_where_its_parent_ended() {
    let data = data::digits().unwrap();
    let mut evaluator = evaluator(&data, 32);
    let parent = evaluation(judged(&mut evaluator, &wide(16), &NO_DEMANDS, None));
    let weights = parent.weights.unwrap();
    let heir = evaluation(judged(&mut evaluator, &wide(16), &NO_DEMANDS, Some(&weights)));
    assert!(heir.curve[0].train_loss < parent.curve[1].train_loss, "{:?}", heir.curve);
    // only the layers that agree are taken over, and damaged weights change nothing
    let other = evaluation(judged(&mut evaluator, &wide(20), &NO_DEMANDS, Some(&weights)));
    let own = evaluation(judged(&mut evaluator, &wide(20), &NO_DEMANDS, None));
    assert_ne!(other.curve, own.curve, "the bias of the last layer is inherited");
    let damaged = evaluation(judged(&mut evaluator, &wide(20), &NO_DEMANDS, Some(b"nothing")));
    assert_eq!(damaged.curve, own.curve);
}

#[test]
fn latency_is_measured_where_it_is_asked_for() {
    let data = data::digits().unwrap();
    let plain = evaluation(judged(&mut evaluator(&data, 32), &wide(8), &NO_DEMANDS, None));
    assert_eq!(plain.cost.latency_seconds, None);
    let mut timed = evaluator(&data, 32).with_latency(true);
    let timed = evaluation(judged(&mut timed, &wide(8), &NO_DEMANDS, None));
    assert!(timed.cost.latency_seconds.unwrap() > 0.0);
}
