//! The verdicts as text: one row for each source, what is wrong, and what is missing most.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::network::Network;
use crate::verdict::{Outcome, Reason, Verdict};

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    equal: usize,
    unsupported: usize,
    wrong: usize,
    seconds: f64,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        match outcome.verdict {
            Verdict::Equal => self.equal += 1,
            Verdict::Unsupported(_) => self.unsupported += 1,
            Verdict::Wrong(_) => self.wrong += 1,
        }
        self.seconds += outcome.time.as_secs_f64();
    }

    fn row(&self, name: &str) -> String {
        let Counts { equal, unsupported, wrong, seconds } = self;
        let total = equal + unsupported + wrong;
        format!("{name:<22} {total:>6} {equal:>6} {unsupported:>12} {wrong:>6} {seconds:>9.2}\n")
    }
}

/// The whole report.
pub fn report(networks: &[Network], outcomes: &[Outcome], verbose: bool) -> String {
    let pairs: Vec<(&Network, &Outcome)> = networks.iter().zip(outcomes).collect();
    let mut out = String::new();
    for (network, outcome) in &pairs {
        if let Some(line) = line(network, outcome, verbose) {
            out.push_str(&line);
        }
    }
    out.push_str(&ranking(&pairs));
    out.push_str(&totals(&pairs));
    out
}

fn line(network: &Network, outcome: &Outcome, verbose: bool) -> Option<String> {
    let milliseconds = outcome.time.as_secs_f64() * 1e3;
    let (word, text) = match &outcome.verdict {
        Verdict::Equal if verbose => ("equal", String::new()),
        Verdict::Equal => return None,
        Verdict::Unsupported(reason) if verbose => ("unsupported", place(reason)),
        Verdict::Unsupported(_) => return None,
        Verdict::Wrong(text) => ("WRONG", text.clone()),
    };
    Some(format!("{word:<12} {milliseconds:>8.1} ms  {}  {text}\n", network.id))
}

fn place(reason: &Reason) -> String {
    format!("{} at {}: {}", reason.code, reason.place, reason.message)
}

/// Reasons of refusal, the most frequent first.
fn ranking(pairs: &[(&Network, &Outcome)]) -> String {
    let mut reasons: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (network, outcome) in pairs {
        if let Verdict::Unsupported(reason) = &outcome.verdict {
            let key = format!("{}: {}", reason.code, reason.message);
            let example = || (0, format!("{} ({})", reason.place, network.expr));
            reasons.entry(key).or_insert_with(example).0 += 1;
        }
    }
    let mut sorted: Vec<_> = reasons.into_iter().collect();
    sorted.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let mut out = String::new();
    for (reason, (count, example)) in sorted {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{count:>4}  {reason}\n      {example}");
    }
    out
}

fn totals(pairs: &[(&Network, &Outcome)]) -> String {
    let mut sources: BTreeMap<String, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    for (network, outcome) in pairs {
        let source = format!("{} {}", network.source.package, network.source.version);
        sources.entry(source).or_default().add(outcome);
        all.add(outcome);
    }
    let head = ["source", "total", "equal", "unsupported", "WRONG", "seconds"];
    let [source, total, equal, unsupported, wrong, seconds] = head;
    let mut out =
        format!("\n{source:<22} {total:>6} {equal:>6} {unsupported:>12} {wrong:>6} {seconds:>9}\n");
    out.extend(sources.iter().map(|(name, counts)| counts.row(name)));
    out + &all.row("all")
}
