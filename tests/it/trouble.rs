//! What the tests of trouble have in common: the server's log, a look at every byte that a mount serves, Python.

use crate::kit::{Home, Mount, Ran, run, sha256_of};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files up to this size are checked whole before their first byte is served.
pub const WHOLE: u64 = 16 << 20;

/// Everything that the servers of a home have logged.
pub fn log(home: &Home) -> String {
    let Ok(libraries) = fs::read_dir(home.state()) else {
        return String::new();
    };
    let logs = libraries.map(|library| library.unwrap().path().join("gphotosfs.log"));
    logs.filter_map(|log| fs::read_to_string(log).ok())
        .collect()
}

/// Nothing has panicked.
#[track_caller]
pub fn calm(home: &Home, said: &str) {
    let log = log(home);
    for text in [said, &log] {
        assert!(!text.contains("panicked"), "{text}");
    }
}

/// The state directory of the one library of a home.
#[track_caller]
pub fn library(home: &Home) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(home.state())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// What reading a file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// All of it, with this SHA-256.
    Bytes(String),
    /// An error, before any byte.
    Refused(i32),
    /// An error after some bytes of a file that is too large to be checked before its first byte.
    Broken(i32),
}

/// Reads a file as `cat` does. Whatever the contract forbids is a failure: an error at open, one in the middle of a
/// small file, an end that is not the end.
#[track_caller]
pub fn read(path: &Path) -> Got {
    let name = path.display();
    let mut file = File::open(path).unwrap_or_else(|e| panic!("open {name}: {e}"));
    let size = file.metadata().unwrap().len();
    let mut buffer = vec![0; 256 << 10];
    let mut read = |at: u64| match file.read(&mut buffer) {
        Ok(0) if at == size => Ok(None),
        Ok(0) => panic!("{name} ends after {at} of {size} bytes"),
        Ok(got) => Ok(Some(buffer[..got].to_vec())),
        Err(error) => Err(error.raw_os_error().unwrap()),
    };
    let first = match read(0) {
        Ok(first) => first.unwrap_or_default(),
        Err(errno) => return Got::Refused(errno),
    };
    let mut at = first.len() as u64;
    let mut failed = None;
    let rest = std::iter::from_fn(|| match read(at) {
        Ok(bytes) => {
            at += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            bytes
        }
        Err(errno) => {
            failed = Some(errno);
            None
        }
    });
    let hash = sha256_of(Chunks(Some(first).into_iter().chain(rest), Vec::new())).unwrap();
    match failed {
        None => Got::Bytes(hash),
        Some(errno) => {
            assert!(size > WHOLE, "{name}, {size} bytes, breaks after {at}");
            Got::Broken(errno)
        }
    }
}

struct Chunks<I>(I, Vec<u8>);

impl<I: Iterator<Item = Vec<u8>>> Read for Chunks<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.1.is_empty() {
            self.1 = self.0.next().unwrap_or_default();
        }
        let len = into.len().min(self.1.len());
        into[..len].copy_from_slice(&self.1[..len]);
        self.1.drain(..len);
        Ok(len)
    }
}

/// Reads every file of a view. Paths are those below the mountpoint.
#[track_caller]
pub fn read_all(mount: &Mount<'_>, view: &str) -> BTreeMap<PathBuf, Got> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(mount.path(view)) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(mount.point()).unwrap();
            found.insert(path.to_owned(), read(entry.path()));
        }
    }
    found
}

/// The most memory that a process ever held, KiB.
pub fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

/// Runs Python on a text, with `sys.argv[1:]`.
pub fn python<S: AsRef<OsStr>>(script: &str, args: impl IntoIterator<Item = S>) -> Ran {
    run(Command::new("python3")
        .args(["-B", "-c", script])
        .args(args))
}

/// Makes a private device and configuration for FUSE, as most systems have them, then becomes the user nobody.
const BECOME_NOBODY: &str = r#"
mount -t tmpfs -o mode=755 none "$1"
mknod -m 666 "$1/fuse" c 10 229
mount --bind "$1/fuse" /dev/fuse
printf '%s' "$2" > "$1/conf"
[ -e /etc/fuse.conf ] || : > /etc/fuse.conf
mount --bind "$1/conf" /etc/fuse.conf
then=$3
shift 3
exec setpriv --reuid=65534 --regid=65534 --clear-groups -- sh -euc "\"\$@\"; $then" sh "$@"
"#;

/// A command of the program, run by the user nobody, for whom permissions count, in mounts of its own with `conf` as
/// /etc/fuse.conf; then the shell text `then`, with the mountpoint as `$MNT` and the program as `$PROGRAM`. Everything
/// in the home becomes nobody's.
pub fn as_nobody(home: &Home, command: &Command, conf: &str, then: &str) -> Ran {
    // Where this program was built nobody may have no business.
    let (program, private) = (home.path("program"), home.path("private"));
    // The server of an earlier call may still be ending, and a program that runs cannot be written over.
    if program.exists() {
        fs::remove_file(&program).unwrap();
    }
    fs::copy(command.get_program(), &program).unwrap();
    fs::create_dir_all(&private).unwrap();
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    run(Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(home.path("")))
    .ok();
    let mut own = Command::new(&program);
    own.args(command.get_args());
    own.env("MNT", home.point()).env("PROGRAM", &program);
    copy_env(command, &mut own);
    let private = private.to_str().unwrap();
    let words = [
        "unshare",
        "-m",
        "sh",
        "-euc",
        BECOME_NOBODY,
        "sh",
        private,
        conf,
        then,
    ];
    run(&mut through(&words, &own))
}

/// The same command, run by another one.
pub fn through<S: AsRef<OsStr>>(words: &[S], command: &Command) -> Command {
    let mut all = Command::new(&words[0]);
    all.args(&words[1..]);
    all.arg(command.get_program()).args(command.get_args());
    copy_env(command, &mut all);
    if let Some(dir) = command.get_current_dir() {
        all.current_dir(dir);
    }
    all
}

pub fn copy_env(from: &Command, to: &mut Command) {
    for (key, value) in from.get_envs() {
        match value {
            Some(value) => to.env(key, value),
            None => to.env_remove(key),
        };
    }
}
