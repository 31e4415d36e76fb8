//! The versions of the schema, and the way from each to the next.
//!
//! A catalog may hold what nobody can find out again: facts of archives that are gone. So one of an earlier version is
//! never thrown away. It is copied aside as a whole, beside itself, and then changed step by step, each step in one
//! transaction: stopped in between, it is a catalog of the version that it has reached. Of the copies only that of the
//! last change is kept.
//!
//! `catalog.sql` is the newest version as a whole. What the steps make of an older one is the same, which a test holds
//! them to; a step that was ever released is not changed any more. A step may drop the kept tree, which is made of the
//! rest, and nothing else.

use super::{Error, FILE, Result, file};
use rusqlite::backup::NO_PROGRESS;
use rusqlite::{Connection, MAIN_DB};
use std::path::{Path, PathBuf};

/// The version that this program writes. A catalog of a later one is refused and left alone.
pub const SCHEMA: i64 = 4;

/// The steps to version 2, 3 and so on. None is missing, since this does not compile without it.
const STEPS: [&str; SCHEMA as usize - 1] = [
    include_str!("schema/to-2.sql"),
    include_str!("schema/to-3.sql"),
    include_str!("schema/to-4.sql"),
];

/// What follows the catalog's own name in that of a copy, before the number of its version.
const COPY: &str = ".schema-";
/// What a copy is called until it is whole.
const COPYING: &str = ".schema.new";

/// The version of a catalog; 0 when nothing has been made in it yet.
pub(super) fn version(db: &Connection) -> Result<i64> {
    Ok(db.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Makes the newest schema in an empty file, or of an older one.
pub(super) fn bring_up(db: &mut Connection, path: &Path) -> Result<()> {
    match version(db)? {
        SCHEMA => Ok(()),
        0 => {
            step(db, include_str!("../catalog.sql"), SCHEMA)?;
            file::note_check(db)
        }
        old @ 1..SCHEMA => {
            copy_aside(db, path, old)?;
            tracing::info!(
                "{} is of an earlier version (schema {old}) and brought up to date; as it was it lies beside itself",
                path.display()
            );
            for (next, sql) in (2..).zip(STEPS).filter(|(next, _)| *next > old) {
                step(db, sql, next)?;
            }
            Ok(())
        }
        newer => Err(Error::Newer(path.into(), newer)),
    }
}

fn step(db: &mut Connection, sql: &str, version: i64) -> Result<()> {
    let tx = db.transaction()?;
    tx.execute_batch(sql)?;
    tx.pragma_update(None, "user_version", version)?;
    tx.commit()?;
    Ok(())
}

/// Copies a catalog, with what is still in its log, and removes the copies of earlier changes.
fn copy_aside(db: &Connection, path: &Path, version: i64) -> Result<()> {
    let failed = |error| Error::Copy(path.into(), error);
    let new = file::beside(path, COPYING);
    // What an interrupted copy left behind.
    file::remove(&new).map_err(failed)?;
    if let Err(error) = db.backup(MAIN_DB, &new, NO_PROGRESS) {
        file::remove(&new).map_err(failed)?;
        return Err(error.into());
    }
    let copy = file::beside(path, &format!("{COPY}{version}"));
    std::fs::rename(&new, &copy).map_err(failed)?;
    for other in copies(path).map_err(failed)? {
        if other != copy {
            file::remove(&other).map_err(failed)?;
        }
    }
    file::sync_folder(path).map_err(failed)
}

fn copies(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path.parent().unwrap_or(Path::new("/")))? {
        let entry = entry?;
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(FILE));
        let number = rest.and_then(|rest| rest.strip_prefix(COPY));
        if number.is_some_and(|number| number.parse::<i64>().is_ok()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
