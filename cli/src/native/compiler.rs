//! The C compiler of this machine, and the programs it makes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::CliError;

/// What a program is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be run once.
    Test,
    /// To be fast on this machine.
    Speed,
}

/// Whether there is a C compiler.
pub(super) fn exists() -> bool {
    let mut version = Command::new("cc");
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// Compiles sources of `folder` to `program`.
///
/// # Errors
/// What the compiler says.
pub(super) fn compile(
    folder: &Path,
    sources: &[&str],
    program: &Path,
    purpose: Purpose,
) -> Result<(), CliError> {
    let options: &[&str] = match purpose {
        Purpose::Test => &["-std=c99", "-O2"],
        // Without -ffp-contract, ISO C forbids the fused multiply-adds that the kernels live on.
        Purpose::Speed => &["-std=c99", "-O3", "-march=native", "-ffp-contract=fast"],
    };
    let mut command = Command::new("cc");
    command.current_dir(folder).args(options).args(sources).arg("-o").arg(program).arg("-lm");
    let output = command.output().map_err(|error| broken(&error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(broken(&said.lines().take(5).collect::<Vec<&str>>().join("; ")))
}

fn broken(said: &str) -> CliError {
    let reason = format!("the C compiler `cc` failed: {said}");
    CliError::Argument { argument: "--emit", reason }
}

/// The floats that a program writes when it reads others.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn run(program: &Path, arguments: &[&str], input: &[f32]) -> Result<Vec<f32>, CliError> {
    let program = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
    let bytes: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
    run_on_bytes(&program, arguments, &bytes)
}

/// The floats that a program writes when it reads bytes. It is looked for as a shell does.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_on_bytes(
    program: &Path,
    arguments: &[&str],
    input: &[u8],
) -> Result<Vec<f32>, CliError> {
    let failed = |reason: String| {
        let reason = format!("{} cannot be run: {reason}", program.display());
        CliError::Argument { argument: "verify", reason }
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let sink = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(mut sink) = sink {
                // A program that ends early is reported by its results.
                let _ = sink.write_all(input);
            }
        });
        child.wait_with_output()
    });
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
        return Err(failed(format!("it ended with {}{last}", output.status)));
    }
    Ok(output.stdout.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}
