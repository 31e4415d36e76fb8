//! Catalogs of other versions, and damaged ones.

use super::*;

fn set_version(dir: &Path, version: i64) {
    let db = Connection::open(dir.join(FILE)).unwrap();
    db.pragma_update(None, "user_version", version).unwrap();
}

#[test]
fn an_older_catalog_is_made_anew_and_a_newer_one_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(Catalog::health(dir).unwrap(), Health::Absent);
    let mut catalog = Catalog::open(dir).unwrap();
    catalog.set_meta("key", "value").unwrap();
    drop(catalog);
    let kept = Catalog::open(dir).unwrap().meta("key").unwrap();
    assert_eq!(kept.as_deref(), Some("value"));
    assert_eq!(Catalog::health(dir).unwrap(), Health::Sound);

    set_version(dir, SCHEMA - 1);
    assert_eq!(Catalog::health(dir).unwrap(), Health::Older);
    // Who only looks changes nothing.
    assert!(Catalog::peek(dir).unwrap().is_none());
    assert_eq!(Catalog::health(dir).unwrap(), Health::Older);
    // A log that was left behind belongs to the old file.
    for ending in ["-wal", "-shm"] {
        std::fs::write(dir.join(format!("{FILE}{ending}")), "old").unwrap();
    }
    let catalog = Catalog::open(dir).unwrap();
    assert_eq!(catalog.meta("key").unwrap(), None);
    assert!(catalog.parts().unwrap().is_empty());
    drop(catalog);
    assert_eq!(Catalog::health(dir).unwrap(), Health::Sound);

    set_version(dir, SCHEMA + 1);
    let before = std::fs::read(dir.join(FILE)).unwrap();
    assert!(matches!(Catalog::open(dir), Err(Error::Newer(_, _))));
    assert!(matches!(Catalog::peek(dir), Err(Error::Newer(_, _))));
    assert_eq!(Catalog::health(dir).unwrap(), Health::Newer(SCHEMA + 1));
    assert_eq!(std::fs::read(dir.join(FILE)).unwrap(), before);
}

#[test]
fn damage_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    drop(Catalog::open(dir).unwrap());
    let path = dir.join(FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..] {
        *byte = 0xa5;
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(Catalog::health(dir).unwrap(), Health::Damaged(_)));
    std::fs::write(&path, "no catalog at all").unwrap();
    assert!(matches!(Catalog::health(dir).unwrap(), Health::Damaged(_)));
}
