//! Catalogs of other versions, and damaged ones. Those that earlier programs wrote are opened in `tests/it`.

use super::*;
use std::collections::BTreeMap;

fn set_version(dir: &Path, version: i64) {
    let db = Connection::open(dir.join(FILE)).unwrap();
    db.pragma_update(None, "user_version", version).unwrap();
}

/// Columns of all tables, and the indices.
fn shape(db: &Connection) -> BTreeMap<String, Vec<String>> {
    let names = "SELECT type || ' ' || name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'";
    let columns = "SELECT name || ' ' || type || ' ' || \"notnull\" || ' ' || pk FROM pragma_table_xinfo(?1) ORDER BY cid";
    let mut query = db.prepare(names).unwrap();
    let names = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    names
        .map(|name| {
            let name = name.unwrap();
            let mut query = db.prepare(columns).unwrap();
            let bare = name.split_once(' ').unwrap().1;
            let rows = query.query_map([bare], |row| row.get(0)).unwrap();
            let columns = rows.collect::<rusqlite::Result<_>>().unwrap();
            (name, columns)
        })
        .collect()
}

/// A catalog as the first version had it, with one value in it.
fn first(dir: &Path) {
    let db = Connection::open(dir.join(FILE)).unwrap();
    db.execute_batch(
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE part (id INTEGER PRIMARY KEY, path BLOB NOT NULL, folder INTEGER NOT NULL, stamp TEXT,
             series INTEGER, number INTEGER, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
             complete INTEGER NOT NULL, problems TEXT NOT NULL);
         CREATE TABLE dir (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
         CREATE TABLE entry (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, dir INTEGER NOT NULL, name TEXT NOT NULL,
             raw BLOB, kind INTEGER NOT NULL, deflated INTEGER NOT NULL, header INTEGER NOT NULL,
             packed INTEGER NOT NULL, size INTEGER NOT NULL, crc32 INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
             head INTEGER);
         CREATE INDEX entry_part ON entry (part);
         CREATE TABLE sidecar (entry INTEGER PRIMARY KEY, title TEXT, description TEXT, taken INTEGER,
             uploaded INTEGER, people TEXT, flags INTEGER NOT NULL, latitude REAL, longitude REAL, altitude REAL,
             exif_latitude REAL, exif_longitude REAL, exif_altitude REAL, url TEXT);
         CREATE TABLE album (entry INTEGER PRIMARY KEY, title TEXT, description TEXT, date INTEGER);
         CREATE TABLE image (piece INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
         INSERT INTO meta VALUES ('key', 'value');
         PRAGMA user_version = 1",
    )
    .unwrap();
}

#[test]
fn the_steps_from_the_first_version_make_the_newest() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    first(old.path());
    let migrated = Catalog::open(old.path()).unwrap();
    let fresh = Catalog::open(new.path()).unwrap();
    assert_eq!(shape(&migrated.db), shape(&fresh.db));
    assert_eq!(migrated.meta("key").unwrap().as_deref(), Some("value"));
    assert_eq!(schema::version(&migrated.db).unwrap(), SCHEMA);
}

#[test]
fn an_older_catalog_is_copied_aside_with_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    first(dir);
    assert_eq!(Catalog::health(dir).unwrap(), Health::Older(1));
    // Who only looks changes nothing.
    assert!(matches!(Catalog::peek(dir), Err(Error::Older(_, 1))));
    assert_eq!(Catalog::health(dir).unwrap(), Health::Older(1));
    // The last that was written is still in the log, as after a crash: somebody reads, so nobody cleans up.
    let writer = Connection::open(dir.join(FILE)).unwrap();
    writer.pragma_update(None, "journal_mode", "WAL").unwrap();
    let reader = file::read(&dir.join(FILE)).unwrap();
    let count = "BEGIN; SELECT count(*) FROM meta";
    reader.execute_batch(count).unwrap();
    writer
        .execute("INSERT INTO meta VALUES ('late', 'x')", [])
        .unwrap();
    // An interrupted copy, and the copy of an earlier change.
    for left in [".schema.new", ".schema.new-wal", ".schema-0"] {
        std::fs::write(dir.join(format!("{FILE}{left}")), "old").unwrap();
    }
    let catalog = Catalog::open(dir).unwrap();
    assert_eq!(catalog.meta("late").unwrap().as_deref(), Some("x"));
    drop((catalog, reader, writer));

    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [FILE.to_owned(), format!("{FILE}.schema-1")]);
    let copy = file::read(&dir.join(&names[1])).unwrap();
    assert_eq!(schema::version(&copy).unwrap(), 1);
    let late = "SELECT value FROM meta WHERE key = 'late'";
    let late: String = copy.query_row(late, [], |row| row.get(0)).unwrap();
    assert_eq!(late, "x");
    assert_eq!(Catalog::health(dir).unwrap(), Health::Sound);
}

#[test]
fn a_catalog_that_cannot_be_copied_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    first(dir);
    std::fs::create_dir(dir.join(format!("{FILE}.schema-1"))).unwrap();
    assert!(matches!(Catalog::open(dir), Err(Error::Copy(_, _))));
    assert_eq!(Catalog::health(dir).unwrap(), Health::Older(1));
}

#[test]
fn a_newer_catalog_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(Catalog::health(dir).unwrap(), Health::Absent);
    let mut catalog = Catalog::open(dir).unwrap();
    catalog.set_meta("key", "value").unwrap();
    drop(catalog);
    let kept = Catalog::open(dir).unwrap().meta("key").unwrap();
    assert_eq!(kept.as_deref(), Some("value"));
    assert_eq!(Catalog::health(dir).unwrap(), Health::Sound);

    set_version(dir, SCHEMA + 1);
    // Also what its last owner left in the log stays there.
    let writer = Connection::open(dir.join(FILE)).unwrap();
    let reader = file::read(&dir.join(FILE)).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM meta")
        .unwrap();
    writer
        .execute("INSERT INTO meta VALUES ('late', 'x')", [])
        .unwrap();
    let log = dir.join(format!("{FILE}-wal"));
    let before = [dir.join(FILE), log].map(|path| (std::fs::read(&path).unwrap(), path));
    assert!(matches!(Catalog::open(dir), Err(Error::Newer(_, _))));
    assert!(matches!(Catalog::peek(dir), Err(Error::Newer(_, _))));
    assert_eq!(Catalog::health(dir).unwrap(), Health::Newer(SCHEMA + 1));
    for (bytes, path) in before {
        assert!(std::fs::read(&path).unwrap() == bytes, "{path:?}");
    }
}

/// Fills the second half of a file with something else.
fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    std::fs::write(path, &bytes).unwrap();
}

/// Names in a folder that begin so, sorted.
fn names(dir: &Path, begin: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(begin)).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_is_no_catalog_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let path = dir.join(FILE);
    let damaged = format!("{FILE}.damaged-");
    for round in 1..4 {
        std::fs::write(&path, format!("no catalog at all, {round}")).unwrap();
        for log in ["-wal", "-shm"] {
            std::fs::write(file::beside(&path, log), "nor a log").unwrap();
        }
        assert!(matches!(Catalog::health(dir).unwrap(), Health::Damaged(_)));
        assert!(matches!(Catalog::peek(dir), Err(Error::Damaged(_))));
        let catalog = Catalog::open(dir).unwrap();
        let damage = catalog.damage().unwrap().clone();
        assert!(catalog.parts().unwrap().is_empty());
        let kept = std::fs::read_to_string(&damage.aside).unwrap();
        assert_eq!(kept, format!("no catalog at all, {round}"));
        // The file and its log, also of several that were set aside within a second.
        assert_eq!(
            names(dir, &damaged)
                .iter()
                .filter(|name| name.ends_with("-wal"))
                .count(),
            round
        );
        drop(catalog);
        assert_eq!(Catalog::health(dir).unwrap(), Health::Sound);
        assert_eq!(Catalog::open(dir).unwrap().damage(), None);
    }
}

/// Damage in a page that nobody reads at the start.
#[test]
fn the_file_is_looked_through_after_a_bad_end_and_once_a_month() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let path = dir.join(FILE);
    let make = || {
        file::remove(&path).unwrap();
        let catalog = Catalog::open(dir).unwrap();
        let long = "INSERT INTO image VALUES (0, zeroblob(100000))";
        catalog.db.execute(long, []).unwrap();
    };
    make();
    spoil(&path);
    assert!(matches!(Catalog::health(dir).unwrap(), Health::Damaged(_)));
    assert_eq!(Catalog::open(dir).unwrap().damage(), None);
    // It was looked through when it was made, and nobody has written since but who has come to his end.
    make();
    let mut left = Catalog::open(dir).unwrap();
    left.owned = false;
    drop(left);
    spoil(&path);
    // Whoever reads beside is nobody's end.
    assert!(Catalog::peek(dir).is_ok());
    assert!(Catalog::open(dir).unwrap().damage().is_some());

    for late in [-40 * 24 * 3600, 40 * 24 * 3600] {
        make();
        let checked = "UPDATE meta SET value = value + ?1 WHERE key = 'checked'";
        let db = Connection::open(&path).unwrap();
        assert_eq!(db.execute(checked, [late]).unwrap(), 1);
        drop(db);
        // One that is sound is looked through once and not again.
        assert_eq!(Catalog::open(dir).unwrap().damage(), None);
        spoil(&path);
        assert_eq!(Catalog::open(dir).unwrap().damage(), None);
        make();
        let db = Connection::open(&path).unwrap();
        db.execute(checked, [late]).unwrap();
        drop(db);
        spoil(&path);
        assert!(Catalog::open(dir).unwrap().damage().is_some());
    }
}
