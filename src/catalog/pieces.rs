//! The projection as it lies in the catalog: a few things of many bytes, each in pieces.

use super::{Error, Result};
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The image itself.
pub(super) const IMAGE: Thing = Thing(0);
/// The XMP documents with what a person entered.
pub(super) const ENTERED: Thing = Thing(1);
/// The XMP documents with all that is known.
pub(super) const ALL: Thing = Thing(2);

/// SQLite holds at most 1 GB in one value; pieces stay far below.
const PIECE: usize = 16 << 20;

/// One thing. The numbers of its pieces begin at its own times 2^32.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing(i64);

impl Thing {
    fn first(self) -> i64 {
        self.0 << 32
    }
}

pub(super) fn keep(tx: &Transaction<'_>, thing: Thing, value: &impl Serialize) -> Result<()> {
    let bytes = postcard::to_stdvec(value).map_err(|error| Error::Value(error.to_string()))?;
    for (number, piece) in (thing.first()..).zip(bytes.chunks(PIECE)) {
        tx.execute("INSERT INTO image VALUES (?1, ?2)", params![number, piece])?;
    }
    Ok(())
}

pub(super) fn read<T: DeserializeOwned>(db: &Connection, thing: Thing) -> Result<T> {
    let mut query = db.prepare_cached(
        "SELECT bytes FROM image WHERE piece >= ?1 AND piece < ?2 ORDER BY piece",
    )?;
    let mut rows = query.query([thing.first(), Thing(thing.0 + 1).first()])?;
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    // Even of nothing its length is kept.
    if bytes.is_empty() {
        return Err(Error::NotYet);
    }
    postcard::from_bytes(&bytes).map_err(|error| Error::Value(format!("the image: {error}")))
}
