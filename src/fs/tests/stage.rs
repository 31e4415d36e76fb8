//! A server in a process of its own, watched.

use std::env;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::fake::Fake;
use super::old;
use crate::fs::control::{self, Control, Stats};
use crate::fs::daemon::Events;
use crate::fs::library::Library;
use crate::fs::lock::Lock;
use crate::fs::log::{self, Log};
use crate::fs::mount::{Label, Wire, mount_over};
use crate::fs::mounts;
use crate::fs::options::Options;
use crate::fs::{Fs, Opens};

const MOUNT: &str = "GPHOTOSFS_TEST_MOUNT";
const STATE: &str = "GPHOTOSFS_TEST_STATE";
const OPTIONS: &str = "GPHOTOSFS_TEST_OPTIONS";
const OPENS: &str = "GPHOTOSFS_TEST_OPENS";
const UNMOUNT: &str = "GPHOTOSFS_TEST_UNMOUNT";

/// How long a test may take before everything it waits for is torn down.
const WATCH: Duration = Duration::from_secs(100);

/// The server's `main`: does nothing when run as a test.
#[test]
fn server() {
    let Ok(mountpoint) = env::var(MOUNT) else {
        return;
    };
    match serve(
        Path::new(&mountpoint),
        &PathBuf::from(env::var(STATE).unwrap()),
    ) {
        Ok(end) => println!("\nENDED {end}"),
        Err(error) => println!("\nFAILED {error}"),
    }
}

fn serve(mountpoint: &Path, state: &Path) -> Result<String, String> {
    let log = Log::open(state).unwrap();
    let filter = tracing_subscriber::EnvFilter::new("info");
    tracing::subscriber::set_global_default(log::subscriber(log, filter)).unwrap();
    let options =
        Options::parse(&[env::var(OPTIONS).unwrap()]).map_err(|error| error.to_string())?;
    let opens = if env::var(OPENS).unwrap() == "told" {
        Opens::Told
    } else {
        Opens::Untold
    };
    let fake = Arc::new(Fake::new());
    let _lock = Lock::take(state, mountpoint).map_err(|error| error.to_string())?;
    let events = Events::listen().unwrap();
    let fs = Fs::show(Arc::new(fake.clone()), &options, opens).unwrap();
    // Two questions that have nothing to do with each other, answered by one kind of stage.
    let fs = fs.with_xattrs(opens == Opens::Told);
    let (counters, shown) = (fs.counters(), fs.shown());
    // What stands between, if anything does: see `old`.
    let wire: Wire = match env::var(old::WIRE) {
        Ok(_) => old::relay,
        Err(_) => Ok,
    };
    let mounted = mount_over(
        wire,
        fs,
        mountpoint,
        &options,
        Label {
            state_dir: state,
            source: None,
        },
        events.on_end(),
    );
    let mounted = mounted.map_err(|error| crate::model::chain(&error))?;
    let control = Control::serve(state, mountpoint, counters, None).unwrap();
    std::thread::spawn(move || {
        // The end of the input is the end of the test, however it ended.
        for line in std::io::stdin().lines().map_while(Result::ok) {
            match line.as_str() {
                "open the gate" => fake.open_gate(),
                "exchange" => {
                    let next: Arc<dyn Library> = Arc::new(Arc::new(Fake::next()));
                    shown.show_any(&next, Fake::changes());
                }
                _ => {}
            }
        }
        kill(Pid::this(), Signal::SIGTERM).unwrap();
    });
    println!("\nREADY");
    let end = events
        .serve(mounted, || {})
        .map_err(|error| error.to_string())?;
    drop(control);
    Ok(format!("{end:?}"))
}

/// What a test needs of a mount.
pub(super) struct Stage {
    pub(super) root: PathBuf,
    pub(super) state: PathBuf,
    pub(super) pid: Pid,
    act: Act,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    dogs: Vec<Sender<()>>,
    /// What is mounted at `root` is this server's.
    ours: bool,
    _dirs: Arc<(TempDir, TempDir)>,
    _one: Option<MutexGuard<'static, ()>>,
}

/// Mounts one after the other: a process forked for one test holds, for a moment, what another has open.
static ONE: Mutex<()> = Mutex::new(());

/// Who mounts how.
#[derive(Clone, Copy)]
pub(super) struct Act {
    pub(super) options: &'static str,
    pub(super) opens: Opens,
    pub(super) user: u32,
    pub(super) environment: &'static [(&'static str, &'static str)],
}

impl Act {
    pub(super) const PLAIN: Act = Act {
        options: "",
        opens: Opens::Untold,
        user: 0,
        environment: &[],
    };
}

/// Mounts as root with the options and the kind of opens.
pub(super) fn stage(options: &'static str, opens: Opens) -> Stage {
    let plain = Act::PLAIN;
    play(
        Act {
            options,
            opens,
            ..plain
        },
        |_| {},
    )
    .unwrap()
}

/// Mounts on a directory that was prepared; or why not.
pub(super) fn play(act: Act, prepare: impl FnOnce(&Path)) -> Result<Stage, String> {
    let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dirs = Arc::new((tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()));
    for dir in [dirs.0.path(), dirs.1.path()] {
        // So that others can come in.
        std::fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(dir, Some(act.user), Some(act.user)).unwrap();
    }
    prepare(dirs.0.path());
    let mut stage = start(dirs, act)?;
    stage._one = Some(one);
    Ok(stage)
}

fn start(dirs: Arc<(TempDir, TempDir)>, act: Act) -> Result<Stage, String> {
    let root = dirs.0.path().to_owned();
    let state = dirs.1.path().to_owned();
    let opens = if act.opens == Opens::Told {
        "told"
    } else {
        "untold"
    };
    let mut child = anew("stage::server", act.user)
        .env(MOUNT, &root)
        .env(STATE, &state)
        .env(OPTIONS, act.options)
        .env(OPENS, opens)
        .envs(act.environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (tell, lines) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let pid = Pid::from_raw(child.id() as i32);
    let mut stage = Stage {
        dogs: vec![watch(pid, root.clone())],
        root,
        state,
        pid,
        act,
        stdin: child.stdin.take(),
        child,
        lines,
        ours: false,
        _dirs: dirs,
        _one: None,
    };
    let word = stage.word();
    stage.ours = word == "READY";
    if stage.ours { Ok(stage) } else { Err(word) }
}

/// This test binary, to run one of its helpers that only look like tests.
pub(super) fn anew(helper: &str, user: u32) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    let name = format!("fs::tests::{helper}");
    command.args(["--exact", &name, "--nocapture", "--test-threads=1"]);
    if user != 0 {
        command.uid(user).gid(user);
    }
    command
}

/// Unmounts as another user; prints what came of it.
#[test]
fn unmounter() {
    let Ok(mountpoint) = env::var(UNMOUNT) else {
        return;
    };
    println!("\n{:?}", mounts::unmount(Path::new(&mountpoint)));
}

pub(super) fn unmount_as(user: u32, mountpoint: &Path) -> String {
    let output = anew("stage::unmounter", user)
        .env(UNMOUNT, mountpoint)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Lets go of everything a test may wait for when it takes too long.
fn watch(pid: Pid, root: PathBuf) -> Sender<()> {
    let (done, watched) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if watched.recv_timeout(WATCH) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("the watchdog ends the server {pid}");
            let _ = kill(pid, Signal::SIGKILL);
            let _ = umount2(&root, MntFlags::MNT_FORCE | MntFlags::MNT_DETACH);
        }
    });
    done
}

impl Stage {
    /// The next word of the server: READY, FAILED why, ENDED how; "DIED" when it ended without.
    pub(super) fn word(&self) -> String {
        let words = ["READY", "FAILED", "ENDED"];
        loop {
            match self.lines.recv_timeout(WATCH) {
                Ok(line) if words.iter().any(|word| line.starts_with(word)) => return line,
                Ok(_) => {}
                Err(_) => return "DIED".into(),
            }
        }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(super) fn stats(&self) -> Stats {
        control::ask(&self.state).unwrap().unwrap()
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.state.join(log::NAME)).unwrap()
    }

    pub(super) fn open_gate(&mut self) {
        self.say("open the gate");
    }

    pub(super) fn say(&mut self, what: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{what}").unwrap();
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill(self.pid, signal).unwrap();
    }

    /// Stops the server, and returns when all its threads have stopped.
    pub(super) fn stop(&self) {
        self.signal(Signal::SIGSTOP);
        let stopped = waitpid(self.pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert_eq!(stopped, WaitStatus::Stopped(self.pid, Signal::SIGSTOP));
    }

    /// Waits for the server's process to be gone.
    pub(super) fn gone(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    /// A second server on the same directories, after the first.
    pub(super) fn again(&mut self) -> Result<(), String> {
        let next = start(self._dirs.clone(), self.act)?;
        let one = self._one.take();
        self.ours = false;
        *self = next;
        self._one = one;
        Ok(())
    }

    pub(super) fn mounted(&self) -> bool {
        crate::fs::mounts::gphotosfs()
            .unwrap()
            .iter()
            .any(|mount| mount.mountpoint == self.root)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stdin.take());
        if self.ours {
            let _ = umount2(&self.root, MntFlags::MNT_DETACH);
        }
        // By number, and only while it is our child that was not waited for.
        if let Ok(None) = self.child.try_wait()
            && !std::thread::panicking()
        {
            let _ = self.child.wait();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.dogs.clear();
    }
}
