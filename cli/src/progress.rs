//! How far long work has come: bars that move on a terminal, elsewhere a line now and then, both
//! with the time that is left. Results are printed through here, so that bars do not cut them.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::number;
use crate::output::Output;

/// Time between two lines about the same phase where no bar can move.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Bars or lines for the phases of one command.
pub(crate) struct Progress<'o, 'w> {
    output: &'o mut Output<'w>,
    bars: Option<MultiProgress>,
    phases: BTreeMap<&'static str, Phase>,
}

struct Phase {
    bar: Option<ProgressBar>,
    began: Instant,
    said: Instant,
}

impl<'o, 'w> Progress<'o, 'w> {
    pub(crate) fn new(output: &'o mut Output<'w>) -> Progress<'o, 'w> {
        let bars = output
            .terminal
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)));
        Progress { output, bars, phases: BTreeMap::new() }
    }

    /// Tells how far a phase has come; the first call begins it.
    pub(crate) fn update(
        &mut self,
        name: &'static str,
        done: u64,
        total: u64,
        note: &str,
    ) -> io::Result<()> {
        let bars = self.bars.as_ref();
        let phase = self.phases.entry(name).or_insert_with(|| Phase::new(name, bars));
        if let Some(bar) = &phase.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(note.to_owned());
            return Ok(());
        }
        if phase.said.elapsed() < LINE_INTERVAL {
            return Ok(());
        }
        phase.said = Instant::now();
        let line = phase.line(name, done, total, note);
        self.output.remark(line)
    }

    /// As [`Progress::update`] for work whose end the caller can tell better than by what was done.
    pub(crate) fn update_with(
        &mut self,
        name: &'static str,
        (done, total): (u64, u64),
        left: Option<Duration>,
        note: &str,
    ) -> io::Result<()> {
        let left = left.map(|left| format!("{} left", number::duration(left)));
        let text: Vec<&str> = [left.as_deref(), Some(note)].into_iter().flatten().collect();
        let text = text.join(", ");
        let bars = self.bars.as_ref();
        let make =
            || Phase::with_template(name, bars, "{prefix:>12} [{bar:30}] {pos}/{len}  {wide_msg}");
        let phase = self.phases.entry(name).or_insert_with(make);
        if let Some(bar) = &phase.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(text);
            return Ok(());
        }
        if phase.said.elapsed() < LINE_INTERVAL {
            return Ok(());
        }
        phase.said = Instant::now();
        self.output.remark(format!("{name}: {done} of {total}, {text}"))
    }

    /// Ends a phase; its bar disappears.
    pub(crate) fn finish(&mut self, name: &'static str) {
        if let Some(bar) = self.phases.remove(name).and_then(|phase| phase.bar) {
            bar.finish_and_clear();
        }
    }

    /// Ends all phases.
    pub(crate) fn finish_all(&mut self) {
        while let Some((&name, _)) = self.phases.first_key_value() {
            self.finish(name);
        }
    }

    /// A line of the result.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        let Progress { output, bars, .. } = self;
        let mut write = || {
            output.line(text)?;
            output.stdout.flush()
        };
        match bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Progress<'_, '_> {
    fn drop(&mut self) {
        self.finish_all();
    }
}

impl Phase {
    fn new(name: &'static str, bars: Option<&MultiProgress>) -> Phase {
        let template = "{prefix:>12} [{bar:30}] {pos}/{len}  {eta} left  {wide_msg}";
        Phase::with_template(name, bars, template)
    }

    fn with_template(name: &'static str, bars: Option<&MultiProgress>, template: &str) -> Phase {
        let bar = bars.map(|bars| {
            let bar = bars.add(ProgressBar::new(0));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(name);
            bar
        });
        Phase { bar, began: Instant::now(), said: Instant::now() }
    }

    fn line(&self, name: &str, done: u64, total: u64, note: &str) -> String {
        let left = match (self.began.elapsed(), done) {
            (_, 0) => String::new(),
            (elapsed, done) => {
                let rest = total.saturating_sub(done) as f64 / done as f64;
                format!(", {} left", number::seconds(elapsed.as_secs_f64() * rest))
            }
        };
        let note = if note.is_empty() { String::new() } else { format!(", {note}") };
        format!("{name}: {done} of {total}{left}{note}")
    }
}
