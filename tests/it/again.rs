//! The second backup of an unchanged library: it reads no photo, whatever happened to the mount, the cache, the
//! catalog, and the form and names of the archives in between.
//!
//! What a server reads is taken from `/proc/PID/io`, so nothing that it could fail to count escapes, and compared with
//! its own counters.

use crate::copiers::{self, FIRST};
use crate::kit::{FORMS, Home, Mount, generate, stats, takeout, walk, within};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// More than the look-ups of three tools and far less than the photos. Where a tgz is in play it holds for each tool by
/// itself, since that includes the way from a checkpoint to the one photo that is read.
const FEW: u64 = 5_000_000;

/// A library of which all three tools have a backup.
struct Library {
    home: Home,
    /// The tree that they saw.
    tree: Vec<String>,
    /// Size of every file in by-date and its path from the mountpoint.
    sizes: BTreeMap<PathBuf, u64>,
    /// The one file that Borg reads again: it trusts no file with the newest change time.
    newest: PathBuf,
    /// Older than the file system of rsync's copy can tell, so that rsync copies them again.
    too_old: BTreeSet<PathBuf>,
    turn: Cell<u32>,
}

impl Library {
    fn backed_up(home: Home, sources: &[PathBuf]) -> Library {
        let mount = home.mount(takeout(sources));
        let tree = stats(&mount.point());
        fs::create_dir(home.path("rsync")).unwrap();
        copiers::rsync(&mount, &home.path("rsync")).ok();
        copiers::restic_init(&home);
        copiers::restic_backup(&home, &mount).ok();
        copiers::borg_init(&home);
        copiers::borg_create(&home, &mount, "first").ok();
        let files = walk(&mount.point());
        let in_by_date = files
            .iter()
            .filter(|(path, meta)| path.starts_with("by-date") && meta.is_file());
        let newest = in_by_date
            .clone()
            .max_by_key(|(_, meta)| (meta.ctime(), meta.ctime_nsec()));
        let sizes = in_by_date
            .map(|(path, meta)| (path.clone(), meta.len()))
            .collect();
        let copies = walk(&home.path("rsync"));
        let cut = |path: &&PathBuf| files[*path].mtime() < FIRST && copies[*path].mtime() == FIRST;
        let too_old = files
            .keys()
            .filter(|path| files[*path].is_file())
            .filter(cut)
            .cloned();
        let (newest, too_old) = (newest.unwrap().0.clone(), too_old.collect());
        mount.unmount();
        Library {
            home,
            tree,
            sizes,
            newest,
            too_old,
            turn: Cell::default(),
        }
    }

    /// Mounts `sources` once more and lets all three tools make their second backup.
    fn again(&self, what: &str, sources: &[PathBuf]) {
        let mount = self.home.mount(takeout(sources));
        let mut meter = Meter::new(&mount, sources);
        // Whoever comes first finds nothing in the kernel's caches; each of them is to be that at times.
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        for tool in [turn, turn + 1, turn + 2] {
            match tool % 3 {
                0 => self.rsync(&mut meter),
                1 => self.restic(&mut meter),
                _ => self.borg(&mut meter, what),
            }
        }
        assert!(
            meter.counters("open") <= 1,
            "{what}: files were opened one by one"
        );
        println!("{what}: {}", meter.said.join(", "));
        let tree = stats(&mount.point());
        let other = self.tree.iter().zip(&tree).find(|(was, is)| was != is);
        assert_eq!(other, None, "{what}");
        assert_eq!(self.tree.len(), tree.len(), "{what}");
        mount.unmount();
    }

    /// It copies nothing, but for files whose time its copy cannot have.
    fn rsync(&self, meter: &mut Meter<'_, '_>) {
        let ran = copiers::rsync(meter.mount, &self.home.path("rsync")).ok();
        let copied: BTreeSet<PathBuf> = ran
            .text()
            .lines()
            .filter(|line| !line.ends_with('/'))
            .map(PathBuf::from)
            .collect();
        assert!(copied.is_subset(&self.too_old), "{copied:?}");
        let homes = self.too_old.iter().filter_map(|path| self.sizes.get(path));
        meter.read("rsync", homes.sum());
    }

    fn restic(&self, meter: &mut Meter<'_, '_>) {
        let ran = copiers::restic_backup(&self.home, meter.mount).ok();
        let text = ran.text();
        let summary: serde_json::Value =
            serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let files = self.tree.iter().filter(|line| line.contains(" f ")).count();
        assert_eq!(summary["files_unmodified"], files);
        assert_eq!(
            (&summary["files_new"], &summary["files_changed"]),
            (&0.into(), &0.into())
        );
        meter.read("restic", 0);
    }

    fn borg(&self, meter: &mut Meter<'_, '_>, name: &str) {
        let ran =
            copiers::borg_create(&self.home, meter.mount, &name.replace([' ', '/'], "-")).ok();
        let read = ran
            .err
            .lines()
            .filter(|line| line.starts_with("A ") || line.starts_with("M "));
        // Some versions show the paths of the file system, others those of the archive.
        let newest = meter.mount.path(&self.newest);
        let same = |line: &str| newest.ends_with(line[2..].trim_start_matches('/'));
        let other: Vec<&str> = read.filter(|line| !same(line)).collect();
        assert!(other.is_empty(), "{other:?}");
        meter.read("borg", self.sizes[&self.newest]);
    }
}

/// What a server has read and handed out since the mount answered.
struct Meter<'a, 'b> {
    mount: &'a Mount<'b>,
    tgz: bool,
    start: u64,
    rchar: u64,
    bytes: u64,
    said: Vec<String>,
}

impl<'a, 'b> Meter<'a, 'b> {
    fn new(mount: &'a Mount<'b>, sources: &[PathBuf]) -> Meter<'a, 'b> {
        let start = mount.rchar();
        let mut files = sources.iter().flat_map(|source| walk(source).into_keys());
        Meter {
            mount,
            tgz: files.any(|path| path.extension().is_some_and(|ending| ending == "tgz")),
            start,
            rchar: start,
            bytes: 0,
            said: Vec::new(),
        }
    }

    fn counters(&self, name: &str) -> u64 {
        self.mount.status()["mount"][name].as_u64().unwrap()
    }

    /// A tool has ended that may have read this much of files.
    fn read(&mut self, tool: &str, most: u64) {
        let (rchar, bytes) = (self.mount.rchar(), self.counters("bytes"));
        self.said.push(format!(
            "{tool} {} of which media {}",
            rchar - self.rchar,
            bytes - self.bytes
        ));
        assert!(bytes - self.bytes <= most, "{:?}", self.said);
        let (since, more) = if self.tgz {
            (self.rchar, most)
        } else {
            (self.start, 0)
        };
        assert!(rchar - since < FEW + more, "{:?}", self.said);
        if bytes == 0 {
            assert_eq!(self.counters("read"), 0);
        }
        (self.rchar, self.bytes) = (rchar, bytes);
    }
}

/// The parts of an export, by name.
fn parts(export: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(export.join("export")).unwrap();
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    parts
}

fn wipe(dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_second_backup_reads_no_photo() {
    within(Duration::from_secs(1200), || {
        let home = Home::new();
        generate(&home.path("x"), 11, "deflated");
        let sources = [home.path("x/export")];
        let library = Library::backed_up(home, &sources);
        library.again("mounted again", &sources);
        wipe(&library.home.cache());
        library.again("without cache", &sources);
        wipe(&library.home.state());
        library.again("without catalog", &sources);
        wipe(&library.home.cache());
        wipe(&library.home.state());
        library.again("without either", &sources);
    });
}

#[test]
fn a_second_backup_reads_no_photo_of_another_form_of_the_export() {
    within(Duration::from_secs(1200), || {
        let home = Home::new();
        generate(&home.path("x"), 13, "all");
        let sources = [home.path("x/stored/export")];
        let library = Library::backed_up(home, &sources);
        for form in &FORMS[1..] {
            let export = library.home.path("x").join(form).join("export");
            library.again(form, &[export]);
        }
    });
}

#[test]
fn a_second_backup_reads_no_photo_of_renamed_parts() {
    within(Duration::from_secs(1200), || {
        let home = Home::new();
        generate(&home.path("x"), 14, "zip64");
        let sources = [home.path("x/export")];
        let library = Library::backed_up(home, &sources);
        let mut parts = parts(&library.home.path("x"));
        assert_eq!(parts.len(), 3);
        library.again("one by one", &parts);
        parts.reverse();
        library.again("backwards", &parts);
        parts.rotate_left(1);
        library.again("in another order", &parts);

        let folder = library.home.path("renamed");
        fs::create_dir(&folder).unwrap();
        let names = ["takeout (1).zip", "takeout.zip", "holiday.zip"];
        let renamed = names.map(|name| folder.join(name));
        for (part, name) in parts.iter().zip(&renamed) {
            fs::rename(part, name).unwrap();
        }
        library.again("renamed", std::slice::from_ref(&folder));
        wipe(&library.home.state());
        library.again("renamed, one by one", &renamed);
    });
}
