//! Names for other systems: a tree with hostile titles, copied to the file systems of Windows.
//!
//! What stands for Windows here: NTFS by ntfs-3g with `windows_names`, which refuses what Windows refuses, and exFAT by
//! exfat-fuse on a loop device, which refuses the forbidden marks. The kernel's own drivers are not asked for: small
//! systems run kernels without them. FAT allows the same names as exFAT. Its drivers outside the kernel (mtools, fusefat)
//! cannot store all that it allows, and would be tested here instead of the names.

use crate::kit::{Home, Mount, hashes, is_document, run, takeout, walk, within};
use crate::names::{photo, portable};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);
const IMAGE_BYTES: u64 = 256 << 20;

/// Titles of which most are no names on Windows, or not there beside each other. Each ends in an extension.
fn titles() -> Vec<String> {
    let mut titles: Vec<String> = [
        "plain.jpg",
        "Tea at four: milk & sugar?.jpg",
        "a<b>c.jpg",
        "\"quoted\".jpg",
        "back\\slash.jpg",
        "pipe|star*.jpg",
        "a_b.jpg",
        "a:b.jpg",
        "a?b.jpg",
        "A:B.JPG",
        "CON.jpg",
        "con.JPG",
        "CON_.jpg",
        "prn.png",
        "AUX.old.jpg",
        "NUL.jpg",
        "nul .jpg",
        "COM1.jpg",
        "com9.mp4",
        "LPT3.jpg",
        "COM\u{b2}.jpg",
        "COM10.jpg",
        " leading.jpg",
        "inside ..jpg",
        "dots....jpg",
        ".hidden.jpg",
        "\u{1}control\u{1f}\u{7f}.jpg",
        "tab\there\n.jpg",
        "Straße.jpg",
        "STRASSE.jpg",
        "Ωmega.jpg",
        "ωMEGA.jpg",
        "e\u{301}t\u{e9}.jpg",
        "写真 夏.jpg",
        "percent %20 $HOME `x` ;&.jpg",
        "'single'.jpg",
        "~tilde.jpg",
        "file.exe.jpg",
        "🎂 birthday?.jpg",
        "👩‍👩‍👧 family.jpg",
    ]
    .map(str::to_owned)
    .into();
    for text in ["x", "é", "写", "🎂"] {
        titles.push(format!("{}.jpg", text.repeat(300)));
        titles.push(format!("{}:.jpg", text.repeat(300)));
    }
    titles
}

/// Titles of albums and persons: whole names, without an extension behind which an end could hide.
const WHOLE: [&str; 14] = [
    "So far...",
    "Lisbon ❤ with the family",
    "trailing blank ",
    "...",
    "..",
    "CON",
    "aux.",
    "LPT1",
    "A/B: C?",
    "<3",
    "NUL.tar.gz",
    "ends with dots. . .",
    "ends with dots",
    "CON_",
];

/// An export with all of these.
fn make(dir: &Path) -> BTreeSet<String> {
    let root = dir.join("Takeout/Google Photos");
    let year = root.join("Photos from 2019");
    fs::create_dir_all(&year).unwrap();
    let mut shas = BTreeSet::new();
    for (number, title) in titles().iter().enumerate() {
        for count in 0..3 {
            shas.insert(photo(
                &year,
                number * 10 + count,
                title,
                number * 10 + count,
            ));
        }
    }
    for (number, title) in WHOLE.iter().enumerate() {
        let album = root.join(format!("album {number}"));
        fs::create_dir_all(&album).unwrap();
        let card = serde_json::json!({ "title": title });
        fs::write(album.join("metadata.json"), card.to_string()).unwrap();
        shas.insert(photo(&album, 0, &format!("in {number}.jpg"), 5000 + number));
        let sidecar = album.join(format!("in {number}.jpg.supplemental-metadata.json"));
        let text = fs::read_to_string(&sidecar).unwrap();
        let mut facts: serde_json::Value = serde_json::from_str(&text).unwrap();
        facts["people"] = serde_json::json!([{ "name": title }]);
        facts["favorited"] = true.into();
        fs::write(&sidecar, facts.to_string()).unwrap();
    }
    shas
}

/// A file system in a file, mounted until dropped.
struct Disk {
    point: PathBuf,
    device: Option<String>,
}

impl Disk {
    fn image(home: &Home, name: &str) -> PathBuf {
        let path = home.path(name);
        File::create(&path).unwrap().set_len(IMAGE_BYTES).unwrap();
        fs::create_dir(home.path(format!("{name}.mnt"))).unwrap();
        path
    }

    fn ntfs(home: &Home) -> Disk {
        let image = Disk::image(home, "ntfs");
        run(Command::new("mkntfs").args(["-F", "-q"]).arg(&image)).ok();
        let point = home.path("ntfs.mnt");
        let mut mount = Command::new("ntfs-3g");
        mount.args(["-o", "windows_names"]).arg(&image).arg(&point);
        run(&mut mount).ok();
        Disk {
            point,
            device: None,
        }
    }

    fn exfat(home: &Home) -> Disk {
        let image = Disk::image(home, "exfat");
        run(Command::new("mkfs.exfat").arg(&image)).ok();
        let attached = run(Command::new("losetup").args(["-f", "--show"]).arg(&image)).ok();
        let device = attached.text().trim().to_owned();
        let disk = Disk {
            point: home.path("exfat.mnt"),
            device: Some(device.clone()),
        };
        run(Command::new("mount.exfat-fuse")
            .arg(device)
            .arg(&disk.point))
        .ok();
        disk
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let left = run(Command::new("umount").arg(&self.point));
        if let Some(device) = &self.device {
            run(Command::new("losetup").arg("-d").arg(device));
        }
        assert!(left.code == 0 || std::thread::panicking(), "{left:?}");
    }
}

/// Every path below, directories too.
fn paths(dir: &Path) -> BTreeSet<PathBuf> {
    walk(dir).into_keys().collect()
}

/// Checksums of all photos: of what stands in `by-date` and is no document.
fn photos(mount: &Mount<'_>) -> BTreeSet<String> {
    let by_date = mount.path("by-date");
    let files = walk(&by_date);
    let hashes = hashes(&by_date).into_iter();
    let photos = hashes.filter(|(path, _)| !is_document(&files[path]));
    photos.map(|(_, sha)| sha).collect()
}

/// A copy has all names, no other ones, and the same bytes.
#[track_caller]
fn same(mount: &Mount<'_>, copy: &Path, how: &str) {
    let (source, target) = (paths(&mount.point()), paths(copy));
    let lost: Vec<_> = source.difference(&target).collect();
    let new: Vec<_> = target.difference(&source).collect();
    assert!(
        lost.is_empty() && new.is_empty(),
        "{how}: lost {lost:?}, renamed {new:?}"
    );
    assert!(hashes(&mount.point()) == hashes(copy), "{how}: other bytes");
}

/// Copies all views by a tool.
fn copy(mount: &Mount<'_>, tool: &[&str], to: &Path) -> crate::kit::Ran {
    let mut command = Command::new(tool[0]);
    command.args(&tool[1..]).args(mount.views()).arg(to);
    run(&mut command)
}

const RSYNC: [&str; 3] = ["rsync", "-rt", "--modify-window=2"];

#[test]
fn with_names_for_windows_nothing_is_lost_or_renamed() {
    within(LIMIT, || {
        let home = Home::new();
        let shas = make(&home.path("x"));
        let mut args = takeout([home.path("x")]);
        args.extend(["--names", "windows"].map(Into::into));
        let mount = home.mount(args);
        let shown = photos(&mount);
        assert_eq!(shown, shas, "every photo is there");
        let all = paths(&mount.point());
        portable(all.iter().map(PathBuf::as_path));
        let whole = fs::read_dir(mount.path("albums")).unwrap().count();
        assert_eq!(whole, WHOLE.len());

        for disk in [Disk::ntfs(&home), Disk::exfat(&home)] {
            let name = disk
                .point
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let to = disk.point.join("by rsync");
            fs::create_dir(&to).unwrap();
            copy(&mount, &RSYNC, &to).ok();
            same(&mount, &to, &format!("rsync to {name}"));
            let mut again = RSYNC.to_vec();
            again.push("-i");
            let again = copy(&mount, &again, &to).ok();
            assert_eq!(again.text(), "", "{name}: a second run copies nothing");
            let to = disk.point.join("by cp");
            fs::create_dir(&to).unwrap();
            copy(&mount, &["cp", "-r"], &to).ok();
            same(&mount, &to, &format!("cp to {name}"));
        }
        mount.unmount();
    });
}

/// The same tree with its usual names cannot be copied there: what the test above proves could fail.
#[test]
fn with_names_for_linux_a_copy_to_windows_is_not_whole() {
    within(LIMIT, || {
        let home = Home::new();
        make(&home.path("x"));
        let mount = home.mount(takeout([home.path("x")]));
        for disk in [Disk::ntfs(&home), Disk::exfat(&home)] {
            let ran = copy(&mount, &RSYNC, &disk.point);
            assert_ne!(ran.code, 0, "{ran:?}");
            assert!(!paths(&mount.point()).is_subset(&paths(&disk.point)));
        }
        mount.unmount();
    });
}

/// The longest name counts with all that may be added to a title; flags go before the configuration, and back again the
/// names are the old ones.
#[test]
fn names_are_as_short_as_asked_for() {
    within(LIMIT, || {
        let home = Home::new();
        let shas = make(&home.path("x"));
        let tree = |args: &[&str]| {
            let mut all = takeout([home.path("x")]);
            all.extend(args.iter().map(Into::into));
            let mount = home.mount(all);
            let shown = photos(&mount);
            assert_eq!(shown, shas);
            let paths = paths(&mount.point());
            mount.unmount();
            // Another form is refused for a library that has names.
            fs::remove_dir_all(home.path("state")).unwrap();
            paths
        };
        let longest = |paths: &BTreeSet<PathBuf>| {
            let names = paths.iter().filter_map(|path| path.file_name());
            names.map(|name| name.len()).max().unwrap()
        };
        let usual = tree(&[]);
        assert!((230..=255).contains(&longest(&usual)));
        let short = tree(&["--name-max", "100"]);
        assert!((70..=100).contains(&longest(&short)), "{}", longest(&short));
        portable(short.iter().map(PathBuf::as_path));
        let config = home.path("config/gphotosfs");
        fs::create_dir_all(&config).unwrap();
        fs::write(
            config.join("config.toml"),
            "names = 'windows'\nname_max = 100\n",
        )
        .unwrap();
        let both = tree(&[]);
        assert_ne!(both, short);
        assert_eq!(tree(&["--names", "posix"]), short);
        assert_eq!(tree(&["--name-max", "255", "--names", "posix"]), usual);
        for wrong in ["63", "256", "many", "-1"] {
            let mut all = takeout([home.path("x")]);
            all.extend(["--name-max", wrong].map(Into::into));
            home.mount_run(all).ends(2);
        }
    });
}
