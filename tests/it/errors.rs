//! The table of errors, row by row, with every tool: it ends with an error, names the file, and copies all others.

use crate::export::{How, Photo, flip, keep_time, noise, part, shown, unpacked, unpacked_path};
use crate::kit::{Home, Mount, run, takeout, within};
use crate::sources::write_config;
use crate::tools::Tool;
use crate::trouble::{Got, WHOLE, calm, log, read, through};
use nix::libc::{EACCES, EIO, ENOENT, ESTALE};
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(400);
const MIB: usize = 1 << 20;

/// Root's usual freedom to read what it may not read, taken away.
const BOUND: [&str; 3] = [
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--",
];

/// `count` photos, every other one deflated, with names that begin with `prefix`.
fn photos(prefix: &str, count: u64) -> Vec<Photo> {
    let photo = |at: u64| {
        let how = if at.is_multiple_of(2) {
            How::Stored
        } else {
            How::Deflated
        };
        let seed = (u64::from(crc32fast::hash(prefix.as_bytes())) << 8) + at;
        let len = 1000 + 40_000 * at as usize;
        Photo::new(&format!("{prefix}_{at}.jpg"), noise(seed, len), how)
    };
    (0..count).map(photo).collect()
}

fn names(photos: &[Photo]) -> Vec<String> {
    photos.iter().map(|photo| photo.name.clone()).collect()
}

/// A library in which some files can be read and others cannot.
struct Scene<'a> {
    home: &'a Home,
    mount: &'a Mount<'a>,
    good: Vec<Photo>,
    /// Names, and the errno that reading them must give.
    bad: Vec<(String, i32)>,
}

impl Scene<'_> {
    /// Proves the row with every tool, then with plain reads.
    fn prove(&self) {
        for tool in Tool::ALL {
            let ran = tool.copy(self.home, &["by-date"], "a");
            assert!(ran.code > 0, "{ran:?}");
            for (name, _) in &self.bad {
                assert!(ran.err.contains(name), "{name} is not named: {ran:?}");
            }
            let copied = tool.copied(self.home, "a");
            for photo in &self.good {
                let found = copied.get(&shown(&photo.name));
                assert_eq!(found, Some(&photo.sha256()), "{tool:?}, {}", photo.name);
            }
        }
        let log = log(self.home);
        for (name, errno) in &self.bad {
            let path = self.mount.path(shown(name));
            let large = fs::metadata(&path).unwrap().len() > WHOLE;
            let got = read(&path);
            let right = got == Got::Refused(*errno) || large && got == Got::Broken(*errno);
            assert!(right, "{name}: {got:?}");
            fails_everywhere(&path, *errno);
            assert!(log.contains(shown(name).to_str().unwrap()), "{name}: {log}");
        }
        calm(self.home, "");
    }
}

/// Wherever a small file is read it fails; of a large one the last block is never served.
fn fails_everywhere(path: &Path, errno: i32) {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    let from = if size > WHOLE { size - 4096 } else { 0 };
    for at in [from, from + (size - from) / 2, size - 1] {
        let got = file
            .read_at(&mut [0; 4096], at)
            .map_err(|error| error.raw_os_error());
        assert_eq!(got, Err(Some(errno)), "{} at {at}", path.display());
    }
}

#[test]
fn what_is_damaged_or_gone_is_an_input_output_error() {
    within(LIMIT, || {
        let home = Home::new();
        let sources = [home.path("parts"), home.path("folder")];
        let mut good = photos("good", 6);
        let stored = Photo::new("flip_stored.jpg", noise(1, 200_000), How::Stored);
        let deflated = Photo::new("flip_deflated.jpg", noise(2, 200_000), How::Deflated);
        let longer = Photo::new("too_short.jpg", noise(3, 50_000), How::Deflated);
        let last = Photo::new("flip_last_byte.mp4", noise(4, 15 * MIB), How::Stored);
        let large = Photo::new("flip_large_stored.mp4", noise(5, 20 * MIB), How::Stored);
        let packed = Photo::new("flip_large_deflated.mp4", noise(6, 20 * MIB), How::Deflated);
        let damaged = vec![stored, deflated, longer, last, large, packed];
        let first = part(&sources[0], 1, &[good.clone(), damaged.clone()].concat());
        let lost = photos("lost", 3);
        let second = part(&sources[0], 2, &lost);
        let (kept, gone) = (photos("kept", 2), photos("gone", 2));
        unpacked(&sources[1], &[kept.clone(), gone.clone()].concat());
        let spot = |name: &str| first.spots[name];
        flip(&first.path, spot("flip_stored.jpg").data);
        for name in [
            "flip_deflated.jpg",
            "flip_large_stored.mp4",
            "flip_large_deflated.mp4",
        ] {
            flip(&first.path, spot(name).data + spot(name).packed / 2);
        }
        flip(
            &first.path,
            spot("flip_last_byte.mp4").data + spot("flip_last_byte.mp4").packed - 1,
        );
        // The directory says one byte more or less than there is.
        flip(&first.path, spot("too_short.jpg").record + 24);

        let mount = home.mount(takeout(&sources));
        fs::remove_file(&second.path).unwrap();
        for photo in &gone {
            fs::remove_file(unpacked_path(&sources[1], &photo.name)).unwrap();
        }
        good.extend(kept);
        let bad = [names(&damaged), names(&lost), names(&gone)].concat();
        let bad = bad.into_iter().map(|name| (name, EIO)).collect();
        Scene {
            home: &home,
            mount: &mount,
            good,
            bad,
        }
        .prove();
        let log = log(&home);
        for path in [&first.path, &second.path] {
            assert!(log.contains(path.to_str().unwrap()), "{log}");
        }
        mount.unmount();
    });
}

#[test]
fn an_archive_replaced_under_an_open_file_is_a_stale_handle() {
    within(LIMIT, || {
        let home = Home::new();
        let sources = [home.path("parts"), home.path("folder")];
        let (good, inside) = (photos("good", 5), photos("inside", 3));
        let (renamed, edited) = (photos("renamed", 3), photos("edited", 2));
        part(&sources[0], 1, &good);
        let second = part(&sources[0], 2, &inside);
        let third = part(&sources[0], 3, &renamed);
        unpacked(&sources[1], &edited);
        // Until a pass takes in what came: by itself the mount would make one in the middle of this.
        write_config(&home, "[sync]\nwatch = false\n");

        let mount = home.mount(takeout(&sources));
        let open = |name: &str| File::open(mount.path(shown(name))).unwrap();
        let held = [
            open("inside_1.jpg"),
            open("renamed_1.jpg"),
            open("edited_1.jpg"),
        ];
        // A download that is written over the same file, one that takes its place, and an editor that saves.
        fs::write(&second.path, fs::read(&third.path).unwrap()).unwrap();
        fs::copy(&second.path, home.path("new.zip")).unwrap();
        fs::rename(home.path("new.zip"), &third.path).unwrap();
        for photo in &edited {
            let path = unpacked_path(&sources[1], &photo.name);
            fs::write(path, noise(99, photo.bytes.len())).unwrap();
        }
        for mut file in held {
            let got = file
                .read(&mut [0; 100])
                .map_err(|error| error.raw_os_error());
            assert_eq!(got, Err(Some(ESTALE)));
        }
        let bad = [names(&inside), names(&renamed), names(&edited)].concat();
        let bad = bad.into_iter().map(|name| (name, ESTALE)).collect();
        Scene {
            home: &home,
            mount: &mount,
            good,
            bad,
        }
        .prove();
        mount.unmount();
    });
}

#[test]
fn what_may_not_be_read_is_permission_denied() {
    within(LIMIT, || {
        let home = Home::new();
        let sources = [home.path("parts"), home.path("folder")];
        let (good, shut, closed) = (photos("good", 5), photos("shut", 3), photos("closed", 2));
        part(&sources[0], 1, &good);
        let second = part(&sources[0], 2, &shut);
        unpacked(&sources[1], &closed);
        let mut command = home.gphotosfs(["mount"]);
        command.args(takeout(&sources)).arg(home.point());
        run(&mut through(&BOUND, &command)).ok();
        let mount = home.mounted();
        let mode = Permissions::from_mode(0o000);
        fs::set_permissions(&second.path, mode.clone()).unwrap();
        for photo in &closed {
            fs::set_permissions(unpacked_path(&sources[1], &photo.name), mode.clone()).unwrap();
        }
        let bad = [names(&shut), names(&closed)].concat();
        let bad = bad.into_iter().map(|name| (name, EACCES)).collect();
        Scene {
            home: &home,
            mount: &mount,
            good,
            bad,
        }
        .prove();
        // Allowed again, it is served again at once: what is denied is nobody's own fault.
        fs::set_permissions(&second.path, Permissions::from_mode(0o600)).unwrap();
        for photo in &shut {
            assert_eq!(
                read(&mount.path(shown(&photo.name))),
                Got::Bytes(photo.sha256())
            );
        }
        mount.unmount();
    });
}

#[test]
fn a_disk_that_rots_under_the_mount_is_found_out() {
    within(LIMIT, || {
        let home = Home::new();
        let (good, rotten) = (photos("good", 4), photos("rotten", 4));
        let only = part(
            &home.path("parts"),
            1,
            &[good.clone(), rotten.clone()].concat(),
        );
        let mount = home.mount(takeout([home.path("parts")]));
        for photo in &good {
            assert_eq!(
                read(&mount.path(shown(&photo.name))),
                Got::Bytes(photo.sha256())
            );
        }
        keep_time(&only.path, || {
            for photo in &rotten {
                let spot = only.spots[&photo.name];
                flip(&only.path, spot.data + spot.packed - 1);
            }
        });
        let bad = names(&rotten).into_iter().map(|name| (name, EIO)).collect();
        Scene {
            home: &home,
            mount: &mount,
            good,
            bad,
        }
        .prove();
        mount.unmount();
    });
}

#[test]
fn a_name_that_is_not_there_is_no_such_file() {
    within(LIMIT, || {
        let home = Home::new();
        part(&home.path("parts"), 1, &photos("good", 2));
        let mount = home.mount(takeout([home.path("parts")]));
        for path in [
            "no",
            "by-date/no",
            "by-date/2023/2023-07/no.jpg",
            "albums/no/no.jpg",
        ] {
            let path: PathBuf = mount.path(path);
            let error = File::open(&path).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(ENOENT), "{}", path.display());
        }
        mount.unmount();
    });
}
