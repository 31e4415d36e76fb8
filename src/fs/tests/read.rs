//! Bytes and errors.

use std::fs::{File, read, read_dir};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use super::fake::{FILES, bytes};
use super::stage::{Stage, stage};
use crate::fs::Opens;

fn file(stage: &Stage, name: &str) -> (File, u64, u64) {
    let (_, ino, size, ..) = FILES.into_iter().find(|file| file.0 == name).unwrap();
    (
        File::open(stage.path("by-date").join(name)).unwrap(),
        ino,
        size,
    )
}

#[test]
fn every_byte_in_every_order() {
    for opens in [Opens::Untold, Opens::Told] {
        let stage = stage("", opens);
        for name in ["a.jpg", "later.jpg", "empty.jpg", "last.jpg", "1926.jpg"] {
            let (mut file, ino, size) = file(&stage, name);
            let mut part = vec![0; 4099];
            for at in [size / 2, size.saturating_sub(100), 0, 4095] {
                let n = file.read_at(&mut part, at).unwrap();
                assert_eq!(
                    n as u64,
                    size.saturating_sub(at).min(4099),
                    "{name} at {at}"
                );
                assert_eq!(part[..n], bytes(ino, at, n), "{name} at {at}");
            }
            let mut all = Vec::new();
            file.read_to_end(&mut all).unwrap();
            assert!(all == bytes(ino, 0, size as usize), "{name}");
        }
        let mapped = Command::new("python3")
            .args(["-c", "import mmap, sys; f = open(sys.argv[1], 'rb'); sys.stdout.buffer.write(mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:])"])
            .arg(stage.path("by-date/later.jpg"))
            .output()
            .unwrap();
        assert!(mapped.stdout == bytes(1 << 41, 0, 3_000_000));
    }
}

#[test]
fn what_was_served_of_a_file_that_failed_is_not_kept() {
    let stage = stage("", Opens::Untold);
    let path = stage.path("by-date/rotten.jpg");
    let error = read(&path).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
    let asked = || stage.stats().counters.read;
    let before = asked();
    let file = File::open(&path).unwrap();
    let mut first = [0; 1];
    // The kernel is told after the error has been answered; until then it serves what it has.
    while asked() == before {
        file.read_exact_at(&mut first, 0).unwrap();
    }
}

#[test]
fn the_page_cache_is_kept_from_one_open_to_the_next() {
    for (opens, opened) in [(Opens::Untold, 1), (Opens::Told, 4)] {
        let stage = stage("", opens);
        for name in ["a.jpg", "later.jpg"] {
            read(stage.path("by-date").join(name)).unwrap();
        }
        let first = stage.stats().counters;
        assert!(first.read > 0);
        assert_eq!(first.bytes, 3_300_001);
        for name in ["a.jpg", "later.jpg"] {
            read(stage.path("by-date").join(name)).unwrap();
        }
        let second = stage.stats().counters;
        assert_eq!(second.read, first.read, "{opens:?}");
        assert_eq!(second.open, opened, "{opens:?}");
    }
}

#[test]
fn errors_come_from_read_and_are_logged_once() {
    let stage = stage("", Opens::Untold);
    let fails = |name: &str| {
        let (mut file, _, size) = file(&stage, name);
        assert_eq!(file.metadata().unwrap().len(), size);
        for _ in 0..3 {
            assert!(file.read_at(&mut [0; 100], 150_000).is_err());
        }
        let error = file.read_to_end(&mut Vec::new()).unwrap_err();
        error.raw_os_error()
    };
    assert_eq!(fails("bad.jpg"), Some(libc::EIO));
    assert_eq!(fails("bad now.jpg"), Some(libc::EIO));
    assert_eq!(fails("changed.jpg"), Some(libc::ESTALE));
    assert_eq!(fails("short.jpg"), Some(libc::EIO));
    for _ in 0..20 {
        // More often than there are reading threads: none is lost to a panic.
        assert_eq!(fails("panic.jpg"), Some(libc::EIO));
    }
    let log = stage.log();
    let about = |name: &str| {
        log.lines()
            .filter(|line| line.contains(name))
            .collect::<Vec<_>>()
    };
    assert_eq!(about("by-date/bad.jpg").len(), 1, "{log}");
    assert!(
        about("by-date/bad.jpg")[0].ends_with("failed to read /archive.zip: the disk is on fire"),
        "{log}"
    );
    assert_eq!(about("by-date/short.jpg").len(), 1, "{log}");

    let cp = Command::new("cp")
        .arg(stage.path("by-date/bad.jpg"))
        .arg("/dev/null")
        .output()
        .unwrap();
    assert!(!cp.status.success());
}

#[test]
fn a_stalled_read_holds_nobody_up() {
    let mut stage = stage("", Opens::Untold);
    let (tell, told) = mpsc::channel::<io::Result<Vec<u8>>>();
    for name in ["stalled.jpg", "stalled2.jpg"] {
        for _ in 0..3 {
            let (tell, path) = (tell.clone(), stage.path("by-date").join(name));
            std::thread::spawn(move || tell.send(read(path)));
        }
    }
    let stalled = || stage.stats().counters.read >= 2;
    while !stalled() {
        std::thread::yield_now();
    }
    // More listings, looks and reads than there are request threads.
    for _ in 0..20 {
        assert_eq!(read_dir(&stage.root).unwrap().count(), 4);
        assert!(std::fs::metadata(stage.path("by-date/not there")).is_err());
    }
    assert_eq!(read_dir(stage.path("people")).unwrap().count(), 50_000);
    assert!(read(stage.path("by-date/a.jpg")).unwrap() == bytes(1 << 40, 0, 300_001));
    assert!(read(stage.path("by-date/later.jpg")).unwrap() == bytes(1 << 41, 0, 3_000_000));
    assert_eq!(told.try_recv().err(), Some(mpsc::TryRecvError::Empty));
    stage.open_gate();
    for _ in 0..6 {
        let read = told.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(read.len(), 5_000);
    }
}

#[test]
fn there_are_no_attributes_no_holes_and_no_ioctls() {
    let stage = stage("", Opens::Untold);
    let script = r#"
import array, errno, fcntl, os, sys
path = sys.argv[1]
def fails(want, call, *args):
    try: call(*args)
    except OSError as e: assert e.errno == want, e
    else: assert False, call
for _ in range(2):
    fails(errno.EOPNOTSUPP, os.listxattr, path)
    fails(errno.EOPNOTSUPP, os.getxattr, path, "user.x")
    f = os.open(path, os.O_RDONLY)
    fails(errno.ENOTTY, fcntl.ioctl, f, 0x80086601, array.array("l", [0]))
    assert os.lseek(f, 0, os.SEEK_HOLE) == 300001
    assert os.lseek(f, 5, os.SEEK_DATA) == 5
    os.fsync(f)
    os.close(f)
"#;
    let out = Command::new("python3")
        .args(["-c", script])
        .arg(stage.path("by-date/a.jpg"))
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}
