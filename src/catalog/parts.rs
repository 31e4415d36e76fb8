//! Archives and unpacked folders.

use super::rows::{delete, insert, supersede, unsigned};
use super::{Catalog, KnownPart, Result};
use crate::model::Part;
use crate::model::listing::NewEntry;
use rusqlite::params;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// How the forms of parts are marked; 0 is a zip.
const UNPACKED: i64 = 1;
const GZIPPED: i64 = 2;
/// How a part is marked of which only names are left.
const LEFT_OVER: i64 = 2;

impl Catalog {
    /// All parts, in the order in which they were first seen.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn parts(&self) -> Result<Vec<KnownPart>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, path, folder, stamp, series, number, size, mtime_ns, complete, problems, digest, account
             FROM part ORDER BY id",
        )?;
        let rows = query.query_map([], |row| {
            let path: Vec<u8> = row.get(1)?;
            let problems: String = row.get(9)?;
            Ok(KnownPart {
                part: Part {
                    id: row.get(0)?,
                    path: OsStr::from_bytes(&path).into(),
                    folder: row.get::<_, i64>(2)? == UNPACKED,
                    gzipped: row.get::<_, i64>(2)? == GZIPPED,
                    size: unsigned(row, 6)?,
                    mtime_ns: row.get(7)?,
                },
                stamp: row.get(3)?,
                series: row.get(4)?,
                number: row.get(5)?,
                complete: row.get::<_, i64>(8)? != 0,
                left_over: row.get::<_, i64>(8)? == LEFT_OVER,
                problems: serde_json::from_str(&problems).unwrap_or_else(|_| vec![problems]),
                digest: row.get(10)?,
                account: row.get(11)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Remembers a part that has no entries yet; gives its number.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn add_part(&mut self, part: &KnownPart) -> Result<u32> {
        self.db.execute(
            "INSERT INTO part (path, folder, stamp, series, number, size, mtime_ns, complete, problems, digest, account)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '[]', ?8, ?9)",
            params![
                part.part.path.as_os_str().as_bytes(),
                form(&part.part),
                part.stamp,
                part.series,
                part.number,
                part.part.size as i64,
                part.part.mtime_ns,
                part.digest,
                part.account,
            ],
        )?;
        Ok(self.db.last_insert_rowid() as u32)
    }

    /// Adds entries to a part in one transaction.
    ///
    /// # Errors
    /// When SQLite fails; then none is added.
    pub fn add_entries(&mut self, part: u32, entries: &[NewEntry]) -> Result<()> {
        let tx = self.db.transaction()?;
        insert(&tx, part, entries)?;
        tx.commit()?;
        Ok(())
    }

    /// Declares a part whole. In the same transaction earlier parts at its path lose what it holds as well; what is
    /// left of them keeps its names.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn complete_part(&mut self, part: u32, problems: &[String]) -> Result<()> {
        let tx = self.db.transaction()?;
        let problems = serde_json::Value::from(problems).to_string();
        tx.execute(
            "UPDATE part SET complete = 1, problems = ?2 WHERE id = ?1",
            params![part, problems],
        )?;
        supersede(&tx, part, LEFT_OVER)?;
        tx.execute("DELETE FROM meta WHERE key = 'image'", [])?;
        tx.commit()?;
        Ok(())
    }

    /// A part was found elsewhere, with another time, or with another name: remembers those.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn move_part(&mut self, part: &KnownPart) -> Result<()> {
        self.db.execute(
            "UPDATE part SET path = ?2, mtime_ns = ?3, stamp = ?4, series = ?5, number = ?6 WHERE id = ?1",
            params![
                part.part.id,
                part.part.path.as_os_str().as_bytes(),
                part.part.mtime_ns,
                part.stamp,
                part.series,
                part.number,
            ],
        )?;
        Ok(())
    }

    /// Remembers what tells the content of a part apart.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_digest(&mut self, part: u32, digest: &[u8; 32]) -> Result<()> {
        self.db.execute(
            "UPDATE part SET digest = ?2 WHERE id = ?1",
            params![part, digest],
        )?;
        Ok(())
    }

    /// Gives a part to an account; `None` is the first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_account(&mut self, part: u32, account: Option<&str>) -> Result<()> {
        self.db.execute(
            "UPDATE part SET account = ?2 WHERE id = ?1",
            params![part, account],
        )?;
        Ok(())
    }

    /// How many bytes the entries of a part take.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn bytes(&self, part: u32) -> Result<u64> {
        let mut query = self
            .db
            .prepare_cached("SELECT coalesce(sum(packed), 0) FROM entry WHERE part = ?1")?;
        Ok(query.query_row([part], |row| unsigned(row, 0))?)
    }

    /// Forgets a part.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn drop_part(&mut self, part: u32) -> Result<()> {
        let tx = self.db.transaction()?;
        delete(&tx, part)?;
        tx.commit()?;
        Ok(())
    }
}

fn form(part: &Part) -> i64 {
    match (part.folder, part.gzipped) {
        (true, _) => UNPACKED,
        (_, true) => GZIPPED,
        _ => 0,
    }
}
