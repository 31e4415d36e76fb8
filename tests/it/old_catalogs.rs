//! Catalogs that earlier versions wrote: every one there ever was is opened, and knows what it knew, also of archives
//! that are gone.
//!
//! `tests/data/catalog-N.sql` is the whole of a catalog as the version with schema N left it, for the library that
//! [`library`] makes, with `/library` in place of where that lay. None of these files changes any more. When the schema
//! gets a new number, the first test makes the next file.

use crate::export::{How, Photo, noise, part, unpacked};
use crate::kit::{Home, run, takeout, walk, within};
use crate::names::tree;
use crate::sources::gphotosfs;
use gphotosfs::catalog::{Catalog, FILE, SCHEMA};
use gphotosfs::model::Decided;
use gphotosfs::sync::{Outcome, Pass, Progress, sync};
use gphotosfs::tree::fold::Rules;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const LIMIT: Duration = Duration::from_secs(120);
/// Where the libraries of the files lay.
const PLACE: &str = "/library";

/// A picture that carries a date, for which its name and its sidecar have none: a TIFF with one entry.
fn dated() -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x01\0\x32\x01\x02\0\x14\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(b"2019:05:04 03:02:01\0");
    bytes
}

/// Makes two zips and a folder, the same bytes with the same times wherever it is made. Gives the sources.
fn library(dir: &Path) -> [PathBuf; 2] {
    let photos = |first: u64| -> Vec<Photo> {
        let photo = |at: u64| {
            let how = [How::Stored, How::Deflated][at as usize % 2];
            Photo::new(&format!("IMG_{at}.jpg"), noise(at, 900), how)
        };
        (first..first + 4).map(photo).collect()
    };
    part(&dir.join("parts"), 1, &photos(0));
    part(&dir.join("parts"), 2, &photos(10));
    unpacked(&dir.join("folder"), &photos(2));
    let photos = dir.join("folder/Takeout/Google Photos");
    let album = photos.join("Lisbon");
    fs::create_dir(&album).unwrap();
    let card =
        r#"{"title": "Lisbon \u2764", "description": "", "date": {"timestamp": "1689328272"}}"#;
    fs::write(album.join("metadata.json"), card).unwrap();
    fs::write(album.join("IMG_20.jpg"), noise(20, 900)).unwrap();
    let facts = r#"{"title": "IMG_20.jpg", "description": "By the river", "photoTakenTime": {"timestamp": "1689300000"},
        "creationTime": {"timestamp": "1689400000"}, "people": [{"name": "Ada Lovelace"}], "favorited": true,
        "geoData": {"latitude": 38.7, "longitude": -9.1, "altitude": 3.0}}"#;
    fs::write(album.join("IMG_20.jpg.supplemental-metadata.json"), facts).unwrap();
    fs::write(photos.join("Photos from 2023/scan.tif"), dated()).unwrap();
    fs::write(photos.join("Photos from 2023/plain.jpg"), noise(21, 900)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_789_272_720);
    for (path, _) in walk(dir).iter().filter(|(_, meta)| meta.is_file()) {
        let file = File::options().write(true).open(dir.join(path)).unwrap();
        file.set_modified(time).unwrap();
    }
    [dir.join("parts"), dir.join("folder")]
}

fn pass(state: &Path, sources: &[PathBuf]) -> (Outcome, BTreeSet<String>) {
    let mut catalog = Catalog::open(state).unwrap();
    let pass = Pass {
        sources,
        decided: &Decided::default(),
        rules: &Rules::default(),
        in_force: None,
        progress: &Progress::default(),
    };
    let outcome = sync(&mut catalog, &pass).unwrap();
    let tree = tree(&catalog.image().unwrap());
    (outcome, tree)
}

fn file(schema: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/catalog-{schema}.sql"))
}

/// Puts another place into the paths of parts.
fn place(db: &Connection, from: &str, to: &str) {
    let part = "UPDATE part SET path = CAST(replace(CAST(path AS TEXT), ?1, ?2) AS BLOB)";
    let meta = "UPDATE meta SET value = replace(value, ?1, ?2)";
    for statement in [part, meta] {
        db.execute(statement, [from, to]).unwrap();
    }
}

/// The text that makes a catalog.
fn dump(state: &Path, home: &Path) -> String {
    let db = Connection::open(state.join(FILE)).unwrap();
    db.execute_batch("BEGIN").unwrap();
    place(&db, home.to_str().unwrap(), PLACE);
    let texts = |query: &str| -> Vec<String> {
        let mut query = db.prepare(query).unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    let made = "FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid";
    let mut text = String::new();
    for sql in texts(&format!("SELECT sql {made}")) {
        writeln!(text, "{sql};").unwrap();
    }
    let tables = "FROM sqlite_master WHERE type = 'table' ORDER BY rowid";
    for table in texts(&format!("SELECT name {tables}")) {
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let values: Vec<String> = columns
            .iter()
            .map(|name| format!("quote({name})"))
            .collect();
        let row = format!("SELECT {} FROM {table}", values.join(" || ', ' || "));
        for row in texts(&row) {
            writeln!(text, "INSERT INTO {table} VALUES ({row});").unwrap();
        }
    }
    let version = texts("SELECT CAST(user_version AS TEXT) FROM pragma_user_version");
    writeln!(text, "PRAGMA user_version = {};", version[0]).unwrap();
    text
}

/// A state directory with the catalog of a file.
fn old(home: &Home, schema: i64) -> PathBuf {
    let state = home.path(format!("old-{schema}"));
    fs::create_dir(&state).unwrap();
    let db = Connection::open(state.join(FILE)).unwrap();
    let text = fs::read_to_string(file(schema)).unwrap();
    db.execute_batch(&text).unwrap();
    place(&db, PLACE, home.path("x").to_str().unwrap());
    state
}

#[test]
fn every_version_has_left_a_catalog() {
    let home = Home::new();
    let sources = library(&home.path("x"));
    pass(&home.path("state"), &sources);
    if !file(SCHEMA).exists() {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file(SCHEMA).file_name().unwrap());
        fs::write(&made, dump(&home.path("state"), &home.path("x"))).unwrap();
        panic!(
            "the schema has a new number; copy {} to {}, and never change it again",
            made.display(),
            file(SCHEMA).display()
        );
    }
    for schema in 1..=SCHEMA {
        let text = fs::read_to_string(file(schema)).unwrap();
        assert!(text.ends_with(&format!("PRAGMA user_version = {schema};\n")));
    }
}

#[test]
fn catalogs_of_all_versions_know_what_they_knew() {
    within(LIMIT, || {
        let home = Home::new();
        let sources = library(&home.path("x"));
        let (outcome, all) = pass(&home.path("fresh"), &sources);
        assert_eq!(outcome.problems, Vec::<String>::new());
        assert!(
            all.iter()
                .any(|line| line.contains("albums/Lisbon ❤/IMG_20.jpg"))
        );
        assert!(
            all.iter()
                .any(|line| line.contains("by-date/2019/2019-05/scan.tif"))
        );
        for schema in 1..=SCHEMA {
            let (outcome, tree) = pass(&old(&home, schema), &sources);
            assert_eq!(tree, all, "schema {schema}");
            assert_eq!(
                outcome.new_parts,
                Vec::<PathBuf>::new(),
                "read again: {schema}"
            );
            assert_eq!(outcome.problems, Vec::<String>::new());
        }
    });
}

/// What only the catalog knows: the second part and the folder are gone.
#[test]
fn what_no_source_holds_any_more_is_still_known() {
    within(LIMIT, || {
        let home = Home::new();
        let sources = library(&home.path("x"));
        let (_, all) = pass(&home.path("fresh"), &sources);
        fs::rename(home.path("x/folder"), home.path("x/gone")).unwrap();
        for part in fs::read_dir(&sources[0]).unwrap() {
            let part = part.unwrap().path();
            if part.to_str().unwrap().ends_with("-002.zip") {
                fs::remove_file(part).unwrap();
            }
        }
        for schema in 1..=SCHEMA {
            let (outcome, tree) = pass(&old(&home, schema), &sources);
            // The first version did not remember the date in a file, and nobody can read it any more.
            let rest =
                |line: &&String| !line.contains("scan.tif") && !line.contains("by-date/2019");
            if schema == 1 {
                assert!(tree.iter().filter(rest).eq(all.iter().filter(rest)));
                let undated = "by-date/2023/2023-01/scan.tif";
                assert!(tree.iter().any(|line| line.contains(undated)));
            } else {
                assert_eq!(tree, all, "schema {schema}");
            }
            assert_eq!(outcome.new_parts, Vec::<PathBuf>::new());
            assert!(
                !outcome.problems.is_empty(),
                "nothing is told of what is gone"
            );
        }
    });
}

/// Through the program: who only looks is told, and `sync` does it, with the old one beside.
#[test]
fn an_older_catalog_is_brought_up_to_date_by_sync() {
    within(LIMIT, || {
        let home = Home::new();
        let sources = library(&home.path("x"));
        let mut args = vec!["sync".into()];
        args.extend(takeout(&sources));
        gphotosfs(&home, &args).ok();
        let state = crate::trouble::library(&home);
        fs::remove_file(state.join(FILE)).unwrap();
        fs::rename(old(&home, 2).join(FILE), state.join(FILE)).unwrap();

        let status = run(home.gphotosfs(["status"]).args(takeout(&sources))).ends(2);
        assert!(
            status.err.contains("earlier gphotosfs (schema 2)"),
            "{}",
            status.err
        );
        assert!(status.err.contains("`gphotosfs sync`"), "{}", status.err);
        let ran = gphotosfs(&home, &args).ok();
        assert!(ran.text().contains("nothing new"), "{}", ran.text());
        run(home.gphotosfs(["status"]).args(takeout(&sources))).ok();
        let copy = Connection::open(state.join(format!("{FILE}.schema-2"))).unwrap();
        let version = "SELECT user_version FROM pragma_user_version";
        let version: i64 = copy.query_row(version, [], |row| row.get(0)).unwrap();
        assert_eq!(version, 2);
    });
}

#[test]
fn a_newer_catalog_is_refused_and_left_alone() {
    within(LIMIT, || {
        let home = Home::new();
        let sources = takeout(library(&home.path("x")));
        let args = |command: &str| [vec![command.into()], sources.clone()].concat();
        gphotosfs(&home, args("sync")).ok();
        let path = crate::trouble::library(&home).join(FILE);
        let db = Connection::open(&path).unwrap();
        let newer = SCHEMA + 1;
        db.pragma_update(None, "user_version", newer).unwrap();
        drop(db);
        let before = fs::read(&path).unwrap();
        let refused = format!("written by a newer gphotosfs (schema {newer}); use that version");
        let relayout = [args("relayout"), vec!["--zone".into(), "Asia/Tokyo".into()]].concat();
        for ran in [
            gphotosfs(&home, args("sync")),
            gphotosfs(&home, args("status")),
            gphotosfs(&home, relayout),
            home.mount_run(sources.clone()),
        ] {
            let ran = ran.ends(2);
            assert!(ran.err.contains(&refused), "{ran:?}");
        }
        assert!(fs::read(&path).unwrap() == before);
    });
}
