//! Crates of `--emit rust`: compiled with the Rust compiler of this machine, and run.

use std::path::Path;
use std::process::{Command, Stdio};

use super::wrong;
use crate::error::CliError;
use crate::native::run_program;

/// Runs samples: raw floats from the standard input, results to the standard output.
const MAIN: &str = include_str!("crates/main.rs.in");

/// Whether there is a Rust compiler.
pub(crate) fn has_compiler() -> bool {
    let mut version = Command::new("rustc");
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// The results of a crate.
///
/// # Errors
/// If there is no compiler, or what it says.
pub(crate) fn outputs(folder: &Path, inputs: &[f32]) -> Result<Vec<f32>, CliError> {
    if !has_compiler() {
        return Err(wrong("there is no Rust compiler `rustc` on this machine".to_owned()));
    }
    let place = tempfile::tempdir()
        .map_err(|source| CliError::Write { path: folder.to_owned(), source })?;
    let main = place.path().join("main.rs");
    std::fs::write(&main, MAIN).map_err(|source| CliError::Write { path: main.clone(), source })?;
    let library = std::path::absolute(folder.join("src/lib.rs"))
        .unwrap_or_else(|_| folder.join("src/lib.rs"));
    let library = library.display().to_string();
    compile(place.path(), &["--crate-name", "model", "--crate-type", "rlib", &library])?;
    compile(place.path(), &["--extern", "model=libmodel.rlib", "main.rs", "-o", "main"])?;
    run_program(&place.path().join("main"), &[], inputs)
}

fn compile(place: &Path, arguments: &[&str]) -> Result<(), CliError> {
    let mut command = Command::new("rustc");
    command.current_dir(place).args(["--edition", "2024", "-C", "opt-level=3"]).args(arguments);
    let output = command.output().map_err(|error| wrong(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().take(5).collect::<Vec<&str>>().join("; ");
    Err(wrong(format!("the Rust compiler failed: {said}")))
}
