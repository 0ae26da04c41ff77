//! The run database: a folder with a SQLite file, a lock and the elites' weights.
//! Every write is one transaction that is on the disk when the call returns, so that a killed
//! process loses at most what it was still working on.

mod checkpoint;
mod lock;
mod overview;
mod read;
mod rows;
mod schema;
mod view;
mod weights;
mod write;

pub use overview::{DiagnosticCount, OverviewRow, Resident};
pub use read::{StoredCandidate, StoredResult};
pub use rows::{
    CandidateRow, EliteRow, EvaluationRow, GenerationRow, PromptEliteRow, RunSummary, Seconds,
};
pub use schema::FORMAT;
pub use view::RunReader;
pub use write::{Answer, FinishedCandidate, GeneratedCandidate, RunRecord};

use crate::error::SearchError;
use lock::RunLock;
use rusqlite::{Connection, Transaction, params};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Name of the database in a run's folder.
pub const DATABASE: &str = "run.sqlite";

/// A run's folder, open for writing by this process alone.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    database: PathBuf,
    connection: Connection,
    session: i64,
    _lock: RunLock,
    #[cfg(test)]
    pub(crate) fault: Option<crate::tests::fault::Fault>,
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let elapsed =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

fn database_error(path: &Path, source: rusqlite::Error) -> SearchError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => SearchError::DiskFull { path },
        _ => SearchError::Database { path, source },
    }
}

fn file_error(path: &Path, source: std::io::Error) -> SearchError {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let path = path.to_owned();
    match source.kind() {
        StorageFull | QuotaExceeded => SearchError::DiskFull { path },
        _ => SearchError::File { path, source },
    }
}

impl Store {
    /// Begins a run in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// [`SearchError::RunExists`] if there is one, [`SearchError::Locked`] if another process
    /// works there, and the errors of the file system and the database.
    pub fn create(directory: &Path, record: &RunRecord) -> Result<Self, SearchError> {
        std::fs::create_dir_all(directory).map_err(|error| file_error(directory, error))?;
        let mut store = Self::open(directory)?;
        if store.format()?.is_some() {
            return Err(SearchError::RunExists { path: directory.to_owned() });
        }
        store.write_run(record)?;
        store.begin_session()?;
        Ok(store)
    }

    /// Opens the run of a folder, to go on with it.
    ///
    /// # Errors
    /// [`SearchError::NotARun`] if there is none, [`SearchError::Format`] if another version wrote
    /// it, [`SearchError::Locked`] if another process works on it.
    pub fn resume(directory: &Path) -> Result<(Self, RunRecord), SearchError> {
        let not_a_run = || SearchError::NotARun { path: directory.to_owned() };
        if !directory.join(DATABASE).is_file() {
            return Err(not_a_run());
        }
        let mut store = Self::open(directory)?;
        let (format, writer) = store.format()?.ok_or_else(not_a_run)?;
        schema::require_format(directory, format, writer)?;
        let late = schema::add_late_columns(&store.connection);
        late.map_err(|error| store.error(error))?;
        let record = read::run_record(&store.connection).map_err(|error| store.error(error))?;
        store.begin_session()?;
        Ok((store, record))
    }

    /// The run's folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn open(directory: &Path) -> Result<Self, SearchError> {
        let lock = RunLock::take(directory)?;
        let database = directory.join(DATABASE);
        let connection =
            schema::open(&database).map_err(|error| database_error(&database, error))?;
        Ok(Self {
            directory: directory.to_owned(),
            database,
            connection,
            session: 0,
            _lock: lock,
            #[cfg(test)]
            fault: None,
        })
    }

    /// Lets the database grow by so many pages only, as a disk that is nearly full would.
    #[cfg(test)]
    pub(crate) fn limit_growth(&self, pages: i64) -> rusqlite::Result<()> {
        let query = "PRAGMA page_count";
        let now: i64 = self.connection.query_row(query, [], |row| row.get(0))?;
        self.connection.pragma_update(None, "max_page_count", now + pages)
    }

    fn format(&self) -> Result<Option<(i64, String)>, SearchError> {
        schema::format(&self.connection).map_err(|error| self.error(error))
    }

    fn error(&self, source: rusqlite::Error) -> SearchError {
        database_error(&self.database, source)
    }

    fn corrupt(&self, what: impl Into<String>) -> SearchError {
        SearchError::Corrupt { path: self.directory.clone(), what: what.into() }
    }

    /// Runs one write as a transaction. When this returns, it is on the disk as a whole, or
    /// nothing of it is.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, SearchError> {
        #[cfg(test)]
        crate::tests::fault::before(&mut self.fault, &self.database)?;
        let session = self.session;
        let transact = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let answer = work(&transaction)?;
            transaction.execute(
                "UPDATE sessions SET seen_ms = ?1 WHERE session = ?2",
                params![now(), session],
            )?;
            transaction.commit()?;
            Ok(answer)
        };
        let answer = transact(&mut self.connection);
        let answer = answer.map_err(|error| database_error(&self.database, error))?;
        #[cfg(test)]
        crate::tests::fault::after(&mut self.fault, &self.database)?;
        Ok(answer)
    }

    fn begin_session(&mut self) -> Result<(), SearchError> {
        let session = self.write(|transaction| {
            let now = now();
            transaction
                .execute("INSERT INTO sessions (started_ms, seen_ms) VALUES (?1, ?1)", [now])?;
            Ok(transaction.last_insert_rowid())
        })?;
        self.session = session;
        Ok(())
    }
}
