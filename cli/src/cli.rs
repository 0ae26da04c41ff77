//! The command line: which command with which arguments, and what becomes of its result.
//! Deliberately not here: what a command does; see the file of its name.

use std::error::Error as _;
use std::ffi::OsString;
use std::io;

use clap::{Parser, Subcommand, ValueEnum};

use crate::error::{CliError, Exit};
use crate::output::{Environment, Output};
use crate::{
    ablate, benchmark, check, compile, data, eval, explain, model, predict, presets, proxies,
    report, search, show, train, verify, watch,
};

/// Stack of the thread that commands run on. Evaluating and printing nested programs recurses; the
/// limits of the compiler hold well within this, also without optimisation.
const STACK_BYTES: usize = 256 << 20;

/// Searches, checks and trains neural networks written as PyTorch classes, without running Python.
#[derive(Debug, Parser)]
#[command(name = "nasc", version, max_term_width = 100)]
struct Cli {
    /// Whether to color what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Search(search::SearchArgs),
    Ablate(ablate::AblateArgs),
    Report(report::ReportArgs),
    Proxies(proxies::ProxiesArgs),
    Watch(watch::WatchArgs),
    Check(check::CheckArgs),
    Train(train::TrainArgs),
    Eval(eval::EvalArgs),
    Predict(predict::PredictArgs),
    Compile(compile::CompileArgs),
    Verify(verify::VerifyArgs),
    Show(show::ShowArgs),
    Explain(explain::ExplainArgs),
    Model(model::ModelArgs),
    Data(data::DataArgs),
    Benchmark(benchmark::BenchmarkArgs),
    Presets(presets::PresetsArgs),
}

/// Runs one command line, `args[0]` being the name of the program, and gives the exit code:
/// 0 for success, 1 if the user's program is wrong or not supported, 2 for mistakes of usage and of
/// the machine, 130 after Ctrl-C.
pub fn run<I, T>(args: I, environment: &Environment, output: &mut Output<'_>) -> u8
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, output),
    };
    output.color = match cli.color {
        Color::Auto => output.color,
        Color::Always => true,
        Color::Never => false,
    };
    match on_big_stack(|| execute(&cli.command, environment, output)) {
        Ok(exit) => exit.code(),
        Err(error) if error.is_broken_pipe() => Exit::Success.code(),
        Err(error) => {
            print_error(&error, output);
            Exit::Machine.code()
        }
    }
}

fn execute(
    command: &Command,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    match command {
        Command::Search(args) => search::run(args, environment, output),
        Command::Ablate(args) => ablate::run(args, environment, output),
        Command::Report(args) => report::run(args, environment, output),
        Command::Watch(args) => watch::run(args, environment, output),
        Command::Proxies(args) => proxies::run(args, environment, output),
        Command::Check(args) => check::run(args, output),
        Command::Compile(args) => compile::run(args, environment, output),
        Command::Verify(args) => verify::run(args, environment, output),
        Command::Train(args) => train::run(args, environment, output),
        Command::Eval(args) => eval::run(args, environment, output),
        Command::Predict(args) => predict::run(args, environment, output),
        Command::Show(args) => show::run(args, environment, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Model(args) => model::run(args, environment, output),
        Command::Data(args) => data::run(args, environment, output),
        Command::Benchmark(args) => benchmark::run(args, environment, output),
        Command::Presets(args) => presets::run(args, output),
    }
}

/// Help and version go to the standard output, mistakes of usage do not.
fn usage(error: &clap::Error, output: &mut Output<'_>) -> u8 {
    let rendered = error.render();
    let text = if output.color { rendered.ansi().to_string() } else { rendered.to_string() };
    let written = if error.use_stderr() {
        write!(output.stderr, "{text}")
    } else {
        write!(output.stdout, "{text}")
    };
    let failed = written.is_err() || error.exit_code() != 0;
    if failed { Exit::Machine.code() } else { Exit::Success.code() }
}

fn on_big_stack(work: impl FnOnce() -> Result<Exit, CliError> + Send) -> Result<Exit, CliError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let running = thread.spawn_scoped(scope, work)?;
        running.join().unwrap_or_else(|_| {
            let reason = "nasc itself made a mistake (see above); please report it";
            Err(CliError::Output(io::Error::other(reason)))
        })
    })
}

/// One line for the error and one for each cause that the line before does not name.
pub(crate) fn print_error(error: &CliError, output: &mut Output<'_>) {
    let mut text = format!("error: {error}\n");
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let message = source.to_string();
        if !said.contains(&message) {
            text.push_str(&format!("  because: {message}\n"));
        }
        said = message;
        cause = source.source();
    }
    // Where the error stream is gone, the exit code has to say it.
    let _ = write!(output.stderr, "{text}");
}
