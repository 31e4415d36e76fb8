//! A mounted export against the truth about it: bytes, dates, sidecars, people, albums, and the sum of them.

use crate::kit::{Mount, hashes, is_document, walk};
use crate::truth::{Row, Truth};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All regular files of a mount, by their path from the mountpoint, and the SHA-256 of each inode.
pub struct Shown {
    pub files: BTreeMap<PathBuf, Metadata>,
    pub sha_of: HashMap<u64, String>,
}

/// Differences found so far, so that one failure shows all of its kind.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.0.push(what());
        }
    }

    #[track_caller]
    fn none(self) {
        let few: Vec<_> = self.0.iter().take(30).collect();
        assert!(few.is_empty(), "{} differences: {few:#?}", self.0.len());
    }
}

/// Reads the whole mount and compares it with the truth.
#[track_caller]
pub fn check(mount: &Mount<'_>, truth: &Truth) -> Shown {
    let shown = bytes(mount, truth);
    facts(mount, truth, &shown);
    documents(truth, &shown);
    sums(mount, truth, &shown);
    shown
}

/// Every content that is to be shown stands in by-date, once, with its own bytes, and the other views hold links to it.
#[track_caller]
fn bytes(mount: &Mount<'_>, truth: &Truth) -> Shown {
    let all = hashes(&mount.path("by-date"));
    let mut files = walk(&mount.point());
    let of_photo = |path: &Path| !is_document(&files[&Path::new("by-date").join(path)]);
    let in_by_date = all.iter().filter(|(path, _)| of_photo(path));
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, sha) in in_by_date {
        *times.entry(sha).or_default() += 1;
    }
    let mut wrong = Wrong::default();
    for (sha, times) in &times {
        wrong.unless(*times == 1, || {
            format!("{sha} stands in by-date {times} times")
        });
    }
    let seen: BTreeSet<&str> = times.into_keys().collect();
    let copies = truth.copies();
    for sha in truth.shown().symmetric_difference(&seen) {
        wrong.0.push(match copies.get(sha) {
            Some(rows) => format!("shown or left out wrongly: {}", rows[0].path),
            None => format!("bytes that are in no archive: {sha}"),
        });
    }
    let names: BTreeSet<_> = files
        .keys()
        .map(|path| path.iter().next().unwrap())
        .collect();
    assert_eq!(names, crate::kit::VIEWS.map(std::ffi::OsStr::new).into());
    files.retain(|_, meta| !meta.is_dir());
    let mut sha_of = HashMap::new();
    for (path, sha) in all {
        sha_of.insert(files[&Path::new("by-date").join(path)].ino(), sha);
    }
    for (path, meta) in &files {
        wrong.unless(meta.is_file() && sha_of.contains_key(&meta.ino()), || {
            format!("{} is no link of a file in by-date", path.display())
        });
    }
    wrong.none();
    Shown { files, sha_of }
}

/// The sidecars that may speak for a content: the earliest uploaded ones of its copies. Several are of one upload, and
/// then tell the same. `Err` where the known facts leave it open.
fn in_use<'a>(rows: &[&'a Row], owners: &HashMap<&str, &'a Row>) -> Result<Vec<&'a Row>, ()> {
    if rows.iter().any(|row| row.unsure.contains("sidecar")) {
        return Err(());
    }
    let order = |row: &&Row| {
        (
            row.uploaded.unwrap_or(i64::MAX),
            row.taken,
            row.title.clone(),
        )
    };
    let sidecars = rows
        .iter()
        .filter_map(|row| row.sidecar.as_deref().or(row.sidecar_elsewhere.as_deref()));
    let owned: Vec<&Row> = sidecars
        .filter_map(|sidecar| owners.get(sidecar).copied())
        .collect();
    let first = owned.iter().map(order).min();
    Ok(owned
        .into_iter()
        .filter(|row| Some(order(row)) == first)
        .collect())
}

/// What `info` tells of every file, and where it stands.
#[track_caller]
fn facts(mount: &Mount<'_>, truth: &Truth, shown: &Shown) {
    let by_path: HashMap<&str, &Row> = truth.entries.iter().map(|r| (&*r.path, r)).collect();
    let with_sidecar = truth.entries.iter().rev();
    let owners: HashMap<&str, &Row> = with_sidecar
        .filter_map(|row| Some((row.sidecar.as_deref()?, row)))
        .collect();
    let copies = truth.copies();
    let homes = shown
        .files
        .iter()
        .filter(|(path, meta)| path.starts_with("by-date") && !is_document(meta));
    let homes: Vec<(&PathBuf, &Metadata)> = homes.collect();
    let paths: Vec<PathBuf> = homes.iter().map(|(path, _)| mount.path(path)).collect();
    let mut wrong = Wrong::default();
    crate::names::portable(shown.files.keys().map(PathBuf::as_path));
    for ((path, meta), info) in homes.iter().zip(mount.info(&paths)) {
        let sha = &shown.sha_of[&meta.ino()];
        let Some(row) = by_path.get(text(&info["origin"]["entry"])) else {
            wrong
                .0
                .push(format!("{} comes from nowhere", path.display()));
            continue;
        };
        let rows = &copies[&**sha];
        let at = || format!("{} ({}, {})", row.path, row.class, path.display());
        wrong.unless(&row.sha256 == sha, || format!("{}: other bytes", at()));
        wrong.unless(info["size"] == meta.len() && row.size == meta.len(), || {
            format!("{}: {} and {}", at(), info["size"], row.size)
        });
        let inode = text(&info["inode"]).parse();
        let same =
            inode == Ok(meta.ino()) && text(&info["path"]).ends_with(&*path.to_string_lossy());
        wrong.unless(same, || format!("{}: path or inode of another", at()));
        let unsure = |what: &str| rows.iter().any(|row| row.unsure.contains(what));
        wrong.unless(unsure("role") || info["role"] == *row.role, || {
            format!("{}: role {} instead of {}", at(), info["role"], row.role)
        });
        if let Ok(speaking) = in_use(rows, &owners) {
            let sidecar = info["origin"]["sidecar"].as_str();
            let named = |row: &&&Row| row.sidecar.as_deref() == sidecar;
            let owner = speaking.iter().find(named).or(speaking.first()).copied();
            let mut same = |what: &str, is: &Value, should: Value| {
                wrong.unless(unsure(what) || *is == should, || {
                    format!("{}: {what} {is} instead of {should}", at())
                });
            };
            same(
                "sidecar",
                &info["origin"]["sidecar"],
                owner.map(|o| o.sidecar.clone()).into(),
            );
            same(
                "title",
                &info["title"],
                owner.and_then(|o| o.title.clone()).into(),
            );
            same("taken", &seconds(&info["taken"]), taken(owner, row));
            same(
                "description",
                &info["description"],
                owner.and_then(|o| o.description.clone()).into(),
            );
            same(
                "partner",
                &info["partner"],
                owner.is_some_and(|o| o.partner).into(),
            );
            let month = owner.unwrap_or(row).month.as_deref();
            let folder = path.parent().unwrap().strip_prefix("by-date").unwrap();
            wrong.unless(
                unsure("taken") || month.is_none_or(|month| folder == Path::new(month)),
                || format!("{}: not in {month:?}", at()),
            );
            wrong.unless(
                same_place(&info["geo"], owner.and_then(|o| o.geo.as_deref())),
                || {
                    format!(
                        "{}: place {} instead of {:?}",
                        at(),
                        info["geo"],
                        owner.map(|o| &o.geo)
                    )
                },
            );
        }
        let content = &truth.contents[sha];
        let people = set(&info["people"]);
        wrong.unless(
            unsure("people") || people.iter().eq(&content.people),
            || {
                format!(
                    "{}: people {people:?} instead of {:?}",
                    at(),
                    content.people
                )
            },
        );
        wrong.unless(
            unsure("favorite") || info["favorite"] == content.favorite,
            || format!("{}: favorite {}", at(), info["favorite"]),
        );
        let albums = set(&info["albums"]);
        let most = &content.albums | &content.unsure_albums;
        wrong.unless(
            albums.is_superset(&content.albums) && albums.is_subset(&most),
            || {
                format!(
                    "{}: albums {albums:?} instead of {:?}",
                    at(),
                    content.albums
                )
            },
        );
        let links = 1 + count(&info["people"]) + count(&info["albums"]);
        let links = links + u64::from(info["favorite"] == true);
        wrong.unless(meta.nlink() == links, || {
            format!("{}: {} links", at(), meta.nlink())
        });
        placed(&mut wrong, path, meta, &info);
    }
    wrong.none();
}

/// A document stands beside a photo if a person entered something at Google that the photo cannot carry, and only then.
#[track_caller]
fn documents(truth: &Truth, shown: &Shown) {
    let mut wrong = Wrong::default();
    let (mut documents, mut open) = (0, 0);
    for (path, meta) in &shown.files {
        if is_document(meta) {
            documents += 1;
            let photo = path.with_extension("");
            let of = shown.files.get(&photo).filter(|of| !is_document(of));
            let right = path.starts_with("by-date")
                && path.extension().is_some_and(|ending| ending == "xmp")
                && of.is_some_and(|of| meta.ino() == of.ino() | 1 << 62);
            wrong.unless(right && meta.nlink() == 1, || {
                format!("{} is beside nothing", path.display())
            });
            continue;
        }
        let sha = &shown.sha_of[&meta.ino()];
        let Some(entered) = &truth.contents[sha].document else {
            open += 1;
            continue;
        };
        let mut document = path.clone().into_os_string();
        document.push(".xmp");
        let has = shown.files.contains_key(Path::new(&document));
        let should = path.starts_with("by-date") && !entered.is_empty();
        wrong.unless(has == should, || {
            format!("{}: document {has}, entered {entered:?}", path.display())
        });
    }
    println!("{documents} documents are right; {open} photos may have one or none");
    wrong.none();
}

/// The second that a content was taken: its sidecar's, else that in its name.
fn taken(owner: Option<&Row>, row: &Row) -> Value {
    let speaking = owner.unwrap_or(row);
    speaking.taken.or(speaking.named).into()
}

/// The time of modification is that at which it was taken.
fn placed(wrong: &mut Wrong, path: &Path, meta: &Metadata, info: &Value) {
    if let Some(taken) = seconds(&info["taken"]).as_i64() {
        wrong.unless(meta.mtime() == taken && meta.mtime_nsec() == 0, || {
            format!(
                "{}: modified {} but taken {taken}",
                path.display(),
                meta.mtime()
            )
        });
    }
}

/// What `status` counts.
#[track_caller]
fn sums(mount: &Mount<'_>, truth: &Truth, shown: &Shown) {
    let status = mount.status();
    let n = |what: &str| status[what].as_u64().unwrap();
    let left_out = |what: &str| status["left_out"][what].as_u64().unwrap();
    let (trash, locked) = truth.left_out();
    let totals = &truth.totals;
    assert_eq!(status["problems"], Value::Array(Vec::new()));
    assert_eq!(n("in_archives"), totals.media_entries);
    assert_eq!(n("shown"), totals.shown_contents);
    let documents = shown.files.values().filter(|meta| is_document(meta));
    assert_eq!(n("documents"), documents.count() as u64);
    assert_eq!(left_out("trash"), trash.len() as u64);
    assert_eq!(left_out("locked"), locked.len() as u64);
    assert_eq!(left_out("older"), 0);
    assert_eq!(
        n("duplicates"),
        totals.media_entries - totals.distinct_contents
    );
    let sum = n("shown") + left_out("trash") + left_out("locked") + n("duplicates");
    assert_eq!(sum, n("in_archives"));
    assert_eq!(n("photos") + n("videos"), n("shown"));
    // What lies beside a folder `Takeout` is not looked at; in a zip there is no beside.
    let inside = truth
        .junk
        .iter()
        .filter(|path| path.starts_with("Takeout/"));
    let (inside, all) = (inside.count() as u64, truth.junk.len() as u64);
    match &*truth.arguments.form {
        "unpacked" => assert_eq!(n("junk"), inside),
        "mixed" => assert!((inside..=all).contains(&n("junk"))),
        _ => assert_eq!(n("junk"), all),
    }
    assert_eq!((n("sources"), n("exports")), (1, 1));
    let sizes: HashMap<u64, u64> = shown.files.values().map(|m| (m.ino(), m.len())).collect();
    assert_eq!(n("bytes"), sizes.values().sum::<u64>());
    let all: u64 = shown.files.values().map(|meta| meta.len()).sum();
    assert_eq!(n("bytes_without_links"), all);

    assert_eq!(n("people"), totals.people_shown);
    assert_eq!(n("people"), list(&mount.path("people")).len() as u64);
    let mut people: Vec<String> = truth.people_shown.iter().map(|name| plain(name)).collect();
    people.sort();
    assert_eq!(bare(&list(&mount.path("people"))), people);
    let albums = list(&mount.path("albums"));
    assert_eq!(n("albums"), albums.len() as u64);
    for title in &truth.album_titles_shown {
        assert!(
            bare(&albums).contains(&plain(title)),
            "no album {title} in {albums:?}"
        );
    }
    let sha_shown = truth.shown();
    let of_shown =
        |album: &&crate::truth::Album| album.contents.iter().any(|sha| sha_shown.contains(&**sha));
    let certain = truth
        .albums
        .iter()
        .filter(|album| album.certain)
        .filter(of_shown)
        .count();
    let most = truth.albums.iter().filter(of_shown).count();
    assert!(
        (certain..=most).contains(&albums.len()),
        "{certain} {} {most}",
        albums.len()
    );
}

fn list(dir: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

/// A title as a name, as far as the generator's titles ask for it.
fn plain(title: &str) -> String {
    match title {
        "." => "_".into(),
        ".." => "__".into(),
        title => title.replace('/', "_"),
    }
}

/// Names without what tells them from their like. No title of the generator has a `~`.
fn bare(names: &BTreeSet<String>) -> Vec<String> {
    let bare = |name: &String| name.split('~').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = names.iter().map(bare).collect();
    names.sort();
    names
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn count(value: &Value) -> u64 {
    value.as_array().map_or(0, Vec::len) as u64
}

fn set(value: &Value) -> BTreeSet<String> {
    let values = value.as_array().into_iter().flatten();
    values.map(|value| text(value).to_owned()).collect()
}

fn seconds(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => text.parse::<Timestamp>().unwrap().as_second().into(),
        None => Value::Null,
    }
}

fn same_place(is: &Value, should: Option<&[f64]>) -> bool {
    match should {
        None => is.is_null(),
        Some(should) => ["latitude", "longitude", "altitude"]
            .iter()
            .zip(should)
            .all(|(key, should)| {
                is[key]
                    .as_f64()
                    .is_some_and(|is| (is - should).abs() < 1e-9)
            }),
    }
}
