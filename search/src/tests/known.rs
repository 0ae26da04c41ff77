//! Nothing is trained twice: a network that was seen gets the result it had.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::fault::Fault;
use super::world::{World, assert_same, setup};
use crate::config::SearchConfig;
use crate::error::SearchError;
use crate::evaluate::Evaluator as _;
use crate::evaluate::training::TrainingEvaluator;
use crate::run::Run;
use crate::state::CandidateId;
use crate::store::{CandidateRow, RunReader};
use std::ops::ControlFlow;
use std::path::Path;

/// Takes networks whose numbers end alike for the same one.
fn world() -> World {
    let mut world = World::default();
    world.evaluator.fingerprint = Some(|source| source.get(source.len() - 1..).map(str::to_owned));
    world
}

fn candidates(directory: &Path) -> Vec<CandidateRow> {
    let reader = RunReader::open(directory).unwrap();
    (0..).map_while(|id| reader.candidate(CandidateId(id)).unwrap()).collect()
}

#[test]
fn an_equal_network_has_the_result_of_the_first_and_is_not_evaluated_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world();
    world.finish(&mut Run::create(folder.path(), setup(5)).unwrap());
    let rows = candidates(folder.path());
    let repeated: Vec<&CandidateRow> = rows.iter().filter(|row| row.repeats.is_some()).collect();
    assert!(repeated.len() > 10, "{} of {}", repeated.len(), rows.len());
    for row in &repeated {
        let first = &rows[row.repeats.unwrap().0 as usize];
        assert!(first.repeats.is_none() && first.candidate < row.candidate);
        assert_eq!(
            (row.fitness, row.cost, &row.rejection),
            (first.fitness, first.cost, &first.rejection)
        );
        assert_eq!(row.fingerprint, first.fingerprint);
        // What was only scored untrained does not stand for a trained network.
        assert_eq!(
            row.operator == "random",
            ["first", "random"].contains(&first.operator.as_str())
        );
    }
    let asked = rows.iter().filter(|row| row.source.is_some()).count();
    assert_eq!(world.evaluator.evaluated.len(), asked - repeated.len());
    let summary = RunReader::open(folder.path()).unwrap().summary().unwrap();
    assert_eq!(summary.repeated as usize, repeated.len());
}

#[test]
fn a_run_that_is_cut_off_remembers_what_it_has_seen() {
    let [whole, cut] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    world().finish(&mut Run::create(whole.path(), setup(5)).unwrap());
    let mut run = Run::create(cut.path(), setup(5)).unwrap();
    let mut rounds = 0;
    loop {
        run.store.fault = Some(Fault { writes_left: 6 + rounds % 5, after: true });
        match world().search(&mut run, |_| ControlFlow::Continue(())) {
            Ok(_) => break,
            Err(SearchError::DiskFull { .. }) => rounds += 1,
            Err(error) => panic!("{error}"),
        }
        drop(run);
        run = Run::resume(cut.path()).unwrap();
    }
    assert!(rounds > 5);
    assert_same(whole.path(), cut.path());
}

fn network(body: &str, forward: &str) -> String {
    format!(
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        \
         super().__init__()\n        {body}\n\n    def forward(self, x):\n        {forward}\n"
    )
}

/// Names, layers that nothing uses, the order of independent statements and redundant flattens.
#[test]
fn what_makes_no_difference_to_the_network_makes_none_to_its_fingerprint() {
    let data = nasc_runtime::data::digits().unwrap();
    let config = SearchConfig::quick();
    let mut evaluator = TrainingEvaluator::new(&data, config.training, config.budget);
    let mut of =
        |body: &str, forward: &str| evaluator.fingerprint(&network(body, forward)).unwrap();
    let plain = of(
        "self.a, self.b, self.fc = nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 3, stride=1, padding=0), nn.Linear(144, 10)",
        "p = torch.relu(self.a(x))\n        q = self.b(x)\n        return self.fc((p + q).flatten(1))",
    );
    let other = of(
        "self.head, self.dead = nn.Linear(144, 10), nn.Linear(5, 5)\n        self.one, self.two = nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 3)",
        "second = self.two(x)\n        first = self.one(x).relu()\n        y = torch.flatten(torch.flatten(second + first, 1), 1)\n        return self.head(y)",
    );
    assert_eq!(plain, other);
    let wider = of("self.fc = nn.Linear(64, 10)", "return self.fc(x.flatten(1))");
    assert_ne!(plain, wider);
    assert_eq!(evaluator.fingerprint("class Net:\n    pass\n"), None);
}
