//! The server's log: a file that never grows beyond its cap, with one older one kept beside it.
//!
//! A line stands whole in one of the two. Times are RFC 3339 in UTC, as the formatter of `tracing-subscriber` writes them.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, rename};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// Name of the log in a state directory.
pub const NAME: &str = "gphotosfs.log";

/// Together with the older one, the most that logs take of a disk: 20 MB.
const CAP_BYTES: u64 = 10_000_000;

/// A log file; lock it to write, as `MakeWriter` of a `Mutex` does.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    len: u64,
    cap: u64,
}

impl Log {
    /// Opens, to be continued, the log in `state_dir`.
    pub fn open(state_dir: &Path) -> io::Result<Log> {
        Log::with_cap(state_dir.join(NAME), CAP_BYTES)
    }

    fn with_cap(path: PathBuf, cap: u64) -> io::Result<Log> {
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        let len = file.metadata()?.len();
        Ok(Log {
            path,
            file,
            len,
            cap,
        })
    }

    fn turn(&mut self) -> io::Result<()> {
        rename(&self.path, older(&self.path))?;
        *self = Log::with_cap(self.path.clone(), self.cap)?;
        Ok(())
    }
}

/// Where the previous log is kept.
fn older(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".1");
    name.into()
}

impl Write for Log {
    /// Takes the whole line at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.len > 0 && self.len + line.len() as u64 > self.cap {
            self.turn()?;
        }
        self.file.write_all(line)?;
        self.len += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What turns events into lines of `log`, to be made the default of the server.
pub fn subscriber(log: Log, filter: EnvFilter) -> impl tracing::Subscriber + Send + Sync + 'static {
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(Mutex::new(log))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::read_to_string;

    #[test]
    fn it_turns_at_its_cap_and_keeps_lines_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        let mut log = Log::with_cap(path.clone(), 20).unwrap();
        for line in [
            "one line\n",
            "two lines\n",
            "three lines\n",
            "a line longer than the cap\n",
            "end\n",
        ] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(
            read_to_string(older(&path)).unwrap(),
            "a line longer than the cap\n"
        );
        drop(log);
        let mut log = Log::with_cap(path.clone(), 20).unwrap();
        log.write_all(b"continued\n").unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "end\ncontinued\n");
    }

    #[test]
    fn a_line_begins_with_its_time_in_utc() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let subscriber = subscriber(log, EnvFilter::new("warn"));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("left out");
            tracing::error!("failed to read /by-date/a.jpg: it is missing");
        });
        let text = read_to_string(dir.path().join(NAME)).unwrap();
        let (time, rest) = text.split_once(' ').unwrap();
        assert!(
            time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'),
            "{text}"
        );
        assert_eq!(
            rest.trim(),
            "ERROR failed to read /by-date/a.jpg: it is missing"
        );
    }
}
