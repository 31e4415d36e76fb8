//! From rows to facts and back.

use super::{Error, Result};
use crate::model::listing::{Entry, Facts, Kind, Listed, NewEntry};
use crate::model::{Geo, Location, Sidecar};
use crate::tree::image::{Image, JsonRecord};
use rusqlite::{Connection, Row, Transaction, params};
use std::collections::HashMap;
use std::sync::Arc;

/// The tables whose rows are facts of one entry, and go with it.
const OF_ENTRIES: [&str; 4] = ["sidecar", "album", "written", "pixels"];

/// SQLite's integers are signed; sizes are stored bit by bit, so that a lying archive cannot break a row.
pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(at)? as u64)
}

pub(super) fn entry(row: &Row<'_>, dir: Arc<str>) -> Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        part: row.get(1)?,
        dir,
        file: Listed {
            name: row.get(3)?,
            raw: row.get(4)?,
            kind: Kind::of(row.get(5)?).ok_or_else(|| Error::Value("an entry's kind".into()))?,
            deflated: row.get(6)?,
            header: unsigned(row, 7)?,
            packed: unsigned(row, 8)?,
            size: unsigned(row, 9)?,
            crc32: row.get(10)?,
            mtime_ns: row.get(11)?,
        },
        head: row.get::<_, Option<i64>>(12)?.unwrap_or(0) as u64,
    })
}

pub(super) fn insert(tx: &Transaction<'_>, part: u32, entries: &[NewEntry]) -> Result<()> {
    let mut dirs: HashMap<&str, i64> = HashMap::new();
    let mut add_dir = tx.prepare_cached("INSERT OR IGNORE INTO dir (path) VALUES (?1)")?;
    let mut find_dir = tx.prepare_cached("SELECT id FROM dir WHERE path = ?1")?;
    let mut add = tx.prepare_cached(
        "INSERT INTO entry (part, dir, name, raw, kind, deflated, header, packed, size, crc32, mtime_ns)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for entry in entries {
        let dir = match dirs.get(entry.dir.as_str()) {
            Some(dir) => *dir,
            None => {
                add_dir.execute([&entry.dir])?;
                let dir = find_dir.query_row([&entry.dir], |row| row.get(0))?;
                dirs.insert(&entry.dir, dir);
                dir
            }
        };
        let file = &entry.file;
        add.execute(params![
            part,
            dir,
            file.name,
            file.raw,
            file.kind as i64,
            file.deflated,
            file.header as i64,
            file.packed as i64,
            file.size as i64,
            file.crc32,
            file.mtime_ns,
        ])?;
        let id = tx.last_insert_rowid();
        match &entry.facts {
            Some(Facts::Sidecar(facts)) => insert_sidecar(tx, id, facts)?,
            Some(Facts::Album(card)) => {
                let mut add = tx.prepare_cached("INSERT INTO album VALUES (?1, ?2, ?3, ?4)")?;
                add.execute(params![id, card.title, card.description, card.date])?;
            }
            None => {}
        }
    }
    Ok(())
}

pub(super) fn insert_sidecar(tx: &Transaction<'_>, entry: i64, facts: &Sidecar) -> Result<()> {
    let mut add = tx.prepare_cached(
        "INSERT INTO sidecar VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    let people = (!facts.people.is_empty())
        .then(|| serde_json::Value::from(facts.people.as_slice()).to_string());
    let flags = [
        facts.favorite,
        facts.archived,
        facts.trashed,
        facts.locked,
        facts.partner,
    ];
    let flags = flags
        .iter()
        .enumerate()
        .fold(0, |sum, (bit, set)| sum | i64::from(*set) << bit);
    let geo = |geo: &Option<Geo>| {
        geo.map_or((None, None, None), |g| {
            (Some(g.latitude), Some(g.longitude), Some(g.altitude))
        })
    };
    let (place, exif) = (geo(&facts.geo), geo(&facts.geo_exif));
    add.execute(params![
        entry,
        facts.title,
        facts.description,
        facts.taken,
        facts.uploaded,
        people,
        flags,
        place.0,
        place.1,
        place.2,
        exif.0,
        exif.1,
        exif.2,
        facts.url,
    ])?;
    Ok(())
}

pub(super) const SELECT_SIDECAR: &str = "SELECT s.entry, s.title, s.description, s.taken, s.uploaded, s.people, s.flags,
    s.latitude, s.longitude, s.altitude, s.exif_latitude, s.exif_longitude, s.exif_altitude, s.url FROM sidecar s";

pub(super) fn sidecar(row: &Row<'_>) -> rusqlite::Result<(u32, Sidecar)> {
    let flags: i64 = row.get(6)?;
    let flag = |bit: u32| flags & (1 << bit) != 0;
    let people: Option<String> = row.get(5)?;
    let people = people
        .map(|people| serde_json::from_str(&people))
        .transpose()
        .map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                5,
                rusqlite::types::Type::Text,
                Box::new(error),
            )
        })?;
    let geo = |at: usize| -> rusqlite::Result<Option<Geo>> {
        let (latitude, longitude, altitude): (Option<f64>, Option<f64>, Option<f64>) =
            (row.get(at)?, row.get(at + 1)?, row.get(at + 2)?);
        Ok(latitude.zip(longitude).map(|(latitude, longitude)| Geo {
            latitude,
            longitude,
            altitude: altitude.unwrap_or(0.0),
        }))
    };
    let facts = Sidecar {
        title: row.get(1)?,
        description: row.get(2)?,
        taken: row.get(3)?,
        uploaded: row.get(4)?,
        people: people.unwrap_or_default(),
        favorite: flag(0),
        archived: flag(1),
        trashed: flag(2),
        locked: flag(3),
        partner: flag(4),
        geo: geo(7)?,
        geo_exif: geo(10)?,
        url: row.get(13)?,
    };
    Ok((row.get(0)?, facts))
}

/// Finds the sidecars of an image's files in the archives. Each is shown once, beside the first of its files that does
/// not follow another.
pub(super) fn add_json(db: &Connection, image: &mut Image) -> Result<()> {
    let mut file_of: HashMap<u32, u32> = HashMap::new();
    for (number, file) in (0..).zip(&image.files) {
        if let Some(sidecar) = file.sidecar.filter(|_| !file.follows) {
            file_of.entry(sidecar).or_insert(number);
        }
    }
    let mut query = db.prepare_cached(
        "SELECT e.id, e.part, d.path, e.name, e.raw, e.kind, e.deflated, e.header, e.packed, e.size, e.crc32,
         e.mtime_ns, e.head, p.folder FROM entry e JOIN dir d ON d.id = e.dir JOIN part p ON p.id = e.part
         WHERE e.kind = ?1",
    )?;
    let mut rows = query.query([Kind::Sidecar as i64])?;
    while let Some(row) = rows.next()? {
        let Some(file) = file_of.get(&row.get::<_, u32>(0)?) else {
            continue;
        };
        let dir: String = row.get(2)?;
        let entry = entry(row, dir.into())?;
        let location = if row.get(13)? {
            image.paths.push(entry.path_below_root());
            Location::File {
                part: entry.part,
                path: image.paths.len() as u32 - 1,
                mtime_ns: entry.file.mtime_ns,
            }
        } else {
            Location::Zip {
                part: entry.part,
                deflated: entry.file.deflated,
                header: entry.file.header,
                packed: entry.file.packed,
            }
        };
        image.documents.json.push(JsonRecord {
            file: *file,
            size: entry.file.size,
            crc32: entry.file.crc32,
            location,
        });
    }
    image.documents.json.sort_unstable_by_key(|json| json.file);
    Ok(())
}

const FORGET: &str = "`gphotosfs forget PATH…` takes them out of view";

/// How many of a part's entries decide about the tree, and how many of those are media.
fn left(tx: &Transaction<'_>, part: u32) -> Result<(u64, u64)> {
    let mut query = tx.prepare("SELECT kind, count(*) FROM entry WHERE part = ?1 GROUP BY kind")?;
    let mut rows = query.query([part])?;
    let (mut left, mut media) = (0, 0);
    while let Some(row) = rows.next()? {
        let count = unsigned(row, 1)?;
        match Kind::of(row.get(0)?) {
            Some(Kind::Junk | Kind::Other) => {}
            Some(Kind::Media) => {
                left += count;
                media += count;
            }
            _ => left += count,
        }
    }
    Ok((left, media))
}

/// Takes from earlier parts at the path of `new` what `new` holds. Those of which nothing is left that decides about the
/// tree are forgotten; the others are marked.
pub(super) fn supersede(tx: &Transaction<'_>, new: u32, mark: i64) -> Result<()> {
    let mut query = tx.prepare(
        "SELECT o.id, o.path FROM part o JOIN part n ON n.path = o.path WHERE n.id = ?1 AND o.id <> ?1",
    )?;
    let old: Vec<(u32, Vec<u8>)> = query
        .query_map([new], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if old.is_empty() {
        return Ok(());
    }
    tx.execute_batch(
        "CREATE TEMP TABLE held (dir INTEGER, name TEXT, PRIMARY KEY (dir, name)) WITHOUT ROWID",
    )?;
    tx.execute(
        "INSERT OR IGNORE INTO held SELECT dir, name FROM entry WHERE part = ?1",
        [new],
    )?;
    for (part, path) in old {
        tx.execute(
            "DELETE FROM entry WHERE part = ?1 AND EXISTS
             (SELECT 1 FROM held WHERE held.dir = entry.dir AND held.name = entry.name)",
            [part],
        )?;
        let (left, media) = left(tx, part)?;
        if left == 0 {
            delete(tx, part)?;
            continue;
        }
        let path = String::from_utf8_lossy(&path);
        let problem = if media == 0 {
            format!(
                "{path}: no longer holds {left} sidecars and albums that it held; what they say is kept. {FORGET}"
            )
        } else {
            format!(
                "{path}: no longer holds {media} media files that it held; their names are kept, and reading them fails. \
                 {FORGET}"
            )
        };
        let problems = serde_json::Value::from(vec![problem]).to_string();
        tx.execute(
            "UPDATE part SET complete = ?2, problems = ?3 WHERE id = ?1",
            params![part, mark, problems],
        )?;
    }
    for table in OF_ENTRIES {
        tx.execute_batch(&format!(
            "DELETE FROM {table} WHERE entry NOT IN (SELECT id FROM entry)"
        ))?;
    }
    tx.execute_batch("DROP TABLE held")?;
    Ok(())
}

pub(super) fn delete(tx: &Transaction<'_>, part: u32) -> Result<()> {
    for table in OF_ENTRIES {
        let of_part =
            format!("DELETE FROM {table} WHERE entry IN (SELECT id FROM entry WHERE part = ?1)");
        tx.execute(&of_part, [part])?;
    }
    tx.execute("DELETE FROM entry WHERE part = ?1", [part])?;
    tx.execute("DELETE FROM part WHERE id = ?1", [part])?;
    tx.execute("DELETE FROM meta WHERE key = 'image'", [])?;
    Ok(())
}
