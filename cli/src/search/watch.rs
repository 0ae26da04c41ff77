//! What a search shows while it runs: bars for the whole run and what is done just now, with the time
//! that is left, and a line for each generation. Ctrl-C is asked about at every event.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use nasc_search::evaluate::Stage;
use nasc_search::observer::SearchEvent;

use super::estimate::Estimate;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// Time between two looks at the whole run.
const INTERVAL: Duration = Duration::from_millis(200);

/// Watches one search.
pub(super) struct Watch<'o, 'w> {
    interrupt: Interrupt,
    progress: Progress<'o, 'w>,
    estimate: Estimate,
    /// How the candidates of the generation come about.
    operator: &'static str,
    looked: Option<Instant>,
}

impl<'o, 'w> Watch<'o, 'w> {
    pub(super) fn new(
        interrupt: Interrupt,
        progress: Progress<'o, 'w>,
        estimate: Estimate,
    ) -> Watch<'o, 'w> {
        Watch { interrupt, progress, estimate, operator: "", looked: None }
    }

    pub(super) fn event(&mut self, event: SearchEvent<'_>) -> ControlFlow<()> {
        self.estimate.note(&event);
        let told = self.whole_run().and_then(|()| self.part(event));
        if told.is_err() { ControlFlow::Break(()) } else { self.interrupt.flow() }
    }

    fn whole_run(&mut self) -> io::Result<()> {
        if self.looked.is_some_and(|looked| looked.elapsed() < INTERVAL) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let outlook = self.estimate.outlook();
        let so_far = (outlook.done, outlook.total);
        self.progress.update_with("run", so_far, outlook.left, self.operator)
    }

    fn part(&mut self, event: SearchEvent<'_>) -> io::Result<()> {
        let progress = &mut self.progress;
        match event {
            SearchEvent::GenerationStarted { operator, .. } => {
                self.operator = operator.name();
                Ok(())
            }
            SearchEvent::Generating { batch, before, offspring } => {
                let done = (before + batch.finished) as u64;
                let note = format!("{} tokens", batch.tokens);
                progress.update("generating", done, offspring as u64, &note)
            }
            SearchEvent::CandidateStarted { index, offspring, .. } => {
                progress.finish("generating");
                progress.update("candidates", u64::from(index), offspring as u64, "")
            }
            SearchEvent::Training { progress: work, .. } => {
                let name = match work.stage {
                    Stage::Training => "training",
                    Stage::Validation => "validating",
                    Stage::Test => "scoring",
                };
                let note = work.loss.map_or_else(String::new, |loss| format!("loss {loss:.4}"));
                progress.update(name, work.done, work.total, &note)
            }
            SearchEvent::CandidateFinished { .. } => {
                progress.finish("training");
                progress.finish("validating");
                Ok(())
            }
            SearchEvent::GenerationFinished { generation, networks, prompts, .. } => {
                progress.finish("candidates");
                progress.line(&format!(
                    "generation {:>3}  networks {:>3} cells, best {:.4}  prompts {:>3} cells",
                    generation + 1,
                    networks.num_elites,
                    networks.obj_max.unwrap_or(0.0),
                    prompts.num_elites
                ))
            }
            SearchEvent::WeightsDamaged { candidate, reason } => {
                progress.line(&format!("network {} is not tested: {reason}", candidate.0))
            }
            SearchEvent::Testing { done, total, .. } => {
                progress.finish("scoring");
                progress.update("testing", done as u64, total as u64, "")
            }
        }
    }
}
