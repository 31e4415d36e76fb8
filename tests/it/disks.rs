//! Disks that are pulled and disks that fail, under a library that is mounted: see [`crate::vanish`].

use crate::export::unpacked;
use crate::kit::{Home, run, within};
use crate::vanish::{Case, archives, photos, stays};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);

/// A directory that something is mounted on; taken away when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(what: &Path, options: &str, on: &Path) -> Disk {
        fs::create_dir_all(on).unwrap();
        run(Command::new("mount")
            .args(["-o", options])
            .arg(what)
            .arg(on))
        .ok();
        Disk(on.into())
    }

    /// Even while it is used, as a disk is that is pulled.
    fn pull(&self) {
        run(Command::new("umount").arg("-l").arg(&self.0)).ok();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may have been pulled already.
        run(Command::new("umount").arg("-lq").arg(&self.0));
    }
}

#[test]
fn a_disk_that_is_not_there_takes_nothing_away() {
    within(LIMIT, || {
        for kind in ["archives", "an unpacked folder"] {
            let home = Home::new();
            let (data, source) = (home.path("data"), home.path("s"));
            if kind == "archives" {
                archives(&data);
            } else {
                unpacked(&data, &photos("a"));
            }
            let disk = Disk::mount(&data, "bind", &source);
            let mut again = None;
            let name = source.to_str().unwrap();
            let back = || again = Some(Disk::mount(&data, "bind", &source));
            stays(
                &Case {
                    what: &format!("folder unmounted, {kind}"),
                    named: name,
                    at_once: true,
                },
                &home,
                &source,
                || disk.pull(),
                back,
            );
            drop(again);
        }
    });
}

/// Has the kernel forget what it has read of a file, so that the next read asks the disk.
fn forget(file: &Path) {
    let file = File::open(file).unwrap();
    file.sync_all().unwrap();
    let advice = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED;
    nix::fcntl::posix_fadvise(&file, 0, 0, advice).unwrap();
}

#[test]
fn a_disk_that_fails_takes_nothing_away() {
    within(LIMIT, || {
        let home = Home::new();
        let (image, source) = (home.path("image"), home.path("s"));
        File::create(&image).unwrap().set_len(16 << 20).unwrap();
        run(Command::new("mkfs.ext4")
            .args(["-qF", "-O", "^has_journal"])
            .arg(&image))
        .ok();
        let disk = Disk::mount(&image, "loop", &source);
        let parts = archives(&source);
        parts.iter().for_each(|part| forget(part));
        let whole = fs::read(&image).unwrap();
        let name = parts[0].to_str().unwrap();
        // What lies behind the end of the image cannot be read: every block of the archives.
        let fail = || {
            File::options()
                .write(true)
                .open(&image)
                .unwrap()
                .set_len(64 << 10)
                .unwrap();
            parts.iter().for_each(|part| forget(part));
        };
        let mend = || {
            let file = File::options().write(true).open(&image).unwrap();
            file.write_all_at(&whole, 0).unwrap();
            parts.iter().for_each(|part| forget(part));
        };
        stays(
            &Case {
                what: "disk errors",
                named: name,
                at_once: true,
            },
            &home,
            &source,
            fail,
            mend,
        );
        drop(disk);
    });
}
