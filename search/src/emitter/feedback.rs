//! The books of the prompt archive, as LLMatic keeps them: curiosity of the individual that was
//! selected, collective fitness of its instruction, and a new individual with a moved temperature.

use super::{Outcome, Proposal, Setting};
use crate::archive::{Archive as _, Elite, Objective};
use crate::config::PromptFitness;
use crate::state::{IndividualId, PromptIndividual, SearchState};

/// The nearest temperature that an individual may have.
pub(super) fn clip(setting: Setting<'_>, temperature: f64) -> f64 {
    temperature.clamp(setting.config.temperature.min, setting.config.temperature.max)
}

/// Remembers a trained network's objective for the next generation's comparison.
pub(super) fn note(state: &mut SearchState, outcome: Outcome) {
    match outcome {
        Outcome::Untrainable => {}
        Outcome::Evaluated { objective, .. } => state.note_objective(objective),
    }
}

/// Learns from one outcome. An untrainable network costs curiosity and leaves no new individual.
/// A prompt that was drawn without an individual becomes one, and then gets the curiosity itself.
pub(super) fn learn(
    setting: Setting<'_>,
    state: &mut SearchState,
    proposal: &Proposal,
    outcome: Outcome,
) {
    let Some(choice) = proposal.choice else { return };
    let gain = curiosity_gain(setting, outcome);
    if let Some(id) = choice.individual {
        reward(state, id, gain);
    }
    if !setting.config.archives.has_prompts() {
        move_temperature(setting, state, choice.individual, outcome);
        return;
    }
    let Outcome::Evaluated { objective, .. } = outcome else { return };
    let previous = previous_best(setting, state, proposal);
    let counts = counts_for_instruction(setting, proposal);
    if counts && previous.is_some_and(|best| objective.beats(best)) {
        raise_collective_fitness(state, choice.instruction);
    }
    let as_fit = previous.is_none_or(|best| !best.beats(objective));
    let step = setting.config.temperature.step;
    let moved = proposal.temperature + if as_fit { step } else { -step };
    let curiosity = if choice.individual.is_none() { gain } else { 0.0 };
    add_individual(state, choice.instruction, clip(setting, moved), curiosity);
}

/// What a network is compared with: in nasc's own presets a trained network is not compared with
/// untrained ones, and there are no others before the first generation of evolution ends.
fn previous_best(
    setting: Setting<'_>,
    state: &SearchState,
    proposal: &Proposal,
) -> Option<Objective> {
    let best = state.counters.best_of_previous;
    let first_trained = state.counters.evolved == 0 && proposal.operator.trains();
    match setting.config.prompts.fitness_from {
        PromptFitness::Trained if first_trained => None,
        PromptFitness::Trained | PromptFitness::All => best,
    }
}

/// Whether a network's success is its instruction's.
fn counts_for_instruction(setting: Setting<'_>, proposal: &Proposal) -> bool {
    match setting.config.prompts.fitness_from {
        PromptFitness::Trained => proposal.operator.trains(),
        PromptFitness::All => true,
    }
}

fn curiosity_gain(setting: Setting<'_>, outcome: Outcome) -> f64 {
    let gains = &setting.config.curiosity;
    match outcome {
        Outcome::Untrainable => gains.untrainable,
        Outcome::Evaluated { status, .. } if status.entered() => gains.entered,
        Outcome::Evaluated { .. } => gains.not_entered,
    }
}

fn reward(state: &mut SearchState, id: IndividualId, gain: f64) {
    let cell = state.prompts.elites().find(|(_, elite)| elite.solution.id == id);
    let Some((cell, _)) = cell else { return };
    if let Some(individual) = state.prompts.solution_mut(cell) {
        individual.curiosity += gain;
    }
}

/// In a population of prompts the individual itself moves, and none is added.
fn move_temperature(
    setting: Setting<'_>,
    state: &mut SearchState,
    id: Option<IndividualId>,
    outcome: Outcome,
) {
    let step = setting.config.population.temperature_step;
    let entered = matches!(outcome, Outcome::Evaluated { status, .. } if status.entered());
    let cell = state.prompts.elites().find(|(_, elite)| Some(elite.solution.id) == id);
    let Some((cell, _)) = cell else { return };
    if let Some(individual) = state.prompts.solution_mut(cell) {
        let moved = individual.temperature + if entered { step } else { -step };
        individual.temperature = clip(setting, moved);
    }
}

fn raise_collective_fitness(state: &mut SearchState, instruction: usize) {
    let Some(fitness) = state.counters.collective.get_mut(instruction) else { return };
    *fitness += 1;
    let objective = Objective::from_count(*fitness);
    state.prompts.raise_objective(objective, |individual| individual.instruction == instruction);
}

fn add_individual(state: &mut SearchState, instruction: usize, temperature: f64, curiosity: f64) {
    let counters = &mut state.counters;
    let fitness = counters.collective.get(instruction).copied().unwrap_or(0);
    let id = IndividualId(counters.next_individual);
    let solution = PromptIndividual { id, instruction, temperature, curiosity };
    // The temperature was clipped to a checked range, so this is finite.
    let Ok(measures) = solution.measures(counters.collective.len()) else { return };
    counters.next_individual += 1;
    state.prompts.add(Elite { solution, objective: Objective::from_count(fitness), measures });
}
