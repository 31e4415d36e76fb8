//! A socket in the state directory on which the server tells how it is doing, one line of JSON to whoever connects, and on
//! which it is told to look for new exports.
//!
//! Who connects says what it wants: nothing, then the end, for how the server is doing; a line of JSON for a pass, which
//! is answered when the pass has ended, by one line. What stands in that line is the commands' own matter.
//!
//! Both ends reach it through `/proc/self/fd`, since a socket's name is limited to 107 bytes and a state directory is
//! not. Nothing here waits for a slow other end longer than a second.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use serde::{Deserialize, Serialize};

use super::{Counters, Snapshot};

/// Its name in the state directory.
const NAME: &str = "control";

/// The longest that one end waits for the other.
const PATIENCE: Duration = Duration::from_secs(1);

/// More than any answer has, so that a stranger on the socket cannot fill the memory.
const LONGEST_BYTES: u64 = 64 * 1024;

/// What a server knows of its own passes over the sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passes {
    /// When the last one ended, RFC 3339 in UTC; `None` before the first.
    pub last: Option<String>,
    /// One is being made.
    pub running: bool,
    /// Why the last one took nothing in.
    pub failed: Option<String>,
}

/// Who makes passes for a server.
pub trait Passer: Send + Sync + 'static {
    /// How they went.
    fn passes(&self) -> Passes;
    /// Makes one, accepting these incomplete exports, and waits for its end. Gives a line for whoever asked.
    fn pass(&self, accept: &[String]) -> String;
}

/// What is asked of a server, as one line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    /// A pass, accepting these incomplete exports.
    Sync(Vec<String>),
}

/// What a server tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Where it mounts; what is not UTF-8 is replaced.
    pub mountpoint: String,
    /// Its process number.
    pub pid: u32,
    /// Its passes over the sources, where it makes any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes: Option<Passes>,
    /// What the kernel asked so far.
    #[serde(flatten)]
    pub counters: Snapshot,
}

/// The socket, answered by a thread of its own until this is dropped.
pub struct Control {
    path: PathBuf,
    /// Dropping it tells the thread to end.
    wake: Option<io::PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Listens in `state_dir`. Only the holder of its lock may do this: a socket found there is a dead server's.
    pub fn serve(
        state_dir: &Path,
        mountpoint: &Path,
        counters: Arc<Counters>,
        passer: Option<Arc<dyn Passer>>,
    ) -> io::Result<Control> {
        let path = state_dir.join(NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (_dir, short) = short(state_dir)?;
        let listener = UnixListener::bind(&short)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let (sleep, wake) = io::pipe()?;
        let mountpoint = mountpoint.to_string_lossy().into_owned();
        let desk = Desk {
            mountpoint,
            counters,
            passer,
        };
        let thread = std::thread::Builder::new()
            .name("gphotosfs-ctl".into())
            .spawn(move || {
                if let Err(error) = answer_until_woken(&listener, &sleep, &desk) {
                    tracing::error!("the control socket is given up: {error}");
                }
            })?;
        Ok(Control {
            path,
            wake: Some(wake),
            thread: Some(thread),
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the control socket panicked");
        }
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("failed to remove {}: {error}", self.path.display());
        }
    }
}

fn answer_until_woken(
    listener: &UnixListener,
    sleep: &io::PipeReader,
    desk: &Desk,
) -> io::Result<()> {
    loop {
        let mut ready = [
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(sleep.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            other => other?,
        };
        if ready[1].any().unwrap_or(true) {
            return Ok(());
        }
        match listener.accept() {
            Ok((client, _)) => {
                if let Err(error) = desk.answer(client) {
                    tracing::debug!("a client of the control socket left: {error}");
                }
            }
            // The client left between the two calls.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What there is to tell, and who makes passes.
struct Desk {
    mountpoint: String,
    counters: Arc<Counters>,
    passer: Option<Arc<dyn Passer>>,
}

impl Desk {
    fn answer(&self, client: UnixStream) -> io::Result<()> {
        client.set_nonblocking(false)?;
        client.set_read_timeout(Some(PATIENCE))?;
        client.set_write_timeout(Some(PATIENCE))?;
        let mut line = String::new();
        match BufReader::new((&client).take(LONGEST_BYTES)).read_line(&mut line) {
            // One that says nothing wants to know how we are.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => drop(other?),
        }
        let (true, Some(passer)) = (!line.trim().is_empty(), &self.passer) else {
            return say(client, serde_json::to_string(&self.stats())?);
        };
        let Asked::Sync(accept) = serde_json::from_str(&line)?;
        let passer = Arc::clone(passer);
        // It takes as long as it takes; meanwhile others are answered.
        std::thread::Builder::new()
            .name("gphotosfs-asked".into())
            .spawn(move || {
                if let Err(error) = say(client, passer.pass(&accept)) {
                    tracing::debug!("who asked for a pass has left: {error}");
                }
            })?;
        Ok(())
    }

    fn stats(&self) -> Stats {
        Stats {
            mountpoint: self.mountpoint.clone(),
            pid: std::process::id(),
            passes: self.passer.as_ref().map(|passer| passer.passes()),
            counters: self.counters.snapshot(),
        }
    }
}

fn say(mut client: UnixStream, mut line: String) -> io::Result<()> {
    line.push('\n');
    client.write_all(line.as_bytes())
}

/// Asks the server of `state_dir` how it is doing; `None` when nobody listens.
pub fn ask(state_dir: &Path) -> io::Result<Option<Stats>> {
    let Some(stream) = reach(state_dir)? else {
        return Ok(None);
    };
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = Vec::new();
    stream.take(LONGEST_BYTES).read_to_end(&mut line)?;
    Ok(Some(serde_json::from_slice(&line)?))
}

/// Has the server of `state_dir` make a pass, accepting these incomplete exports, and waits for its end. Gives its line;
/// `None` when nobody listens.
///
/// # Errors
/// When the server ends before the pass does.
pub fn pass(state_dir: &Path, accept: &[String]) -> io::Result<Option<String>> {
    let Some(mut stream) = reach(state_dir)? else {
        return Ok(None);
    };
    say(
        stream.try_clone()?,
        serde_json::to_string(&Asked::Sync(accept.to_vec()))?,
    )?;
    let mut line = String::new();
    stream.read_to_string(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(line))
}

/// Connects with the server of `state_dir`; `None` when nobody listens.
fn reach(state_dir: &Path) -> io::Result<Option<UnixStream>> {
    let opened = short(state_dir);
    let (_dir, short) = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    // Not waiting: the queue of a server that is stopped may be full.
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    match connect(socket.as_raw_fd(), &UnixAddr::new(&short)?).map_err(io::Error::from) {
        Ok(()) => {}
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(Some(stream))
}

/// The socket's path by way of an open directory, short enough for any state directory.
fn short(state_dir: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let dir = OwnedFd::from(File::open(state_dir)?);
    let path = format!("/proc/self/fd/{}/{NAME}", dir.as_raw_fd()).into();
    Ok((dir, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn it_answers_everybody_in_a_deep_directory_and_goes_away() {
        let root = tempfile::tempdir().unwrap();
        let dir = root
            .path()
            .join("long-name-".repeat(12))
            .join("and deeper still, ".repeat(6));
        assert_eq!(ask(&dir).unwrap(), None);
        fs::create_dir_all(&dir).unwrap();
        assert_eq!(ask(&dir).unwrap(), None);

        let counters = Arc::new(Counters::default());
        let control =
            Control::serve(&dir, Path::new("/mnt/photos"), counters.clone(), None).unwrap();
        for reads in 0..200 {
            let stats = ask(&dir).unwrap().unwrap();
            assert_eq!(stats.counters.read, reads);
            assert_eq!(
                (stats.mountpoint.as_str(), stats.pid),
                ("/mnt/photos", std::process::id())
            );
            counters.read.fetch_add(1, Ordering::Relaxed);
        }
        drop(control);
        assert!(!dir.join(NAME).exists());
        assert_eq!(ask(&dir).unwrap(), None);
    }

    #[test]
    fn one_line_of_json_with_these_names() {
        let stats = Stats {
            mountpoint: "/m".into(),
            pid: 7,
            passes: None,
            counters: Snapshot::default(),
        };
        assert_eq!(
            serde_json::to_string(&stats).unwrap(),
            r#"{"mountpoint":"/m","pid":7,"lookup":0,"getattr":0,"open":0,"read":0,"readdirplus":0,"bytes":0,"swaps":0,"notices":0,"dirs_told":0,"inflated":0}"#
        );
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_silent_one_does_not_hang() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join(NAME)).unwrap());
        assert_eq!(ask(dir.path()).unwrap(), None);
        drop(Control::serve(dir.path(), Path::new("/m"), Arc::default(), None).unwrap());

        let _silent = UnixListener::bind(dir.path().join(NAME)).unwrap();
        assert_eq!(
            ask(dir.path()).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
    }
}
