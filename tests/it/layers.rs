//! The walls of the house: who may use whom, and which foreign crate lives in which room.
//!
//! It reads `src/` as text: paths that begin with `crate::` are uses of rooms, those that begin with a dependency's name
//! are uses of that crate. [`ROOMS`] is what is allowed; its third column must agree with the table in `src/lib.rs`,
//! which is what people read.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Room, what it may use (as the table in `lib.rs` puts it), and the foreign crates that it may use.
const ROOMS: &[(&str, &str, &[&str])] = &[
    ("model", "–", &[]),
    ("deflate", "–", &["crc32fast", "rapidgzip_core"]),
    ("store", "–", &["lru", "nix"]),
    (
        "source",
        "deflate, model",
        &[
            "crc32fast",
            "exif",
            "flate2",
            "jiff",
            "rawzip",
            "serde_json",
            "tar",
            "unicode_normalization",
            "walkdir",
        ],
    ),
    (
        "catalog",
        "model, tree's image",
        &["postcard", "rusqlite", "serde_json"],
    ),
    (
        "tree",
        "model",
        &[
            "crc32fast",
            "data_encoding",
            "jiff",
            "quick_xml",
            "sha2",
            "unicode_normalization",
        ],
    ),
    (
        "content",
        "store, deflate, model",
        &["crc32fast", "flate2", "lru", "nix", "sha2", "tempfile"],
    ),
    (
        "sync",
        "source, catalog, tree, deflate, model",
        &[
            "crc32fast",
            "data_encoding",
            "flate2",
            "imagesize",
            "jiff",
            "libc",
            "serde_json",
            "sha2",
            "tzf_rs",
        ],
    ),
    (
        "fs",
        "tree, content, model",
        &[
            "fuser",
            "jiff",
            "libc",
            "nix",
            "serde_json",
            "signal_hook",
            "tracing_subscriber",
        ],
    ),
    (
        "report",
        "catalog, sync, tree, model",
        &["jiff", "serde_json"],
    ),
    (
        "config",
        "model, tree's fold, tree's Links, tree's Sidecars, catalog's FILE",
        &[
            "data_encoding",
            "etcetera",
            "jiff",
            "nix",
            "sha2",
            "toml",
            "toml_edit",
        ],
    ),
    (
        "cli",
        "all",
        &[
            "anyhow",
            "clap",
            "indicatif",
            "sd_notify",
            "serde_json",
            "tracing_subscriber",
        ],
    ),
    (
        "demo",
        "model",
        &[
            "crc32fast",
            "exif",
            "flate2",
            "jiff",
            "rawzip",
            "serde_json",
            "tempfile",
        ],
    ),
];

/// Crates that are a way to write Rust, and live everywhere.
const EVERYWHERE: &[&str] = &["serde", "thiserror", "tracing"];

/// What tests may use besides: none of these can carry a layer past a wall.
const IN_TESTS: &[&str] = &[
    "crc32fast",
    "data_encoding",
    "flate2",
    "libc",
    "nix",
    "proptest",
    "rawzip",
    "serde_json",
    "sha2",
    "tempfile",
    "walkdir",
];

/// Macros that write to the terminal; tests may. Commands write through two functions of `cli`, everybody else through `tracing`.
const LOUD: &[&str] = &["dbg", "eprint", "eprintln", "print", "println"];

/// Words of the places where this was written; they mean nothing to a reader. Put together here from pieces, so that
/// this file does not hold them.
const STRANGE: &[&str] = &[
    concat!("sha", "red/"),
    concat!("/wo", "rk/"),
    concat!("claude", ".ai"),
    concat!("anth", "ropic"),
];

/// Hosts of package registries: a clone says which packages it needs, the machine where they come from.
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("deb.debian", ".org"),
];

#[test]
fn nobody_walks_through_walls() {
    let mut wrong = Vec::new();
    let dependencies = dependencies(&read("Cargo.toml"));
    for path in rust("src") {
        wrong.extend(check(&path, &read(&path), &dependencies));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_map_in_lib_rs_says_the_same() {
    let map = map(&read("src/lib.rs"));
    let ours: Vec<(String, String)> = ROOMS
        .iter()
        .map(|(room, may_use, _)| ((*room).into(), (*may_use).into()))
        .collect();
    assert_eq!(
        map, ours,
        "the table in src/lib.rs and the one in this test differ"
    );
}

#[test]
fn each_dependency_is_at_home_somewhere() {
    let mut wrong = String::new();
    for name in dependencies(&read("Cargo.toml")) {
        let files = rust("src").chain(rust("tests")).chain(rust("tools"));
        let used = { files }.any(|path| {
            let tokens = tokens(&read(&path));
            paths(&tokens).iter().any(|(path, _)| path[0] == name)
        });
        if !used {
            writeln!(wrong, "{name} is in Cargo.toml, and nothing uses it").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn no_file_speaks_of_where_it_was_written() {
    let mut wrong = Vec::new();
    for path in files(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        // The lock file names the registry of every package; cargo writes it so.
        let lock = path.file_name().is_some_and(|name| name == "Cargo.lock");
        wrong.extend(strange(&path.display().to_string(), &text, lock));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Says what is wrong with one file of `src/`.
fn check(path: &str, text: &str, dependencies: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    let below = path.strip_prefix("src/").unwrap_or(path);
    let room = below.split(['/', '.']).next().unwrap_or_default();
    let all = tokens(text);
    let is_test = below.contains("/tests/") || below.ends_with("/tests.rs");
    let real = if is_test {
        Vec::new()
    } else {
        without_tests(&all)
    };
    for (token, line) in real.windows(2).filter_map(|two| match two {
        [(Token::Name(name), line), (Token::Sign('!'), _)] => Some((name, line)),
        _ => None,
    }) {
        if LOUD.contains(&token.as_str()) {
            wrong.push(format!("{path}:{line}: {token}! writes to the terminal"));
        }
    }
    if matches!(below, "lib.rs" | "main.rs") {
        return wrong;
    }
    let Some((_, may_use, crates)) = ROOMS.iter().find(|(name, _, _)| *name == room) else {
        wrong.push(format!("{path}: the table of rooms has no {room:?}"));
        return wrong;
    };
    let depth = below.trim_end_matches(".rs").split('/').count();
    for (path_in, line) in paths(&all) {
        if let Some(used) = room_of(&path_in, depth)
            && !allows(room, may_use, used)
        {
            let used = used.join("::");
            wrong.push(format!(
                "{path}:{line}: {room} may use {may_use}; this is {used}"
            ));
        }
    }
    let known = |name: &String| dependencies.contains(name);
    let mut look = |tokens: &[(Token, usize)], more: &[&str]| {
        for (path_in, line) in paths(tokens)
            .into_iter()
            .filter(|(path, _)| known(&path[0]))
        {
            let name = path_in[0].as_str();
            if ![*crates, EVERYWHERE, more]
                .iter()
                .any(|set| set.contains(&name))
            {
                let what = format!("{path}:{line}: {name} does not live in {room}");
                if !wrong.contains(&what) {
                    wrong.push(what);
                }
            }
        }
    };
    look(&real, &[]);
    look(
        &all,
        if is_test || real.len() < all.len() {
            IN_TESTS
        } else {
            &[]
        },
    );
    wrong
}

/// The part of a path from the room on, where it leads to a room. `super` that climbs out of the room counts too.
fn room_of(path: &[String], depth: usize) -> Option<&[String]> {
    if path[0] == "crate" || path[0] == "gphotosfs" {
        return path.get(1..).filter(|rest| !rest.is_empty());
    }
    let climbs = path.iter().take_while(|name| *name == "super").count();
    let rest = &path[climbs..];
    let is_room = rest
        .first()
        .is_some_and(|name| ROOMS.iter().any(|(room, _, _)| room == name));
    (climbs >= depth && is_room).then_some(rest)
}

/// Whether `room` may use a path that begins with a room. `tree's image` allows `tree::image` alone.
fn allows(room: &str, may_use: &str, used: &[String]) -> bool {
    used[0] == room
        || may_use == "all"
        || may_use.split(", ").any(|one| match one.split_once("'s ") {
            Some((owner, part)) => used[0] == owner && used.get(1).is_some_and(|name| name == part),
            None => used[0] == one,
        })
}

/// Rooms and what they may use, from the table in the header of `lib.rs`.
fn map(lib: &str) -> Vec<(String, String)> {
    lib.lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .filter_map(|row| {
            let columns: Vec<&str> = row.split('|').map(str::trim).collect();
            let room = columns.first()?.strip_suffix("`]")?;
            Some((room.to_owned(), (*columns.get(2)?).to_owned()))
        })
        .collect()
}

/// The names under which Rust code knows the dependencies in a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line == "[dev-dependencies]";
        } else if let Some((name, _)) = line.split_once('=').filter(|_| inside) {
            names.push(match name.trim() {
                "kamadak-exif" => "exif".to_owned(),
                name => name.replace('-', "_"),
            });
        }
    }
    names
}

fn strange(path: &str, text: &str, lock: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        let registries = if lock { &[] } else { REGISTRIES };
        for word in STRANGE.iter().chain(registries) {
            if line.contains(word) {
                wrong.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    wrong
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The Rust files of a folder, by their paths from the top.
fn rust(folder: &str) -> impl Iterator<Item = String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    files(&top.join(folder))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .map(move |path| path.strip_prefix(top).unwrap().to_str().unwrap().to_owned())
}

/// All files below a folder that are not made by cargo or git.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    /// `::`
    Way,
    Sign(char),
}

/// The names and signs of Rust code with their lines: no comments, no text, no numbers' meaning.
fn tokens(text: &str) -> Vec<(Token, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < chars.len() {
        let begin = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut open = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (open, i) = (open + 1, i + 2),
                        ('*', '/') => (open, i) = (open - 1, i + 2),
                        _ => i += 1,
                    }
                    if open == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            '"' => i = end_of_text(&chars, i),
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += if at(i + 1) == '\\' { 3 } else { 2 };
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            // A lifetime: its name is none.
            '\'' => {
                i += 1;
                while is_name(at(i)) {
                    i += 1;
                }
            }
            ':' if at(i + 1) == ':' => {
                tokens.push((Token::Way, line));
                i += 2;
            }
            c if is_name(c) => {
                while is_name(at(i)) {
                    i += 1;
                }
                let name: String = chars[begin..i].iter().collect();
                let hashes = (0..).take_while(|n| at(i + n) == '#').count();
                let raw = matches!(name.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"';
                if raw {
                    i = end_of_raw(&chars, i + hashes, hashes);
                } else if matches!(name.as_str(), "b" | "c") && at(i) == '"' {
                    i = end_of_text(&chars, i);
                } else if name == "r" && hashes == 1 && is_name(at(i + 1)) {
                    i += 1;
                } else {
                    tokens.push((Token::Name(name), line));
                }
            }
            c if c.is_whitespace() => i += 1,
            c => {
                tokens.push((Token::Sign(c), line));
                i += 1;
            }
        }
        line += chars[begin..i.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
    }
    tokens
}

/// The place after a text whose opening quote is at `i`.
fn end_of_text(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// The same for a raw text between `hashes` hashes.
fn end_of_raw(chars: &[char], mut i: usize, hashes: usize) -> usize {
    i += 1;
    while i < chars.len() {
        let closing = chars[i] == '"' && (1..=hashes).all(|n| chars.get(i + n) == Some(&'#'));
        if closing {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

/// Every path, those in braces written out: `use crate::{a, b::c}` gives `crate::a` and `crate::b::c`.
fn paths(tokens: &[(Token, usize)]) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let after_way = i > 0 && tokens[i - 1].0 == Token::Way;
        // `::name` begins a path, `a::name` and `a::<b>::name` do not.
        let inner = after_way
            && i > 1
            && match tokens[i - 2].0 {
                Token::Name(_) => true,
                Token::Sign('>') => i < 3 || tokens[i - 3].0 != Token::Sign('-'),
                _ => false,
            };
        if matches!(tokens[i].0, Token::Name(_)) && !inner {
            let before = i.checked_sub(1).map(|before| &tokens[before].0);
            i = path(tokens, i, &[], &mut found);
            // A name alone is a variable or a field, but for `use name;`.
            if before != Some(&Token::Name("use".into())) {
                let _ = found.pop_if(|(path, _)| path.len() == 1);
            }
        } else {
            i += 1;
        }
    }
    found
}

/// Takes in the path at `i`, below `before`. Gives the place after it.
fn path(
    tokens: &[(Token, usize)],
    mut i: usize,
    before: &[String],
    found: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let mut path_in = before.to_vec();
    let line = tokens[i].1;
    loop {
        match tokens.get(i) {
            Some((Token::Name(name), _)) => path_in.push(name.clone()),
            Some((Token::Sign('{'), _)) if !path_in.is_empty() => {
                i += 1;
                while i < tokens.len() && tokens[i].0 != Token::Sign('}') {
                    let is_name = matches!(tokens[i].0, Token::Name(_));
                    i = if is_name {
                        path(tokens, i, &path_in, found)
                    } else {
                        i + 1
                    };
                }
                return i + 1;
            }
            _ => break,
        }
        i += 1;
        match tokens.get(i) {
            Some((Token::Way, _)) => i += 1,
            _ => break,
        }
    }
    found.push((path_in, line));
    i
}

/// The tokens that are not in a `#[cfg(test)] mod … { … }`.
fn without_tests(tokens: &[(Token, usize)]) -> Vec<(Token, usize)> {
    let name = |token: &Token, wanted: &str| *token == Token::Name(wanted.into());
    let sign = |token: &Token, wanted: char| *token == Token::Sign(wanted);
    let mut kept = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let begins = tokens.get(i..i + 10).is_some_and(|ten| {
            let ten: Vec<&Token> = ten.iter().map(|(token, _)| token).collect();
            sign(ten[0], '#')
                && sign(ten[1], '[')
                && name(ten[2], "cfg")
                && name(ten[4], "test")
                && sign(ten[6], ']')
                && name(ten[7], "mod")
                && sign(ten[9], '{')
        });
        if !begins {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        let mut open = 1;
        i += 10;
        while i < tokens.len() && open > 0 {
            open += i32::from(sign(&tokens[i].0, '{')) - i32::from(sign(&tokens[i].0, '}'));
            i += 1;
        }
    }
    kept
}

/// The checker checked: each wall can be run into.
mod can_fail {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let known = [
            "anyhow", "clap", "fuser", "lru", "proptest", "rusqlite", "serde", "tempfile",
        ];
        check(path, text, &known.map(String::from))
    }

    #[test]
    fn a_forbidden_room() {
        for text in [
            "use crate::catalog::Catalog;",
            "use crate::{model::Blob, catalog};",
            "use crate::{\n    model,\n    sync::{self, Pass},\n};",
            "fn f() { let x = crate::catalog::Catalog::open(); }",
            "fn f(x: Vec<crate::fs::Fs>) {}",
            "use super::catalog::Catalog;",
            "pub use gphotosfs::catalog::Catalog;",
            "#[cfg(test)] mod tests { use crate::catalog::Catalog; }",
        ] {
            assert!(!complaints("src/tree.rs", text).is_empty(), "{text}");
        }
        assert_eq!(
            complaints("src/tree/fold.rs", "use super::super::catalog;").len(),
            1
        );
        assert_eq!(
            complaints("src/catalog.rs", "use crate::tree::Tree;").len(),
            1
        );
        assert_eq!(
            complaints("src/attic.rs", "").len(),
            1,
            "a room that no table knows"
        );
    }

    #[test]
    fn an_allowed_room() {
        for text in [
            "use crate::model::Blob;",
            "use crate::tree::names;",
            "use super::catalog;",
            "// use crate::catalog::Catalog;",
            "/* /* */ crate::catalog */",
            "/// See [`crate::catalog`].\nfn f() {}",
            "const A: &str = \"use crate::catalog\"; const B: &str = r#\"\"crate::catalog\"#;",
            "fn f<'a>(c: char) -> bool { c == '\"' || c == '\\'' }",
        ] {
            let none: Vec<String> = Vec::new();
            assert_eq!(complaints("src/tree/fold.rs", text), none, "{text}");
        }
        assert!(complaints("src/catalog.rs", "use crate::tree::image::Image;").is_empty());
        assert!(complaints("src/cli/mount.rs", "use crate::{demo, sync};").is_empty());
    }

    #[test]
    fn a_crate_outside_its_room() {
        for (path, text) in [
            ("src/tree.rs", "use fuser::Errno;"),
            ("src/tree.rs", "use {serde::Serialize, fuser::Errno};"),
            (
                "src/report.rs",
                "fn f() -> ::rusqlite::Result<()> { Ok(()) }",
            ),
            ("src/fs.rs", "use clap;"),
            ("src/sync.rs", "fn f() { anyhow::bail!(\"\") }"),
            (
                "src/model.rs",
                "use tempfile::TempDir;\n#[cfg(test)]\nmod tests {}",
            ),
            ("src/tree/tests.rs", "use fuser::Errno;"),
        ] {
            assert_eq!(complaints(path, text).len(), 1, "{text}");
        }
        for (path, text) in [
            ("src/fs/answer.rs", "use fuser::Errno;"),
            ("src/tree.rs", "use serde::Serialize;"),
            (
                "src/tree.rs",
                "#[cfg(test)]\nmod tests { use proptest::prelude::*; }",
            ),
            ("src/tree/tests.rs", "use tempfile::TempDir;"),
            ("src/tree.rs", "fn f(x: Maybe) { x.clap; a::fuser::b(); }"),
        ] {
            assert!(complaints(path, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_loud_macro() {
        for text in [
            "fn f() { println!(\"x\"); }",
            "fn f() { std::eprintln!(); }",
            "dbg!(1)",
        ] {
            assert_eq!(complaints("src/cli.rs", text).len(), 1, "{text}");
        }
        assert!(complaints("src/cli.rs", "fn println() { write!(a, \"print!\") }").is_empty());
    }

    #[test]
    fn a_strange_word() {
        let word = STRANGE[0].to_uppercase();
        assert_eq!(
            strange("x", &format!("a\nsee {word}b"), false),
            [format!("x:2: {}", STRANGE[0])]
        );
        assert_eq!(strange("x", REGISTRIES[0], false).len(), 1);
        assert!(strange("Cargo.lock", REGISTRIES[0], true).is_empty());
        assert!(strange("x", "https://takeout.google.com", false).is_empty());
    }

    #[test]
    fn the_tables_are_read() {
        let map = map(
            "//! | room | what | may use |\n//! | [`a`] | A | – |\n//! | [`b`] | B | a, c's d |",
        );
        assert_eq!(
            map,
            [("a".into(), "–".into()), ("b".into(), "a, c's d".into())]
        );
        let manifest =
            "[package]\nname = 1\n[dependencies]\na-b = 1\nkamadak-exif = \"0.6\"\n[lints]\nc = 1";
        assert_eq!(dependencies(manifest), ["a_b", "exif"]);
    }

    #[test]
    fn rooms_are_told_once() {
        let rooms: BTreeSet<&str> = ROOMS.iter().map(|(room, _, _)| *room).collect();
        assert_eq!(rooms.len(), ROOMS.len());
    }
}
