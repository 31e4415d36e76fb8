//! Ends and beginnings at bad moments: a mount taken away while it is used, signals, Ctrl-C while indexing, parts that
//! vanish, two libraries at once.

use crate::export::{How, Photo, noise, part, shown, unpacked};
use crate::killed;
use crate::kit::{Home, Mount, run, takeout, within};
use crate::trouble::{Got, WHOLE, calm, copy_env, library, log, read, read_all};
use nix::libc::{EAGAIN, EINTR, EIO, ENOENT};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(240);

fn photos(prefix: &str, how: How) -> Vec<Photo> {
    let seed = u64::from(crc32fast::hash(prefix.as_bytes())) << 8;
    let photo = |at: u64| {
        let len = if at == 0 { 18 << 20 } else { 50_000 };
        Photo::new(&format!("{prefix}_{at}.jpg"), noise(seed + at, len), how)
    };
    (0..6).map(photo).collect()
}

/// A library of two parts, `a` and `b`.
fn library_of_two(home: &Home) -> [PathBuf; 2] {
    [(1, "a"), (2, "b")].map(|(number, prefix)| {
        let how = if number == 1 {
            How::Stored
        } else {
            How::Deflated
        };
        part(&home.path("parts"), number, &photos(prefix, how)).path
    })
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

/// Waits until the server has ended.
fn wait_for_end(home: &Home) {
    let lock = File::open(library(home).join("lock")).unwrap();
    lock.lock_shared().unwrap();
}

/// The mountpoint is a plain, empty directory, and another mount works at once.
fn is_free(home: &Home) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(home.point().to_str().unwrap()), "{mounts}");
    assert_eq!(fs::read_dir(home.point()).unwrap().count(), 0);
    calm(home, "");
    let again = home.mount(takeout([home.path("parts")]));
    let photo = &photos("a", How::Stored)[1];
    assert_eq!(
        read(&again.path(shown(&photo.name))),
        Got::Bytes(photo.sha256())
    );
    again.unmount();
}

/// A file that is held open, of which the beginning has been read.
fn hold(mount: &Mount<'_>, name: &str) -> File {
    let mut file = File::open(mount.path(shown(name))).unwrap();
    file.read_exact(&mut [0; 4096]).unwrap();
    file
}

/// What is read from a mount that is gone is an error, and none that makes tools try for ever or take the file for
/// deleted; or it is what the kernel remembers, where somebody has read it before.
fn is_dead(file: &File, photo: &Photo, read_before: bool) {
    let mut last = [0; 4096];
    let at = photo.bytes.len() - last.len();
    match file.read_at(&mut last, at as u64) {
        Err(error) => {
            let errno = error.raw_os_error().unwrap();
            assert!(![EAGAIN, EINTR, ENOENT].contains(&errno), "{error}");
        }
        Ok(got) => {
            assert!(
                read_before && got == last.len(),
                "{got} bytes of a dead mount"
            );
            assert!(
                last == photo.bytes[at..],
                "{} shows wrong bytes",
                photo.name
            );
        }
    }
}

#[test]
fn a_mount_in_use_is_taken_away_and_its_server_ends() {
    within(LIMIT, || {
        let home = Home::new();
        library_of_two(&home);
        for word in ["unmount", "umount"] {
            let mount = home.mount(takeout([home.path("parts")]));
            let held = [&photos("a", How::Stored)[0], &photos("b", How::Deflated)[0]]
                .map(|photo| (hold(&mount, &photo.name), photo.clone()));
            let ran = run(home.gphotosfs([word]).arg(home.point())).ok();
            assert!(ran.err.contains("in use"), "{ran:?}");
            let comm = fs::read_to_string(format!("/proc/{}/comm", mount.pid()));
            assert!(comm.is_err() || !Path::new(&format!("/proc/{}/exe", mount.pid())).exists());
            for (file, photo) in held {
                is_dead(&file, &photo, false);
            }
            std::mem::forget(mount);
            is_free(&home);
        }
    });
}

#[test]
fn a_signal_ends_a_mount_in_the_middle_of_a_copy() {
    within(LIMIT, || {
        let home = Home::new();
        library_of_two(&home);
        for what in [Signal::SIGTERM, Signal::SIGINT] {
            let mount = home.mount(takeout([home.path("parts")]));
            let held = hold(&mount, "b_0.jpg");
            let code = killed::copy(&home, 3, || signal(mount.pid(), what));
            wait_for_end(&home);
            is_dead(&held, &photos("b", How::Deflated)[0], true);
            // What was copied is right, whether or not rsync had read everything before the signal came.
            let all = [photos("a", How::Stored), photos("b", How::Deflated)].concat();
            let copy = home.path("copy");
            let right = all.iter().filter(|photo| {
                let path = copy.join(shown(&photo.name));
                path.exists() && crate::kit::sha256(&path) == photo.sha256()
            });
            assert_eq!(right.count(), crate::kit::hashes(&copy).len());
            assert!(code != 0 || crate::kit::hashes(&copy).len() == all.len());
            let said = format!("signal {}", what as i32);
            assert!(log(&home).contains(&said), "{}", log(&home));
            std::mem::forget(mount);
            is_free(&home);
            fs::remove_dir_all(copy).unwrap();
        }
    });
}

/// A server in the foreground, killed when dropped.
struct Foreground(Child);

impl Foreground {
    fn start(home: &Home, source: &Path) -> Foreground {
        let mut mount = home.gphotosfs(["mount", "--foreground"]);
        mount.args(takeout([source])).arg(home.point());
        // A shell without job control has its background jobs ignore SIGINT, and these tests may be one.
        let mut command = Command::new("env");
        command
            .arg("--default-signal=INT")
            .arg(mount.get_program())
            .args(mount.get_args());
        copy_env(&mount, &mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Foreground(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// Bytes that it has read so far; `None` once it has ended.
    fn rchar(&mut self) -> Option<u64> {
        if self.0.try_wait().unwrap().is_some() {
            return None;
        }
        let io = fs::read_to_string(format!("/proc/{}/io", self.0.id())).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        line.unwrap().parse().ok()
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_mounted(home: &Home) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    mounts.contains(home.point().to_str().unwrap())
}

#[test]
fn ctrl_c_while_indexing_keeps_what_was_read() {
    within(LIMIT, || {
        const FILES: u64 = 64;
        const SIZE: u64 = 32 << 20;
        const KEPT: u64 = 256 << 20;
        let home = Home::new();
        let source = unpacked(&home.path("folder"), &[]);
        let folder = source.join("Google Photos/Photos from 2023");
        for at in 0..FILES {
            // Holes: they take no room on the disk and have to be read all the same.
            let file = File::create(folder.join(format!("VID_{at:02}.mp4"))).unwrap();
            file.set_len(SIZE + at).unwrap();
        }
        let mut first = Foreground::start(&home, &source);
        while first
            .rchar()
            .expect("it read everything before it could be stopped")
            < KEPT + 4 * SIZE
        {
            std::thread::yield_now();
        }
        signal(first.0.id(), Signal::SIGINT);
        first.0.wait().unwrap();
        assert!(!is_mounted(&home));

        let mut second = Foreground::start(&home, &source);
        while !is_mounted(&home) {
            assert!(
                second.0.try_wait().unwrap().is_none(),
                "the second run has failed"
            );
            std::thread::yield_now();
        }
        // It is listed, so everything was read or known; what the first run kept was not read again.
        let found = walkdir::WalkDir::new(home.point().join("by-date"));
        let found = found
            .into_iter()
            .filter(|entry| entry.as_ref().unwrap().file_type().is_file());
        assert_eq!(found.count() as u64, FILES);
        let all = FILES * SIZE;
        let read = second.rchar().unwrap();
        assert!(
            read < all - KEPT + SIZE,
            "{read} of {all} bytes were read again"
        );
        signal(second.0.id(), Signal::SIGINT);
        assert_eq!(second.0.wait().unwrap().code(), Some(0));
        assert!(!is_mounted(&home));
    });
}

#[test]
fn two_libraries_live_side_by_side() {
    within(LIMIT, || {
        let home = Home::new();
        library_of_two(&home);
        let (first, second) = (
            home.mount(takeout([home.path("parts")])),
            home.path("second"),
        );
        fs::create_dir(&second).unwrap();
        let mut demo = home.gphotosfs(["mount", "--demo"]);
        run(demo.arg(&second)).ok();
        let status = |point: &Path| {
            run(home.gphotosfs(["status", "--json"]).arg(point))
                .ok()
                .json()
        };
        let demo = status(&second);
        assert_eq!(first.status()["shown"], 12);
        assert!(demo["shown"].as_u64().unwrap() > 40);
        assert_ne!(demo["mount"]["pid"], first.status()["mount"]["pid"]);
        let which = run(&mut home.gphotosfs(["status"])).ends(2);
        assert!(which.err.contains("several libraries"), "{which:?}");
        // The end of one is not the end of the other.
        run(home.gphotosfs(["unmount"]).arg(&second)).ok();
        let photo = &photos("b", How::Deflated)[2];
        assert_eq!(
            read(&first.path(shown(&photo.name))),
            Got::Bytes(photo.sha256())
        );
        first.unmount();
    });
}

/// All names are there; those of `b` fail, those of `a` are right; and status says which part is to blame.
fn b_is_lost_but_listed(home: &Home, mount: &Mount<'_>, part: &Path, errno: i32) {
    let got = read_all(mount, "by-date");
    assert_eq!(got.len(), 12);
    for photo in photos("a", How::Stored) {
        assert_eq!(got[&shown(&photo.name)], Got::Bytes(photo.sha256()));
    }
    for photo in photos("b", How::Deflated) {
        assert_eq!(
            got[&shown(&photo.name)],
            Got::Refused(errno),
            "{}",
            photo.name
        );
    }
    let status = run(home.gphotosfs(["status", "--json"]).arg(home.point())).ends(1);
    assert!(status.text().contains(part.to_str().unwrap()), "{status:?}");
    calm(home, &status.err);
}

#[test]
fn a_part_that_goes_away_keeps_its_names() {
    within(LIMIT, || {
        let home = Home::new();
        let parts = library_of_two(&home);
        let source = home.path("parts");
        let sources = || takeout([&source]);
        let mount = home.mount(sources());
        assert_eq!(mount.status()["problems"].as_array().unwrap().len(), 0);
        fs::rename(&parts[1], home.path("away.zip")).unwrap();
        b_is_lost_but_listed(&home, &mount, &parts[1], EIO);
        mount.unmount();
        // And over the next mount.
        let mount = home.mount(sources());
        b_is_lost_but_listed(&home, &mount, &parts[1], EIO);
        // Put back, it is served again, without a new mount.
        fs::rename(home.path("away.zip"), &parts[1]).unwrap();
        for (path, got) in read_all(&mount, "by-date") {
            assert!(matches!(got, Got::Bytes(_)), "{}: {got:?}", path.display());
        }
        mount.unmount();
        // Everything gone, even the folder: the library is as large as before, and nothing of it can be read.
        fs::rename(&source, home.path("elsewhere")).unwrap();
        let mount = home.mount(sources());
        let got = read_all(&mount, "by-date");
        assert_eq!(got.len(), 12);
        for photo in [photos("a", How::Stored), photos("b", How::Deflated)].concat() {
            // But for what the cache has: that is right.
            let cached = photo.how == How::Deflated && photo.bytes.len() as u64 > WHOLE;
            let right = cached && got[&shown(&photo.name)] == Got::Bytes(photo.sha256());
            assert!(
                right || got[&shown(&photo.name)] == Got::Refused(EIO),
                "{}",
                photo.name
            );
        }
        run(home.gphotosfs(["status"]).arg(home.point())).ends(1);
        mount.unmount();
    });
}

#[test]
fn a_part_that_comes_back_damaged_keeps_its_names() {
    within(LIMIT, || {
        let home = Home::new();
        let parts = library_of_two(&home);
        let sources = || takeout([home.path("parts")]);
        home.mount(sources()).unmount();
        let whole = fs::read(&parts[1]).unwrap();
        let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        for wrong in [
            &whole[..whole.len() / 2],
            b"",
            &empty,
            b"<html>Sign in</html>",
        ] {
            fs::write(&parts[1], wrong).unwrap();
            let mount = home.mount(sources());
            b_is_lost_but_listed(&home, &mount, &parts[1], nix::libc::ESTALE);
            mount.unmount();
        }
        fs::write(&parts[1], &whole).unwrap();
        let mount = home.mount(sources());
        let photo = &photos("b", How::Deflated)[3];
        assert_eq!(
            read(&mount.path(shown(&photo.name))),
            Got::Bytes(photo.sha256())
        );
        mount.unmount();
    });
}

#[test]
fn a_part_that_comes_back_with_less_in_it_keeps_its_names() {
    within(LIMIT, || {
        let home = Home::new();
        let parts = library_of_two(&home);
        let sources = || takeout([home.path("parts")]);
        home.mount(sources()).unmount();
        // The same name, a sound archive, half of its photos: cut by a tool, or another export's.
        let fewer = &photos("b", How::Deflated)[..3];
        part(&home.path("parts"), 2, fewer);
        let mount = home.mount(sources());
        let got = read_all(&mount, "by-date");
        assert_eq!(got.len(), 12, "{got:?}");
        for photo in fewer {
            assert_eq!(got[&shown(&photo.name)], Got::Bytes(photo.sha256()));
        }
        let status = run(home.gphotosfs(["status"]).arg(home.point())).ends(1);
        assert!(
            status.text().contains(parts[1].to_str().unwrap()),
            "{status:?}"
        );
        mount.unmount();
    });
}

#[test]
fn what_lies_in_two_exports_is_served_from_the_one_that_is_left() {
    within(LIMIT, || {
        for gone in [0, 1] {
            let home = Home::new();
            let both = photos("a", How::Stored);
            let older = part(&home.path("older"), 1, &both).path;
            let newer = part(&home.path("newer"), 1, &both).path;
            let later = newer.with_file_name("takeout-20261113T041200Z-001.zip");
            fs::rename(&newer, &later).unwrap();
            let mount = home.mount(takeout([home.path("older"), home.path("newer")]));
            fs::remove_file([&older, &later][gone]).unwrap();
            mount.unmount();
            let mount = home.mount(takeout([home.path("older"), home.path("newer")]));
            for photo in &both {
                let got = read(&mount.path(shown(&photo.name)));
                assert_eq!(got, Got::Bytes(photo.sha256()), "{gone}: {}", photo.name);
            }
            mount.unmount();
        }
    });
}
