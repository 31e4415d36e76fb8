//! What parts hold, file by file, and what was found out about the files.

use super::rows::{SELECT_SIDECAR, entry, sidecar};
use super::{Catalog, Error, Result};
use crate::model::listing::Entry;
use crate::model::{AlbumCard, Sidecar, Stated};
use rusqlite::{OptionalExtension, params};
use std::collections::HashMap;
use std::sync::Arc;

/// Width and height of a picture.
pub type Pixels = (u32, u32);

impl Catalog {
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

    /// Widths and heights of pictures of a part, by entry, as far as they were looked for; `None` where none was found.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn pixels(&self, part: u32) -> Result<Vec<(u32, Option<Pixels>)>> {
        let mut query = self.db.prepare_cached(
            "SELECT p.entry, p.width, p.height FROM pixels p JOIN entry e ON e.id = p.entry WHERE e.part = ?1",
        )?;
        let rows = query.query_map([part], |row| {
            let width: Option<u32> = row.get(1)?;
            Ok((row.get(0)?, width.zip(row.get(2)?)))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Remembers such sizes, and where there is none.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_pixels(&mut self, pixels: &[(u32, Option<Pixels>)]) -> Result<()> {
        let tx = self.db.transaction()?;
        for (entry, size) in pixels {
            let (width, height) = size.unzip();
            tx.execute(
                "INSERT OR REPLACE INTO pixels VALUES (?1, ?2, ?3)",
                params![entry, width, height],
            )?;
        }
        tx.commit()?;
        Ok(())
    }
}
