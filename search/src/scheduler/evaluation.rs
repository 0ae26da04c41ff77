//! One candidate: evaluate it unless its result is stored, place it, store it, tell its emitter.

use super::{Scheduler, Stop};
use crate::archive::{AddStatus, Archive as _, Elite, Objective};
use crate::emitter::{Emitter, Outcome, Proposal};
use crate::error::SearchError;
use crate::evaluate::{
    EpochRecord, EvaluateError, EvaluationRequest, EvaluationSeconds, Judgement, Rejection,
    TrainProgress, Verdict,
};
use crate::measures::{CostFigures, measures};
use crate::observer::SearchEvent;
use crate::seed::Purpose;
use crate::state::{CandidateId, Network, Operator};
use crate::store::{FinishedCandidate, StoredCandidate, StoredResult};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Times that a candidate is tried which takes the process with it; then it is given up.
const MOST_ATTEMPTS: u32 = 2;

/// A judgement, and what tells its network from others.
struct Judged {
    verdict: Verdict,
    seconds: EvaluationSeconds,
    fingerprint: Option<String>,
    /// The candidate whose verdict this is, if its network is the same.
    repeats: Option<CandidateId>,
    proxy_score: Option<f64>,
}

impl Judged {
    fn rejected(rejection: Rejection) -> Self {
        let seconds = EvaluationSeconds { compile: 0.0, train: 0.0 };
        let verdict = Verdict::Rejected(rejection);
        Self { verdict, seconds, fingerprint: None, repeats: None, proxy_score: None }
    }

    fn new(judgement: Judgement, fingerprint: Option<String>) -> Self {
        let Judgement { verdict, seconds, proxy_score } = judgement;
        let own = match &verdict {
            Verdict::Evaluated(evaluation) => evaluation.fingerprint.clone(),
            Verdict::Rejected(_) => None,
        };
        Self { verdict, seconds, fingerprint: own.or(fingerprint), repeats: None, proxy_score }
    }
}

/// What asking the evaluator came to.
enum Answer {
    Judged(Judged),
    /// The network is that of an earlier candidate.
    Known {
        candidate: CandidateId,
        fingerprint: String,
        seconds: f64,
    },
}

impl Scheduler<'_, '_, '_> {
    pub(super) fn settle(
        &mut self,
        emitter: &dyn Emitter,
        proposal: Proposal,
        stored: StoredCandidate,
        offspring: usize,
    ) -> Result<(), Stop> {
        let StoredCandidate { source, refused, result, attempts, fingerprint, .. } = stored;
        self.note(&stored.curve, stored.proxy_score);
        if let Some(fingerprint) = fingerprint {
            self.state.known.add(&fingerprint, proposal.operator.effort(), proposal.candidate);
        }
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
        let judged = self.judge(proposal, source)?;
        let outcome = self.store_verdict(proposal, known, &judged);
        if outcome.is_err() && known.is_some() {
            // Not the candidate's doing. A full disk may refuse this, too.
            let _ = self.run.store.withdraw_attempt(candidate);
        }
        let outcome = outcome?;
        let (fitness, status) = match outcome {
            Outcome::Untrainable => (None, None),
            Outcome::Evaluated { objective, status } => (Some(objective.value()), Some(status)),
        };
        if let Some(fingerprint) = &judged.fingerprint {
            self.state.known.add(fingerprint, proposal.operator.effort(), candidate);
        }
        if judged.repeats.is_none() {
            self.note(judged.verdict.curve(), judged.proxy_score);
        }
        let verdict = match &judged.verdict {
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
    ) -> Result<Judged, Stop> {
        let candidate = proposal.candidate;
        let source = match source {
            Ok(source) => source,
            Err(rejection) => return Ok(Judged::rejected(rejection)),
        };
        let demands = self.state.precedents.demands(&self.run.config.training);
        let inherited = self.inherited(proposal)?;
        let request = EvaluationRequest {
            source,
            effort: proposal.operator.effort(),
            seed: self.run.seed().derive(Purpose::Training, &[candidate.0]),
            demands: &demands,
            inherited: inherited.as_deref(),
        };
        self.run.store.begin_attempt(candidate)?;
        let answer = self.evaluate(candidate, request);
        if matches!(answer, Err(EvaluateError::Interrupted)) {
            self.run.store.withdraw_attempt(candidate)?;
        }
        match answer? {
            Answer::Judged(judged) => Ok(judged),
            Answer::Known { candidate, fingerprint, seconds } => Ok(Judged {
                verdict: self.run.store.verdict_on(candidate)?,
                seconds: EvaluationSeconds { compile: seconds, train: 0.0 },
                fingerprint: Some(fingerprint),
                repeats: Some(candidate),
                proxy_score: None,
            }),
        }
    }

    /// Takes note of what a candidate came to on the way, for those after it.
    fn note(&mut self, curve: &[EpochRecord], proxy_score: Option<f64>) {
        self.state.precedents.add(&self.run.config.training, curve, proxy_score);
    }

    /// The weights of the first parent that has any, if children begin with them.
    fn inherited(&self, proposal: &Proposal) -> Result<Option<Vec<u8>>, SearchError> {
        if !self.run.config.training.inherit_weights || !proposal.operator.trains() {
            return Ok(None);
        }
        for &parent in proposal.parents.iter().filter(|parent| self.elders.contains(parent)) {
            if let Some(weights) = self.run.store.weights(parent)? {
                return Ok(Some(weights));
            }
        }
        Ok(None)
    }

    /// Asks the evaluator, unless the network is known; a candidate over which it panics has crashed.
    fn evaluate(
        &mut self,
        candidate: CandidateId,
        request: EvaluationRequest<'_>,
    ) -> Result<Answer, EvaluateError> {
        let observer = &mut *self.workers.observer;
        let mut progress =
            |progress: TrainProgress| observer.event(SearchEvent::Training { candidate, progress });
        let evaluator = &mut *self.workers.evaluator;
        let known = &self.state.known;
        // What an evaluator keeps from one call to the next belongs to one text.
        let evaluate = AssertUnwindSafe(|| {
            let began = Instant::now();
            let fingerprint = evaluator.fingerprint(request.source);
            let before = began.elapsed().as_secs_f64();
            if let Some(fingerprint) = &fingerprint
                && let Some(candidate) = known.find(fingerprint, request.effort)
            {
                let fingerprint = fingerprint.clone();
                return Ok(Answer::Known { candidate, fingerprint, seconds: before });
            }
            let mut judgement = evaluator.evaluate(request, &mut progress)?;
            judgement.seconds.compile += before;
            Ok(Answer::Judged(Judged::new(judgement, fingerprint)))
        });
        let crashed = Judged::rejected(Rejection::Crashed { attempts: 1 });
        catch_unwind(evaluate).unwrap_or(Ok(Answer::Judged(crashed)))
    }

    fn store_verdict(
        &mut self,
        proposal: &Proposal,
        source: Option<&str>,
        judged: &Judged,
    ) -> Result<Outcome, SearchError> {
        let candidate = proposal.candidate;
        let (outcome, placed) = match &judged.verdict {
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
            verdict: &judged.verdict,
            placed,
            seconds: judged.seconds,
            fingerprint: judged.fingerprint.as_deref(),
            repeats: judged.repeats,
            proxy_score: judged.proxy_score,
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
