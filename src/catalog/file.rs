//! The catalog's file: opened by its owner or for reading, looked through for damage, and set aside when it is damaged.
//!
//! SQLite notices damage only where it happens to read, so the owner has the whole file looked through (`PRAGMA
//! quick_check`): when the last owner did not come to its end, which is when a failing disk or a power cut may have left
//! damage; before it is brought up to date; and when that was not done for a month. Not each time, since it reads all of
//! the file: a second or two for half a million photos from memory, longer from a disk, and a mount that finds nothing new
//! is faster than that. Damage that shows in between is found at use, see [`super::Catalog::make_anew`].
//!
//! An owner leaves a mark in the catalog, and takes it away at its end. That a log lies there tells nothing: it stays as
//! long as anybody reads, and a mount reads all its life.
//!
//! A damaged file is renamed, with its logs, and never removed: some of it may be saved by whoever needs it.

use super::{Error, Health, Result, SCHEMA, schema};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A reader is never in the way of the writer for longer, nor the writer in that of a reader.
const PATIENCE: Duration = Duration::from_secs(10);
/// The files that SQLite puts beside a database.
const LOGS: [&str; 3] = ["-journal", "-wal", "-shm"];
/// There as long as an owner has the file open, and after one that did not come to its end.
const OWNED: &str = "owned";
/// When the file was looked through.
const CHECKED: &str = "checked";
/// After so long it is looked through again, seconds.
const MONTH: i64 = 30 * 24 * 3600;

/// A catalog that was damaged and has been set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What was found.
    pub what: String,
    /// Where it lies now.
    pub aside: PathBuf,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, aside) = (&self.what, self.aside.display());
        write!(
            f,
            "the catalog was damaged ({what}); it is set aside as {aside} and made anew from the sources: what none of them \
             holds any more is no longer known, all else is as before"
        )
    }
}

/// Opens, or makes, the file for its one writer. A damaged one is set aside first.
pub(super) fn own(path: &Path) -> Result<(Connection, Option<Damage>)> {
    match sound(path) {
        Err(Error::Damaged(what)) => {
            let damage = set_aside(path, &what)?;
            Ok((sound(path)?, Some(damage)))
        }
        Err(error) => Err(error),
        Ok(db) => Ok((db, None)),
    }
}

fn sound(path: &Path) -> Result<Connection> {
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
    let version = schema::version(&db)?;
    if version != 0 && (version < SCHEMA || is_owned(&db)? || is_due(&db)?) {
        let found = quick_check(&db)?;
        if !found.is_empty() {
            return Err(Error::Damaged(found.join("; ")));
        }
        note_check(&db)?;
    }
    Ok(db)
}

/// The log of a database, where something is in it.
pub(super) fn log(path: &Path) -> Option<PathBuf> {
    let log = beside(path, "-wal");
    let holds = std::fs::metadata(&log).is_ok_and(|meta| meta.len() > 0);
    holds.then_some(log)
}

/// Marks the file as one that is being written.
pub(super) fn begin(db: &Connection) -> Result<()> {
    db.execute("INSERT OR REPLACE INTO meta VALUES (?1, '')", [OWNED])?;
    Ok(())
}

/// Takes the mark away.
pub(super) fn end(db: &Connection) -> Result<()> {
    db.execute("DELETE FROM meta WHERE key = ?1", [OWNED])?;
    Ok(())
}

fn is_owned(db: &Connection) -> Result<bool> {
    let mut query = db.prepare("SELECT 1 FROM meta WHERE key = ?1")?;
    Ok(query.exists([OWNED])?)
}

/// Remembers that the file has been looked through, or is new.
pub(super) fn note_check(db: &Connection) -> Result<()> {
    let note = "INSERT OR REPLACE INTO meta VALUES (?1, unixepoch())";
    db.execute(note, [CHECKED])?;
    Ok(())
}

/// A clock that went backwards makes it due as well.
fn is_due(db: &Connection) -> Result<bool> {
    let ago = "SELECT unixepoch() - CAST(value AS INTEGER) FROM meta WHERE key = ?1";
    let ago: Option<i64> = db.query_row(ago, [CHECKED], |row| row.get(0)).optional()?;
    Ok(ago.is_none_or(|ago| !(0..MONTH).contains(&ago)))
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
        Err(Error::Damaged(what)) => Ok(Health::Damaged(what)),
        other => other,
    }
}

fn check(path: &Path) -> Result<Health> {
    let db = read(path)?;
    let version = schema::version(&db)?;
    if version > SCHEMA {
        return Ok(Health::Newer(version));
    }
    let found = quick_check(&db)?;
    Ok(if !found.is_empty() {
        Health::Damaged(found.join("; "))
    } else if version < SCHEMA {
        Health::Older(version)
    } else {
        Health::Sound
    })
}

/// What is wrong with a database; the first few things, or nothing.
fn quick_check(db: &Connection) -> Result<Vec<String>> {
    let mut query = db.prepare("PRAGMA quick_check(3)")?;
    let found = query.query_map([], |row| row.get(0))?;
    let mut found: Vec<String> = found.collect::<rusqlite::Result<_>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

/// Renames a damaged file and its logs: `catalog.sqlite.damaged-20261124T120000Z`. The file itself goes last: a log without
/// it would be taken for that of the next one.
pub(super) fn set_aside(path: &Path, what: &str) -> Result<Damage> {
    let failed = |error| Error::Aside(path.into(), error);
    let now = "SELECT strftime('%Y%m%dT%H%M%SZ', 'now')";
    let now: String = Connection::open_in_memory()?.query_row(now, [], |row| row.get(0))?;
    let name = |number: u32| match number {
        1 => beside(path, &format!(".damaged-{now}")),
        more => beside(path, &format!(".damaged-{now}-{more}")),
    };
    // Two within a second.
    let aside = (1..).map(name).find(|aside| !aside.exists());
    let aside = aside.unwrap_or_else(|| name(0));
    for ending in LOGS.into_iter().chain([""]) {
        match std::fs::rename(beside(path, ending), beside(&aside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    sync_folder(path).map_err(failed)?;
    let what = what.to_owned();
    let damage = Damage { what, aside };
    tracing::warn!("{damage}");
    Ok(damage)
}

/// A path that lies beside another, its name longer by an ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Removes a database with its logs, if there is one. The file itself goes last: a log without it would be taken for that
/// of the next one.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for ending in LOGS.into_iter().chain([""]) {
        match std::fs::remove_file(beside(path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes names in the folder of a file outlast a power cut.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    std::fs::File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
