//! The server in the background, and the signals that end it.
//!
//! The server is this program run anew, not a fork: a fork with threads behind it is a trap. The parent gives it the
//! lock as its standard input and a pipe as its output, so that nothing else has to survive exec and no number has
//! to be told; whatever goes wrong before the server can report (a missing library, a panic) is heard as well, since
//! its standard error is the same pipe.
//!
//! The order, which a server in the foreground keeps as well: take the lock; [`Events::listen`]; mount; open the
//! control socket; [`Server::ready`]; [`Events::serve`], which returns when all is over; let go of the socket, then of
//! the lock, whose end is what others wait for; end the process.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, setsid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_shutdown;
use signal_hook::iterator::{Handle, Signals};

use super::mount::{self, End, Mounted};

/// What the server sends when it serves: the ASCII code for "acknowledged", which stands in no message.
const READY: u8 = 6;

/// How nice a background thread is, of 19.
const MODEST: i32 = 10;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("failed to start the server")]
    Start(#[source] io::Error),
    /// It said why it cannot serve.
    #[error("{0}")]
    Failed(String),
    /// It ended without a word.
    #[error("the server ended before it was ready ({status}); its log may tell more: {log}", log = .log.display())]
    Died {
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
    },
}

/// A server that serves.
#[derive(Debug, PartialEq, Eq)]
pub struct Started {
    /// Its process number.
    pub pid: u32,
    /// What it wrote before it was ready: warnings, usually nothing.
    pub said: String,
}

/// Runs this program anew with `args` as a server and waits until it serves, says why not, or dies.
///
/// To be called before there are threads. Paths in `args` must be absolute. `log` is only named in errors.
pub fn spawn<S: AsRef<OsStr>>(args: &[S], lock: OwnedFd, log: PathBuf) -> Result<Started, Error> {
    // By its path, so that process lists show its name; by way of /proc when an upgrade has replaced the file.
    let program = std::env::current_exe().ok().filter(|path| path.is_file());
    let mut command = Command::new(program.unwrap_or_else(|| "/proc/self/exe".into()));
    // By our own name, whatever name we were called by: the helper of mount(8) is the same file.
    command.arg0("gphotosfs").args(args);
    close_on_exec().map_err(Error::Start)?;
    run(command, lock, log)
}

/// Lets SIGINT end this process with `code` from now on, instead of as a signal.
pub fn end_when_interrupted(code: u8) -> io::Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    register_conditional_shutdown(SIGINT, code.into(), always).map(|_| ())
}

/// Keeps what a shell has left open (the lock of a script, say) from living as long as the server.
#[allow(unsafe_code)]
pub(super) fn close_on_exec() -> io::Result<()> {
    // SAFETY: plain numbers; the flag closes nothing now, it only marks descriptors for the next exec.
    let done = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    match io::Error::last_os_error() {
        _ if done == 0 => Ok(()),
        // Kernels before 5.11 lack it; then such descriptors live on, as with any other program.
        error if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => Ok(()),
        error => Err(error),
    }
}

pub(super) fn run(mut command: Command, lock: OwnedFd, log: PathBuf) -> Result<Started, Error> {
    let (mut report, pipe) = io::pipe().map_err(Error::Start)?;
    command.stdin(Stdio::from(lock));
    command
        .stdout(pipe.try_clone().map_err(Error::Start)?)
        .stderr(pipe);
    let mut child = command.spawn().map_err(Error::Start)?;
    // It holds the other copies of lock and pipe; without this the end of the pipe would never be seen.
    drop(command);
    let mut said = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        match report.read(&mut bytes) {
            Ok(0) => break,
            Ok(n) => said.extend_from_slice(&bytes[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Start(error)),
        }
        if said.last() == Some(&READY) {
            said.pop();
            return Ok(Started {
                pid: child.id(),
                said: text(&said),
            });
        }
    }
    let status = child.wait().map_err(Error::Start)?;
    match text(&said) {
        said if said.is_empty() => Err(Error::Died { status, log }),
        said => Err(Error::Failed(said)),
    }
}

fn text(said: &[u8]) -> String {
    String::from_utf8_lossy(said).trim().to_owned()
}

/// The server's side: what it has to say to the parent that waits.
#[derive(Debug)]
pub struct Server {
    pipe: File,
}

impl Server {
    /// To be the first thing that a server does: takes what the parent gave. Returns the lock with it.
    ///
    /// It stays in the parent's process group until it is ready: where systemd mounts on the first look (automount), the
    /// kernel lets that group alone through to the mountpoint, and makes everybody else wait for the mount.
    pub fn begin() -> io::Result<(Server, OwnedFd)> {
        // Copies that close on exec; descriptors 0 and 1 go to /dev/null for good.
        let lock = io::stdin().as_fd().try_clone_to_owned()?;
        let pipe = io::stdout().as_fd().try_clone_to_owned()?;
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        Ok((Server { pipe: pipe.into() }, lock))
    }

    /// Leaves the terminal, and tells the parent that it may go. From here on nobody hears standard error: the log has to
    /// do.
    pub fn ready(mut self) -> io::Result<()> {
        setsid()?;
        std::env::set_current_dir("/")?;
        let null = OpenOptions::new().write(true).open("/dev/null")?;
        dup2_stderr(&null)?;
        self.pipe.write_all(&[READY])
    }

    /// Tells the parent why there will be no mount. The caller ends the process after this.
    pub fn fail(mut self, why: &str) -> io::Result<()> {
        self.pipe.write_all(why.as_bytes())
    }
}

/// Lets all that is done on this thread, and on those it starts, come after what others want of the processor. For passes
/// in the background.
#[allow(unsafe_code)]
pub fn stand_back() {
    // SAFETY: plain numbers; with 0 it is the calling thread that is meant.
    let done = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, MODEST) };
    if done != 0 {
        tracing::debug!("no lower priority: {}", io::Error::last_os_error());
    }
}

/// What ends a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// SIGTERM or SIGINT.
    Signal(i32),
    /// The mount is gone: somebody unmounted it.
    Ended,
}

/// Signals and the end of the mount, in the order in which they come. SIGHUP is taken and ignored.
///
/// Listen before mounting, so that no signal between finds its default and leaves a dead mount behind.
pub struct Events {
    tell: Sender<Event>,
    told: Receiver<Event>,
    signals: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Events {
    /// Begins to listen.
    pub fn listen() -> io::Result<Events> {
        let (tell, told) = mpsc::channel();
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        let handle = signals.handle();
        let sender = tell.clone();
        let thread = std::thread::Builder::new()
            .name("gphotosfs-sig".into())
            .spawn(move || {
                for signal in signals.forever().filter(|signal| *signal != SIGHUP) {
                    // Once nobody waits any more the end is under way already.
                    let _ = sender.send(Event::Signal(signal));
                }
            })?;
        Ok(Events {
            tell,
            told,
            signals: handle,
            thread: Some(thread),
        })
    }

    /// What [`mount::mount`] is to call at the end.
    pub fn on_end(&self) -> impl FnOnce() + Send + 'static {
        let tell = self.tell.clone();
        move || {
            // As above: nobody waits any more.
            let _ = tell.send(Event::Ended);
        }
    }

    /// Waits for the first event.
    pub fn wait(&self) {
        match self.told.recv() {
            Ok(Event::Signal(signal)) => tracing::info!("signal {signal}: the mount ends"),
            Ok(Event::Ended) | Err(_) => tracing::info!("the mount was taken away"),
        }
    }

    /// Waits for the first event, calls `ending`, and ends the mount.
    pub fn serve(self, mounted: Mounted, ending: impl FnOnce()) -> Result<End, mount::Error> {
        self.wait();
        ending();
        mounted.end()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.signals.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that waits for signals panicked");
        }
    }
}
