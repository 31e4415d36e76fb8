//! The catalog: one SQLite file that remembers what the sources held, and the tree that was made of it.
//!
//! There is one writer, the process that owns the state directory; others read beside it (write-ahead log). Facts of
//! a part are written in one transaction, those of an unpacked folder in several, so that an interrupted run loses
//! little and never leaves half a part that counts as whole. SQL does not leave this room.

mod pieces;
mod rows;
#[cfg(test)]
mod tests;

use crate::model::listing::{Entry, NewEntry};
use crate::model::{AlbumCard, Part, Sidecar, Stated};
use crate::tree::image::{Extent, Image, Sidecars, Texts};
use pieces::{ALL, ENTERED, IMAGE};
use rows::{SELECT_SIDECAR, delete, entry, insert, sidecar, supersede, unsigned};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The schema that this program writes. A catalog with a higher number is refused and left alone; one with a lower number
/// is made anew, since its facts can be had again.
const SCHEMA: i64 = 2;
/// The file's name in the state directory.
pub const FILE: &str = "catalog.sqlite";
/// How the forms of parts are marked; 0 is a zip.
const UNPACKED: i64 = 1;
const GZIPPED: i64 = 2;
/// How a part is marked of which only names are left.
const LEFT_OVER: i64 = 2;

/// What went wrong with the catalog.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite's own words.
    #[error("the catalog failed")]
    Sql(#[source] rusqlite::Error),
    /// No room for it.
    #[error(
        "the disk with the state directory is full; free some space, or give another with --state-dir"
    )]
    Full,
    /// Written by a later version.
    #[error(
        "the catalog {0} was written by a newer gphotosfs (schema {1}); use that version, or another --state-dir"
    )]
    Newer(PathBuf, i64),
    /// A value cannot be read back.
    #[error("the catalog holds a value that cannot be read: {0}")]
    Value(String),
    /// No pass has come to its end yet.
    #[error("nothing is indexed yet; mount the library first")]
    NotYet,
    /// The state directory cannot be made.
    #[error("cannot make the state directory {0}")]
    Dir(PathBuf, #[source] std::io::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Error::Full,
            _ => Error::Sql(error),
        }
    }
}

type Result<T> = std::result::Result<T, Error>;

/// How a catalog's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// There is none yet.
    Absent,
    /// It is whole.
    Sound,
    /// Of an earlier version: the next pass makes it anew.
    Older,
    /// Of a later version, by its schema's number.
    Newer(i64),
    /// What SQLite found.
    Damaged(Vec<String>),
}

/// A part as remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPart {
    /// Number, path, size and time.
    pub part: Part,
    /// Stamp of its export.
    pub stamp: Option<String>,
    /// Series within the export.
    pub series: Option<u32>,
    /// Number within the export.
    pub number: Option<u32>,
    /// All of its entries are there.
    pub complete: bool,
    /// It holds nothing but what the part at its path once held and holds no more.
    pub left_over: bool,
    /// What was found wrong in it.
    pub problems: Vec<String>,
}

/// An open catalog.
#[derive(Debug)]
pub struct Catalog {
    db: Connection,
    dir: PathBuf,
}

impl Catalog {
    /// Opens the catalog of a state directory for its owner, and makes it where it is not there yet.
    ///
    /// # Errors
    /// [`Error::Newer`] for a later schema; a file that is no catalog is an [`Error::Sql`].
    pub fn open(state_dir: &Path) -> Result<Catalog> {
        std::fs::create_dir_all(state_dir).map_err(|error| Error::Dir(state_dir.into(), error))?;
        let path = state_dir.join(FILE);
        let mut db = owned(&path)?;
        let found = version(&db)?;
        if (1..SCHEMA).contains(&found) {
            drop(db);
            tracing::info!(
                "{} is of an earlier version (schema {found}); it is made anew",
                path.display()
            );
            remove(&path).map_err(|error| Error::Dir(state_dir.into(), error))?;
            db = owned(&path)?;
        }
        match version(&db)? {
            0 => {
                let tx = db.transaction()?;
                tx.execute_batch(include_str!("catalog.sql"))?;
                tx.pragma_update(None, "user_version", SCHEMA)?;
                tx.commit()?;
            }
            SCHEMA => {}
            newer => return Err(Error::Newer(path, newer)),
        }
        Ok(Catalog {
            db,
            dir: state_dir.into(),
        })
    }

    /// The state directory, where what belongs to the catalog lies beside it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Opens it for reading; `None` when there is none.
    ///
    /// # Errors
    /// As [`Catalog::open`].
    pub fn peek(state_dir: &Path) -> Result<Option<Catalog>> {
        let path = state_dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&path, flags)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        match version(&db)? {
            SCHEMA => Ok(Some(Catalog {
                db,
                dir: state_dir.into(),
            })),
            // An owner has made the file and not yet the schema, or the next one will make it anew.
            older if older < SCHEMA => Ok(None),
            newer => Err(Error::Newer(path, newer)),
        }
    }

    /// Looks through the whole file for damage.
    ///
    /// # Errors
    /// When it cannot be read at all, which is no damage: no permission, or a busy disk.
    pub fn health(state_dir: &Path) -> Result<Health> {
        let path = state_dir.join(FILE);
        if !path.exists() {
            return Ok(Health::Absent);
        }
        match check(&path) {
            Err(Error::Sql(error)) if is_damage(&error) => {
                Ok(Health::Damaged(vec![error.to_string()]))
            }
            other => other,
        }
    }

    /// A single value.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        let mut query = self
            .db
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Remembers a single value.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<()> {
        self.db
            .execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [key, value])?;
        Ok(())
    }

    /// All parts, in the order in which they were first seen.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn parts(&self) -> Result<Vec<KnownPart>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, path, folder, stamp, series, number, size, mtime_ns, complete, problems FROM part ORDER BY id",
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
            "INSERT INTO part (path, folder, stamp, series, number, size, mtime_ns, complete, problems)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '[]')",
            params![
                part.part.path.as_os_str().as_bytes(),
                form(&part.part),
                part.stamp,
                part.series,
                part.number,
                part.part.size as i64,
                part.part.mtime_ns,
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

    /// A part was found elsewhere.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn move_part(&mut self, part: u32, path: &Path) -> Result<()> {
        self.db.execute(
            "UPDATE part SET path = ?2 WHERE id = ?1",
            params![part, path.as_os_str().as_bytes()],
        )?;
        Ok(())
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

    /// All entries of a part.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn entries(&self, part: u32) -> Result<Vec<Entry>> {
        let dirs = self.dirs()?;
        let mut query = self.db.prepare_cached(
            "SELECT id, part, dir, name, raw, kind, deflated, header, packed, size, crc32, mtime_ns, head
             FROM entry WHERE part = ?1",
        )?;
        let mut rows = query.query([part])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let dir: u32 = row.get(2)?;
            let dir = dirs
                .get(&dir)
                .cloned()
                .ok_or_else(|| Error::Value(format!("folder {dir}")))?;
            entries.push(entry(row, dir)?);
        }
        Ok(entries)
    }

    /// One entry; `None` when there is none of that number.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn entry(&self, id: u32) -> Result<Option<Entry>> {
        let mut query = self.db.prepare_cached(
            "SELECT e.id, e.part, d.path, e.name, e.raw, e.kind, e.deflated, e.header, e.packed, e.size, e.crc32,
             e.mtime_ns, e.head FROM entry e JOIN dir d ON d.id = e.dir WHERE e.id = ?1",
        )?;
        let mut rows = query.query([id])?;
        match rows.next()? {
            Some(row) => {
                let dir: String = row.get(2)?;
                Ok(Some(entry(row, dir.into())?))
            }
            None => Ok(None),
        }
    }

    fn dirs(&self) -> Result<HashMap<u32, Arc<str>>> {
        let mut query = self.db.prepare_cached("SELECT id, path FROM dir")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The sidecars of a part, by entry.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn sidecars(&self, part: u32) -> Result<Vec<(u32, Sidecar)>> {
        let mut query = self.db.prepare_cached(&format!(
            "{SELECT_SIDECAR} JOIN entry e ON e.id = s.entry WHERE e.part = ?1"
        ))?;
        let rows = query.query_map([part], sidecar)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// One sidecar.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn sidecar(&self, entry: u32) -> Result<Option<Sidecar>> {
        let mut query = self
            .db
            .prepare_cached(&format!("{SELECT_SIDECAR} WHERE s.entry = ?1"))?;
        Ok(query
            .query_row([entry], sidecar)
            .optional()?
            .map(|(_, sidecar)| sidecar))
    }

    /// The album cards of a part, by entry.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn albums(&self, part: u32) -> Result<Vec<(u32, AlbumCard)>> {
        let mut query = self.db.prepare_cached(
            "SELECT a.entry, a.title, a.description, a.date FROM album a JOIN entry e ON e.id = a.entry
             WHERE e.part = ?1",
        )?;
        let rows = query.query_map([part], |row| {
            let card = AlbumCard {
                title: row.get(1)?,
                description: row.get(2)?,
                date: row.get(3)?,
            };
            Ok((row.get(0)?, card))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Remembers hashes of first bytes.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_heads(&mut self, heads: &[(u32, u64)]) -> Result<()> {
        let tx = self.db.transaction()?;
        for (entry, head) in heads {
            tx.execute(
                "UPDATE entry SET head = ?2 WHERE id = ?1",
                params![entry, *head as i64],
            )?;
        }
        tx.commit()?;
        Ok(())
    }

    /// The times that media files of a part carry, by entry, as far as they were looked for.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn written(&self, part: u32) -> Result<Vec<(u32, Option<Stated>)>> {
        let mut query = self.db.prepare_cached(
            "SELECT w.entry, w.clock, w.ahead FROM written w JOIN entry e ON e.id = w.entry WHERE e.part = ?1",
        )?;
        let rows = query.query_map([part], |row| {
            let clock: Option<i64> = row.get(1)?;
            let ahead = row.get(2)?;
            Ok((row.get(0)?, clock.map(|clock| Stated { clock, ahead })))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Remembers such times, and where there is none.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_written(&mut self, written: &[(u32, Option<Stated>)]) -> Result<()> {
        let tx = self.db.transaction()?;
        for (entry, stated) in written {
            tx.execute(
                "INSERT OR REPLACE INTO written VALUES (?1, ?2, ?3)",
                params![
                    entry,
                    stated.map(|stated| stated.clock),
                    stated.and_then(|stated| stated.ahead)
                ],
            )?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Keeps an image with the documents measured for it, and what it was made of.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn keep_image(&mut self, image: &Image, texts: &Texts, made_of: &str) -> Result<()> {
        let tx = self.db.transaction()?;
        tx.execute("DELETE FROM image", [])?;
        pieces::keep(&tx, IMAGE, image)?;
        pieces::keep(&tx, ENTERED, &texts.entered)?;
        pieces::keep(&tx, ALL, &texts.all)?;
        tx.execute(
            "INSERT OR REPLACE INTO meta VALUES ('image', ?1)",
            [made_of],
        )?;
        tx.execute(
            "INSERT OR REPLACE INTO meta VALUES ('files', ?1)",
            [image.files.len().to_string()],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// What the kept image was made of; `None` when there is none.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn image_made_of(&self) -> Result<Option<String>> {
        self.meta("image")
    }

    /// The kept image, without documents.
    ///
    /// # Errors
    /// [`Error::NotYet`] without one; also when SQLite fails or the image was kept by another version.
    pub fn image(&self) -> Result<Image> {
        pieces::read(&self.db, IMAGE)
    }

    /// The kept image with the documents that a mount shows.
    ///
    /// # Errors
    /// As [`Catalog::image`].
    pub fn image_with(&self, sidecars: Sidecars) -> Result<Image> {
        let mut image = self.image()?;
        image.documents.extent = sidecars.extent();
        image.documents.texts = match sidecars.extent() {
            Some(Extent::Entered) => pieces::read(&self.db, ENTERED)?,
            Some(Extent::All) => pieces::read(&self.db, ALL)?,
            None => Vec::new(),
        };
        if sidecars.json() {
            rows::add_json(&self.db, &mut image)?;
        }
        Ok(image)
    }

    /// Has everything that this catalog is asked from now on answered as of this moment, whoever writes into it. As
    /// long as it lives SQLite keeps what others write in its log.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn hold(&self) -> Result<()> {
        self.db.execute_batch("BEGIN; SELECT count(*) FROM meta;")?;
        Ok(())
    }
}

/// Opens, or makes, the file for its one writer.
fn owned(path: &Path) -> Result<Connection> {
    let db = Connection::open(path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may lose the last transactions, which are then indexed again; it never leaves half of one.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(db)
}

/// The file itself goes last: a log without it would be taken for that of the next one.
fn remove(path: &Path) -> std::io::Result<()> {
    for ending in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match std::fs::remove_file(name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn check(path: &Path) -> Result<Health> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    let version = version(&db)?;
    if version > SCHEMA {
        return Ok(Health::Newer(version));
    }
    let mut query = db.prepare("PRAGMA quick_check(20)")?;
    let found: Vec<String> = query
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(match found.as_slice() {
        [ok] if ok == "ok" && version < SCHEMA => Health::Older,
        [ok] if ok == "ok" => Health::Sound,
        _ => Health::Damaged(found),
    })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt)
    )
}

fn form(part: &Part) -> i64 {
    match (part.folder, part.gzipped) {
        (true, _) => UNPACKED,
        (_, true) => GZIPPED,
        _ => 0,
    }
}

fn version(db: &Connection) -> Result<i64> {
    Ok(db.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}
