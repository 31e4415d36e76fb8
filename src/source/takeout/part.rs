//! Parts: which archives and folders make up an export, and whether all of them are there.
//!
//! A part's name is `takeout-STAMP-NUMBER.zip` or `takeout-STAMP-SERIES-NUMBER.zip`, or ends in `.tgz`; browsers add ` (1)`, users rename.
//! What lies in one source and carries no stamp (an unpacked folder, `takeout.zip`) belongs to the one export that has
//! one, else it is an export of its own.

use super::loose;
use super::name::is_junk;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// What a part's name tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartName {
    /// When the export was made, as Google writes it: `20260913T041200Z`.
    pub stamp: String,
    /// The series, where the name has one.
    pub series: Option<u32>,
    /// The number within the export.
    pub number: u32,
}

/// What kind of thing a part is, by its name. Whether an archive is a zip or a tgz, its first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A zip archive.
    Zip,
    /// A gzipped tar archive.
    Tgz,
    /// An unpacked folder.
    Folder,
    /// A file that may be a medium too large for any archive; see [`super::loose`].
    Loose,
    /// A download or a copy that has not ended.
    Partial,
}

/// One archive or folder found in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The archive, or the folder whose contents begin with `Takeout`.
    pub path: PathBuf,
    /// What it is.
    pub form: Form,
    /// What its name tells.
    pub name: Option<PartName>,
    /// Size in bytes; 0 for a folder.
    pub size: u64,
    /// Modification time in nanoseconds; 0 for a folder.
    pub mtime_ns: i64,
}

/// A source that cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path cannot be read.
    #[error("cannot read {path}, which must be an archive or a folder that you may read")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither archives nor a `Takeout` folder.
    #[error(
        "no Takeout in {path}: neither zip archives, nor tgz, nor a folder named Takeout; give the folder that has them"
    )]
    Nothing {
        /// Where nothing was found.
        path: PathBuf,
    },
}

/// Takes the name of a part apart.
pub fn parse_name(file: &str) -> Option<PartName> {
    let lower = file.to_ascii_lowercase();
    let rest = copied_into(&lower)
        .filter(|_| lower.starts_with('.'))
        .unwrap_or(&lower)
        .strip_prefix("takeout-")?;
    let (stamp, rest) = rest.split_once('-')?;
    let (day, time) = stamp.split_once('t')?;
    let time = time.strip_suffix('z')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if day.len() != 8 || !digits(day) || !digits(time) {
        return None;
    }
    let tail: String = rest
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '-')
        .collect();
    let numbers: Vec<&str> = tail.trim_end_matches('-').split('-').collect();
    let (series, number) = match numbers.as_slice() {
        [number] => (None, number.parse().ok()?),
        [series, number] => (Some(series.parse().ok()?), number.parse().ok()?),
        _ => return None,
    };
    Some(PartName {
        stamp: stamp.to_ascii_uppercase(),
        series,
        number,
    })
}

/// What browsers and other programs put behind the name of a file that they have not finished.
const UNFINISHED: &[&str] = &[
    ".crdownload",
    ".part",
    ".partial",
    ".download",
    ".opdownload",
    ".aria2",
    ".tmp",
];

fn form_of(file: &str) -> Option<Form> {
    let lower = file.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    if lower.starts_with('.') {
        return copied_into(&lower).map(|_| Form::Partial);
    }
    if ends(&[".zip"]) {
        Some(Form::Zip)
    } else if ends(&[".tgz", ".tar.gz"]) || (ends(&[".tar"]) && parse_name(file).is_some()) {
        // A part that somebody has unzipped to a tar cannot be read, and is to be named.
        Some(Form::Tgz)
    } else if ends(UNFINISHED) && lower.contains("takeout") {
        Some(Form::Partial)
    } else if loose::may_be(file) {
        Some(Form::Loose)
    } else {
        None
    }
}

/// The name that a hidden file will have when it is whole: rsync and Syncthing copy `a.zip` into `.a.zip.x7Gq2c` and
/// `.syncthing.a.zip.tmp`.
fn copied_into(hidden: &str) -> Option<&str> {
    let name = hidden.get(hidden.find("takeout-")?..)?;
    let end = [".zip.", ".tgz.", ".tar.gz."]
        .iter()
        .find_map(|ending| Some(name.find(ending)? + ending.len() - 1))?;
    name.get(..end)
}

/// Whether a folder's name is that of an unpacked export's root: `Takeout`, `takeout 2`, `Takeout-1`.
pub fn is_root(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.strip_prefix("takeout").is_some_and(|rest| {
        rest.chars()
            .all(|c| c.is_ascii_digit() || " -_()".contains(c))
    })
}

/// Looks at one source: an archive, a folder of parts, or an unpacked export.
///
/// # Errors
/// [`Error::Nothing`] when nothing in it looks like a Takeout, [`Error::Io`] when it cannot be read.
pub fn discover(source: &Path) -> Result<Vec<Found>, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let meta = std::fs::metadata(source).map_err(failed(source))?;
    if meta.is_file() {
        let file = name_of(source);
        let form = form_of(&file).unwrap_or(Form::Zip);
        return Ok(vec![archive(source, form, &meta)]);
    }
    let nothing = || Error::Nothing {
        path: source.into(),
    };
    let own_name = name_of(source);
    if is_root(&own_name) && !holds_archives(source).map_err(failed(source))? {
        let parent = source.parent().unwrap_or(source);
        let part = folder(source, &name_of(parent));
        return if holds_files(source) {
            Ok(vec![part])
        } else {
            Err(nothing())
        };
    }
    let mut found = Vec::new();
    let mut plain_folders = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(source)
        .map_err(failed(source))?
        .collect::<Result<_, _>>()
        .map_err(failed(source))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for path in entries.iter().map(std::fs::DirEntry::path) {
        match sort(&path, &own_name).map_err(failed(&path))? {
            Sorted::Part(part) => found.push(part),
            Sorted::Folder => plain_folders.push(path),
            Sorted::Nothing => {}
        }
    }
    // Loose files alone are anybody's.
    if found
        .iter()
        .any(|part| part.form != Form::Loose || part.name.is_some())
    {
        return Ok(found);
    }
    // Somebody may have unpacked, or kept, only what lies below `Takeout`.
    if plain_folders.iter().any(|folder| holds_files(folder)) {
        return Ok(vec![folder(source, &own_name)]);
    }
    Err(nothing())
}

/// What something in a source is.
enum Sorted {
    Part(Found),
    /// A folder with whatever is in it.
    Folder,
    Nothing,
}

fn sort(path: &Path, source_name: &str) -> io::Result<Sorted> {
    let file = name_of(path);
    if is_junk([file.as_str()]) {
        return Ok(Sorted::Nothing);
    }
    let form = form_of(&file).filter(|form| *form != Form::Loose);
    let meta = match (std::fs::metadata(path), form) {
        (Ok(meta), _) => meta,
        // It is named as a part that cannot be read.
        (Err(_), Some(form)) => return Ok(Sorted::Part(nothing_known(path, form))),
        // A link to nowhere is nobody's.
        (Err(_), None) if path.is_symlink() => return Ok(Sorted::Nothing),
        (Err(error), None) => return Err(error),
    };
    if !meta.is_dir() {
        let form = form_of(&file);
        return Ok(form.map_or(Sorted::Nothing, |form| {
            Sorted::Part(archive(path, form, &meta))
        }));
    }
    // Safari keeps a download in a folder until it is whole.
    if form == Some(Form::Partial) {
        return Ok(Sorted::Part(archive(path, Form::Partial, &meta)));
    }
    if is_root(&file) {
        return Ok(if holds_files(path) {
            Sorted::Part(folder(path, source_name))
        } else {
            Sorted::Nothing
        });
    }
    match root_below(path) {
        Ok(Some(root)) if holds_files(&root) => Ok(Sorted::Part(folder(&root, &file))),
        Ok(_) => Ok(Sorted::Folder),
        // It is named as a part that cannot be read, if its own name says that it is one.
        Err(_) if parse_name(&file).is_some() => Ok(Sorted::Part(folder(path, &file))),
        Err(_) => Ok(Sorted::Nothing),
    }
}

/// Whether there is any file in a folder. Empty folders are what is left where a disk is not there, and no export; one
/// that cannot be read may hold some.
pub fn holds_files(folder: &Path) -> bool {
    let mut entries = WalkDir::new(folder).into_iter();
    entries.any(|entry| entry.map_or(true, |entry| !entry.file_type().is_dir()))
}

fn holds_archives(folder: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let form = form_of(&entry?.file_name().to_string_lossy());
        if form.is_some_and(|form| form != Form::Loose) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `Takeout` in a folder that an unpacking tool named after the archive.
fn root_below(folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if is_root(&entry.file_name().to_string_lossy()) && entry.path().is_dir() {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn archive(path: &Path, form: Form, meta: &std::fs::Metadata) -> Found {
    Found {
        path: path.into(),
        form,
        name: parse_name(&name_of(path)),
        size: meta.size(),
        mtime_ns: mtime_ns(meta),
    }
}

/// A modification time in nanoseconds since 1970.
pub fn mtime_ns(meta: &std::fs::Metadata) -> i64 {
    meta.mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(meta.mtime_nsec())
}

fn folder(path: &Path, stamped: &str) -> Found {
    Found {
        name: parse_name(stamped),
        ..nothing_known(path, Form::Folder)
    }
}

fn nothing_known(path: &Path, form: Form) -> Found {
    Found {
        path: path.into(),
        form,
        name: parse_name(&name_of(path)),
        size: 0,
        mtime_ns: 0,
    }
}

/// Numbers that are missing below the highest of an export, by series.
///
/// A series that has a number 1 counts for itself. One that begins later goes on where another ends, as exports with
/// `-001` and `-2-014` do.
pub fn gaps<'a>(names: impl Iterator<Item = &'a PartName>) -> Vec<(Option<u32>, u32)> {
    let mut series: BTreeMap<Option<u32>, BTreeSet<u32>> = BTreeMap::new();
    for name in names {
        series.entry(name.series).or_default().insert(name.number);
    }
    let all: BTreeSet<u32> = series.values().flatten().copied().collect();
    let mut missing = Vec::new();
    for (name, numbers) in &series {
        let own = numbers.contains(&1);
        let last = numbers.last().copied().unwrap_or(0);
        for number in 1..last {
            let there = numbers.contains(&number) || (!own && all.contains(&number));
            if !there && missing.len() < 1000 {
                missing.push((*name, number));
            }
        }
    }
    missing
}

/// The name a missing part would have.
pub fn missing_name(stamp: &str, series: Option<u32>, number: u32) -> String {
    match series {
        Some(series) => format!("takeout-{stamp}-{series}-{number:03}"),
        None => format!("takeout-{stamp}-{number:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PartName {
        parse_name(text).unwrap()
    }

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(
            name("takeout-20260913T041200Z-3-009.zip"),
            PartName {
                stamp: "20260913T041200Z".into(),
                series: Some(3),
                number: 9
            }
        );
        assert_eq!(name("takeout-20190101T000000Z-001 (1).zip").number, 1);
        assert_eq!(
            name("takeout-20240101T1994402Z-1-002.tgz").stamp,
            "20240101T1994402Z"
        );
        assert_eq!(name("takeout-20260913T041200Z-1-002").number, 2);
        assert_eq!(
            name("takeout-20260913T041200Z-001.zip.crdownload").number,
            1
        );
        for odd in [
            "takeout.zip",
            "takeout-2026.zip",
            "takeout-20260913T0412Z.zip",
            "photos-20260913T041200Z-001.zip",
        ] {
            assert_eq!(parse_name(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_is_not_whole_is_a_part_too() {
        let part = "takeout-20260913T041200Z-001.zip";
        for partial in [
            format!("{part}.crdownload"),
            format!("{part}.part"),
            format!("{part}.aria2"),
            format!(".{part}.x7Gq2c"),
            format!(".syncthing.{part}.tmp"),
        ] {
            assert_eq!(form_of(&partial), Some(Form::Partial), "{partial}");
            assert_eq!(parse_name(&partial), Some(name(part)), "{partial}");
        }
        for other in [
            format!("{part}.sha256"),
            format!(".{part}"),
            "holiday.zip.txt".into(),
            "holiday.part".into(),
        ] {
            assert_eq!(form_of(&other), None, "{other}");
        }
    }

    #[test]
    fn a_source_is_told_from_what_a_disk_leaves_behind() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path();
        let is_nothing = || matches!(discover(source), Err(Error::Nothing { .. }));
        let make = |path: &str| std::fs::create_dir_all(source.join(path)).unwrap();
        let write = |path: &str| std::fs::write(source.join(path), "x").unwrap();
        let link = |path: &str| std::os::unix::fs::symlink("/nowhere", source.join(path)).unwrap();
        // An empty folder, also where a disk was mounted on one; what belongs to others.
        make("Takeout/Google Photos");
        make("lost+found");
        write("holiday-002.jpg");
        link("nowhere");
        assert!(is_nothing());
        assert!(!holds_files(&source.join("Takeout")));
        write("Takeout/Google Photos/a.jpg");
        let forms = || -> Vec<(Form, bool)> {
            let found = discover(source).unwrap();
            found
                .iter()
                .map(|part| (part.form, part.name.is_some()))
                .collect()
        };
        assert_eq!(forms(), [(Form::Folder, false), (Form::Loose, false)]);
        // Safari's download, and a part that leads nowhere.
        make("takeout-20260913T041200Z-002.zip.download");
        link("takeout-20260913T041200Z-001.zip");
        let both = [(Form::Zip, true), (Form::Partial, true)];
        assert_eq!(forms()[2..], both);
    }

    #[test]
    fn gaps_are_found_by_series() {
        let missing = |files: &[&str]| {
            let names: Vec<PartName> = files
                .iter()
                .map(|file| name(&format!("takeout-20260913T041200Z-{file}.zip")))
                .collect();
            gaps(names.iter())
        };
        assert_eq!(missing(&["1-001", "1-002"]), []);
        assert_eq!(missing(&["1-001", "1-003"]), [(Some(1), 2)]);
        assert_eq!(missing(&["002", "003"]), [(None, 1)]);
        assert_eq!(missing(&["001", "002", "2-003"]), []);
        assert_eq!(missing(&["001", "2-003"]), [(Some(2), 2)]);
        assert_eq!(missing(&["1-001", "2-001", "2-002"]), []);
        assert_eq!(
            missing(&["1-001", "1-003", "2-001", "2-002"]),
            [(Some(1), 2)]
        );
        assert_eq!(
            missing_name("20260913T041200Z", Some(1), 2),
            "takeout-20260913T041200Z-1-002"
        );
    }

    #[test]
    fn roots_are_known_by_name() {
        for root in [
            "Takeout",
            "takeout",
            "Takeout 2",
            "Takeout-3",
            "TAKEOUT (1)",
        ] {
            assert!(is_root(root), "{root}");
        }
        assert!(!is_root("Takeout photos") && !is_root("My Takeout"));
    }
}
