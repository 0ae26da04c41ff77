//! `nasc model`: fetches language models into the cache folder and lists those that are there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hf_hub::api::Progress as HubProgress;
use hf_hub::api::sync::ApiBuilder;

use crate::error::{CliError, Exit};
use crate::number;
use crate::output::{Environment, Output};
use crate::progress::Progress;

/// Fetch and list language models.
#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    /// Fetch a GGUF file from the hub into the cache folder.
    Pull {
        /// ORG/REPO/FILE.gguf
        name: String,
    },
    /// List the models in the cache folder.
    List,
}

pub(crate) fn run(
    args: &ModelArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    match &args.command {
        ModelCommand::Pull { name } => pull(name, environment, output)?,
        ModelCommand::List => list(environment, output)?,
    }
    Ok(Exit::Success)
}

fn pull(name: &str, environment: &Environment, output: &mut Output<'_>) -> Result<(), CliError> {
    let (repository, file) = split(name)?;
    let failed = |reason: String| CliError::Hub { what: name.to_owned(), reason };
    let folder = environment.models().join("hub");
    let mut builder = ApiBuilder::new().with_cache_dir(folder).with_progress(false);
    if let Some(endpoint) = &environment.hub {
        builder = builder.with_endpoint(endpoint.clone());
    }
    let hub = builder.build().map_err(|error| failed(error.to_string()))?.model(repository);
    let told = Told { progress: Progress::new(output), name: file.clone(), done: 0, total: 0 };
    let path =
        hub.download_with_progress(&file, told).map_err(|error| failed(error.to_string()))?;
    if let Err(error) = require_gguf(&path, name) {
        forget(&path);
        return Err(error);
    }
    output.line(format!("{}", path.display()))?;
    output.remark(format!("use it with: nasc search --model {}", path.display()))?;
    Ok(())
}

/// `ORG/REPO/FILE` as repository and file; the file may lie in folders.
fn split(name: &str) -> Result<(String, String), CliError> {
    let mut parts = name.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(org), Some(repo), Some(file))
            if !org.is_empty() && !repo.is_empty() && file.ends_with(".gguf") =>
        {
            Ok((format!("{org}/{repo}"), file.to_owned()))
        }
        _ => {
            let reason = format!("`{name}` is not of the form ORG/REPO/FILE.gguf");
            Err(CliError::Argument { argument: "model pull", reason })
        }
    }
}

/// A GGUF file begins with these letters (GGUF specification, header).
const MAGIC: &[u8] = b"GGUF";

fn require_gguf(path: &Path, name: &str) -> Result<(), CliError> {
    let mut start = [0; 4];
    let failed = |source| CliError::Read { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(failed)?;
    let read = io::Read::read(&mut file, &mut start).map_err(failed)?;
    if start.get(..read) == Some(MAGIC) {
        return Ok(());
    }
    let reason = "what the server sent is no GGUF file".to_owned();
    Err(CliError::Hub { what: name.to_owned(), reason })
}

/// Takes a file out of the cache: the name, which is a link, and what it points to.
fn forget(path: &Path) {
    let files = [fs::canonicalize(path).ok(), Some(path.to_owned())];
    for file in files.into_iter().flatten() {
        if let Err(error) = fs::remove_file(&file) {
            tracing::debug!(%error, file = %file.display(), "not removed");
        }
    }
}

fn list(environment: &Environment, output: &mut Output<'_>) -> Result<(), CliError> {
    let folder = environment.models();
    let mut found = Vec::new();
    collect(&folder, &mut found)
        .map_err(|source| CliError::Read { path: folder.clone(), source })?;
    found.sort();
    for (path, size) in &found {
        output.line(format!("{}  {}", path.display(), number::bytes(*size)))?;
    }
    if found.is_empty() {
        output.remark(format!(
            "no model in {}; scripts/fetch-model.sh fetches the default one",
            folder.display()
        ))?;
    }
    Ok(())
}

/// GGUF files below a folder with their sizes; a folder that does not exist holds none.
fn collect(folder: &Path, found: &mut Vec<(PathBuf, u64)>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "gguf") {
            let size = fs::metadata(&path)?.len();
            found.push((path, size));
        }
    }
    Ok(())
}

/// Passes the client's reports on.
struct Told<'o, 'w> {
    progress: Progress<'o, 'w>,
    name: String,
    done: u64,
    total: u64,
}

impl HubProgress for Told<'_, '_> {
    fn init(&mut self, size: usize, _filename: &str) {
        self.total = size as u64;
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        // A lost line of progress is no reason to lose a download.
        let _ = self.progress.update("download", self.done, self.total, &self.name);
    }

    fn finish(&mut self) {
        self.progress.finish_all();
    }
}
