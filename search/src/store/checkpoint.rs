//! The state of a search at the end of a generation, written with it and read back on resume.

use super::read::{cost, damaged, from_json, late, objective, own_curve};
use super::write::{integer, json};
use super::{Store, now};
use crate::archive::{Archive as _, Elite, Objective};
use crate::config::CheckedConfig;
use crate::error::SearchError;
use crate::evaluate::Effort;
use crate::measures::measures;
use crate::proposer::ProposerKind;
use crate::state::{CandidateId, Counters, IndividualId, Network, PromptIndividual, SearchState};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

/// [`Counters`] as stored, with the archives' own counts. Part of the run format.
#[derive(Serialize, Deserialize)]
struct StoredCounters {
    generation: u32,
    random_rounds: u32,
    evolved: u32,
    next_candidate: u64,
    next_individual: u64,
    collective: Vec<u32>,
    best_of_previous: Option<[f64; 2]>,
    networks_offered: u64,
    networks_clipped: u64,
    prompts_offered: u64,
    prompts_clipped: u64,
}

impl StoredCounters {
    fn of(state: &SearchState) -> Self {
        let counters = &state.counters;
        let ((networks_offered, networks_clipped), (prompts_offered, prompts_clipped)) =
            (state.networks.counts(), state.prompts.counts());
        Self {
            generation: counters.generation,
            random_rounds: counters.random_rounds,
            evolved: counters.evolved,
            next_candidate: counters.next_candidate,
            next_individual: counters.next_individual,
            collective: counters.collective.clone(),
            best_of_previous: counters.best_of_previous.map(|best| [best.value(), best.loss()]),
            networks_offered,
            networks_clipped,
            prompts_offered,
            prompts_clipped,
        }
    }

    fn restore(self, state: &mut SearchState) -> rusqlite::Result<()> {
        let best = self.best_of_previous.map(|[value, loss]| Objective::new(value, loss));
        state.networks.restore_counts(self.networks_offered, self.networks_clipped);
        state.prompts.restore_counts(self.prompts_offered, self.prompts_clipped);
        state.counters = Counters {
            generation: self.generation,
            random_rounds: self.random_rounds,
            evolved: self.evolved,
            next_candidate: self.next_candidate,
            next_individual: self.next_individual,
            collective: self.collective,
            best_of_previous: best.transpose().map_err(damaged)?,
        };
        Ok(())
    }
}

impl Store {
    /// Writes down that `generation` is complete, with both archives and the counts as they are
    /// now.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn finish_generation(
        &mut self,
        generation: u32,
        state: &SearchState,
    ) -> Result<(), SearchError> {
        self.write(|transaction| {
            insert_networks(transaction, generation, state)?;
            insert_prompts(transaction, generation, state)?;
            transaction.execute(
                "UPDATE generations SET finished_ms = ?2, counters = ?3, network_stats = ?4,
                    prompt_stats = ?5, clipped_share = ?6 WHERE generation = ?1",
                params![
                    generation,
                    now(),
                    json(&StoredCounters::of(state))?,
                    json(&state.networks.stats())?,
                    json(&state.prompts.stats())?,
                    state.networks.clipped_share(),
                ],
            )?;
            Ok(())
        })
    }

    /// Brings an empty state to the end of the last complete generation.
    ///
    /// # Errors
    /// [`SearchError::Corrupt`] if an elite is not in the cell of its measures.
    pub fn restore(
        &self,
        config: &CheckedConfig,
        state: &mut SearchState,
    ) -> Result<(), SearchError> {
        let Some((generation, counters)) =
            last_checkpoint(&self.connection).map_err(|error| self.error(error))?
        else {
            return Ok(());
        };
        let networks = stored_networks(&self.connection, generation, config);
        for (cell, elite) in networks.map_err(|error| self.error(error))? {
            if !state.networks.restore(cell, elite) {
                return Err(self.corrupt(format!("network cell {cell} holds a network of another")));
            }
        }
        let known = known_until(&self.connection, generation, state);
        known.map_err(|error| self.error(error))?;
        let past = precedents_until(&self.connection, generation, config, state);
        past.map_err(|error| self.error(error))?;
        let population = config.proposer.population;
        if config.proposer.kind == ProposerKind::Evolution {
            let members = population_before(&self.connection, generation, population);
            for (network, objective) in members.map_err(|error| self.error(error))? {
                state.join_population(network, objective, population as usize);
            }
        }
        let count = counters.collective.len();
        let prompts = stored_prompts(&self.connection, generation, count);
        for (cell, elite) in prompts.map_err(|error| self.error(error))? {
            if !state.prompts.restore(cell, elite) {
                return Err(self.corrupt(format!("prompt cell {cell} holds a prompt of another")));
            }
        }
        counters.restore(state).map_err(|error| self.error(error))
    }
}

fn insert_networks(
    transaction: &Transaction<'_>,
    generation: u32,
    state: &SearchState,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO network_cells VALUES (?1, ?2, ?3)")?;
    for (cell, elite) in state.networks.elites() {
        insert.execute(params![
            generation,
            integer(cell)?,
            integer(elite.solution.candidate.0)?
        ])?;
    }
    Ok(())
}

fn insert_prompts(
    transaction: &Transaction<'_>,
    generation: u32,
    state: &SearchState,
) -> rusqlite::Result<()> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO prompt_cells VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (cell, elite) in state.prompts.elites() {
        let individual = elite.solution;
        insert.execute(params![
            generation,
            integer(cell)?,
            integer(individual.id.0)?,
            integer(individual.instruction)?,
            individual.temperature,
            individual.curiosity,
            elite.objective.value(),
        ])?;
    }
    Ok(())
}

fn last_checkpoint(connection: &Connection) -> rusqlite::Result<Option<(u32, StoredCounters)>> {
    let last = "SELECT generation, counters FROM generations WHERE counters IS NOT NULL
                ORDER BY generation DESC LIMIT 1";
    let columns =
        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, from_json(&row.get::<_, String>(1)?)?));
    connection.query_row(last, [], columns).optional()
}

fn stored_networks(
    connection: &Connection,
    generation: u32,
    config: &CheckedConfig,
) -> rusqlite::Result<Vec<(usize, Elite<Network>)>> {
    let mut select = connection.prepare(
        "SELECT network_cells.cell AS resident_of, candidates.* FROM network_cells
         JOIN candidates USING (candidate) WHERE network_cells.generation = ?1",
    )?;
    let descriptors = config.descriptors();
    let elites = select.query_map([generation], |row| {
        let source: String = row.get("source")?;
        let candidate = CandidateId(super::read::unsigned(row, "candidate")?);
        let elite = Elite {
            solution: Network { candidate, source: source.into() },
            objective: objective(row)?,
            measures: measures(&descriptors, &cost(row)?).map_err(damaged)?,
        };
        Ok((cell(row, "resident_of")?, elite))
    })?;
    elites.collect()
}

/// Notes the networks of all generations until this one.
fn known_until(
    connection: &Connection,
    generation: u32,
    state: &mut SearchState,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare(
        "SELECT candidate, fingerprint, operator IN ('first', 'random') AS is_early FROM candidates
         WHERE generation <= ?1 AND fingerprint IS NOT NULL ORDER BY candidate",
    )?;
    let mut rows = select.query([generation])?;
    while let Some(row) = rows.next()? {
        let effort = if row.get("is_early")? { Effort::Untrained } else { Effort::Train };
        let candidate = CandidateId(super::read::unsigned(row, "candidate")?);
        let fingerprint: String = row.get("fingerprint")?;
        state.known.add(&fingerprint, effort, candidate);
    }
    Ok(())
}

/// What the candidates of all generations until this one came to on the way; read only where something
/// depends on it.
fn precedents_until(
    connection: &Connection,
    generation: u32,
    config: &CheckedConfig,
    state: &mut SearchState,
) -> rusqlite::Result<()> {
    if config.training.halving.is_none() && config.training.filter.is_none() {
        return Ok(());
    }
    let mut select = connection.prepare(
        "SELECT curve, repeats, proxy_score FROM candidates WHERE generation <= ?1 AND verdict IS NOT NULL
         ORDER BY candidate",
    )?;
    let mut rows = select.query([generation])?;
    while let Some(row) = rows.next()? {
        let (curve, score) = (own_curve(row)?, late(row, "proxy_score")?);
        state.precedents.add(&config.training, &curve, score);
    }
    Ok(())
}

/// The networks without the first that were evaluated last until the end of a generation, the
/// oldest first.
fn population_before(
    connection: &Connection,
    generation: u32,
    size: u32,
) -> rusqlite::Result<Vec<(Network, Objective)>> {
    let mut select = connection.prepare(
        "SELECT * FROM (SELECT candidate, source, fitness, loss FROM candidates
             WHERE generation <= ?1 AND operator <> 'first' AND fitness IS NOT NULL
             ORDER BY candidate DESC LIMIT ?2) ORDER BY candidate",
    )?;
    let members = select.query_map(params![generation, size], |row| {
        let source: String = row.get("source")?;
        let candidate = CandidateId(super::read::unsigned(row, "candidate")?);
        Ok((Network { candidate, source: source.into() }, objective(row)?))
    })?;
    members.collect()
}

fn stored_prompts(
    connection: &Connection,
    generation: u32,
    instructions: usize,
) -> rusqlite::Result<Vec<(usize, Elite<PromptIndividual>)>> {
    let mut select = connection.prepare("SELECT * FROM prompt_cells WHERE generation = ?1")?;
    let elites = select.query_map([generation], |row| {
        let instruction = cell(row, "instruction")?;
        let temperature: f64 = row.get("temperature")?;
        let solution = PromptIndividual {
            id: IndividualId(super::read::unsigned(row, "individual")?),
            instruction,
            temperature,
            curiosity: row.get("curiosity")?,
        };
        let elite = Elite {
            measures: solution.measures(instructions).map_err(damaged)?,
            objective: Objective::new(row.get("fitness")?, 0.0).map_err(damaged)?,
            solution,
        };
        Ok((cell(row, "cell")?, elite))
    })?;
    elites.collect()
}

fn cell(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<usize> {
    usize::try_from(super::read::unsigned(row, column)?).map_err(damaged)
}
