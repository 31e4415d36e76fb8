//! How mounts end, and what comes after.

use std::fs::{File, metadata, read, read_dir};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::fake::bytes;
use super::stage::stage;
use crate::fs::lock::Lock;
use crate::fs::mounts::{self, Health, Unmounted};
use crate::fs::{Opens, control};

const LONG: Duration = Duration::from_secs(60);

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
        assert_eq!(stage.word(), "ENDED Quiet");
        assert!(stage.gone().success());
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
    assert_eq!(stage.word(), "ENDED Quiet");
    assert!(told.recv_timeout(LONG).unwrap().is_err());
    assert!(stage.gone().success());
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
    stage.signal(Signal::SIGSTOP);
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
