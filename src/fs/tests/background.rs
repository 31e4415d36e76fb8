//! Servers that are this program run anew.

use std::env;
use std::fs::{read_dir, read_link, read_to_string};
use std::os::fd::AsRawFd;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::stage::anew;
use crate::fs::daemon::{Error, Server, Started, run};
use crate::fs::lock::Lock;

const WHAT: &str = "GPHOTOSFS_TEST_BACKGROUND";
const WHERE: &str = "GPHOTOSFS_TEST_BACKGROUND_STATE";

/// The server's `main`: does nothing when run as a test.
#[test]
fn server() {
    let Ok(what) = env::var(WHAT) else {
        return;
    };
    let state = env::var(WHERE).unwrap();
    let (server, lock) = Server::begin().unwrap();
    let lock = Lock::inherit(lock, Path::new("/mnt")).unwrap();
    match what.as_str() {
        "fail" => server
            .fail("failed to open the library: it is not there")
            .unwrap(),
        "panic" => panic!("a bug"),
        "die" => kill(Pid::this(), Signal::SIGKILL).unwrap(),
        _ => {
            eprintln!("warning: heard");
            // What is open besides this: /proc/self/fd while it is being read.
            let open = read_dir("/proc/self/fd")
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let open: Vec<_> = open.filter_map(|fd| read_link(fd).ok()).collect();
            std::fs::write(Path::new(&state).join("open"), format!("{open:#?}")).unwrap();
            let group = nix::unistd::getpgrp().to_string();
            std::fs::write(Path::new(&state).join("group"), group).unwrap();
            server.ready().unwrap();
            eprintln!("not heard");
            // Until it is killed.
            loop {
                std::thread::park();
            }
        }
    }
    drop(lock);
}

fn start(what: &str, state: &Path) -> Result<Started, Error> {
    let lock = Lock::take(state, Path::new("/mnt")).unwrap();
    let mut command = anew("background::server", 0);
    command.env(WHAT, what).env(WHERE, state);
    run(
        command,
        lock.hand_over().unwrap(),
        state.join("gphotosfs.log"),
    )
}

#[test]
fn it_leaves_the_terminal_keeps_the_lock_and_holds_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    // As a shell leaves it: open across exec.
    let stray = std::fs::File::create(dir.path().join("stray")).unwrap();
    nix::fcntl::fcntl(
        &stray,
        nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
    )
    .unwrap();
    crate::fs::daemon::close_on_exec().unwrap();
    assert!(stray.as_raw_fd() > 2);
    let started = start("serve", dir.path()).unwrap();
    let pid = Pid::from_raw(started.pid as i32);
    let open = read_to_string(dir.path().join("open")).unwrap();
    let group = read_to_string(dir.path().join("group")).unwrap();
    let held = Lock::take(dir.path(), Path::new("/other"))
        .unwrap_err()
        .to_string();
    let session = nix::unistd::getsid(Some(pid)).unwrap();
    let cwd = read_link(format!("/proc/{pid}/cwd")).unwrap();
    let stderr = read_link(format!("/proc/{pid}/fd/2")).unwrap();
    kill(pid, Signal::SIGKILL).unwrap();
    nix::sys::wait::waitpid(pid, None).unwrap();

    assert!(started.said.ends_with("warning: heard"), "{started:?}");
    assert!(
        held.contains(&format!("on /mnt by process {pid}")),
        "{held}"
    );
    // Until it was ready it had to look at the mountpoint, as an automount lets its own group alone.
    assert_eq!(group, nix::unistd::getpgrp().to_string());
    assert_eq!(session, pid);
    assert_eq!(cwd, Path::new("/"));
    assert_eq!(stderr, Path::new("/dev/null"));
    assert!(!open.contains("stray"), "{open}");
    assert_eq!(open.matches("/dev/null").count(), 2, "{open}");
    assert_eq!(
        open.matches("pipe:").count(),
        2,
        "standard error and the report: {open}"
    );
    assert_eq!(open.matches("lock").count(), 1, "{open}");
    Lock::take(dir.path(), Path::new("/other")).unwrap();
}

#[test]
fn what_goes_wrong_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let failed = start("fail", dir.path()).unwrap_err().to_string();
    assert!(
        failed.contains("failed to open the library: it is not there"),
        "{failed}"
    );
    let panicked = start("panic", dir.path()).unwrap_err().to_string();
    assert!(panicked.contains("a bug"), "{panicked}");
    let died = start("die", dir.path()).unwrap_err();
    assert!(matches!(died, Error::Failed(_) | Error::Died { .. }));
    Lock::take(dir.path(), Path::new("/other")).unwrap();
}

#[test]
fn one_that_dies_without_a_word_is_told_with_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let lock = Lock::take(dir.path(), Path::new("/mnt")).unwrap();
    let command = std::process::Command::new("false");
    let died = run(
        command,
        lock.hand_over().unwrap(),
        "/state/gphotosfs.log".into(),
    )
    .unwrap_err();
    let said = died.to_string();
    assert!(
        said.contains("exit status: 1") && said.contains("/state/gphotosfs.log"),
        "{said}"
    );
}
