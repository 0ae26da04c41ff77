//! Compiles public networks from their sources and compares nasc's figures with PyTorch's, network
//! by network: equal, unsupported, or WRONG. `scripts/fetch-oracle.sh` fetches the sources.
#![allow(clippy::print_stdout, reason = "a program that prints a table")]

mod counter;
mod network;
mod table;
mod verdict;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use network::Network;
use verdict::{Outcome, Verdict, judge};

/// Stack of a thread that compiles.
const STACK_BYTES: usize = 512 << 20;

/// Compare nasc's figures of public networks with PyTorch's.
#[derive(Debug, Parser)]
struct Args {
    /// The networks with PyTorch's figures, one JSON object a line.
    networks: PathBuf,
    /// The folder of the unpacked packages.
    sources: PathBuf,
    /// Only networks whose id holds this.
    #[arg(long, default_value = "")]
    filter: String,
    /// One line for each network.
    #[arg(long)]
    verbose: bool,
    /// Compare with the figures of fvcore, thop, ptflops, torchinfo and PyTorch instead.
    #[arg(long)]
    counters: bool,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let text = match std::fs::read_to_string(&args.networks) {
        Ok(text) => text,
        Err(error) => return failed(&format!("{}: {error}", args.networks.display())),
    };
    let parsed: Result<Vec<Network>, _> = text.lines().map(serde_json::from_str).collect();
    let mut networks = match parsed {
        Ok(networks) => networks,
        Err(error) => return failed(&format!("{}: {error}", args.networks.display())),
    };
    networks.retain(|network| network.id.contains(&args.filter));
    if args.counters {
        print!("{}", on_big_stack(|| counter::report(&networks, &args.sources, args.verbose)));
        return ExitCode::SUCCESS;
    }
    let outcomes = judge_all(&networks, &args.sources, args.jobs);
    let wrong = outcomes.iter().any(|outcome| matches!(outcome.verdict, Verdict::Wrong(_)));
    print!("{}", table::report(&networks, &outcomes, args.verbose));
    if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn failed(reason: &str) -> ExitCode {
    println!("error: {reason}");
    ExitCode::from(2)
}

/// Runs work that recurses.
fn on_big_stack(work: impl FnOnce() -> String + Send) -> String {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
    })
}

/// All verdicts, in the order of the networks.
fn judge_all(networks: &[Network], sources: &Path, jobs: usize) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let work = || {
            let mut own = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(network) = networks.get(index) else { return own };
                own.push((index, judge(network, sources)));
            }
        };
        let spawn =
            |_| std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let threads: Vec<_> = (0..jobs.max(1)).filter_map(|job| spawn(job).ok()).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}
