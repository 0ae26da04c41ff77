//! How long a search will go on: the candidates that are still to come, times what their like took
//! so far. Not here: how it is shown.

use std::time::{Duration, Instant};

use nasc_search::config::SearchConfig;
use nasc_search::evaluate::{Stage, TrainProgress};
use nasc_search::observer::SearchEvent;
use nasc_search::proposer::ProposerKind;

/// What one kind of work took so far.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    seconds: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, seconds: f64, count: u64) {
        self.seconds += seconds;
        self.count += count as f64;
    }

    fn get(self) -> Option<f64> {
        (self.count > 0.0).then(|| self.seconds / self.count)
    }
}

/// The generation in progress.
#[derive(Debug, Clone, Copy, Default)]
struct Generation {
    trains: bool,
    offspring: u64,
    /// Completions that are there.
    generated: u64,
    /// Candidates that are judged.
    judged: u64,
}

/// Watches a search and guesses its end.
#[derive(Debug)]
pub(super) struct Estimate {
    generations: u64,
    offspring: u64,
    /// Candidates of a round of the random phase, most rounds, and the networks that end it.
    random: [u64; 3],
    /// Whether texts are generated.
    writes: bool,
    /// What training takes, if scoring the validation split takes 1 and nothing was trained yet.
    training_factor: f64,
    completion: Mean,
    untrained: Mean,
    trained: Mean,
    now: Generation,
    /// Generations of evolution that are complete, and rounds of the random phase.
    evolved: u64,
    rounds: u64,
    networks: u64,
    /// Candidates before this generation.
    before: u64,
    /// When the work that is measured began.
    since: Instant,
    /// Share of the candidate in progress that is done.
    share: f64,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outlook {
    /// Candidates that are done.
    pub done: u64,
    /// Candidates in all.
    pub total: u64,
    /// Time that is left, once something is known of it.
    pub left: Option<Duration>,
}

impl Estimate {
    /// For a search whose networks are trained on so many images and scored on so many.
    pub(super) fn new(config: &SearchConfig, train: usize, scored: usize) -> Estimate {
        let random = &config.random_phase;
        let rounds = if config.proposer.kind.has_random_phase() { random.max_rounds } else { 0 };
        // a step computes a gradient too, which takes twice as long as the result
        let passes = 3.0 * train as f64 / scored.max(1) as f64 + 1.0;
        let now = Instant::now();
        Estimate {
            generations: u64::from(config.generations),
            offspring: u64::from(config.offspring),
            random: [random.offspring, rounds, random.networks].map(u64::from),
            writes: config.proposer.kind == ProposerKind::Model,
            training_factor: f64::from(config.training.epochs) * passes,
            completion: Mean::default(),
            untrained: Mean::default(),
            trained: Mean::default(),
            now: Generation::default(),
            evolved: 0,
            rounds: 0,
            networks: 0,
            before: 0,
            since: now,
            share: 0.0,
        }
    }

    /// Takes note of what happened just now.
    pub(super) fn note(&mut self, event: &SearchEvent<'_>) {
        self.note_at(event, Instant::now());
    }

    fn note_at(&mut self, event: &SearchEvent<'_>, now: Instant) {
        match *event {
            SearchEvent::GenerationStarted { operator, offspring, finished, evolved, .. } => {
                let (offspring, judged) = (offspring as u64, finished as u64);
                let trains = operator.trains();
                self.now = Generation { trains, offspring, generated: judged, judged };
                self.evolved = u64::from(evolved);
                self.since = now;
            }
            SearchEvent::Generating { batch, before, .. } => {
                let generated = (before + batch.finished) as u64;
                let new = generated.saturating_sub(self.now.generated);
                if new > 0 {
                    self.completion.add(now.duration_since(self.since).as_secs_f64(), new);
                    (self.since, self.now.generated) = (now, generated);
                }
            }
            SearchEvent::CandidateStarted { candidate, index, .. } => {
                self.now.judged = u64::from(index);
                self.now.generated = self.now.generated.max(self.now.judged);
                self.before = candidate.0.saturating_sub(u64::from(index));
                (self.since, self.share) = (now, 0.0);
            }
            SearchEvent::Training { progress, .. } => self.share = share(progress),
            SearchEvent::CandidateFinished { .. } => {
                let seconds = now.duration_since(self.since).as_secs_f64();
                let mean = if self.now.trains { &mut self.trained } else { &mut self.untrained };
                mean.add(seconds, 1);
                self.now.judged += 1;
                (self.since, self.share) = (now, 0.0);
            }
            SearchEvent::GenerationFinished { networks, .. } => {
                self.before += self.now.offspring;
                let is_round = !self.now.trains && self.before > 1;
                self.rounds += u64::from(is_round);
                self.evolved += u64::from(self.now.trains);
                self.networks = networks.num_elites as u64;
                self.now = Generation::default();
            }
            SearchEvent::WeightsDamaged { .. } | SearchEvent::Testing { .. } => {}
        }
    }

    /// What is known now.
    pub(super) fn outlook(&self) -> Outlook {
        self.outlook_at(Instant::now())
    }

    fn outlook_at(&self, now: Instant) -> Outlook {
        let done = self.before + self.now.judged;
        let rest = self.now.offspring.saturating_sub(self.now.judged);
        let (random, evolution) = self.to_come();
        let (untrained, trained) =
            if self.now.trains { (random, evolution + rest) } else { (random + rest, evolution) };
        let texts = random + evolution + self.now.offspring.saturating_sub(self.now.generated);
        let left = self.seconds(texts, untrained, trained, now);
        let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Outlook { done, total: done + untrained + trained, left }
    }

    /// Candidates of the random phase and of evolution after this generation.
    fn to_come(&self) -> (u64, u64) {
        let current = u64::from(self.now.trains && self.now.offspring > 0);
        let generations = self.generations.saturating_sub(self.evolved + current);
        let [each, most, wanted] = self.random;
        let is_over = self.now.trains || self.evolved > 0 || self.networks >= wanted;
        // the first network is a generation of its own
        let in_round = u64::from(self.now.offspring > 0 && self.before > 0);
        let rounds = most.saturating_sub(self.rounds + in_round);
        (if is_over { 0 } else { rounds * each }, generations * self.offspring)
    }

    fn seconds(&self, texts: u64, untrained: u64, trained: u64, now: Instant) -> Option<f64> {
        let elapsed = now.duration_since(self.since).as_secs_f64();
        let in_progress = self.share > 0.0 && self.now.trains;
        // of the first candidate, as far as it has come
        let extrapolated = in_progress.then(|| elapsed / self.share);
        let by_scoring = self.untrained.get().map(|seconds| seconds * self.training_factor);
        let one = self.trained.get().or(extrapolated).or(by_scoring);
        let zero_if = |count: u64, seconds: Option<f64>| {
            if count == 0 { Some(0.0) } else { seconds.map(|seconds| seconds * count as f64) }
        };
        let texts = if self.writes { texts } else { 0 };
        let sum = zero_if(texts, self.completion.get())?
            + zero_if(untrained, self.untrained.get().or(self.trained.get()))?
            + zero_if(trained, one)?;
        Some((sum - elapsed).max(0.0))
    }
}

/// Share of a training that is done; scoring is not counted.
fn share(progress: TrainProgress) -> f64 {
    match progress.stage {
        Stage::Training => progress.done as f64 / progress.total.max(1) as f64,
        Stage::Validation | Stage::Test => 0.0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nasc_search::archive::ArchiveStats;
    use nasc_search::llm::GenerationProgress;
    use nasc_search::state::{CandidateId, Operator};

    /// A search of one random round of two and two generations of two.
    fn small() -> Estimate {
        let mut config = SearchConfig::quick();
        (config.generations, config.offspring, config.training.epochs) = (2, 2, 1);
        (config.random_phase.offspring, config.random_phase.max_rounds) = (2, 1);
        Estimate::new(&config, 100, 100)
    }

    struct Clock {
        now: Instant,
        estimate: Estimate,
        candidate: u64,
    }

    impl Clock {
        fn told(&mut self, seconds: u64, event: &SearchEvent<'_>) {
            self.now += Duration::from_secs(seconds);
            self.estimate.note_at(event, self.now);
        }

        /// A generation whose texts take 3 seconds each and whose candidates take so many.
        fn generation(&mut self, operator: Operator, offspring: usize, evolved: u32, seconds: u64) {
            let (generation, generations, finished) = (0, 2, 0);
            self.told(
                0,
                &SearchEvent::GenerationStarted {
                    generation,
                    operator,
                    offspring,
                    finished,
                    evolved,
                    generations,
                },
            );
            if operator != Operator::First {
                let batch = GenerationProgress { finished: offspring, total: offspring, tokens: 9 };
                self.told(
                    3 * offspring as u64,
                    &SearchEvent::Generating { batch, before: 0, offspring },
                );
            }
            for index in 0..offspring as u32 {
                let candidate = CandidateId(self.candidate);
                let source = None;
                self.told(
                    0,
                    &SearchEvent::CandidateStarted { candidate, index, offspring, source },
                );
                let (verdict, fitness, status) = ("evaluated", None, None);
                self.told(
                    seconds,
                    &SearchEvent::CandidateFinished { candidate, verdict, fitness, status },
                );
                self.candidate += 1;
            }
            let stats = ArchiveStats {
                num_elites: 1,
                coverage: 0.1,
                qd_score: 0.1,
                norm_qd_score: 0.1,
                obj_max: None,
                obj_mean: None,
            };
            let (networks, prompts, clipped_share) = (stats, stats, 0.0);
            self.told(
                0,
                &SearchEvent::GenerationFinished { generation, networks, prompts, clipped_share },
            );
        }

        fn outlook(&self) -> (u64, u64, Option<u64>) {
            let Outlook { done, total, left } = self.estimate.outlook_at(self.now);
            (done, total, left.map(|left| left.as_secs()))
        }
    }

    #[test]
    fn what_is_left_is_what_its_like_took() {
        let estimate = small();
        let mut clock = Clock { now: estimate.since, estimate, candidate: 0 };
        clock.generation(Operator::First, 1, 0, 2);
        // nothing was written yet
        assert_eq!(clock.outlook(), (1, 7, None));
        clock.generation(Operator::Random, 2, 0, 2);
        // four texts, and four trainings of four times the scoring
        assert_eq!(clock.outlook(), (3, 7, Some(4 * 3 + 4 * 2 * 4)));
        clock.generation(Operator::Mutation, 2, 0, 10);
        assert_eq!(clock.outlook(), (5, 7, Some(2 * 3 + 2 * 10)));
        clock.generation(Operator::Crossover, 2, 1, 10);
        assert_eq!(clock.outlook(), (7, 7, Some(0)));
    }
}
