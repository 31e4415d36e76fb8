//! What all these tests need: a program run with a limit on its time, a library mounted and surely unmounted, an export
//! made by the generator, and a tree hashed.
//!
//! Nothing here sleeps and nothing measures time. Limits only turn a hang into a failure.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The directories that a backup names. The root is never one of them: a mount that is not there looks empty.
pub const VIEWS: [&str; 4] = ["by-date", "albums", "people", "favorites"];

/// The forms of the generator.
pub const FORMS: [&str; 6] = ["stored", "deflated", "zip64", "tgz", "unpacked", "mixed"];

/// Far longer than any tool here takes, also on a machine that has much else to do.
const TOOL: Duration = Duration::from_secs(300);

/// After the servers of a test have been killed, what waited for them gets this long to end.
const GRACE: Duration = Duration::from_secs(60);

thread_local! {
    /// Servers of the test that runs in this thread, for its watchdog.
    static SERVERS: RefCell<Arc<Mutex<Vec<u32>>>> = RefCell::default();
}

/// Runs the body of a test. When it does not end in time its servers are killed, which frees whatever hangs in a read
/// or a look-up, and the test fails.
pub fn within(limit: Duration, body: impl FnOnce() + Send + 'static) {
    let servers = Arc::new(Mutex::new(Vec::new()));
    let (tell, told) = mpsc::channel();
    let of_body = Arc::clone(&servers);
    let thread = std::thread::spawn(move || {
        SERVERS.set(of_body);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // The watchdog may have given up; then it panics anyway.
        let _ = tell.send(());
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    });
    if told.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        for pid in servers.lock().unwrap().iter() {
            kill(*pid);
        }
        let freed = told.recv_timeout(GRACE).is_ok();
        panic!(
            "no end within {limit:?}; killing the servers {} it",
            if freed { "freed" } else { "did not free" }
        );
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// `kill -9` for one process.
pub fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
    // It may have ended by itself.
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
}

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// The command line.
    pub line: String,
    /// Exit code, or the negative number of the signal that ended it.
    pub code: i32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// It ended with 0.
    #[track_caller]
    pub fn ok(self) -> Ran {
        self.ends(0)
    }

    /// It ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Ran {
        let (line, out) = (&self.line, String::from_utf8_lossy(&self.out));
        assert_eq!(
            self.code,
            code,
            "{line}\n--- stdout\n{}\n--- stderr\n{}",
            cut(&out),
            cut(&self.err)
        );
        self
    }

    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|e| panic!("{}: {e}", self.line))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(4000).collect()
}

/// Runs a program to its end; one that hangs is killed with all its children, and the test fails.
pub fn run(command: &mut Command) -> Ran {
    run_within(command, TOOL)
}

/// The same with another limit.
pub fn run_within(command: &mut Command, limit: Duration) -> Ran {
    let line: String = format!("{command:?}").chars().take(1000).collect();
    command.stdin(Stdio::null()).process_group(0);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {line}: {error}"));
    let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    let Ok(ended) = told.recv_timeout(limit) else {
        // It may have ended in this moment; the test fails in either case.
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        panic!("{line} has not ended within {limit:?}");
    };
    let ended = ended.unwrap();
    let code = ended.status.code();
    Ran {
        line,
        code: code.unwrap_or_else(|| -ended.status.signal().unwrap_or(0)),
        out: ended.stdout,
        err: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}

/// Directories of one test, gone at its end: state, cache, mountpoint, and room for copies.
#[derive(Debug)]
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    /// New, empty ones.
    pub fn new() -> Home {
        let dir = tempfile::Builder::new()
            .prefix("gphotosfs-it-")
            .tempdir()
            .unwrap();
        fs::create_dir(dir.path().join("mnt")).unwrap();
        Home { dir }
    }

    /// A path below.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `--state-dir`.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// `--cache-dir`.
    pub fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    /// Where [`Home::mount`] mounts.
    pub fn point(&self) -> PathBuf {
        self.path("mnt")
    }

    /// The program with the directories of this home and nothing of the user's. The subcommand comes first in `args`.
    pub fn gphotosfs<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gphotosfs"));
        command.args(args);
        command
            .arg("--state-dir")
            .arg(self.state())
            .arg("--cache-dir")
            .arg(self.cache());
        command
            .env_remove("GPHOTOSFS_CONFIG")
            .env("HOME", self.dir.path());
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    /// `gphotosfs mount ARGS MNT`, ended with 0. Give sources with [`takeout`].
    #[track_caller]
    pub fn mount<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Mount<'_> {
        self.mount_run(args).ok();
        self.mounted()
    }

    /// `gphotosfs mount ARGS MNT`, however it ends. After success call [`Home::mounted`].
    pub fn mount_run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        let mut command = self.gphotosfs(["mount"]);
        command.args(args).arg(self.point());
        run(&mut command)
    }

    /// Takes charge of what is mounted.
    #[track_caller]
    pub fn mounted(&self) -> Mount<'_> {
        let mut mount = Mount {
            home: self,
            pid: 0,
            gone: false,
        };
        let pid = mount.status()["mount"]["pid"].as_u64();
        mount.pid = pid.expect("a mount has a server") as u32;
        SERVERS.with_borrow(|servers| servers.lock().unwrap().push(mount.pid));
        mount
    }
}

/// `--takeout PATH` for each path.
pub fn takeout<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Vec<std::ffi::OsString> {
    let pair = |path: P| ["--takeout".into(), path.as_ref().as_os_str().to_owned()];
    paths.into_iter().flat_map(pair).collect()
}

/// A library that is mounted; unmounted when dropped.
#[derive(Debug)]
pub struct Mount<'a> {
    home: &'a Home,
    pid: u32,
    gone: bool,
}

impl Mount<'_> {
    /// The mountpoint.
    pub fn point(&self) -> PathBuf {
        self.home.point()
    }

    /// A path below.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.point().join(name)
    }

    /// The four views, as a backup names them.
    pub fn views(&self) -> Vec<PathBuf> {
        VIEWS.iter().map(|view| self.path(view)).collect()
    }

    /// The server.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// `status --json`, whether it says that something needs the user or not.
    #[track_caller]
    pub fn status(&self) -> Value {
        let mut command = self.home.gphotosfs(["status", "--json"]);
        let ran = run(command.arg(self.point()));
        assert!(matches!(ran.code, 0 | 1), "{ran:?}");
        ran.json()
    }

    /// `info --json` of many files.
    #[track_caller]
    pub fn info<P: AsRef<Path>>(&self, paths: &[P]) -> Vec<Value> {
        let mut found = Vec::new();
        for some in paths.chunks(1000) {
            let mut command = self.home.gphotosfs(["info", "--json"]);
            let ran = run(command.args(some.iter().map(|path| path.as_ref().as_os_str()))).ok();
            found.extend(ran.json().as_array().unwrap().iter().cloned());
        }
        assert_eq!(found.len(), paths.len());
        found
    }

    /// Bytes that the server has read so far, from anywhere.
    pub fn rchar(&self) -> u64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.pid)).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        line.unwrap().parse().unwrap()
    }

    /// `gphotosfs unmount`, ended with 0.
    #[track_caller]
    pub fn unmount(mut self) {
        self.gone = true;
        if let Err(why) = self.take_away() {
            panic!("{why}");
        }
    }

    /// By the program's own command, else by force. `Err` tells what the server was about.
    fn take_away(&self) -> Result<(), String> {
        let ran = run(self.home.gphotosfs(["unmount"]).arg(self.point()));
        if ran.code == 0 {
            return Ok(());
        }
        let proc = PathBuf::from(format!("/proc/{}", self.pid));
        let mut why = format!("{ran:?}\nserver {}", self.pid);
        for task in fs::read_dir(proc.join("task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            for file in ["comm", "wchan", "stack"] {
                let text = fs::read_to_string(task.path().join(file)).unwrap_or_default();
                why.push_str(&format!("\n{file}: {text}"));
            }
        }
        for entry in walkdir::WalkDir::new(self.home.state())
            .into_iter()
            .flatten()
        {
            if entry.path().extension() == Some(OsStr::new("log")) {
                let log = fs::read_to_string(entry.path()).unwrap_or_default();
                let end = log.lines().rev().take(30).collect::<Vec<_>>();
                why.push_str(&format!(
                    "\n{}, backwards: {end:#?}",
                    entry.path().display()
                ));
            }
        }
        run(Command::new("fusermount3").arg("-uz").arg(self.point()));
        kill(self.pid);
        Err(why)
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        if !self.gone {
            let ended = self.take_away();
            assert!(ended.is_ok() || std::thread::panicking(), "{ended:?}");
        }
        SERVERS.with_borrow(|servers| servers.lock().unwrap().retain(|pid| *pid != self.pid));
    }
}

/// The folder with the generator.
pub fn generator() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generator")
}

/// Makes an export of 2,000 photos in three parts: `DIR/export` and `DIR/truth.json`. The form `all` makes one of each
/// form, in `DIR/FORM`, in half the time.
pub fn generate(dir: &Path, seed: u32, form: &str) {
    generate_with(dir, seed, form, 2000);
}

/// The same of another size.
pub fn generate_with(dir: &Path, seed: u32, form: &str, photos: u32) {
    let mut command = Command::new("python3");
    command.args(["-S", "-E"]);
    // No bytecode is left in the source tree.
    command.arg("-B").arg(generator().join("make_export.py"));
    command.arg("--out").arg(dir).args(["--parts", "3"]);
    let (seed, photos) = (seed.to_string(), photos.to_string());
    command.args(["--seed", &seed, "--photos", &photos, "--form", form]);
    run(&mut command).ok();
}

/// SHA-256 of a file, in hexadecimal.
#[track_caller]
pub fn sha256(path: &Path) -> String {
    sha256_of(File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// SHA-256 of all that can be read.
pub fn sha256_of(mut from: impl Read) -> std::io::Result<String> {
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 1 << 17];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => sha.update(&buffer[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(data_encoding::HEXLOWER.encode(&sha.finalize()))
}

/// All below a directory, without itself: path from there, and what `lstat` says. In order of the paths.
#[track_caller]
pub fn walk(root: &Path) -> BTreeMap<PathBuf, Metadata> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root).min_depth(1) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(root).unwrap().to_owned();
        found.insert(path, fs::symlink_metadata(entry.path()).unwrap());
    }
    found
}

/// Path and SHA-256 of every regular file below a directory. Each inode is read once.
#[track_caller]
pub fn hashes(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut known: HashMap<u64, String> = HashMap::new();
    let mut found = BTreeMap::new();
    for (path, meta) in walk(root).into_iter().filter(|(_, meta)| meta.is_file()) {
        let hash = known
            .entry(meta.ino())
            .or_insert_with(|| sha256(&root.join(&path)));
        found.insert(path, hash.clone());
    }
    found
}

/// Whether what `stat` tells is of a document beside a photo: no photo's inode has this bit.
pub fn is_document(meta: &Metadata) -> bool {
    meta.ino() >> 62 == 1
}

/// [`hashes`] of a mount's photos, without the documents beside them.
#[track_caller]
pub fn photos(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = hashes(root);
    for (path, _) in walk(root).iter().filter(|(_, meta)| is_document(meta)) {
        found.remove(path);
    }
    found
}

/// All that `stat` tells of everything below a directory, a line for each.
pub fn stats(root: &Path) -> Vec<String> {
    let mut command = Command::new("find");
    command.current_dir(root).arg(".");
    command.args(["-printf", r"%p %i %s %T@ %C@ %n %m %y %l\n"]);
    let ran = run(&mut command).ok();
    let mut lines: Vec<String> = ran.text().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
