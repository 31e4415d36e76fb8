//! `kill -9` in the middle of a sync: what it left is a whole catalog, the next start completes it, and the tree is the
//! one that a sync without any trouble makes.
//!
//! A point is an amount of bytes that the process has read and written so far, never a moment. 24 points, spread over all
//! that a sync does; 204 with `GPHOTOSFS_TEST_ALL=1`.

use crate::kit::{FORMS, Home, generator, run, within};
use crate::names::tree;
use crate::sources::write_config;
use crate::trouble::library;
use gphotosfs::catalog::{Catalog, Health};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(3000);
/// Whatever is waited for here comes within moments, or never.
const PATIENCE: Duration = Duration::from_secs(120);
const OLDER: &str = "20260701T000000Z";
const NEWER: &str = "20260901T000000Z";

/// A program that runs.
pub struct Running(Child);

pub fn begin(mut command: Command) -> Running {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Running(command.stderr(Stdio::null()).spawn().unwrap())
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Bytes that it has read and written so far; none any more once it has ended.
    fn bytes(&self) -> Option<u64> {
        let io = fs::read_to_string(format!("/proc/{}/io", self.pid())).ok()?;
        let number = |key: &str| -> Option<u64> {
            io.lines()
                .find_map(|line| line.strip_prefix(key))?
                .parse()
                .ok()
        };
        Some(number("rchar: ")? + number("wchar: ")?)
    }

    /// Waits until it has moved so many bytes. Gives how many, and whether it still ran.
    fn reaches(&mut self, bytes: u64) -> (u64, bool) {
        let since = Instant::now();
        let mut last = 0;
        loop {
            last = self.bytes().unwrap_or(last);
            if self.0.try_wait().unwrap().is_some() {
                return (last, false);
            }
            if last >= bytes {
                return (last, true);
            }
            assert!(since.elapsed() < PATIENCE, "stuck at {last} of {bytes}");
            std::thread::yield_now();
        }
    }

    /// Stops it once it has moved so many bytes.
    pub fn stop_at(&mut self, bytes: u64) {
        let (at, runs) = self.reaches(bytes);
        assert!(runs, "ended after {at} bytes");
        self.signal(Signal::SIGSTOP);
        let since = Instant::now();
        let state = || fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        while !state().contains(") T ") {
            assert!(since.elapsed() < PATIENCE, "{}", state());
            std::thread::yield_now();
        }
    }

    pub fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).unwrap();
    }

    /// Its exit code; none where a signal ended it.
    pub fn end(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

/// A test that fails leaves nobody behind, stopped or not.
impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn generate(dir: &Path, seed: u32, form: &str, stamp: &str) {
    let mut command = Command::new("python3");
    command
        .args(["-S", "-E", "-B"])
        .arg(generator().join("make_export.py"));
    command
        .arg("--out")
        .arg(dir)
        .args(["--parts", "2", "--photos", "60"]);
    let seed = seed.to_string();
    run(command.args(["--seed", &seed, "--form", form, "--stamp", stamp])).ok();
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").arg(from).arg(to)).ok();
}

/// What was made of the sources.
fn image(state: &Path) -> BTreeSet<String> {
    tree(&Catalog::peek(state).unwrap().unwrap().image().unwrap())
}

fn checkpoints(state: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(state.join("seek")).into_iter().flatten();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Sources of the configured library.
fn configure(home: &Home, sources: &[PathBuf]) {
    let source = |path: &PathBuf| {
        format!(
            "[[source]]\nkind = 'takeout'\npath = '{}'\n",
            path.display()
        )
    };
    write_config(home, &sources.iter().map(source).collect::<String>());
}

/// A library that is known, in one form, and a second export that has just come, in another. What is known lies in
/// `before`.
fn two_exports(number: usize) -> Home {
    let home = Home::new();
    let mut sources = Vec::new();
    for (at, stamp) in [OLDER, NEWER].into_iter().enumerate() {
        let dir = home.path(stamp);
        let form = FORMS[(number + 2 * at) % FORMS.len()];
        generate(&dir, 80 + (number + at) as u32, form, stamp);
        sources.push(dir.join("export"));
    }
    configure(&home, &sources[..1]);
    run(&mut home.gphotosfs(["sync"])).ok();
    copy(&home.state(), &home.path("before"));
    configure(&home, &sources);
    home
}

/// Kills syncs that take the second export in, each at a point of its own, and lets the next one complete it.
fn survives(number: usize) {
    let rounds = if std::env::var_os("GPHOTOSFS_TEST_ALL").is_some() {
        34
    } else {
        4
    };
    let home = two_exports(number);
    let state = library(&home);
    let sync = || home.gphotosfs(["sync"]);
    // Without trouble: what it makes, and how far it goes.
    let mut whole = begin(sync());
    let (all, _) = whole.reaches(u64::MAX);
    assert_eq!(whole.end(), Some(0));
    let (should, seek) = (image(&state), checkpoints(&state));
    assert!(should.len() > 100, "{}", should.len());
    let mut cut_short = 0;
    for round in 0..rounds {
        // As it was before the second export.
        fs::remove_dir_all(home.state()).unwrap();
        copy(&home.path("before"), &home.state());
        // A step of the golden ratio spreads the points of all tests over a whole sync.
        let point = (number + round * FORMS.len()) as u64;
        let at = all * (point * 618_034 % 1_000_000) / 1_000_000;
        let mut killed = begin(sync());
        let (reached, runs) = killed.reaches(at);
        if runs {
            killed.signal(Signal::SIGKILL);
        }
        cut_short += usize::from(killed.end().is_none());
        let told = format!("round {round}, killed at {reached} of {all} bytes");
        // The catalog is whole as it lies there.
        assert_eq!(Catalog::health(&state).unwrap(), Health::Sound, "{told}");
        run(&mut sync()).ok();
        assert!(image(&state) == should, "{told}");
        assert_eq!(checkpoints(&state), seek, "{told}");
    }
    println!("{cut_short} of {rounds} were cut short");
    assert!(
        cut_short * 2 > rounds,
        "{cut_short} of {rounds} were cut short"
    );
}

macro_rules! forms {
    ($($name:ident $number:literal)*) => {
        $(#[test]
        fn $name() {
            within(LIMIT, || survives($number));
        })*
    };
}

forms! {
    stored_then_zip64 0
    deflated_then_tgz 1
    zip64_then_unpacked 2
    tgz_then_mixed 3
    unpacked_then_stored 4
    mixed_then_deflated 5
}
