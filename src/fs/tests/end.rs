//! How mounts end, and what comes after.

use std::fs::{File, metadata, read, read_dir};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::fake::bytes;
use super::stage::{Act, Stage, play, stage, unmount_as};
use crate::fs::lock::Lock;
use crate::fs::mounts::{self, Health, Unmounted};
use crate::fs::{Opens, control};

const LONG: Duration = Duration::from_secs(60);

/// The server has ended by itself: its threads where the kernel could be told to drop a mount in use, else the rest
/// with the process.
fn ended(stage: &mut Stage) {
    let fusectl =
        std::fs::read_dir("/sys/fs/fuse/connections").is_ok_and(|mut dir| dir.next().is_some());
    let word = stage.word();
    assert!(
        word == "ENDED Quiet" || (word == "ENDED InUse" && !fusectl),
        "{word}"
    );
    assert!(stage.gone().success());
}

#[test]
fn unmounting_ends_the_server() {
    let mut stage = stage("", Opens::Untold);
    read_dir(&stage.root).unwrap().count();
    let mount = mounts::at(&stage.root).unwrap().unwrap();
    assert_eq!(mount.fstype, mounts::FSTYPE);
    assert_eq!(mount.state_dir().as_ref(), Some(&stage.state));
    assert_eq!(mount.health(), Health::Live);
    assert_eq!(
        mounts::holding(&stage.path("by-date/a.jpg")).unwrap(),
        Some(mount)
    );
    assert!(matches!(
        mounts::unmount(&stage.path("by-date")),
        Err(mounts::Error::NotOurs { .. })
    ));
    assert_eq!(mounts::unmount(&stage.root).unwrap(), Unmounted::Cleanly);
    assert!(!stage.mounted());
    assert!(Lock::wait_until_free(&stage.state, LONG).unwrap());
    assert_eq!(stage.word(), "ENDED Quiet");
    assert!(stage.gone().success());
    assert_eq!(control::ask(&stage.state).unwrap(), None);
    stage.again().unwrap();
    assert_eq!(read_dir(&stage.root).unwrap().count(), 4);
}

#[test]
fn a_mount_in_use_is_detached_and_serves_those_who_use_it() {
    let mut stage = stage("", Opens::Untold);
    let mut file = File::open(stage.path("by-date/later.jpg")).unwrap();
    assert_eq!(mounts::unmount(&stage.root).unwrap(), Unmounted::InUse);
    assert!(!stage.mounted());
    assert_eq!(read_dir(&stage.root).unwrap().count(), 0);
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    assert!(all == bytes(1 << 41, 0, 3_000_000));
    assert!(!Lock::wait_until_free(&stage.state, Duration::from_millis(1)).unwrap());
    drop(file);
    assert!(Lock::wait_until_free(&stage.state, LONG).unwrap());
    assert_eq!(stage.word(), "ENDED Quiet");
    assert!(stage.gone().success());
}

#[test]
fn sigterm_ends_a_mount_in_use_and_answers_reads_under_way() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut stage = stage("", Opens::Untold);
        stage.signal(Signal::SIGHUP);
        let open = File::open(stage.path("by-date/later.jpg")).unwrap();
        let stalled = stage.path("by-date/stalled.jpg");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || tell.send(read(stalled)));
        while stage.stats().counters.read == 0 {
            std::thread::yield_now();
        }
        stage.signal(signal);
        while stage.mounted() {
            std::thread::yield_now();
        }
        stage.open_gate();
        assert!(told.recv_timeout(LONG).unwrap().unwrap() == bytes(102, 0, 5_000));
        ended(&mut stage);
        assert_eq!(
            open.read_at(&mut [0; 10], 2_000_000)
                .unwrap_err()
                .raw_os_error(),
            Some(libc::ENOTCONN)
        );
        drop(open);
        stage.again().unwrap();
    }
}

#[test]
fn a_read_that_never_ends_does_not_keep_the_mount() {
    let mut stage = stage("", Opens::Untold);
    let stalled = stage.path("by-date/stalled.jpg");
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(read(stalled)));
    while stage.stats().counters.read == 0 {
        std::thread::yield_now();
    }
    stage.signal(Signal::SIGTERM);
    ended(&mut stage);
    assert!(told.recv_timeout(LONG).unwrap().is_err());
    assert!(!stage.mounted());
}

#[test]
fn after_kill_9_the_dead_mount_is_known_and_the_next_one_takes_its_place() {
    let mut stage = stage("", Opens::Untold);
    read_dir(stage.path("by-date")).unwrap().count();
    let busy = stage.again().unwrap_err();
    assert!(
        busy.contains("mounted already") && busy.contains("unmount"),
        "{busy}"
    );
    let open = File::open(stage.path("by-date/a.jpg")).unwrap();
    stage.signal(Signal::SIGKILL);
    stage.gone();
    assert_eq!(
        mounts::at(&stage.root).unwrap().unwrap().health(),
        Health::Dead
    );
    assert_eq!(
        open.read_at(&mut [0; 10], 0).unwrap_err().raw_os_error(),
        Some(libc::ENOTCONN)
    );
    stage.again().unwrap();
    assert_eq!(
        metadata(stage.path("by-date/a.jpg")).unwrap().len(),
        300_001
    );
    assert_eq!(
        mounts::gphotosfs()
            .unwrap()
            .iter()
            .filter(|mount| mount.mountpoint == stage.root)
            .count(),
        1
    );

    stage.signal(Signal::SIGKILL);
    stage.gone();
    assert_eq!(mounts::unmount(&stage.root).unwrap(), Unmounted::WasDead);
    assert!(!stage.mounted());
}

#[test]
fn a_stopped_server_is_not_waited_for() {
    let mut stage = stage("", Opens::Untold);
    stage.stop();
    assert_eq!(
        mounts::at(&stage.root).unwrap().unwrap().health(),
        Health::Silent
    );
    assert!(control::ask(&stage.state).is_err());
    mounts::unmount(&stage.root).unwrap();
    assert!(!stage.mounted());
    stage.signal(Signal::SIGCONT);
    assert_eq!(stage.word(), "ENDED Quiet");
    assert!(stage.gone().success());
}

/// Not root: the helper mounts and unmounts.
const USER: Act = Act {
    user: 65_534,
    ..Act::PLAIN
};

/// Whether this system lets users mount at all; many containers do not.
fn users_may_mount() -> bool {
    metadata("/dev/fuse").unwrap().mode() & 0o006 == 0o006
}

#[test]
fn a_user_mounts_and_unmounts_through_the_helper() {
    let staged = play(USER, |_| {});
    if !users_may_mount() {
        let error = staged.err().unwrap();
        assert!(error.contains("no permission to open /dev/fuse"), "{error}");
        return;
    }
    let mut stage = staged.unwrap();
    let mount = mounts::at(&stage.root).unwrap().unwrap();
    assert_eq!(
        (mount.fstype.as_str(), mount.state_dir()),
        (mounts::FSTYPE, Some(stage.state.clone()))
    );
    let ls = || {
        Command::new("ls")
            .arg(&stage.root)
            .uid(USER.user)
            .gid(USER.user)
            .output()
            .unwrap()
            .stdout
    };
    assert_eq!(ls(), b"albums\nby-date\nfavorites\npeople\n");
    let said = unmount_as(USER.user, &stage.root);
    assert!(said.contains("Ok(Cleanly)"), "{said}");
    assert_eq!(stage.word(), "ENDED Quiet");
    assert!(stage.gone().success());

    stage.again().unwrap();
    stage.signal(Signal::SIGTERM);
    assert_eq!(stage.word(), "ENDED Quiet");
    assert!(!stage.mounted());

    stage.again().unwrap();
    let mut holder = hold(&stage.path("by-date/a.jpg"));
    let said = unmount_as(USER.user, &stage.root);
    assert!(said.contains("Ok(InUse)"), "{said}");
    assert!(!stage.mounted());
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert_eq!(stage.word(), "ENDED Quiet");

    stage.again().unwrap();
    stage.signal(Signal::SIGKILL);
    stage.gone();
    stage.again().unwrap();
    stage.signal(Signal::SIGKILL);
    stage.gone();
    let said = unmount_as(USER.user, &stage.root);
    assert!(said.contains("Ok(WasDead)"), "{said}");
}

/// A process of the user that has the file open until its standard input ends.
fn hold(path: &Path) -> Child {
    let mut child = Command::new("sh")
        .args(["-c", "exec 3<\"$0\" && echo open && read end"])
        .arg(path)
        .uid(USER.user)
        .gid(USER.user)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut word = [0; 5];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut word)
        .unwrap();
    assert_eq!(&word, b"open\n");
    child
}

#[test]
fn a_user_is_told_what_the_helper_lacks() {
    if !users_may_mount() {
        return;
    }
    let environment = &[("FUSERMOUNT_PATH", "/no/such/helper")];
    let error = play(
        Act {
            environment,
            ..USER
        },
        |_| {},
    )
    .err()
    .unwrap();
    assert!(
        error.contains("FUSERMOUNT_PATH names /no/such/helper"),
        "{error}"
    );
    let conf = std::fs::read_to_string("/etc/fuse.conf").unwrap_or_default();
    let allowed = conf.lines().any(|line| line.trim() == "user_allow_other");
    for options in ["allow_other", "allow_root"] {
        match play(Act { options, ..USER }, |_| {}) {
            Ok(stage) => assert!(allowed && read_dir(&stage.root).unwrap().count() == 4),
            Err(error) => assert!(!allowed && error.contains("user_allow_other"), "{error}"),
        }
    }
    let not_mine = |root: &Path| std::os::unix::fs::chown(root, Some(0), Some(0)).unwrap();
    let error = play(USER, not_mine).err().unwrap();
    assert!(error.contains("fusermount3 says: "), "{error}");
}
