//! The catalog: one SQLite file that remembers what the sources held, and the tree that was made of it.
//!
//! There is one writer, the process that owns the state directory; others read beside it (write-ahead log). Facts of
//! a part are written in one transaction, those of an unpacked folder in several, so that an interrupted run loses
//! little and never leaves half a part that counts as whole. SQL does not leave this room.
//!
//! | file | what it is |
//! | --- | --- |
//! | `catalog.rs` | what others open, and single values |
//! | `file` | the file itself: opened, looked through for damage, set aside |
//! | `schema` | its versions, and the way from each to the next |
//! | `parts`, `facts` | what the sources held |
//! | `kept`, `pieces` | the tree that was made of it |
//! | `rows` | from rows to facts and back |

mod facts;
mod file;
mod kept;
mod parts;
mod pieces;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use crate::model::Part;
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use std::path::{Path, PathBuf};

pub use facts::Pixels;
pub use file::Damage;
pub use schema::SCHEMA;

/// The file's name in the state directory.
pub const FILE: &str = "catalog.sqlite";

/// What went wrong with the catalog.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite's own words.
    #[error("the catalog failed")]
    Sql(#[source] rusqlite::Error),
    /// The file is damaged, by what SQLite found.
    #[error(
        "the catalog is damaged ({0}); `gphotosfs sync`, or a mount made anew, sets it aside and makes another"
    )]
    Damaged(String),
    /// A damaged catalog cannot be set aside.
    #[error("the catalog {0} is damaged and cannot be set aside")]
    Aside(PathBuf, #[source] std::io::Error),
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
    /// Written by an earlier version, and opened by somebody who may not change it.
    #[error(
        "the catalog {0} was written by an earlier gphotosfs (schema {1}); `gphotosfs sync`, or a mount made anew, brings \
         it up to date"
    )]
    Older(PathBuf, i64),
    /// It cannot be copied aside, so it is not changed either.
    #[error("cannot copy the catalog {0} aside before it is brought up to date")]
    Copy(PathBuf, #[source] std::io::Error),
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
            Some(ErrorCode::DiskFull) => Error::Full,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Error::Damaged(error.to_string())
            }
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
    /// Whole, and of an earlier version, by its schema's number: the next pass brings it up to date.
    Older(i64),
    /// Of a later version, by its schema's number.
    Newer(i64),
    /// What SQLite found.
    Damaged(String),
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
    /// A digest of what tells its content apart, for parts that are moved or renamed; `None` where nobody has made one.
    pub digest: Option<[u8; 32]>,
    /// Whose it is; `None` for the first account. Known by the source that holds it, at each pass.
    pub account: Option<String>,
}

/// An open catalog.
#[derive(Debug)]
pub struct Catalog {
    db: Connection,
    dir: PathBuf,
    owned: bool,
    damage: Option<Damage>,
}

impl Catalog {
    /// Opens the catalog of a state directory for its owner, and makes it where it is not there yet. One of an earlier
    /// version is copied aside and brought up to date, a damaged one is set aside, see [`Catalog::damage`].
    ///
    /// # Errors
    /// [`Error::Newer`] for a later schema; also when SQLite fails.
    pub fn open(state_dir: &Path) -> Result<Catalog> {
        std::fs::create_dir_all(state_dir).map_err(|error| Error::Dir(state_dir.into(), error))?;
        let path = state_dir.join(FILE);
        let (mut db, damage) = file::own(&path)?;
        schema::bring_up(&mut db, &path)?;
        file::begin(&db)?;
        Ok(Catalog {
            db,
            dir: state_dir.into(),
            owned: true,
            damage,
        })
    }

    /// What was wrong with the catalog that this one has replaced, if it did.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Sets the file aside, in which damage was found at use, and makes another. Only for the owner.
    ///
    /// # Errors
    /// [`Error::Aside`], or as [`Catalog::open`].
    pub fn make_anew(&mut self, what: &str) -> Result<()> {
        // Closes the file before it gets its other name.
        self.owned = false;
        self.db = Connection::open_in_memory()?;
        let damage = file::set_aside(&self.dir.join(FILE), what)?;
        *self = Catalog::open(&self.dir)?;
        self.damage = Some(damage);
        Ok(())
    }

    /// The state directory, where what belongs to the catalog lies beside it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The files that hold it: the catalog itself, and its log where something is in that.
    pub fn files(&self) -> Vec<PathBuf> {
        let path = self.dir.join(FILE);
        let log = file::log(&path);
        [Some(path), log].into_iter().flatten().collect()
    }

    /// Opens it for reading; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Older`] and [`Error::Newer`] for other schemas; also when SQLite fails.
    pub fn peek(state_dir: &Path) -> Result<Option<Catalog>> {
        let path = state_dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let db = file::read(&path)?;
        match schema::version(&db)? {
            SCHEMA => Ok(Some(Catalog {
                db,
                dir: state_dir.into(),
                owned: false,
                damage: None,
            })),
            // An owner has made the file and not yet the schema.
            0 => Ok(None),
            older if older < SCHEMA => Err(Error::Older(path, older)),
            newer => Err(Error::Newer(path, newer)),
        }
    }

    /// Looks through the whole file for damage.
    ///
    /// # Errors
    /// When it cannot be read at all, which is no damage: no permission, or a busy disk.
    pub fn health(state_dir: &Path) -> Result<Health> {
        file::health(&state_dir.join(FILE))
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

    /// Has everything that this catalog is asked from now on answered as of this moment, whoever writes into it. As
    /// long as it lives SQLite keeps what others write in its log.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn hold(&self) -> Result<()> {
        self.db.execute_batch("BEGIN; SELECT count(*) FROM meta;")?;
        Ok(())
    }

    /// Has it answer as of now again, after [`hold`](Catalog::hold).
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn release(&self) -> Result<()> {
        if !self.db.is_autocommit() {
            self.db.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    /// Brings what lies in the log into the file and empties the log, as far as nobody reads it. For the owner, between
    /// one pass and the next.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn tidy(&self) -> Result<()> {
        // Who reads meanwhile keeps the log from being emptied now; the next pass tries again.
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        // The next owner then looks through the file.
        if let Err(error) = file::end(&self.db) {
            tracing::warn!("the catalog is not left as it should be: {error}");
        }
    }
}
