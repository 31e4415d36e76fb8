//! What the README promises is true: its commands are run, its words are looked up.
//!
//! The blocks marked `sh` are run one after the other by bash, in a home of their own, with the demo in the place of a
//! Takeout; those that would build or install are looked at only. Needs FUSE, rsync, restic and Borg.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gphotosfs");

/// Options that stand in the README and belong to other programs.
const FOREIGN_OPTIONS: &[&str] = &["--delete", "--inplace", "--no-inc-recursive", "--partial"];

/// Every command that people see.
const COMMANDS: &[&str] = &[
    "add", "remove", "sources", "sync", "mount", "unmount", "status", "exports", "info",
    "relayout", "config", "doctor",
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(top().join("README.md")).unwrap()
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(said), None) => open = Some((said == language, String::new())),
            (Some(_), Some(_)) => {
                if let Some((true, block)) = open.take() {
                    found.push(block);
                }
            }
            (None, Some((_, block))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// What stands between single backquotes outside of blocks.
fn spans(text: &str) -> Vec<String> {
    let mut inside = false;
    let prose: String = text
        .lines()
        .filter(|line| {
            let fence = line.starts_with("```");
            inside ^= fence;
            !fence && !inside
        })
        .collect::<Vec<_>>()
        .join(" ");
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .map(String::from)
        .collect()
}

/// Every command line of ours in the README, word by word.
fn our_lines(text: &str) -> Vec<Vec<String>> {
    let lines = blocks(text, "sh")
        .join("")
        .lines()
        .map(String::from)
        .collect::<Vec<_>>();
    lines
        .into_iter()
        .chain(spans(text))
        .filter(|line| line.starts_with("gphotosfs "))
        .map(|line| line.split_whitespace().map(String::from).collect())
        .collect()
}

/// A home with a Takeout in it, and whatever is mounted there is taken away at the end.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        gphotosfs::demo::make(&home.path("Takeout")).unwrap();
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn run(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Output {
        let beside = Path::new(PROGRAM).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            std::iter::once(beside.to_owned()).chain(std::env::split_paths(&path)),
        );
        let mut command = Command::new(program);
        for name in ["XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        for name in [
            "GPHOTOSFS_STATE_DIR",
            "GPHOTOSFS_CACHE_DIR",
            "GPHOTOSFS_CONFIG",
        ] {
            command.env_remove(name);
        }
        for name in ["RESTIC_REPOSITORY", "BORG_REPO", "BORG_BASE_DIR"] {
            command.env_remove(name);
        }
        command
            .args(args)
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .env("PATH", path.unwrap())
            .env("RESTIC_PASSWORD", "a word for the test")
            .env("BORG_PASSPHRASE", "a word for the test")
            .output()
            .unwrap()
    }

    fn bash(&self, script: &str) -> Output {
        self.run("bash", &["-euo", "pipefail", "-c", script])
    }

    /// Runs a script that must end with 0 and gives what it said.
    fn well(&self, script: &str) -> String {
        let output = self.bash(script);
        assert_eq!(output.status.code(), Some(0), "{script}\n{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn code(&self, args: &[&str]) -> Option<i32> {
        self.run(PROGRAM, args).status.code()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Where nothing is mounted this fails, and that is well.
        self.run(PROGRAM, &["unmount", "photos"]);
    }
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|text| String::from_utf8_lossy(text))
        .join("")
}

/// What lies in a folder, with sizes and times.
fn listing(home: &Home, folder: &str) -> String {
    home.well(&format!(
        "cd {folder} && find . -type f -printf '%P %s %T@ %n\\n' | sort"
    ))
}

#[test]
fn its_blocks_run_in_their_order() {
    let text = readme();
    let home = Home::new();
    let (mut copies, mut run) = (Vec::new(), 0);
    for block in blocks(&text, "sh") {
        if block.contains("./scripts/") || block.contains("cargo ") {
            continue;
        }
        home.well(&block);
        run += 1;
        copies.extend(
            block
                .lines()
                .filter(|line| line.contains("by-date"))
                .map(String::from),
        );
    }
    assert_eq!(
        (run, copies.len()),
        (5, 3),
        "blocks and recipes that the README has"
    );
    let copied = home.well("cd copy && find . -type f | wc -l");
    assert_eq!(
        copied.trim(),
        "79",
        "names in by-date and albums of the demo: 41 files, 23 documents, and 15 of those files again"
    );
    let state = |home: &Home| {
        (
            listing(home, "copy"),
            home.well("restic -r ~/restic snapshots --json"),
            home.well("borg list ~/borg"),
        )
    };
    let before = state(&home);
    for recipe in &copies {
        let output = home.bash(recipe);
        assert_ne!(
            output.status.code(),
            Some(0),
            "not mounted: {recipe}\n{}",
            said(&output)
        );
    }
    assert_eq!(home.bash(&copies[0]).status.code(), Some(23));
    assert_eq!(home.bash(&copies[1]).status.code(), Some(1));
    assert_eq!(
        state(&home),
        before,
        "a recipe changed something although nothing was mounted"
    );
    assert!(!before.0.is_empty() && before.1.contains("short_id") && before.2.lines().count() == 1);
}

#[test]
fn no_command_names_a_mount_as_a_whole() {
    for line in blocks(&readme(), "sh").join("").lines() {
        let copies = ["rsync ", "restic ", "borg "]
            .iter()
            .any(|tool| line.contains(tool));
        assert!(!(copies && line.contains("photos/ ")), "{line}");
    }
}

#[test]
fn each_command_is_understood() {
    let lines = our_lines(&readme());
    assert!(lines.len() >= 10, "{lines:?}");
    let mut commands: Vec<&str> = Vec::new();
    for line in &lines {
        // `gphotosfs status` as the name of a command needs no arguments here.
        if line.len() == 2 {
            let help = [line[0].as_str(), "help", line[1].as_str()];
            assert_eq!(gphotosfs::cli::understand(help), Ok(()), "{line:?}");
        } else {
            let mut line: Vec<&str> = line.iter().map(String::as_str).collect();
            if line.contains(&"STAMP") {
                line.push("MOUNTPOINT");
            }
            assert_eq!(gphotosfs::cli::understand(&line), Ok(()), "{line:?}");
        }
        commands.push(&line[1]);
    }
    for command in COMMANDS {
        assert!(
            commands.contains(command),
            "the README does not show {command}"
        );
        let help = Command::new(PROGRAM)
            .args([command, "--help"])
            .output()
            .unwrap();
        assert_eq!(help.status.code(), Some(0), "{command}");
        assert!(
            said(&help).contains("Example"),
            "{command} --help shows no example"
        );
    }
    assert!(gphotosfs::cli::understand(["gphotosfs", "mount", "--nonsense", "x"]).is_err());
}

#[test]
fn each_option_exists() {
    let mut help = String::new();
    for command in COMMANDS {
        help += &said(
            &Command::new(PROGRAM)
                .args([command, "--help"])
                .output()
                .unwrap(),
        );
    }
    for span in spans(&readme()) {
        let Some(option) = span.split([' ', '=']).find(|word| word.starts_with("--")) else {
            continue;
        };
        let known = help.contains(option) || FOREIGN_OPTIONS.contains(&option);
        assert!(known, "{option} in `{span}`");
    }
    for span in spans(&readme())
        .iter()
        .filter(|span| span.starts_with("./scripts/"))
    {
        let script = top().join(span.split(' ').next().unwrap());
        assert!(script.is_file(), "{}", script.display());
    }
}

#[test]
fn the_exit_codes_are_as_told() {
    let home = Home::new();
    assert_eq!(home.code(&["--version"]), Some(0));
    assert_eq!(home.code(&["status"]), Some(2), "no library yet");
    assert_eq!(home.code(&["mount", "photos"]), Some(2), "no sources");
    assert_eq!(
        home.code(&["mount", "--takeout", "Takeout", "photos"]),
        Some(2),
        "no mountpoint"
    );
    std::fs::create_dir(home.path("photos")).unwrap();
    assert_eq!(
        home.code(&["unmount", "photos"]),
        Some(2),
        "nothing is mounted"
    );
    assert_eq!(
        home.code(&["mount", "--takeout", "Takeout", "photos"]),
        Some(0)
    );
    assert_eq!(home.code(&["status"]), Some(0));
    let photo = home.well("find photos/by-date -name 'IMG_2101.jpg'");
    let photo = photo.trim_end();
    assert_eq!(home.code(&["info", photo]), Some(0));
    assert_eq!(home.code(&["info", photo, "photos/nothing.jpg"]), Some(1));
    assert_eq!(home.code(&["info", "photos/nothing.jpg"]), Some(2));
    assert_eq!(home.code(&["unmount", "photos"]), Some(0));
    for part in std::fs::read_dir(home.path("Takeout")).unwrap().skip(1) {
        std::fs::remove_file(part.unwrap().path()).unwrap();
    }
    assert_eq!(
        home.code(&["status"]),
        Some(1),
        "two archives have vanished"
    );
    assert_eq!(
        home.code(&["mount", "--takeout", "Takeout", "photos"]),
        Some(0)
    );
    assert_eq!(home.code(&["status", "photos"]), Some(1));
}

#[test]
fn the_sum_is_that_of_the_demo() {
    let home = Home::new();
    home.well("mkdir photos && gphotosfs mount --demo photos");
    let status = home.well("gphotosfs status photos");
    let shown = blocks(&readme(), "text");
    let sum = shown
        .iter()
        .find(|block| block.contains("= media files"))
        .unwrap();
    for line in sum.lines().filter(|line| !line.is_empty()) {
        assert!(status.contains(line), "{line}\n{status}");
    }
    let paths = shown
        .iter()
        .find(|block| block.contains("by-date/"))
        .unwrap();
    for path in paths
        .lines()
        .filter_map(|line| line.split(['…', '\t']).next())
    {
        let path = path.split("    ").next().unwrap().trim_end_matches('/');
        assert!(home.path("photos").join(path).exists(), "{path}");
    }
}

#[test]
fn the_configuration_is_read_and_holds_the_defaults() {
    let home = Home::new();
    let [block] = &blocks(&readme(), "toml")[..] else {
        panic!("one block of TOML")
    };
    let path = home.path("config.toml");
    let parse = gphotosfs::config::Config::parse;
    let shown = parse(&path, block).unwrap();
    let defaults = parse(&path, "").unwrap();
    assert_eq!(format!("{shown:?}"), format!("{defaults:?}"));
}

#[test]
fn the_errors_are_as_told() {
    let home = Home::new();
    home.well("mkdir photos && gphotosfs mount --takeout Takeout photos");
    let video = home.well("cd photos && find by-date -name 'VID_2024*.mp4'");
    let video = home.path("photos").join(video.trim_end());
    let errno =
        |result: std::io::Result<Vec<u8>>| result.err().and_then(|error| error.raw_os_error());
    let refused = std::fs::write(home.path("photos/by-date/new"), "").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EROFS));
    assert_eq!(errno(std::fs::read(&video)), None);
    home.well("gphotosfs unmount photos && gphotosfs mount --takeout Takeout photos");
    home.well("for part in Takeout/*.zip; do cp $part x && mv x $part; done");
    assert_eq!(errno(std::fs::read(&video)), Some(libc::ESTALE));
    home.well("rm Takeout/*.zip");
    home.well("gphotosfs unmount photos && mkdir -p Takeout/elsewhere");
    home.well("gphotosfs mount --takeout Takeout photos");
    assert_eq!(errno(std::fs::read(&video)), Some(libc::EIO));
    assert!(video.exists());
}
