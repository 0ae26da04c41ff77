//! One candidate: evaluate it unless its result is stored, place it, store it, tell its emitter.

use super::{Scheduler, Stop};
use crate::archive::{AddStatus, Archive as _, Elite, Objective};
use crate::emitter::{Emitter, Outcome, Proposal};
use crate::error::SearchError;
use crate::evaluate::{
    Effort, EvaluateError, EvaluationRequest, EvaluationSeconds, Judgement, Rejection,
    TrainProgress, Verdict,
};
use crate::measures::{CostFigures, measures};
use crate::observer::SearchEvent;
use crate::seed::Purpose;
use crate::state::{CandidateId, Network, Operator};
use crate::store::{FinishedCandidate, StoredCandidate, StoredResult};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Times that a candidate is tried which takes the process with it; then it is given up.
const MOST_ATTEMPTS: u32 = 2;

/// Candidates of the random phase are placed untrained; those of evolution are trained.
const fn effort(operator: Operator) -> Effort {
    match operator {
        Operator::First | Operator::Random => Effort::Untrained,
        Operator::Fresh | Operator::Mutation | Operator::Crossover => Effort::Train,
    }
}

fn rejected(rejection: Rejection) -> Judgement {
    let seconds = EvaluationSeconds { compile: 0.0, train: 0.0 };
    Judgement { verdict: Verdict::Rejected(rejection), seconds }
}

impl Scheduler<'_, '_, '_> {
    pub(super) fn settle(
        &mut self,
        emitter: &dyn Emitter,
        proposal: Proposal,
        stored: StoredCandidate,
        offspring: usize,
    ) -> Result<(), Stop> {
        let StoredCandidate { source, refused, result, attempts, .. } = stored;
        let source = match (&source, refused) {
            (Some(_), None) if result.is_none() && attempts >= MOST_ATTEMPTS => {
                Err(Rejection::Crashed { attempts })
            }
            (Some(source), None) => Ok(source.as_str()),
            (_, Some(rejection)) => Err(rejection),
            (None, None) => Err(Rejection::NoCode),
        };
        let outcome = match result {
            Some(result) => self.replay(&proposal, source.ok(), result)?,
            None => self.judge_and_store(&proposal, source, offspring)?,
        };
        emitter.tell(self.run.setting(), &mut self.state, proposal, outcome);
        Ok(())
    }

    /// Places a result that is stored, and checks that it falls where it fell before.
    fn replay(
        &mut self,
        proposal: &Proposal,
        source: Option<&str>,
        result: StoredResult,
    ) -> Result<Outcome, SearchError> {
        match result {
            StoredResult::Rejected(_) => Ok(Outcome::Untrainable),
            StoredResult::Evaluated { objective, cost, placed } => {
                let now = self.place(proposal.candidate, source, objective, &cost)?;
                if now == placed {
                    return Ok(Outcome::Evaluated { objective, status: placed.1 });
                }
                let what = format!("candidate {} was placed otherwise", proposal.candidate.0);
                Err(SearchError::Corrupt { path: self.run.directory().to_owned(), what })
            }
        }
    }

    fn judge_and_store(
        &mut self,
        proposal: &Proposal,
        source: Result<&str, Rejection>,
        offspring: usize,
    ) -> Result<Outcome, Stop> {
        let (candidate, index) = (proposal.candidate, proposal.index);
        let known = source.as_ref().ok().copied();
        self.tell(SearchEvent::CandidateStarted { candidate, index, offspring, source: known })?;
        let Judgement { verdict, seconds } = self.judge(proposal, source)?;
        let outcome = self.store_verdict(proposal, known, &verdict, seconds);
        if outcome.is_err() && known.is_some() {
            // Not the candidate's doing. A full disk may refuse this, too.
            let _ = self.run.store.withdraw_attempt(candidate);
        }
        let outcome = outcome?;
        let (fitness, status) = match outcome {
            Outcome::Untrainable => (None, None),
            Outcome::Evaluated { objective, status } => (Some(objective.value()), Some(status)),
        };
        let verdict = match &verdict {
            Verdict::Evaluated(_) => "evaluated",
            Verdict::Rejected(rejection) => rejection.name(),
        };
        self.tell(SearchEvent::CandidateFinished { candidate, verdict, fitness, status })?;
        Ok(outcome)
    }

    fn judge(
        &mut self,
        proposal: &Proposal,
        source: Result<&str, Rejection>,
    ) -> Result<Judgement, Stop> {
        let candidate = proposal.candidate;
        let source = match source {
            Ok(source) => source,
            Err(rejection) => return Ok(rejected(rejection)),
        };
        let request = EvaluationRequest {
            source,
            effort: effort(proposal.operator),
            seed: self.run.seed().derive(Purpose::Training, &[candidate.0]),
        };
        self.run.store.begin_attempt(candidate)?;
        let judgement = self.evaluate(candidate, request);
        if matches!(judgement, Err(EvaluateError::Interrupted)) {
            self.run.store.withdraw_attempt(candidate)?;
        }
        Ok(judgement?)
    }

    /// Asks the evaluator; a candidate over which it panics has crashed.
    fn evaluate(
        &mut self,
        candidate: CandidateId,
        request: EvaluationRequest<'_>,
    ) -> Result<Judgement, EvaluateError> {
        let observer = &mut *self.workers.observer;
        let mut progress =
            |progress: TrainProgress| observer.event(SearchEvent::Training { candidate, progress });
        let evaluator = &mut *self.workers.evaluator;
        // An evaluator keeps nothing from one candidate to the next.
        let evaluate = AssertUnwindSafe(|| evaluator.evaluate(request, &mut progress));
        let crashed = || Ok(rejected(Rejection::Crashed { attempts: 1 }));
        catch_unwind(evaluate).unwrap_or_else(|_| crashed())
    }

    fn store_verdict(
        &mut self,
        proposal: &Proposal,
        source: Option<&str>,
        verdict: &Verdict,
        seconds: EvaluationSeconds,
    ) -> Result<Outcome, SearchError> {
        let candidate = proposal.candidate;
        let (outcome, placed) = match verdict {
            Verdict::Rejected(rejection) if proposal.operator == Operator::First => {
                return Err(SearchError::FirstNetwork { rejection: rejection.clone() });
            }
            Verdict::Rejected(_) => (Outcome::Untrainable, None),
            Verdict::Evaluated(evaluation) => {
                let objective = evaluation.objective;
                let placed = self.place(candidate, source, objective, &evaluation.cost)?;
                // Before the result, so that a stored elite always has its weights.
                if let (true, Some(weights)) = (placed.1.entered(), &evaluation.weights) {
                    self.run.store.keep_weights(candidate, weights)?;
                }
                (Outcome::Evaluated { objective, status: placed.1 }, Some(placed))
            }
        };
        self.run.store.finish_candidate(&FinishedCandidate {
            candidate,
            verdict,
            placed,
            seconds,
        })?;
        Ok(outcome)
    }

    /// Offers a network to the archive: its cell and the answer.
    fn place(
        &mut self,
        candidate: CandidateId,
        source: Option<&str>,
        objective: Objective,
        cost: &CostFigures,
    ) -> Result<(usize, AddStatus), SearchError> {
        let measures = measures(&self.run.config.descriptors(), cost)
            .map_err(|source| SearchError::Figure { candidate: candidate.0, source })?;
        let solution = Network { candidate, source: source.unwrap_or_default().into() };
        let added = self.state.networks.add(Elite { solution, objective, measures });
        Ok((added.cell, added.status))
    }
}
