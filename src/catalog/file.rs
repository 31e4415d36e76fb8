//! The catalog's file: opened by its owner or for reading, and looked through for damage.

use super::{Error, Health, Result, SCHEMA, schema};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A reader is never in the way of the writer for longer, nor the writer in that of a reader.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens, or makes, the file for its one writer.
pub(super) fn own(path: &Path) -> Result<Connection> {
    if path.exists() {
        // Opening for writing changes the file already, and a newer catalog is not to be touched.
        let found = schema::version(&read(path)?)?;
        if found > SCHEMA {
            return Err(Error::Newer(path.into(), found));
        }
    }
    let db = Connection::open(path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may lose the last transactions, which are then indexed again; it never leaves half of one.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.busy_timeout(PATIENCE)?;
    Ok(db)
}

/// Opens a file that is there for somebody who changes nothing in it.
pub(super) fn read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(PATIENCE)?;
    Ok(db)
}

pub(super) fn health(path: &Path) -> Result<Health> {
    if !path.exists() {
        return Ok(Health::Absent);
    }
    match check(path) {
        Err(Error::Sql(error)) if is_damage(&error) => Ok(Health::Damaged(vec![error.to_string()])),
        other => other,
    }
}

fn check(path: &Path) -> Result<Health> {
    let db = read(path)?;
    let version = schema::version(&db)?;
    if version > SCHEMA {
        return Ok(Health::Newer(version));
    }
    let mut query = db.prepare("PRAGMA quick_check(20)")?;
    let found: Vec<String> = query
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(match found.as_slice() {
        [ok] if ok == "ok" && version < SCHEMA => Health::Older(version),
        [ok] if ok == "ok" => Health::Sound,
        _ => Health::Damaged(found),
    })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}

/// A path that lies beside another, its name longer by an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Removes a database with its logs, if there is one. The file itself goes last: a log without it would be taken for that
/// of the next one.
pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    for ending in ["-journal", "-wal", "-shm", ""] {
        match std::fs::remove_file(beside(path, ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes names in the folder of a file outlast a power cut.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
