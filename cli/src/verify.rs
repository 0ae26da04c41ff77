//! `nasc verify`: runs the test vectors that an artefact of `nasc compile` carries.

use std::path::PathBuf;

use clap::Args;

use crate::error::{CliError, Exit};
use crate::native;
use crate::output::Output;

/// Run the test vectors of a model that `nasc compile` wrote as C or as an executable.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The folder of --emit c, or the file of --emit exe.
    artefact: PathBuf,
}

pub(crate) fn run(args: &VerifyArgs, output: &mut Output<'_>) -> Result<Exit, CliError> {
    native::verify(&args.artefact, output)
}
