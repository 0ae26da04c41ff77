//! What is to be compiled: a Python file, a network of a run, or a whole run.

use std::path::Path;

use nasc_search::store::{EliteRow, RunReader};

use crate::error::CliError;

/// The file in a run's folder that tells it from other folders.
const DATABASE: &str = "run.sqlite";

/// What is to be compiled.
pub(super) enum Target {
    /// A Python file.
    File,
    /// The network in a cell of a run's archive.
    Cell(RunReader, u32),
    /// All networks of a run's archive.
    Run(RunReader),
}

fn wrong(reason: String) -> CliError {
    CliError::Argument { argument: "FILE|RUN/CELL|RUN", reason }
}

impl Target {
    pub fn of(path: &Path, all: bool) -> Result<Target, CliError> {
        let is_run = path.join(DATABASE).is_file();
        match (all, is_run, cell_of(path)) {
            (true, true, _) => Ok(Target::Run(RunReader::open(path)?)),
            (true, false, _) => {
                Err(wrong(format!("{} holds no run; --all exports a run", path.display())))
            }
            (false, true, _) => {
                let path = path.display();
                Err(wrong(format!("name a network as {path}/CELL, or pass --all for all of them")))
            }
            (false, false, Some((run, cell))) => Ok(Target::Cell(RunReader::open(run)?, cell)),
            (false, false, None) => Ok(Target::File),
        }
    }
}

/// The run and the number of `RUN/CELL`.
fn cell_of(path: &Path) -> Option<(&Path, u32)> {
    let run = path.parent()?;
    let cell = path.file_name()?.to_str()?.parse().ok()?;
    (!path.exists() && run.join(DATABASE).is_file()).then_some((run, cell))
}

/// The network of a cell.
pub(super) fn elite(reader: &RunReader, cell: u32, path: &Path) -> Result<EliteRow, CliError> {
    let elites = reader.elites()?;
    let cells: Vec<String> = elites.iter().map(|elite| elite.cell.to_string()).collect();
    elites.into_iter().find(|elite| elite.cell == cell).ok_or_else(|| {
        let held = match cells.is_empty() {
            true => "its archive is empty".to_owned(),
            false => format!("its archive holds {}", cells.join(", ")),
        };
        wrong(format!("{}: the run has no network in cell {cell}; {held}", path.display()))
    })
}
