//! The rules of the prompt archive, one test each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::world::Bench;
use crate::archive::{AddStatus, Archive as _, Elite, Measures, Objective};
use crate::emitter::{
    CrossoverEmitter, Draft, Emitter, MutationEmitter, Outcome, PromptChoice, Proposal,
    RandomEmitter, next_emitter,
};
use crate::state::{CandidateId, IndividualId, Network, Operator, PromptIndividual};
use std::collections::BTreeSet;

fn objective(value: f64) -> Objective {
    Objective::new(value, 1.0).unwrap()
}

impl Bench {
    fn add_prompt(&mut self, instruction: usize, temperature: f64, curiosity: f64) -> IndividualId {
        let id = IndividualId(self.state.counters.next_individual);
        self.state.counters.next_individual += 1;
        let solution = PromptIndividual { id, instruction, temperature, curiosity };
        let measures = solution.measures(13).unwrap();
        let added = self.state.prompts.add(Elite {
            solution,
            objective: Objective::from_count(0),
            measures,
        });
        assert_eq!(added.status, AddStatus::New);
        id
    }

    fn add_network(&mut self, candidate: u64, ratio: f64, macs: f64) {
        let solution = Network {
            candidate: CandidateId(candidate),
            source: format!("net {candidate}").into(),
        };
        let measures = Measures::new(vec![ratio, macs]).unwrap();
        let added =
            self.state.networks.add(Elite { solution, objective: objective(0.1), measures });
        assert_eq!(added.status, AddStatus::New);
    }

    fn tell(&mut self, emitter: &dyn Emitter, proposal: Proposal, outcome: Outcome) {
        let Self { config, prompts, task, state } = self;
        let (seed, first_network) = (crate::seed::Seed::new(1), "net 0");
        let setting = crate::emitter::Setting { config, prompts, task, seed, first_network };
        emitter.tell(setting, state, proposal, outcome);
    }

    fn individual(&self, id: IndividualId) -> Elite<PromptIndividual> {
        let found = self.state.prompts.elites().find(|(_, elite)| elite.solution.id == id);
        found.unwrap().1.clone()
    }
}

fn mutated(individual: Option<IndividualId>, instruction: usize, temperature: f64) -> Proposal {
    Proposal {
        candidate: CandidateId(1),
        index: 0,
        operator: Operator::Mutation,
        parents: vec![CandidateId(0)],
        draft: Draft::Prompt("net".to_owned()),
        choice: Some(PromptChoice { individual, instruction }),
        temperature,
    }
}

fn evaluated(value: f64, status: AddStatus) -> Outcome {
    Outcome::Evaluated { objective: objective(value), status }
}

#[test]
fn curiosity_of_the_selected_individual_follows_the_network() {
    for (outcome, curiosity) in [
        (evaluated(0.5, AddStatus::New), 1.0),
        (evaluated(0.5, AddStatus::ImproveExisting), 1.0),
        (evaluated(0.5, AddStatus::NotAdded), -0.5),
        (Outcome::Untrainable, -1.0),
    ] {
        let mut bench = Bench::new();
        let [selected, other] = [bench.add_prompt(3, 0.9, 0.0), bench.add_prompt(9, 0.2, 0.0)];
        bench.tell(&MutationEmitter, mutated(Some(selected), 3, 0.9), outcome);
        assert_eq!(bench.individual(selected).solution.curiosity, curiosity);
        assert_eq!(bench.individual(other).solution.curiosity, 0.0);
    }
}

#[test]
fn the_new_individual_is_warmer_if_as_fit_as_the_previous_best_and_cooler_if_not() {
    for (value, temperature) in [(0.6, 0.55), (0.5, 0.55), (0.4, 0.45)] {
        let mut bench = Bench::new();
        bench.state.counters.evolved = 1;
        bench.state.counters.best_of_previous = Some(objective(0.5));
        bench.tell(&MutationEmitter, mutated(None, 4, 0.5), evaluated(value, AddStatus::New));
        let added = bench.individual(IndividualId(0)).solution;
        assert_eq!(added.instruction, 4);
        assert!((added.temperature - temperature).abs() < 1e-12, "{value}: {}", added.temperature);
    }
}

#[test]
fn temperatures_stay_in_their_range() {
    let mut bench = Bench::new();
    bench.state.counters.evolved = 1;
    bench.state.counters.best_of_previous = Some(objective(0.5));
    bench.tell(&MutationEmitter, mutated(None, 0, 0.98), evaluated(0.9, AddStatus::New));
    bench.tell(&MutationEmitter, mutated(None, 12, 0.12), evaluated(0.1, AddStatus::New));
    let temperatures = [0, 1].map(|id| bench.individual(IndividualId(id)).solution.temperature);
    assert_eq!(temperatures, [1.0, 0.1]);
}

#[test]
fn collective_fitness_grows_only_by_beating_the_best_of_the_previous_generation() {
    let mut bench = Bench::new();
    bench.state.counters.evolved = 1;
    bench.state.counters.best_of_previous = Some(objective(0.5));
    let same_instruction = bench.add_prompt(4, 0.95, 0.0);
    for value in [0.4, 0.5, 0.6] {
        bench.tell(&MutationEmitter, mutated(None, 4, 0.2), evaluated(value, AddStatus::New));
    }
    assert_eq!(bench.state.counters.collective[4], 1);
    assert_eq!(bench.state.counters.collective.iter().sum::<u32>(), 1);
    // Collective: every individual with this instruction has it.
    assert_eq!(bench.individual(same_instruction).objective, Objective::from_count(1));
}

#[test]
fn the_comparison_is_with_the_previous_generation_not_with_the_current_one() {
    let mut bench = Bench::new();
    bench.state.counters.evolved = 1;
    bench.state.counters.best_of_previous = Some(objective(0.5));
    bench.tell(&MutationEmitter, mutated(None, 1, 0.2), evaluated(0.9, AddStatus::New));
    bench.tell(&MutationEmitter, mutated(None, 2, 0.2), evaluated(0.7, AddStatus::New));
    assert_eq!(bench.state.counters.collective[2], 1);
    bench.state.end_generation(&bench.config, crate::state::Phase::Evolution, 2);
    assert_eq!(bench.state.counters.best_of_previous, Some(objective(0.9)));
    // A generation without any network leaves the comparison as it was.
    bench.state.end_generation(&bench.config, crate::state::Phase::Evolution, 2);
    assert_eq!(bench.state.counters.best_of_previous, Some(objective(0.9)));
}

#[test]
fn an_untrainable_network_adds_no_individual_and_crossover_never_does() {
    let mut bench = Bench::new();
    bench.tell(&MutationEmitter, mutated(None, 1, 0.5), Outcome::Untrainable);
    bench.tell(&RandomEmitter, mutated(None, 1, 0.5), Outcome::Untrainable);
    let crossed = Proposal { choice: None, ..mutated(None, 0, 0.7) };
    bench.tell(&CrossoverEmitter, crossed, evaluated(0.9, AddStatus::New));
    assert_eq!(bench.state.prompts.stats().num_elites, 0);
    assert_eq!(bench.state.best_of_current, Some(objective(0.9)));
}

#[test]
fn a_prompt_drawn_without_an_individual_becomes_one_with_the_curiosity() {
    let mut bench = Bench::new();
    bench.tell(&RandomEmitter, mutated(None, 1, 0.6), evaluated(0.1, AddStatus::NotAdded));
    assert_eq!(bench.individual(IndividualId(0)).solution.curiosity, -0.5);
}

#[test]
fn half_of_the_mutations_use_the_most_curious_individual_and_half_their_own_temperature() {
    let mut bench = Bench::new();
    let mut config = crate::config::SearchConfig::paper();
    config.prompt_archive.samples = 200;
    bench.config = config.check().unwrap();
    bench.add_network(0, 5.0, 1e4);
    let curious = bench.add_prompt(3, 0.5, 2.0);
    for (instruction, temperature) in [(0, 0.2), (6, 0.9), (12, 0.6), (8, 0.3)] {
        bench.add_prompt(instruction, temperature, 0.0);
    }
    let proposals = MutationEmitter.ask(bench.setting(), &bench.state, 0);
    assert_eq!(proposals.len(), 100);
    let used = |p: &&Proposal| p.choice.unwrap().individual == Some(curious);
    let with_curious = proposals.iter().filter(used).count();
    assert!((50..70).contains(&with_curious), "{with_curious}");
    let own = proposals.iter().filter(|p| {
        bench.individual(p.choice.unwrap().individual.unwrap()).solution.temperature
            == p.temperature
    });
    assert_eq!(own.count(), 50);
    for proposal in &proposals {
        let id = proposal.choice.unwrap().individual.unwrap();
        let change = proposal.temperature - bench.individual(id).solution.temperature;
        assert!(change.abs() <= 0.1 + 1e-12);
    }
}

#[test]
fn random_proposals_use_the_first_network_at_its_temperature() {
    let bench = Bench::new();
    let proposals = RandomEmitter.ask(bench.setting(), &bench.state, 0);
    assert_eq!(proposals.len(), 4);
    for proposal in proposals {
        assert_eq!((proposal.temperature, proposal.parents), (0.6, vec![CandidateId(0)]));
        assert!(proposal.draft.prompt().unwrap().starts_with("net 0\n\"\"\""));
    }
}

#[test]
fn crossover_pairs_networks_with_neighbours_at_its_temperature() {
    let mut bench = Bench::new();
    for (candidate, (ratio, macs)) in
        [(1.0, 1e3), (1.0, 2e6), (150.0, 1e3), (150.0, 2e6), (12.0, 5e4)].into_iter().enumerate()
    {
        bench.add_network(candidate as u64, ratio, macs);
    }
    let cell_of = |id: CandidateId| {
        bench.state.networks.elites().find(|(_, e)| e.solution.candidate == id).unwrap().0
    };
    for proposal in CrossoverEmitter.ask(bench.setting(), &bench.state, 0) {
        assert_eq!((proposal.temperature, proposal.choice), (0.7, None));
        let [first, second] = proposal.parents[..] else { panic!("not two parents") };
        assert!(bench.state.networks.neighbours(cell_of(first), 3).contains(&cell_of(second)));
    }
}

#[test]
fn operators_are_drawn_with_their_probabilities_and_one_network_cannot_cross() {
    let mut bench = Bench::new();
    bench.config = crate::config::SearchConfig::paper().check().unwrap();
    bench.state.counters.random_rounds = 10;
    bench.add_network(0, 1.0, 3e8);
    let mut drawn = BTreeSet::new();
    let mut crossovers = 0;
    for generation in 1..=1000 {
        bench.state.counters.generation = generation;
        drawn.insert(next_emitter(bench.setting(), &bench.state).unwrap().0.name());
    }
    assert_eq!(drawn, BTreeSet::from(["mutation"]));
    bench.add_network(1, 180.0, 4e9);
    for generation in 1..=1000 {
        bench.state.counters.generation = generation;
        let (operator, _) = next_emitter(bench.setting(), &bench.state).unwrap();
        crossovers += u32::from(operator == Operator::Crossover);
    }
    assert!((250..350).contains(&crossovers), "{crossovers}");
}

#[test]
fn the_random_phase_ends_with_enough_networks_or_prompts_or_rounds() {
    use crate::state::Phase;
    let mut bench = Bench::new();
    bench.state.counters.generation = 1;
    assert_eq!(bench.state.phase(&bench.config), Phase::Random);
    bench.state.counters.random_rounds = bench.config.random_phase.max_rounds;
    assert_eq!(bench.state.phase(&bench.config), Phase::Evolution);
    bench.state.counters.random_rounds = 0;
    for (candidate, (ratio, macs)) in
        [(1.0, 1e3), (1.0, 2e6), (150.0, 1e3), (150.0, 2e6), (12.0, 5e4)].into_iter().enumerate()
    {
        assert_eq!(bench.state.phase(&bench.config), Phase::Random);
        bench.add_network(candidate as u64, ratio, macs);
    }
    assert_eq!(bench.state.phase(&bench.config), Phase::Evolution);
    bench.state.counters.evolved = bench.config.generations;
    assert_eq!(bench.state.phase(&bench.config), Phase::Finished);
}

#[test]
fn ten_pairs_share_a_crossover_generation() {
    let mut bench = Bench::new();
    let mut config = crate::config::SearchConfig::paper();
    config.network_archive = bench.config.network_archive.clone();
    bench.config = config.check().unwrap();
    for (candidate, (ratio, macs)) in
        [(1.0, 1e3), (1.0, 2e6), (150.0, 1e3), (150.0, 2e6), (12.0, 5e4)].into_iter().enumerate()
    {
        bench.add_network(candidate as u64, ratio, macs);
    }
    let proposals = CrossoverEmitter.ask(bench.setting(), &bench.state, 0);
    assert_eq!(proposals.len(), 100);
    for pair in proposals.chunks(10) {
        assert!(pair.iter().all(|proposal| proposal.parents == pair[0].parents));
    }
    let pairs: BTreeSet<&[CandidateId]> = proposals.iter().map(|p| &p.parents[..]).collect();
    assert!(pairs.len() > 3);
}

#[test]
fn mutation_with_an_empty_prompt_archive_draws_an_instruction() {
    let mut bench = Bench::new();
    bench.add_network(0, 5.0, 1e4);
    for proposal in MutationEmitter.ask(bench.setting(), &bench.state, 0) {
        assert_eq!(proposal.choice.unwrap().individual, None);
        assert_eq!(proposal.temperature, bench.config.random_phase.temperature);
    }
}

#[test]
fn nasc_goes_through_every_instruction_before_it_repeats_one_and_the_paper_does_not() {
    let mut bench = Bench::new();
    let mut drawn = Vec::new();
    for round in 0..7 {
        bench.state.counters.random_rounds = round;
        bench.state.counters.generation = round + 1;
        let proposals = RandomEmitter.ask(bench.setting(), &bench.state, 0);
        drawn.extend(proposals.iter().map(|proposal| proposal.choice.unwrap().instruction));
    }
    let all: BTreeSet<usize> = (0..13).collect();
    for time in drawn.chunks_exact(13) {
        assert_eq!(time.iter().copied().collect::<BTreeSet<usize>>(), all);
    }
    assert_ne!(drawn[..13], drawn[13..26]);
    let mut config = crate::config::SearchConfig::paper();
    config.random_phase.offspring = 13;
    bench.config = config.check().unwrap();
    let proposals = RandomEmitter.ask(bench.setting(), &bench.state, 0);
    let independent: BTreeSet<usize> =
        proposals.iter().map(|proposal| proposal.choice.unwrap().instruction).collect();
    assert!(independent.len() < 13);
}

#[test]
fn nasc_now_and_then_takes_an_instruction_that_the_archive_has_lost_and_the_paper_never() {
    let mut bench = Bench::new();
    bench.add_network(0, 5.0, 1e4);
    bench.add_prompt(3, 0.5, 2.0);
    let outsiders = |bench: &mut Bench| {
        let mut outsiders = 0;
        for generation in 1..=400 {
            bench.state.counters.generation = generation;
            let proposals = MutationEmitter.ask(bench.setting(), &bench.state, 0);
            for proposal in proposals.iter().filter(|p| p.choice.unwrap().individual.is_none()) {
                assert_eq!(proposal.temperature, bench.config.random_phase.temperature);
                outsiders += 1;
            }
        }
        outsiders
    };
    // 5 % of 400 generations of 5
    assert!((70..130).contains(&outsiders(&mut bench)));
    let mut config = crate::config::SearchConfig::paper();
    (config.offspring, config.prompt_archive) = (5, bench.config.prompt_archive);
    bench.config = config.check().unwrap();
    assert_eq!(outsiders(&mut bench), 0);
}

#[test]
fn the_first_trained_networks_are_not_compared_with_untrained_ones() {
    use crate::config::{PromptFitness, SearchConfig};
    use crate::state::Phase;
    for (fitness_from, raised) in [(PromptFitness::Trained, 0), (PromptFitness::All, 1)] {
        let mut bench = Bench::new();
        let mut config = SearchConfig::clone(&bench.config);
        config.prompts.fitness_from = fitness_from;
        bench.config = config.check().unwrap();
        let random = || Proposal { operator: Operator::Random, ..mutated(None, 1, 0.6) };
        bench.state.counters.best_of_previous = Some(objective(0.1));
        bench.tell(&RandomEmitter, random(), evaluated(0.2, AddStatus::New));
        assert_eq!(bench.state.counters.collective[1], raised, "untrained");
        // its temperature is compared with those of its own kind
        assert!((bench.individual(IndividualId(0)).solution.temperature - 0.65).abs() < 1e-12);
        bench.state.end_generation(&bench.config, Phase::Random, 1);
        bench.tell(&MutationEmitter, mutated(None, 2, 0.2), evaluated(0.9, AddStatus::New));
        assert_eq!(bench.state.counters.collective[2], raised, "the first trained");
        bench.state.end_generation(&bench.config, Phase::Evolution, 1);
        bench.tell(&MutationEmitter, mutated(None, 2, 0.9), evaluated(0.95, AddStatus::New));
        assert_eq!(bench.state.counters.collective[2], raised + 1, "trained against trained");
    }
}

#[test]
fn a_first_generation_without_networks_leaves_nothing_untrained_to_compare_with() {
    let mut bench = Bench::new();
    bench.state.counters.best_of_previous = Some(objective(0.2));
    bench.state.end_generation(&bench.config, crate::state::Phase::Evolution, 1);
    assert_eq!(bench.state.counters.best_of_previous, None);
    bench.state.counters.best_of_previous = Some(objective(0.2));
    bench.state.end_generation(&bench.config, crate::state::Phase::Evolution, 1);
    assert_eq!(bench.state.counters.best_of_previous, Some(objective(0.2)));
}

/// The reference rewards the individual that was selected. One that has lost its cell since is gone
/// with its curiosity; the one in its place starts with its own.
#[test]
fn curiosity_of_a_displaced_individual_is_not_its_successors() {
    let mut bench = Bench::new();
    let selected = bench.add_prompt(4, 0.5, 2.0);
    let cell_of = |bench: &Bench, id| {
        let found = bench.state.prompts.elites().find(|(_, elite)| elite.solution.id == id);
        found.map(|(cell, _)| cell)
    };
    let cell = cell_of(&bench, selected).unwrap();
    // a fitter one of a neighbouring instruction in the same cell
    let id = IndividualId(77);
    let solution = PromptIndividual { id, instruction: 4, temperature: 0.5, curiosity: 0.0 };
    let measures = solution.measures(13).unwrap();
    let added =
        bench.state.prompts.add(Elite { solution, objective: Objective::from_count(9), measures });
    assert_eq!((added.cell, added.status), (cell, AddStatus::ImproveExisting));
    bench.tell(&MutationEmitter, mutated(Some(selected), 9, 0.5), Outcome::Untrainable);
    assert_eq!(cell_of(&bench, selected), None);
    assert_eq!(bench.individual(id).solution.curiosity, 0.0);
}
