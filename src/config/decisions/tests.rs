//! Decisions last, whoever decides beside.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const STAMP: &str = "20260913T041200Z";

fn content(path: &str, crc32: u32, head: u64) -> Forgotten {
    let key = BlobKey {
        size: 1 << 40,
        crc32,
        head,
    };
    let path = path.into();
    Forgotten {
        path,
        account: None,
        key,
    }
}

#[test]
fn decisions_last() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config/decisions.toml");
    let mut decisions = Decisions::load(&path).unwrap();
    assert_eq!(decisions.decided(), &Decided::default());
    decisions.accept(&[]).unwrap();
    assert!(!path.parent().unwrap().exists(), "made for nothing");
    decisions.accept(&[STAMP.into()]).unwrap();
    decisions.set_full(STAMP).unwrap();
    decisions.set_partial("20261113T041200Z").unwrap();
    decisions.set_full("20261113T041200Z").unwrap();
    decisions.set_partial(STAMP).unwrap();
    let gone = [
        content("by-date/2023/2023-07/\"a\"\\b\u{2764}.jpg", 0x0a, 0),
        content("by-date/undated/c.jpg", u32::MAX, 0xdead_beef_0000_0001),
    ];
    decisions.forget(&gone).unwrap();
    decisions.forget(&gone[..1]).unwrap();
    let said = decisions.decided().clone();
    let set =
        |stamps: &[&str]| -> BTreeSet<String> { stamps.iter().map(|s| (*s).into()).collect() };
    assert_eq!(said.accepted, set(&[STAMP]));
    assert_eq!(said.full, set(&["20261113T041200Z"]));
    assert_eq!(said.partial, set(&[STAMP]));
    assert_eq!(said.forgotten, gone.iter().map(|gone| gone.key).collect());
    assert_eq!(Decisions::load(&path).unwrap().decided(), &said);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("crc32 = \"0000000a\""), "{text}");
    assert_eq!(text.matches("[[forget]]").count(), 2, "{text}");
    // It names photos.
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn what_a_newer_program_wrote_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let text = "colour = 1\n[later]\nx = 1\n[[forget]]\npath = \"a\"\nsize = 1\ncrc32 = \"00000001\"\ndate = \"2026-11-24\"\n\
                why = \"blurred\"\n";
    fs::write(&path, text).unwrap();
    let mut decisions = Decisions::load(&path).unwrap();
    decisions.accept(&[STAMP.into()]).unwrap();
    decisions.forget(&[content("b", 2, 0)]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    for key in ["forget", "colour", "later", "accept_incomplete"] {
        assert!(table.contains_key(key), "{key} in {text}");
    }
    assert!(text.contains("why = \"blurred\""), "{text}");
    assert_eq!(Decisions::load(&path).unwrap().decided().forgotten.len(), 2);
}

#[test]
fn two_that_decide_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    // Both have read what there was before either decides.
    let mut all: Vec<Decisions> = (0..8).map(|_| Decisions::load(&path).unwrap()).collect();
    std::thread::scope(|scope| {
        for (number, decisions) in (0..).zip(&mut all) {
            scope.spawn(move || {
                decisions.accept(&[format!("{number}")]).unwrap();
                decisions.forget(&[content("a", number, 0)]).unwrap();
            });
        }
    });
    let decisions = Decisions::load(&path).unwrap();
    assert_eq!(decisions.decided().accepted.len(), 8);
    assert_eq!(decisions.decided().forgotten.len(), 8);
    // One that changes nothing for itself sees what the others did.
    let first = &mut all[0];
    first.accept(&["0".into()]).unwrap();
    assert_eq!(first.decided(), decisions.decided());
}

#[test]
fn what_makes_no_sense_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let forget = "[[forget]]\npath = \"a\"\nsize = 1\ndate = \"\"\ncrc32 = ";
    for (text, word) in [
        (
            "full = [\"x\"]\npartial = [\"x\"]\n".to_owned(),
            "x stands in full and in partial",
        ),
        (format!("{forget}\"zz\"\n"), "hexadecimal"),
        (format!("{forget}\"1\"\nhead = \"-\"\n"), "hexadecimal"),
        ("full = 1".to_owned(), "full = 1"),
    ] {
        fs::write(&path, &text).unwrap();
        let error = Decisions::load(&path).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains(FILE), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn what_lay_in_the_state_directory_is_taken_over_once() {
    let (config, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = config.path().join(FILE);
    let old = state.path().join(FILE);
    let text = format!(
        "accept_incomplete = [\"{STAMP}\"]\nlater = 1\n[layout]\nzone = \"Europe/Lisbon\"\n"
    );
    let zone = || Layout::in_force(state.path()).unwrap().unwrap().zone;

    // Of sources on a command line: only the layout gets a file of its own.
    fs::write(&old, &text).unwrap();
    let mut decisions = Decisions::load(&old).unwrap();
    decisions.take_over(state.path()).unwrap();
    assert!(decisions.decided().accepted.contains(STAMP));
    assert!(!fs::read_to_string(&old).unwrap().contains("layout"));
    assert_eq!(zone(), "Europe/Lisbon");

    // Of the configuration: all moves, and what was decided there already stays.
    fs::remove_file(state.path().join("layout.toml")).unwrap();
    fs::write(&old, &text).unwrap();
    let mut decisions = Decisions::load(&path).unwrap();
    decisions.accept(&["other".into()]).unwrap();
    for _ in 0..2 {
        decisions.take_over(state.path()).unwrap();
        assert_eq!(decisions.decided().accepted.len(), 2);
        assert!(!old.exists());
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("later = 1") && !text.contains("layout"),
        "{text}"
    );
    assert_eq!(zone(), "Europe/Lisbon");
}
