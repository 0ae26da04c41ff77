//! The tables of a run database, and how it is opened. docs/run-database.md explains each column.

use crate::error::SearchError;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::Path;
use std::time::Duration;

/// Version of the tables; a reader refuses any other.
pub const FORMAT: i64 = 3;

/// Long texts are the last columns of their table, so that counting need not page through them.
pub(super) const TABLES: &str = "
CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    format INTEGER NOT NULL,
    nasc_version TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    config TEXT NOT NULL,
    task TEXT NOT NULL,
    prompts TEXT NOT NULL,
    first_network TEXT NOT NULL,
    model TEXT NOT NULL,
    evaluator TEXT NOT NULL,
    equipment TEXT NOT NULL
) STRICT;
CREATE TABLE sessions (
    session INTEGER PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE centroids (
    archive TEXT NOT NULL,
    cell INTEGER NOT NULL,
    axis INTEGER NOT NULL,
    coordinate REAL NOT NULL,
    PRIMARY KEY (archive, cell, axis)
) STRICT, WITHOUT ROWID;
CREATE TABLE generations (
    generation INTEGER PRIMARY KEY,
    operator TEXT NOT NULL,
    offspring INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    finished_ms INTEGER,
    counters TEXT,
    network_stats TEXT,
    prompt_stats TEXT,
    clipped_share REAL
) STRICT;
CREATE TABLE candidates (
    candidate INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL REFERENCES generations,
    offspring INTEGER NOT NULL,
    operator TEXT NOT NULL,
    parents TEXT NOT NULL,
    individual INTEGER,
    instruction INTEGER,
    temperature REAL NOT NULL,
    finish TEXT,
    tokens INTEGER,
    overruled INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    verdict TEXT,
    params INTEGER,
    macs INTEGER,
    depth INTEGER,
    width INTEGER,
    width_to_depth REAL,
    peak_activation_bytes INTEGER,
    fingerprint TEXT,
    repeats INTEGER,
    fitness REAL,
    loss REAL,
    cell INTEGER,
    add_status TEXT,
    test_accuracy REAL,
    test_loss REAL,
    proxy_score REAL,
    latency_seconds REAL,
    llm_seconds REAL,
    compile_seconds REAL,
    train_seconds REAL,
    test_seconds REAL,
    created_ms INTEGER NOT NULL,
    generated_ms INTEGER,
    finished_ms INTEGER,
    rejection TEXT,
    curve TEXT,
    source TEXT,
    prompt TEXT,
    completion TEXT
) STRICT;
CREATE INDEX candidates_of_generation ON candidates (generation, offspring);
CREATE TABLE network_cells (
    generation INTEGER NOT NULL REFERENCES generations,
    cell INTEGER NOT NULL,
    candidate INTEGER NOT NULL REFERENCES candidates,
    PRIMARY KEY (generation, cell)
) STRICT, WITHOUT ROWID;
CREATE TABLE prompt_cells (
    generation INTEGER NOT NULL REFERENCES generations,
    cell INTEGER NOT NULL,
    individual INTEGER NOT NULL,
    instruction INTEGER NOT NULL,
    temperature REAL NOT NULL,
    curiosity REAL NOT NULL,
    fitness REAL NOT NULL,
    PRIMARY KEY (generation, cell)
) STRICT, WITHOUT ROWID;
";

/// Tests begin hundreds of runs and cut off processes, not the power, so they need not wait for
/// the disk.
const SYNCHRONOUS: &str = if cfg!(test) { "OFF" } else { "FULL" };

/// Opens for writing. In WAL mode with full synchronisation a commit is on the disk when it
/// returns: it outlives a killed process and a loss of power. Readers are never blocked.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", SYNCHRONOUS)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Columns that came after the format's number.
const LATE_COLUMNS: [&str; 2] = ["proxy_score", "latency_seconds"];

/// Gives a database of an earlier version the columns that it lacks; they are empty there.
pub(super) fn add_late_columns(connection: &Connection) -> rusqlite::Result<()> {
    for column in LATE_COLUMNS {
        let known = "SELECT count(*) FROM pragma_table_info('candidates') WHERE name = ?1";
        let count: i64 = connection.query_row(known, [column], |row| row.get(0))?;
        if count == 0 {
            connection
                .execute_batch(&format!("ALTER TABLE candidates ADD COLUMN {column} REAL"))?;
        }
    }
    Ok(())
}

/// Opens for reading, also while another process writes.
pub(super) fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}

/// The format and the version that wrote it; `None` if no run was begun.
pub(super) fn format(connection: &Connection) -> rusqlite::Result<Option<(i64, String)>> {
    let table = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'run'";
    if connection.query_row(table, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(None);
    }
    let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.query_row("SELECT format, nasc_version FROM run", [], columns).optional()
}

/// Refuses a format that this version does not read.
pub(super) fn require_format(path: &Path, found: i64, writer: String) -> Result<(), SearchError> {
    if found == FORMAT {
        return Ok(());
    }
    Err(SearchError::Format { path: path.to_owned(), found, supported: FORMAT, writer })
}
