//! Mutates public networks and examples token by token and compiles what comes out: it must end
//! within its budgets and never panic, a text that parses must print to a text that parses to the
//! same tree, and a mended text must check. The stable twin of the targets in `fuzz/`.
#![allow(clippy::print_stdout, reason = "a program that prints what it finds")]

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use nasc_compiler::ast::{print, without_places};
use nasc_compiler::diagnostic::Diagnostics;
use nasc_compiler::repair::{RepairBudget, repair_with};
use nasc_compiler::source::{FileId, SourceFile};
use nasc_compiler::syntax::{SourceLimits, parse};
use nasc_compiler::{CompileOptions, Compiled, Limits, compile};

/// Stack of the thread that compiles: that of a program's main thread, as users have it.
const STACK_BYTES: usize = 8 << 20;

/// A compilation that takes longer is a finding.
const SLOW: Duration = Duration::from_secs(10);

/// Most steps of one program. Enough for every seed, and few enough for many mutants a second.
const STEPS: u64 = 2_000_000;

/// Compile mutated programs and report panics, slow ones, and trees that do not print.
#[derive(Debug, Parser)]
struct Args {
    /// Folders whose Python files are the seeds.
    #[arg(required = true)]
    seeds: Vec<PathBuf>,
    /// How long.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Where random numbers begin.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A folder for the programs that fail.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut texts = Vec::new();
    for folder in &args.seeds {
        collect(folder, &mut texts);
    }
    println!("{} seeds", texts.len());
    std::panic::set_hook(Box::new(|info| {
        PLACE.with_borrow_mut(|place| *place = info.location().map(ToString::to_string));
    }));
    let run = move || run(&args, &texts);
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(0)) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

thread_local! {
    /// Where the last panic came from.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The texts of all Python files below a folder that are not too large to be changed often.
fn collect(folder: &Path, texts: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, texts);
        } else if path.extension().is_some_and(|end| end == "py") {
            texts.extend(std::fs::read_to_string(&path).ok().filter(|text| text.len() < 60_000));
        }
    }
}

/// Mutates and compiles until the time is over; the number of findings.
fn run(args: &Args, texts: &[String]) -> usize {
    let began = Instant::now();
    let limit = Duration::from_secs_f64(args.minutes * 60.0);
    let mut draw = Draw(args.seed);
    let (mut programs, mut checked, mut found) = (0u64, 0u64, 0usize);
    while began.elapsed() < limit && !texts.is_empty() {
        let Some(seed) = texts.get(draw.below(texts.len())) else { continue };
        let Some(other) = texts.get(draw.below(texts.len())) else { continue };
        let text = mutated(seed, other, &mut draw);
        programs += 1;
        match examine(&text) {
            Ok(checks) => checked += u64::from(checks),
            Err(problem) => {
                found += 1;
                println!("finding {found}: {problem}");
                keep(args, found, &text);
            }
        }
    }
    println!("{programs} programs in {:?}, {checked} check, {found} findings", began.elapsed());
    found
}

fn keep(args: &Args, number: usize, text: &str) {
    let Some(folder) = &args.out else { return };
    let path = folder.join(format!("finding-{}-{number}.py", args.seed));
    if std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text)).is_err() {
        println!("cannot write {}", path.display());
    }
}

/// Whether a text checks; what is wrong with nasc if it shows something.
fn examine(text: &str) -> Result<bool, String> {
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| judge(text))).map_err(|panic| {
        let place = PLACE.with_borrow_mut(Option::take).unwrap_or_default();
        format!("panic at {place}: {}", message(&*panic))
    })?;
    match began.elapsed() {
        long if long > SLOW => Err(format!("it takes {long:?}")),
        _ => outcome,
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("")
}

fn judge(text: &str) -> Result<bool, String> {
    let source = SourceFile::new("mutant.py", text);
    round_trip(&source)?;
    let mut options = CompileOptions::image(3, 32, 32);
    options.limits = Limits { steps: STEPS, ..options.limits };
    match compile(&source, &options) {
        Ok(_) => Ok(true),
        Err(found) => mend(&source, &found, &options),
    }
}

/// Prints the tree and parses the text again.
fn round_trip(source: &SourceFile) -> Result<(), String> {
    let limits = SourceLimits::standard();
    let Ok(module) = parse(source, FileId(0), &limits) else { return Ok(()) };
    let printed = SourceFile::new("printed.py", print(&module));
    match parse(&printed, FileId(0), &limits) {
        Ok(again) => match without_places(again) == without_places(module) {
            true => Ok(()),
            false => Err(String::from("the printed text has another tree")),
        },
        // Parentheses that printing adds may pass the limit that the source just met.
        Err(nasc_compiler::syntax::SyntaxError::NestedTooDeep { .. }) => Ok(()),
        Err(error) => Err(format!("the printed text does not parse: {error}")),
    }
}

/// Mends a program; what comes out must check.
fn mend(
    source: &SourceFile,
    found: &Diagnostics,
    options: &CompileOptions,
) -> Result<bool, String> {
    let budget = RepairBudget { compilations: 8, mistakes: 2 };
    let mut again =
        |source: &SourceFile| -> Result<Compiled, Diagnostics> { compile(source, options) };
    match repair_with(source, found, budget, &mut again) {
        Some(repaired) if compile(&repaired.source, options).is_err() => {
            Err(String::from("the mended text does not check"))
        }
        _ => Ok(false),
    }
}

/// Random numbers (SplitMix64, Steele et al. 2014).
struct Draw(u64);

impl Draw {
    /// A number below a limit; 0 if there is none.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (limit.max(1) as u64)).unwrap_or(0)
    }
}

/// Words, numbers, strings, blanks and signs, in order.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_')
            }
            ' ' => rest.find(|c: char| c != ' '),
            c => Some(c.len_utf8()),
        };
        let (token, behind) = rest.split_at(end.unwrap_or(rest.len()));
        found.push(token);
        rest = behind;
    }
    found
}

/// What a token is replaced by.
const SPICE: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "64",
    "1e9",
    "10**9",
    "-5",
    "None",
    "True",
    "x",
    "self",
    "nn",
    "F",
    "torch",
    "()",
    "[]",
    "{}",
    "''",
    "...",
    "lambda: 0",
    "(",
    ")",
    "[",
    "]",
    ":",
    ",",
    ".",
    "*",
    "**",
    "=",
    "==",
    "+",
    "-",
    "/",
    "//",
    "@",
    "if",
    "else",
    "for",
    "in",
    "not",
    "yield",
    "await",
    "return",
    "class",
    "def",
    "while True:",
    "\n",
    "    ",
    "#",
    "\"\"\"",
    "f'{x}'",
    "super()",
    "x.shape",
    "x.size(0)",
    "x.view(-1)",
    "range(9)",
    "print",
    "isinstance",
    "\\",
];

/// A text with one to four changes.
fn mutated(seed: &str, other: &str, draw: &mut Draw) -> String {
    let mut list: Vec<String> = tokens(seed).into_iter().map(String::from).collect();
    let foreign = tokens(other);
    for _ in 0..=draw.below(4) {
        let at = draw.below(list.len());
        let to = draw.below(list.len());
        match draw.below(7) {
            0 => drop(list.drain(at..(at + 1 + draw.below(3)).min(list.len()))),
            1 => list.swap(at, to),
            2 => {
                let copied: Vec<String> =
                    list.iter().skip(at).take(1 + draw.below(12)).cloned().collect();
                list.splice(to..to, copied);
            }
            3 => {
                let from = draw.below(foreign.len());
                let taken: Vec<String> = foreign
                    .iter()
                    .skip(from)
                    .take(1 + draw.below(20))
                    .map(ToString::to_string)
                    .collect();
                list.splice(at..at, taken);
            }
            4 => number(&mut list, at, draw),
            _ => {
                let spice = SPICE.get(draw.below(SPICE.len())).copied().unwrap_or("");
                if let Some(token) = list.get_mut(at) {
                    *token = spice.to_owned();
                }
            }
        }
    }
    list.concat()
}

/// Changes the next number.
fn number(list: &mut [String], from: usize, draw: &mut Draw) {
    let numbers = ["0", "1", "2", "7", "100", "65536", "99999999999", "-1", "0.5", "1e400"];
    let is_number = |token: &&mut String| token.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(token) = list.iter_mut().skip(from).find(is_number) {
        *token = numbers.get(draw.below(numbers.len())).copied().unwrap_or("0").to_owned();
    }
}
