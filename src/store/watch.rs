//! Tells when something happens where bytes lie: in folders on local disks, and to what is mounted.
//!
//! Promises: whoever waits is woken by a file that was written, renamed, removed or given other rights in a watched folder or
//! below, by the folder itself going or coming back, and by any mount that comes or goes. He may be woken for nothing;
//! what really changed is for him to look at. What another machine does on a network file system wakes nobody, so
//! whoever waits also looks from time to time.
//!
//! Never an error: without watches (the system has a limit) the time alone is left, and the log says so once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// How deep folders below a watched one are watched: that of an unpacked export's albums in a folder of exports.
const DEPTH: usize = 4;
/// Folders that are watched at most. Users have 8,192 watches or more for all their programs.
const MOST: usize = 4096;
/// Where the kernel lists what is mounted; waiting for it to become urgent waits for a change.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woke {
    /// Something happened.
    Changed,
    /// The caller's own descriptor has something to read, or has no other end.
    Called,
    /// The time is over.
    Idle,
}

/// Watches over folders.
pub struct Watch {
    inotify: Option<Inotify>,
    mounts: Option<File>,
    /// Of folders in which few names matter: those. All others matter with all they hold.
    names: HashMap<WatchDescriptor, Vec<OsString>>,
    complained: bool,
}

impl Watch {
    /// Watches nothing yet but what is mounted.
    pub fn new() -> Watch {
        let flags = InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC;
        let mut watch = Watch {
            inotify: None,
            mounts: File::open(MOUNTS).ok(),
            names: HashMap::new(),
            complained: false,
        };
        match Inotify::init(flags) {
            Ok(inotify) => watch.inotify = Some(inotify),
            Err(errno) => watch.complain("anything", errno),
        }
        watch
    }

    /// Watches these folders and files from now on, besides what is watched already. Called again it finds folders that
    /// have come since.
    pub fn over(&mut self, paths: &[PathBuf]) {
        for path in paths {
            self.above(path);
        }
        // What is watched for itself is watched for all it holds, also where it lies above another.
        let mut left = MOST;
        for path in paths {
            self.below(path, DEPTH, &mut left);
        }
    }

    /// Waits for the first of: something that happens, something to read from `call`, the end of the time. No `patience`
    /// is for ever.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn wait(&self, call: BorrowedFd<'_>, patience: Option<Duration>) -> io::Result<Woke> {
        let end = patience.map(|patience| Instant::now() + patience);
        let mut ready = vec![PollFd::new(call, PollFlags::POLLIN)];
        if let Some(inotify) = &self.inotify {
            ready.push(PollFd::new(inotify.as_fd(), PollFlags::POLLIN));
        }
        if let Some(mounts) = &self.mounts {
            ready.push(PollFd::new(mounts.as_fd(), PollFlags::POLLPRI));
        }
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            match poll(&mut ready, timeout(left)) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let is_ready = |at: usize| ready.get(at).is_some_and(|fd| fd.any().unwrap_or(true));
            if is_ready(0) {
                return Ok(Woke::Called);
            }
            let mounted = is_ready(1 + usize::from(self.inotify.is_some()));
            let events = self.inotify.is_some() && is_ready(1) && self.drain();
            if events || mounted {
                return Ok(Woke::Changed);
            }
            if end.is_some_and(|end| end <= Instant::now()) {
                return Ok(Woke::Idle);
            }
        }
    }

    /// Waits for something to read from `call` and nothing else; whether that came before the end of the time.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn pause(call: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut ready = [PollFd::new(call, PollFlags::POLLIN)];
            match poll(&mut ready, timeout(Some(left))) {
                Err(Errno::EINTR) => {}
                other => return Ok(other? > 0),
            }
        }
    }

    /// Takes in all events; whether one of them matters.
    fn drain(&self) -> bool {
        let Some(inotify) = &self.inotify else {
            return false;
        };
        let mut matters = false;
        loop {
            match inotify.read_events() {
                Ok(events) if events.is_empty() => return matters,
                Ok(events) => {
                    matters |= events.iter().any(|event| match self.names.get(&event.wd) {
                        Some(names) => event.name.as_ref().is_none_or(|name| names.contains(name)),
                        None => true,
                    });
                }
                // No more for now; anything else comes back with the next wait.
                Err(_) => return matters,
            }
        }
    }

    /// Watches the nearest folder above that is there, for the name that leads here.
    fn above(&mut self, path: &Path) {
        let there = path
            .ancestors()
            .zip(path.ancestors().skip(1))
            .find(|(_, above)| above.is_dir());
        if let Some((child, above)) = there
            && let Some(watch) = self.add(above)
        {
            let name = child.file_name().unwrap_or(OsStr::new("")).to_owned();
            let names = self.names.entry(watch).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }

    /// Watches a folder and those below it.
    fn below(&mut self, path: &Path, depth: usize, left: &mut usize) {
        let Some(rest) = left.checked_sub(1).filter(|_| path.is_dir()) else {
            return;
        };
        *left = rest;
        let Some(watch) = self.add(path) else {
            return;
        };
        self.names.remove(&watch);
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.below(&entry.path(), depth, left);
            }
        }
    }

    /// A folder that is watched already stays so.
    fn add(&mut self, folder: &Path) -> Option<WatchDescriptor> {
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        match self.inotify.as_ref()?.add_watch(folder, flags) {
            Ok(watch) => Some(watch),
            Err(errno) => {
                self.complain(&folder.display().to_string(), errno);
                None
            }
        }
    }

    fn complain(&mut self, what: &str, errno: Errno) {
        if !self.complained {
            self.complained = true;
            tracing::warn!("cannot watch {what}: {errno}; what changes there is noticed later");
        }
    }
}

/// Rounded up, so that the time is over when the wait ends.
fn timeout(left: Option<Duration>) -> PollTimeout {
    left.map_or(PollTimeout::NONE, |left| {
        let millis = left.as_nanos().div_ceil(1_000_000);
        i32::try_from(millis)
            .ok()
            .and_then(|millis| PollTimeout::try_from(millis).ok())
            .unwrap_or(PollTimeout::MAX)
    })
}

impl Default for Watch {
    fn default() -> Watch {
        Watch::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;

    const LONG: Option<Duration> = Some(Duration::from_secs(60));
    const NONE: Option<Duration> = Some(Duration::ZERO);

    /// A watch, and a descriptor of which nobody makes use.
    fn watch(paths: &[&Path]) -> (Watch, OwnedFd, io::PipeWriter) {
        let (call, writer) = io::pipe().unwrap();
        let mut watch = Watch::new();
        // What other tests mount is not the matter here.
        watch.mounts = None;
        watch.over(
            &paths
                .iter()
                .map(|path| path.to_path_buf())
                .collect::<Vec<_>>(),
        );
        (watch, call.into(), writer)
    }

    #[test]
    fn it_wakes_for_what_happens_below_and_for_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (source, deep) = (dir.path().join("source"), dir.path().join("source/a/b"));
        std::fs::create_dir_all(&deep).unwrap();
        let (watch, call, _writer) = watch(&[&source]);
        let call = call.as_fd();
        assert_eq!(watch.wait(call, NONE).unwrap(), Woke::Idle);
        std::fs::write(dir.path().join("beside"), "x").unwrap();
        assert_eq!(watch.wait(call, NONE).unwrap(), Woke::Idle);
        for path in [source.join("x.zip"), deep.join("y.jpg")] {
            std::fs::write(&path, "x").unwrap();
            assert_eq!(watch.wait(call, LONG).unwrap(), Woke::Changed);
            assert_eq!(watch.wait(call, NONE).unwrap(), Woke::Idle);
            std::fs::read(&path).unwrap();
            assert_eq!(watch.wait(call, NONE).unwrap(), Woke::Idle);
            std::fs::remove_file(&path).unwrap();
            assert_eq!(watch.wait(call, LONG).unwrap(), Woke::Changed);
        }
        std::fs::rename(&source, dir.path().join("away")).unwrap();
        assert_eq!(watch.wait(call, LONG).unwrap(), Woke::Changed);
    }

    #[test]
    fn it_wakes_for_a_folder_that_comes_and_for_an_archive_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, archive) = (dir.path().join("later"), dir.path().join("a.zip"));
        std::fs::write(&archive, "x").unwrap();
        let (mut watch, call, _writer) = watch(&[&folder, &archive]);
        let call = call.as_fd();
        std::fs::write(dir.path().join("b.zip"), "x").unwrap();
        assert_eq!(watch.wait(call, NONE).unwrap(), Woke::Idle);
        std::fs::write(&archive, "xy").unwrap();
        assert_eq!(watch.wait(call, LONG).unwrap(), Woke::Changed);
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(watch.wait(call, LONG).unwrap(), Woke::Changed);
        watch.over(std::slice::from_ref(&folder));
        std::fs::write(folder.join("c.zip"), "x").unwrap();
        assert_eq!(watch.wait(call, LONG).unwrap(), Woke::Changed);
    }

    #[test]
    fn a_call_comes_before_anything_else() {
        let dir = tempfile::tempdir().unwrap();
        let (watch, call, writer) = watch(&[dir.path()]);
        std::fs::write(dir.path().join("x"), "x").unwrap();
        drop(writer);
        assert_eq!(watch.wait(call.as_fd(), None).unwrap(), Woke::Called);
        assert_eq!(watch.wait(call.as_fd(), None).unwrap(), Woke::Called);
    }
}
