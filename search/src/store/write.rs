//! What a search writes while it runs, each call one transaction.

use super::{Store, now, schema};
use crate::archive::{AddStatus, Centroids};
use crate::emitter::Proposal;
use crate::error::SearchError;
use crate::evaluate::{EvaluationSeconds, Rejection, TestScore, Verdict};
use crate::llm::Completion;
use crate::state::CandidateId;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Error, Transaction, named_params, params};
use serde::Serialize;

/// What a run is, written once when it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The root seed.
    pub seed: u64,
    /// The whole configuration, as TOML.
    pub config: String,
    /// The task, as JSON.
    pub task: String,
    /// The prompt library, as JSON.
    pub prompts: String,
    /// Source of the first network.
    pub first_network: String,
    /// What the language model says of itself.
    pub model: String,
    /// What the evaluator says of itself.
    pub evaluator: String,
    /// What the run is worked on with, as JSON.
    pub equipment: String,
    /// Centroids of the network archive.
    pub network_centroids: Centroids,
    /// Centroids of the prompt archive.
    pub prompt_centroids: Centroids,
}

/// A candidate that the language model is done with.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedCandidate {
    /// The candidate.
    pub candidate: CandidateId,
    /// What the model wrote and the source found in it, or why it wrote nothing.
    pub answer: Result<Answer, Rejection>,
    /// The candidate's part of the batch's time.
    pub seconds: f64,
}

/// A completion and the source found in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the model wrote.
    pub completion: Completion,
    /// The network's source, if there is one.
    pub source: Option<String>,
}

/// The result of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedCandidate<'a> {
    /// The candidate.
    pub candidate: CandidateId,
    /// Its verdict.
    pub verdict: &'a Verdict,
    /// Its cell and what the archive answered, if it was offered.
    pub placed: Option<(usize, AddStatus)>,
    /// What the evaluation took.
    pub seconds: EvaluationSeconds,
    /// What equal networks share, where it is known.
    pub fingerprint: Option<&'a str>,
    /// The candidate whose result this is, if its network is the same.
    pub repeats: Option<CandidateId>,
    /// What it promised before it was trained.
    pub proxy_score: Option<f64>,
}

/// An integer as SQLite holds it; larger ones are refused rather than wrapped.
pub(super) fn integer(value: impl TryInto<i64>) -> rusqlite::Result<i64> {
    value.try_into().map_err(|_| {
        Error::ToSqlConversionFailure("an integer above 2^63 does not fit the database".into())
    })
}

/// A value as JSON text.
pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<ToSqlOutput<'static>> {
    let text = serde_json::to_string(value).map_err(|e| Error::ToSqlConversionFailure(e.into()))?;
    Ok(text.into())
}

/// The name of a unit variant, as text.
pub(super) fn name(value: &impl Serialize) -> rusqlite::Result<Option<String>> {
    let value = serde_json::to_value(value).map_err(|e| Error::ToSqlConversionFailure(e.into()))?;
    Ok(value.as_str().map(str::to_owned))
}

impl Store {
    pub(super) fn write_run(&mut self, record: &RunRecord) -> Result<(), SearchError> {
        self.write(|transaction| {
            // A crash before this transaction leaves an empty file, which is no run yet. The
            // session's row is made after it.
            transaction.execute_batch(schema::TABLES)?;
            transaction.execute(
                "INSERT INTO run VALUES (1, :format, :version, :created, :seed, :config, :task,
                    :prompts, :first_network, :model, :evaluator, :equipment)",
                named_params! {
                    ":format": schema::FORMAT,
                    ":version": env!("CARGO_PKG_VERSION"),
                    ":created": now(),
                    ":seed": integer(record.seed)?,
                    ":config": record.config,
                    ":task": record.task,
                    ":prompts": record.prompts,
                    ":first_network": record.first_network,
                    ":model": record.model,
                    ":evaluator": record.evaluator,
                    ":equipment": record.equipment,
                },
            )?;
            insert_centroids(transaction, "network", &record.network_centroids)?;
            insert_centroids(transaction, "prompt", &record.prompt_centroids)
        })
    }

    /// Begins a generation of so many candidates, and writes its first proposals down before any of
    /// them is worked on.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn begin_generation(
        &mut self,
        generation: u32,
        operator: &str,
        offspring: usize,
        proposals: &[Proposal],
    ) -> Result<(), SearchError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO generations (generation, operator, offspring, started_ms)
                 VALUES (?1, ?2, ?3, ?4)",
                params![generation, operator, integer(offspring)?, now()],
            )?;
            insert_proposals(transaction, generation, proposals)
        })
    }

    /// Writes further proposals of a generation down.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn add_proposals(
        &mut self,
        generation: u32,
        proposals: &[Proposal],
    ) -> Result<(), SearchError> {
        self.write(|transaction| insert_proposals(transaction, generation, proposals))
    }

    /// Keeps the answers to a batch.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn keep_answers(&mut self, batch: &[GeneratedCandidate]) -> Result<(), SearchError> {
        self.write(|transaction| batch.iter().try_for_each(|one| update_answer(transaction, one)))
    }

    /// Takes note that an evaluation begins; if the process dies over it, the note stays.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn begin_attempt(&mut self, candidate: CandidateId) -> Result<(), SearchError> {
        self.add_attempts(candidate, 1)
    }

    /// Takes the note of [`Store::begin_attempt`] back: something else ended the evaluation.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn withdraw_attempt(&mut self, candidate: CandidateId) -> Result<(), SearchError> {
        self.add_attempts(candidate, -1)
    }

    fn add_attempts(&mut self, candidate: CandidateId, more: i64) -> Result<(), SearchError> {
        self.write(|transaction| {
            let update =
                "UPDATE candidates SET attempts = max(attempts + ?2, 0) WHERE candidate = ?1";
            transaction.execute(update, params![integer(candidate.0)?, more])?;
            Ok(())
        })
    }

    /// Keeps the result of one candidate.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn finish_candidate(
        &mut self,
        finished: &FinishedCandidate<'_>,
    ) -> Result<(), SearchError> {
        self.write(|transaction| {
            update_result(transaction, finished)?;
            match finished.verdict {
                Verdict::Evaluated(evaluation) => {
                    update_evaluation(transaction, finished.candidate, evaluation)
                }
                Verdict::Rejected(rejection) => {
                    transaction.execute(
                        "UPDATE candidates SET rejection = ?2 WHERE candidate = ?1",
                        params![integer(finished.candidate.0)?, json(rejection)?],
                    )?;
                    Ok(())
                }
            }
        })
    }

    /// Whether a candidate was scored on the test split.
    ///
    /// # Errors
    /// [`SearchError::Database`].
    pub fn has_test_score(&self, candidate: CandidateId) -> Result<bool, SearchError> {
        let query = "SELECT test_accuracy IS NOT NULL FROM candidates WHERE candidate = ?1";
        let answer = integer(candidate.0)
            .and_then(|candidate| self.connection.query_row(query, [candidate], |row| row.get(0)));
        answer.map_err(|error| self.error(error))
    }

    /// Keeps an elite's score on the test split.
    ///
    /// # Errors
    /// [`SearchError::DiskFull`] or [`SearchError::Database`].
    pub fn keep_test_score(
        &mut self,
        candidate: CandidateId,
        score: TestScore,
        seconds: f64,
    ) -> Result<(), SearchError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE candidates SET test_accuracy = ?2, test_loss = ?3, test_seconds = ?4
                 WHERE candidate = ?1",
                params![integer(candidate.0)?, score.accuracy, score.loss, seconds],
            )?;
            Ok(())
        })
    }
}

fn insert_centroids(
    transaction: &Transaction<'_>,
    archive: &str,
    centroids: &Centroids,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare("INSERT INTO centroids VALUES (?1, ?2, ?3, ?4)")?;
    for (cell, point) in centroids.points().iter().enumerate() {
        for (axis, coordinate) in point.iter().enumerate() {
            insert.execute(params![archive, integer(cell)?, integer(axis)?, coordinate])?;
        }
    }
    Ok(())
}

fn insert_proposals(
    transaction: &Transaction<'_>,
    generation: u32,
    proposals: &[Proposal],
) -> rusqlite::Result<()> {
    proposals.iter().try_for_each(|proposal| insert_proposal(transaction, generation, proposal))
}

fn insert_proposal(
    transaction: &Transaction<'_>,
    generation: u32,
    proposal: &Proposal,
) -> rusqlite::Result<()> {
    let individual = proposal.choice.and_then(|choice| choice.individual);
    let mut insert = transaction.prepare_cached(
        "INSERT INTO candidates (candidate, generation, offspring, operator, parents, individual,
            instruction, temperature, prompt, source, generated_ms, created_ms)
         VALUES (:candidate, :generation, :offspring, :operator, :parents, :individual,
            :instruction, :temperature, :prompt, :source, :generated, :created)",
    )?;
    insert.execute(named_params! {
        ":candidate": integer(proposal.candidate.0)?,
        ":generation": generation,
        ":offspring": proposal.index,
        ":operator": proposal.operator.name(),
        ":parents": json(&proposal.parents)?,
        ":individual": individual.map(|id| integer(id.0)).transpose()?,
        ":instruction": proposal.choice.map(|choice| integer(choice.instruction)).transpose()?,
        ":temperature": proposal.temperature,
        ":prompt": proposal.draft.prompt(),
        ":source": proposal.draft.source(),
        ":generated": proposal.draft.source().map(|_| now()),
        ":created": now(),
    })?;
    Ok(())
}

fn update_answer(
    transaction: &Transaction<'_>,
    generated: &GeneratedCandidate,
) -> rusqlite::Result<()> {
    let candidate = integer(generated.candidate.0)?;
    match &generated.answer {
        Ok(answer) => update_completion(transaction, candidate, answer)?,
        Err(rejection) => {
            let update = "UPDATE candidates SET rejection = ?2 WHERE candidate = ?1";
            transaction.execute(update, params![candidate, json(rejection)?])?;
        }
    }
    let update = "UPDATE candidates SET llm_seconds = ?2, generated_ms = ?3 WHERE candidate = ?1";
    transaction.execute(update, params![candidate, generated.seconds, now()])?;
    Ok(())
}

fn update_completion(
    transaction: &Transaction<'_>,
    candidate: i64,
    answer: &Answer,
) -> rusqlite::Result<()> {
    let completion = &answer.completion;
    let mut update = transaction.prepare_cached(
        "UPDATE candidates SET completion = :completion, finish = :finish, tokens = :tokens,
            overruled = :overruled, source = :source WHERE candidate = :candidate",
    )?;
    update.execute(named_params! {
        ":candidate": candidate,
        ":completion": completion.text,
        ":finish": name(&completion.finish)?,
        ":tokens": completion.tokens,
        ":overruled": completion.overruled,
        ":source": answer.source,
    })?;
    Ok(())
}

fn update_result(
    transaction: &Transaction<'_>,
    finished: &FinishedCandidate<'_>,
) -> rusqlite::Result<()> {
    let verdict = match finished.verdict {
        Verdict::Evaluated(_) => "evaluated",
        Verdict::Rejected(rejection) => rejection.name(),
    };
    let (cell, status) = finished.placed.unzip();
    transaction.execute(
        "UPDATE candidates SET attempts = 0, verdict = :verdict, cell = :cell, add_status = :status,
            fingerprint = :fingerprint, repeats = :repeats, proxy_score = :proxy, compile_seconds = :compile, train_seconds = :train, finished_ms = :now
         WHERE candidate = :candidate",
        named_params! {
            ":candidate": integer(finished.candidate.0)?,
            ":verdict": verdict,
            ":cell": cell.map(integer).transpose()?,
            ":status": name(&status)?,
            ":fingerprint": finished.fingerprint,
            ":repeats": finished.repeats.map(|earlier| integer(earlier.0)).transpose()?,
            ":proxy": finished.proxy_score,
            ":compile": finished.seconds.compile,
            ":train": finished.seconds.train,
            ":now": now(),
        },
    )?;
    Ok(())
}

fn update_evaluation(
    transaction: &Transaction<'_>,
    candidate: CandidateId,
    evaluation: &crate::evaluate::Evaluation,
) -> rusqlite::Result<()> {
    let cost = &evaluation.cost;
    transaction.execute(
        "UPDATE candidates SET params = :params, macs = :macs, depth = :depth, width = :width,
            width_to_depth = :ratio, peak_activation_bytes = :peak, latency_seconds = :latency, curve = :curve, fitness = :fitness, loss = :loss
         WHERE candidate = :candidate",
        named_params! {
            ":candidate": integer(candidate.0)?,
            ":params": integer(cost.params)?,
            ":macs": integer(cost.macs)?,
            ":depth": integer(cost.depth)?,
            ":width": integer(cost.width)?,
            ":ratio": cost.width_to_depth,
            ":peak": integer(cost.peak_activation_bytes)?,
            ":latency": cost.latency_seconds,
            ":curve": json(&evaluation.curve)?,
            ":fitness": evaluation.objective.value(),
            ":loss": evaluation.objective.loss(),
        },
    )?;
    Ok(())
}
