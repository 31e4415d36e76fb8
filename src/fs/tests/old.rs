//! A kernel of 2013, as network storage still has them: FUSE 7.22, as in Linux 3.10.
//!
//! A [`relay`] stands between the kernel and the session and speaks for the old kernel in the first exchange (INIT): the
//! version, the flags and the lengths of both messages are those of 7.22. The kernel behind it then really does without
//! all that came later, since a kernel uses nothing that it was not told. Later messages pass as they are; a request
//! that 7.22 did not have is answered as if the session were never asked.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::Arc;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};

use super::fake::{FILES, MANY, bytes};
use super::stage::{Act, play};
use crate::fs::Opens;

/// The environment variable that puts the relay between.
pub(super) const WIRE: &str = "GPHOTOSFS_TEST_WIRE";

const MINOR: u32 = 22;
/// ASYNC_READ to ASYNC_DIO; the next ones, WRITEBACK_CACHE and NO_OPEN_SUPPORT, came with 7.23.
const FLAGS: u32 = (1 << 16) - 1;
/// READDIRPLUS; the next one, RENAME2, came with 7.23.
const LAST_OPERATION: u32 = 44;

const INIT: u32 = 26;
const DESTROY: u32 = 38;
const OPEN: u32 = 14;
const OPENDIR: u32 = 27;

/// Lengths of the headers of a request and of an answer, and of INIT's two messages in 7.22.
const REQUEST: usize = 40;
const ANSWER: usize = 16;
const INIT_IN: usize = 16;
const INIT_OUT: usize = 24;

/// As large as the kernel demands of who reads from it: larger than the largest write.
const BUFFER_BYTES: usize = 17 << 20;
/// More than the largest answer, 128 KiB and a header.
const SOCKET_BYTES: usize = 4 << 20;

fn number(message: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(message[at..at + 4].try_into().unwrap())
}

fn put(message: &mut [u8], at: usize, number: u32) {
    message[at..at + 4].copy_from_slice(&number.to_ne_bytes());
}

/// Gives the session a socket in place of the kernel's device, and says in the log what it saw.
pub(super) fn relay(device: OwnedFd) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
    for socket in [&ours, &theirs] {
        setsockopt(socket, sockopt::SndBufForce, &SOCKET_BYTES)?;
    }
    let device = Arc::new(File::from(device));
    let socket = Arc::new(File::from(ours));
    let (from, to) = (device.clone(), socket.clone());
    std::thread::spawn(move || requests(&from, &to));
    std::thread::spawn(move || answers(&socket, &device));
    Ok(theirs)
}

fn requests(mut device: &File, mut session: &File) {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut seen = BTreeSet::new();
    loop {
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            // Interrupted before it was read.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => continue,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let message = &mut buffer[..length];
        let operation = number(message, 4);
        if seen.insert(operation) {
            tracing::info!("relay: operation {operation}.");
        }
        let sent = if operation == INIT {
            let message = &mut message[..REQUEST + INIT_IN];
            put(message, 0, (REQUEST + INIT_IN) as u32);
            put(message, REQUEST + 4, MINOR);
            let flags = number(message, REQUEST + 12) & FLAGS;
            put(message, REQUEST + 12, flags);
            tracing::info!("relay: offered {flags:#x}.");
            session.write(message)
        } else if operation > LAST_OPERATION {
            let mut answer = [0; ANSWER];
            put(&mut answer, 0, ANSWER as u32);
            put(&mut answer, 4, (-libc::ENOSYS).cast_unsigned());
            answer[8..].copy_from_slice(&message[8..16]);
            device.write(&answer)
        } else {
            session.write(message)
        };
        if let Err(error) = sent {
            tracing::info!("relay: a request is lost: {error}");
        }
    }
    // As many as the session has threads: each ends with one.
    let mut end = [0; REQUEST];
    put(&mut end, 0, REQUEST as u32);
    put(&mut end, 4, DESTROY);
    while session.write(&end).is_ok() {}
}

fn answers(mut session: &File, device: &Arc<File>) {
    let mut buffer = vec![0; SOCKET_BYTES];
    let mut first = true;
    loop {
        let length = match session.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        if std::mem::take(&mut first) {
            assert_eq!(length, ANSWER + INIT_OUT, "a kernel of 7.22 takes no more");
            let asked = number(&buffer, ANSWER + 12);
            tracing::info!("relay: asked for {asked:#x}.");
            put(&mut buffer, ANSWER + 4, MINOR);
        }
        // A notice, which answers nothing, may wait in the kernel for an answer that comes after it.
        if buffer[8..ANSWER].iter().all(|byte| *byte == 0) {
            let (mut device, notice) = (Arc::clone(device), buffer[..length].to_vec());
            std::thread::spawn(move || device.write(&notice));
            continue;
        }
        // Answers to what was interrupted meanwhile have no taker.
        if let Err(error) = (&**device).write(&buffer[..length]) {
            tracing::debug!("relay: an answer is lost: {error}");
        }
    }
}

/// What the log says behind these words.
fn said(log: &str, words: &str) -> Vec<u32> {
    log.lines()
        .filter_map(|line| line.split(words).nth(1))
        .map(|rest| {
            let number = rest.trim_end_matches('.');
            match number.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).unwrap(),
                None => number.parse().unwrap(),
            }
        })
        .collect()
}

fn lines(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_kernel_that_knows_nothing_after_7_22_shows_and_copies_the_same() {
    let act = Act {
        options: "",
        opens: Opens::Untold,
        environment: &[(WIRE, "old")],
        ..Act::PLAIN
    };
    let stage = play(act, |_| {}).unwrap();
    let copies = tempfile::tempdir().unwrap();

    // Twice: once asked for, once from the kernel's memory.
    for round in ["first", "second"] {
        let people = lines(Command::new("ls").arg("-fl").arg(stage.path("people")));
        assert_eq!(people.len() as u64, MANY + 3, "{round}");
        let found = lines(Command::new("find").arg(&stage.root).args(["-type", "f"]));
        let names: BTreeSet<_> = found.iter().collect();
        assert_eq!(names.len(), found.len(), "a name was listed twice");
        assert!(found.len() as u64 > MANY, "{round}");
        for (name, ino, size, ..) in FILES {
            let meta = fs::metadata(stage.path("by-date").join(name)).unwrap();
            assert_eq!((meta.ino(), meta.size()), (ino, size), "{name}");
        }
        let links = stage.path("albums/link.jpg");
        assert_eq!(
            fs::read_link(links).unwrap().to_str(),
            Some("../by-date/a.jpg")
        );
    }
    for (name, ino, size, ..) in FILES {
        if !["a.jpg", "later.jpg", "empty.jpg", "1926.jpg", "last.jpg"].contains(&name) {
            continue;
        }
        for tool in [&["cp", "-a"][..], &["rsync", "-aH"]] {
            let copy = copies.path().join(tool[0]);
            let from = stage.path("by-date").join(name);
            lines(Command::new(tool[0]).args(&tool[1..]).arg(from).arg(&copy));
            assert!(
                fs::read(&copy).unwrap() == bytes(ino, 0, size as usize),
                "{name}"
            );
            fs::remove_file(copy).unwrap();
        }
    }
    let rotten = fs::read(stage.path("by-date/bad.jpg")).unwrap_err();
    assert_eq!(rotten.raw_os_error(), Some(libc::EIO));

    let log = stage.log();
    let (offered, asked) = (
        said(&log, "relay: offered "),
        said(&log, "relay: asked for "),
    );
    assert!(
        offered.len() == 1 && offered[0] != 0 && offered[0] & !FLAGS == 0,
        "{offered:x?}"
    );
    assert!(
        asked.len() == 1 && asked[0] & !offered[0] == 0,
        "{asked:x?} of {offered:x?}"
    );
    // ASYNC_READ, EXPORT_SUPPORT, DO_READDIRPLUS without AUTO: what 7.22 has of what we want, we get.
    assert_eq!(
        asked[0] & 0b110_0000_0001_0001,
        0b010_0000_0001_0001,
        "{asked:x?}"
    );
    let operations = said(&log, "relay: operation ");
    assert!(
        operations.contains(&OPEN) && operations.contains(&OPENDIR),
        "{operations:?}"
    );
    assert!(stage.stats().counters.open >= 10, "{:?}", stage.stats());
}

/// The same look at a kernel of today, to know that the relay makes the difference.
#[test]
fn a_kernel_of_today_opens_by_itself() {
    let stage = play(Act::PLAIN, |_| {}).unwrap();
    for _ in 0..10 {
        fs::read(stage.path("by-date/a.jpg")).unwrap();
    }
    assert!(stage.stats().counters.open <= 1, "{:?}", stage.stats());
}
