//! fusermount3, the setuid program through which those who are not root mount and unmount.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

/// Names the helper where it is not on the search path, as in other FUSE programs.
const PATH_VARIABLE: &str = "FUSERMOUNT_PATH";

/// Tells the helper on which descriptor to send what it opened.
const SOCKET_VARIABLE: &str = "_FUSE_COMMFD";

/// Searched after `PATH`, which is often short in services.
const USUAL_DIRS: [&str; 4] = ["/bin", "/sbin", "/usr/bin", "/usr/local/bin"];

/// What went wrong with the helper.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error(
        "fusermount3 is not installed, and without it only root can mount; run `apt install fuse3` (or what your system has in its place)"
    )]
    NotInstalled,
    /// The environment names one that is not there.
    #[error("FUSERMOUNT_PATH names {path}, where no program is; correct it or unset it", path = .0.display())]
    NotThere(PathBuf),
    /// It could not be run, or its answer not be read.
    #[error("failed to run {path}", path = .path.display())]
    Run {
        /// The helper.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It refused.
    #[error("{path} says: {said}", path = .path.display())]
    Refused {
        /// The helper.
        path: PathBuf,
        /// Its words.
        said: String,
    },
}

/// Where the helper is.
pub(super) fn find() -> Result<PathBuf, Error> {
    let usual = USUAL_DIRS.iter().map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<_> = env::split_paths(&path).chain(usual).collect();
    search(env::var_os(PATH_VARIABLE), &dirs)
}

fn search(named: Option<OsString>, dirs: &[PathBuf]) -> Result<PathBuf, Error> {
    if let Some(path) = named.map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Error::NotThere(path))
        };
    }
    let names = ["fusermount3", "fusermount"];
    let candidates = names
        .iter()
        .flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
    let mut candidates = candidates.into_iter();
    candidates
        .find(|path| path.is_file())
        .ok_or(Error::NotInstalled)
}

/// Mounts with these options and returns the descriptor that speaks with the kernel.
pub(super) fn mount(mountpoint: &Path, options: &str) -> Result<OwnedFd, Error> {
    let path = find()?;
    let run = |source| Error::Run {
        path: path.clone(),
        source,
    };
    let (ours, theirs) = UnixStream::pair().map_err(run)?;
    // The helper gets its end as its standard input: that needs no descriptor to stay open across exec.
    let child = Command::new(&path)
        .arg("-o")
        .arg(options)
        .arg("--")
        .arg(mountpoint)
        .env(SOCKET_VARIABLE, "0")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(run)?;
    let received = receive(&ours);
    let output = child.wait_with_output().map_err(run)?;
    match received {
        Ok(Some(fd)) if output.status.success() => Ok(fd),
        Err(error) if output.status.success() => Err(run(error)),
        _ => Err(refusal(path, &output)),
    }
}

/// Unmounts, at once or, `lazy`, as soon as nobody uses it; the path is free either way.
pub(super) fn unmount(mountpoint: &Path, lazy: bool) -> Result<(), Error> {
    let path = find()?;
    let mut command = Command::new(&path);
    command.arg("-u");
    if lazy {
        command.arg("-z");
    }
    let output = command
        .arg("--")
        .arg(mountpoint)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(refusal(path, &output)),
        Err(source) => Err(Error::Run { path, source }),
    }
}

fn refusal(path: PathBuf, output: &Output) -> Error {
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.trim();
    // It begins its lines with its own name or path, which the message tells already.
    let name = path.file_name().unwrap_or(OsStr::new("")).to_string_lossy();
    let said = words
        .strip_prefix(&*path.to_string_lossy())
        .or_else(|| words.strip_prefix(&*name))
        .unwrap_or(words)
        .trim_start_matches([':', ' ']);
    let said = if said.is_empty() {
        format!("nothing ({})", output.status)
    } else {
        said.to_owned()
    };
    Error::Refused { path, said }
}

/// The descriptor that the helper sends; `None` if it ends without one.
#[allow(unsafe_code)]
fn receive(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!(RawFd);
    let message = loop {
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Err(nix::errno::Errno::EINTR) => {}
            other => break other?,
        }
    };
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control
            && let Some(fd) = fds.first()
        {
            // SAFETY: the kernel has just made this descriptor for us with the message; nobody else owns it.
            return Ok(Some(unsafe { OwnedFd::from_raw_fd(*fd) }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_before_the_search_path() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = [dir.path().to_owned()];
        let none = search(None, &dirs).unwrap_err().to_string();
        assert!(none.contains("apt install fuse3"), "{none}");
        let old = dir.path().join("fusermount");
        std::fs::write(&old, "").unwrap();
        assert_eq!(search(None, &dirs).unwrap(), old);
        let new = dir.path().join("fusermount3");
        std::fs::write(&new, "").unwrap();
        assert_eq!(search(None, &dirs).unwrap(), new);
        assert_eq!(search(Some(old.clone().into()), &[]).unwrap(), old);
        let wrong = search(Some("/no/such".into()), &dirs)
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("FUSERMOUNT_PATH names /no/such"), "{wrong}");
    }

    #[test]
    fn a_refusal_carries_its_words() {
        let sh = Command::new("sh")
            .args([
                "-c",
                "echo fusermount3: user has no write access >&2; exit 1",
            ])
            .output();
        let error = refusal("/usr/bin/fusermount3".into(), &sh.unwrap());
        assert_eq!(
            error.to_string(),
            "/usr/bin/fusermount3 says: user has no write access"
        );
        let silent = refusal("/x".into(), &Command::new("false").output().unwrap());
        assert!(silent.to_string().contains("exit status: 1"), "{silent}");
    }
}
