//! The catalog of a library as its user meets it: damaged, asked by two at once, deleted, and the only one who knows.

use crate::killed_sync::{Running, begin};
use crate::kit::{Home, Ran, generate_with, stats, within};
use crate::sources::{MIDDLE, config, export, gphotosfs, says, write_config};
use crate::trouble::library;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
const FIRST: &str = "20260913T041200Z";
const SECOND: &str = "20261113T041200Z";

/// A configured library of two parts with many photos, so that its catalog has many pages.
fn home() -> Home {
    let home = Home::new();
    let names: Vec<String> = (0..400)
        .map(|number| format!("IMG_{number:04}.jpg"))
        .collect();
    for (number, some) in (1..).zip(names.chunks(200)) {
        let photos: Vec<(&str, i64)> = some.iter().map(|name| (&**name, MIDDLE)).collect();
        export(&home.path("a"), FIRST, number, &photos);
    }
    let source = home.path("a");
    let text = format!(
        "[[source]]\nkind = 'takeout'\npath = '{}'\n",
        source.display()
    );
    write_config(&home, &text);
    home
}

fn second(home: &Home) {
    export(&home.path("a"), SECOND, 1, &[("new.jpg", MIDDLE)]);
}

/// All that `stat` tells of a mount.
fn tree(home: &Home) -> Vec<String> {
    let mount = home.mount([""; 0]);
    let tree = stats(&mount.point());
    mount.unmount();
    tree
}

fn catalog(home: &Home) -> PathBuf {
    library(home).join("catalog.sqlite")
}

fn set_aside(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(library(home)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_aside = |path: &PathBuf| path.to_str().unwrap().contains("catalog.sqlite.damaged-");
    let mut paths: Vec<PathBuf> = paths.filter(is_aside).collect();
    paths.sort();
    paths
}

fn spoil(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    // Behind the first pages, so that it opens well.
    let from = 4 * 4096;
    assert!(bytes.len() > 3 * from);
    bytes[from..].fill(0xa5);
    fs::write(path, &bytes).unwrap();
}

/// Puts damage into the catalog and runs `sync`. Gives where the damaged one lies now.
fn damage(home: &Home, beside: impl FnOnce()) -> PathBuf {
    spoil(&catalog(home));
    beside();
    says(
        &gphotosfs(home, ["status"]).ends(2),
        &["the catalog is damaged", "`gphotosfs sync`"],
    );
    let ran = gphotosfs(home, ["sync"]).ends(1);
    let [aside] = &set_aside(home)[..] else {
        panic!("{:?}", set_aside(home))
    };
    let name = aside.to_str().unwrap();
    says(&ran, &["the catalog was damaged", name, "made anew"]);
    let status = gphotosfs(home, ["status", "--json"]).ends(1).json();
    assert!(status["problems"].to_string().contains(name), "{status:#}");
    // Told once.
    gphotosfs(home, ["sync"]).ok();
    gphotosfs(home, ["status"]).ok();
    aside.clone()
}

/// Damage that is seen at the start, and damage that is seen at use.
#[test]
fn a_damaged_catalog_is_set_aside_and_made_anew() {
    within(LIMIT, || {
        let home = home();
        let before = tree(&home);
        // As if its last owner had been killed.
        let db = rusqlite::Connection::open(catalog(&home)).unwrap();
        let owned = "INSERT INTO meta VALUES ('owned', '')";
        db.execute(owned, []).unwrap();
        drop(db);
        let aside = damage(&home, || ());
        let bytes = fs::read(&aside).unwrap();
        assert!(bytes.len() > 50_000 && bytes.ends_with(&[0xa5; 4096]));
        assert_eq!(tree(&home), before);
        fs::remove_file(aside).unwrap();

        let aside = damage(&home, || second(&home));
        assert!(fs::metadata(aside).unwrap().len() > 50_000);
        let after = tree(&home);
        assert_eq!(after.len(), before.len() + 1);
        fs::remove_dir_all(home.state()).unwrap();
        assert_eq!(tree(&home), after);
    });
}

/// Nothing that was decided is in the catalog, nor in the folder with it.
#[test]
fn decisions_outlive_the_whole_state_directory() {
    within(LIMIT, || {
        let home = home();
        fs::rename(
            home.path("a").join(format!("takeout-{FIRST}-002.zip")),
            home.path("a").join(format!("takeout-{FIRST}-003.zip")),
        )
        .unwrap();
        gphotosfs(&home, ["sync"]).ends(2);
        let ran = gphotosfs(&home, ["sync", "--accept-incomplete", FIRST]).ends(1);
        says(&ran, &["-002 is missing", "400 photos"]);
        let decisions = config(&home).with_file_name("decisions.toml");
        assert!(fs::read_to_string(&decisions).unwrap().contains(FIRST));
        fs::remove_dir_all(home.state()).unwrap();
        says(&gphotosfs(&home, ["sync"]).ends(1), &["400 photos"]);
        fs::remove_dir_all(home.state()).unwrap();
        fs::remove_file(&decisions).unwrap();
        gphotosfs(&home, ["sync"]).ends(2);
    });
}

/// One writes and is stopped in the middle of it: who wants to write is told, who reads is answered.
#[test]
fn two_processes_on_one_catalog() {
    within(LIMIT, || {
        let home = home();
        gphotosfs(&home, ["sync"]).ok();
        // Long enough to be met in its middle.
        generate_with(&home.path("x"), 71, "tgz", 300);
        for part in fs::read_dir(home.path("x/export")).unwrap() {
            let part = part.unwrap();
            fs::rename(part.path(), home.path("a").join(part.file_name())).unwrap();
        }
        let mut writer = begin(home.gphotosfs(["sync"]));
        writer.stop_at(200_000);
        let busy = format!("in use by process {}", writer.pid());
        let relayout = ["relayout", "--zone", "Europe/Lisbon", "--yes"];
        for ran in [
            gphotosfs(&home, ["sync"]),
            home.mount_run([""; 0]),
            gphotosfs(&home, relayout),
        ] {
            says(&ran.ends(2), &[&busy]);
        }
        let status = gphotosfs(&home, ["status", "--json"]).ok().json();
        assert_eq!(status["shown"], 400);
        gphotosfs(&home, ["relayout", "--zone", "Europe/Lisbon", "--dry-run"]).ok();
        gphotosfs(&home, ["sources"]).ok();
        let doctor = gphotosfs(&home, ["doctor"]);
        says(
            &doctor,
            &[&format!("process {} works on the catalog", writer.pid())],
        );
        writer.go_on();
        assert_eq!(writer.end(), Some(0));
        let status = gphotosfs(&home, ["status", "--json"]).ok().json();
        assert!(status["shown"].as_u64().unwrap() > 600, "{status:#}");
    });
}

#[test]
fn of_many_that_begin_at_once_one_writes() {
    within(LIMIT, || {
        let home = home();
        let all: Vec<Running> = (0..4).map(|_| begin(home.gphotosfs(["sync"]))).collect();
        let codes: Vec<Option<i32>> = all.into_iter().map(Running::end).collect();
        assert!(codes.contains(&Some(0)), "{codes:?}");
        assert!(
            codes.iter().all(|code| matches!(code, Some(0 | 2))),
            "{codes:?}"
        );
        let ran = gphotosfs(&home, ["sync"]).ok();
        says(&ran, &["nothing new", "400 photos"]);
    });
}

fn back_up(home: &Home) -> (Ran, Value) {
    let ran = gphotosfs(home, ["status"]);
    let json = gphotosfs(home, ["status", "--json"]).json();
    (ran, json["back_up"].clone())
}

#[test]
fn what_only_the_catalog_knows_is_to_be_backed_up() {
    within(LIMIT, || {
        let home = home();
        second(&home);
        gphotosfs(&home, ["sync"]).ok();
        let (ran, json) = back_up(&home);
        assert_eq!(json, Value::Null);
        assert!(!ran.text().contains("Back up"), "{ran:?}");
        let gone = home.path("a").join(format!("takeout-{FIRST}-002.zip"));
        fs::rename(&gone, home.path("gone.zip")).unwrap();
        let sync = gphotosfs(&home, ["sync"]).ends(1);
        says(&sync, &["takeout-20260913T041200Z-002.zip"]);
        let (ran, json) = back_up(&home);
        assert_eq!((&json["parts"], &json["photos"]), (&1.into(), &200.into()));
        let files: Vec<String> = serde_json::from_value(json["files"].clone()).unwrap();
        let should = [catalog(&home), config(&home)];
        assert_eq!(files, should.map(|path| path.to_str().unwrap().to_owned()));
        says(
            &ran,
            &[
                "Back up",
                &files.join(" "),
                "1 part(s) are gone",
                "200 photos",
            ],
        );

        // These files are enough: elsewhere, with nothing else, all names are there.
        let before = tree(&home);
        let other = Home::new();
        let state = other.state().join("library");
        fs::create_dir_all(&state).unwrap();
        fs::copy(&files[0], state.join("catalog.sqlite")).unwrap();
        write_config(&other, &fs::read_to_string(&files[1]).unwrap());
        assert_eq!(tree(&other), before);
        // Back again, and nothing depends on them any more.
        fs::rename(home.path("gone.zip"), &gone).unwrap();
        gphotosfs(&home, ["sync"]).ok();
        assert_eq!(back_up(&home).1, Value::Null);
    });
}
