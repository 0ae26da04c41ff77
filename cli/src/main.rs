//! The nasc binary: what it knows of its process goes to [`nasc_cli::run`], and its exit code back.
//! Deliberately not here: commands.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use nasc_cli::{Environment, Output, restart};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    log_to_stderr();
    let args: Vec<OsString> = std::env::args_os().collect();
    restart::with_wait_policy(&args);
    let mut stdout = io::BufWriter::new(io::stdout());
    let mut stderr = io::stderr();
    let mut output = Output {
        stdout: &mut stdout,
        stderr: &mut stderr,
        color: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        width: 100,
        terminal: io::stderr().is_terminal(),
    };
    let code = nasc_cli::run(args, &Environment::of_process(), &mut output);
    let flushed = stdout.flush();
    ExitCode::from(if flushed.is_err() && code == 0 { 2 } else { code })
}

/// `NASC_LOG=debug` shows the events of the libraries.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("NASC_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
