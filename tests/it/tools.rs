//! The tools that people copy with, each used as its manual says, and a look at what they have copied.

use crate::kit::{Home, Ran, hashes, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Copies a tree and says what failed, as a script would.
const PYTHON: &str = "import os, shutil, sys
try:
    for source in sys.argv[2:]:
        shutil.copytree(source, sys.argv[1] + '/' + os.path.basename(source), symlinks=True)
except shutil.Error as error:
    for source, target, why in error.args[0]:
        print(source, why, file=sys.stderr)
    sys.exit(1)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    Rsync,
    Tar,
    Restic,
    Borg,
    Cp,
    Python,
}

impl Tool {
    pub const ALL: [Tool; 6] = [
        Tool::Rsync,
        Tool::Tar,
        Tool::Restic,
        Tool::Borg,
        Tool::Cp,
        Tool::Python,
    ];

    /// Copies views of the home's mount to a place of the tool's own in the home.
    pub fn copy(self, home: &Home, views: &[&str], name: &str) -> Ran {
        let paths: Vec<PathBuf> = views.iter().map(|view| home.point().join(view)).collect();
        let place = self.place(home, name);
        let mut command = match self {
            Tool::Restic => {
                if !place.exists() {
                    run(restic(home, &place).args(["init", "--quiet"])).ok();
                }
                restic(home, &place)
            }
            Tool::Borg => {
                if !place.exists() {
                    run(borg(home).args(["init", "-e", "none"]).arg(&place)).ok();
                }
                borg(home)
            }
            Tool::Tar => Command::new("tar"),
            Tool::Rsync | Tool::Cp | Tool::Python => {
                std::fs::create_dir_all(&place).unwrap();
                Command::new(match self {
                    Tool::Rsync => "rsync",
                    Tool::Cp => "cp",
                    _ => "python3",
                })
            }
        };
        match self {
            Tool::Rsync => command.args(["-aH", "--delete"]).args(paths).arg(&place),
            Tool::Tar => command
                .arg("-cf")
                .arg(&place)
                .arg("-C")
                .arg(home.point())
                .args(views),
            Tool::Restic => command.arg("backup").args(paths),
            Tool::Borg => command.arg("create").arg(archive(&place)).args(paths),
            Tool::Cp => command.arg("-a").args(paths).arg(&place),
            Tool::Python => command.args(["-B", "-c", PYTHON]).arg(&place).args(paths),
        };
        run(command.env("LC_ALL", "C.UTF-8"))
    }

    /// SHA-256 of every file that [`Tool::copy`] has put into its place, by path below the mountpoint.
    pub fn copied(self, home: &Home, name: &str) -> BTreeMap<PathBuf, String> {
        let place = self.place(home, name);
        let out = home.path(format!("{self:?}-{name}-out"));
        std::fs::create_dir_all(&out).unwrap();
        match self {
            Tool::Rsync | Tool::Cp | Tool::Python => return hashes(&place),
            Tool::Tar => run(Command::new("tar")
                .arg("-xf")
                .arg(place)
                .arg("-C")
                .arg(&out)),
            Tool::Restic => run(restic(home, &place)
                .args(["restore", "latest", "--target"])
                .arg(&out)),
            Tool::Borg => {
                let listed = run(borg(home)
                    .args(["list", "--short", "--last", "1"])
                    .arg(&place))
                .ok();
                let newest = format!("{}::{}", place.display(), listed.text().trim());
                run(borg(home).arg("extract").arg(newest).current_dir(&out))
            }
        }
        .ok();
        // Both keep the whole path.
        let whole = out.join(home.point().strip_prefix("/").unwrap());
        let found = hashes(if whole.exists() { &whole } else { &out });
        std::fs::remove_dir_all(out).unwrap();
        found
    }

    /// Snapshots of restic, archives of Borg.
    pub fn snapshots(self, home: &Home, name: &str) -> usize {
        let place = self.place(home, name);
        let (ran, list) = match self {
            Tool::Restic => (run(restic(home, &place).args(["snapshots", "--json"])), ""),
            Tool::Borg => (
                run(borg(home).args(["list", "--json"]).arg(place)),
                "archives",
            ),
            other => panic!("{other:?} makes no snapshots"),
        };
        let found = ran.ok().json();
        let list = if list.is_empty() {
            &found
        } else {
            &found[list]
        };
        list.as_array().unwrap().len()
    }

    /// How many files the newest archive of Borg holds.
    pub fn files_in_newest(home: &Home, name: &str) -> usize {
        let place = Tool::Borg.place(home, name);
        let ran = run(borg(home)
            .args(["info", "--json", "--last", "1"])
            .arg(place))
        .ok();
        ran.json()["archives"][0]["stats"]["nfiles"]
            .as_u64()
            .unwrap() as usize
    }

    fn place(self, home: &Home, name: &str) -> PathBuf {
        home.path(format!("{self:?}-{name}"))
    }
}

fn archive(place: &Path) -> String {
    // Borg asks for a name that is new in its repository.
    format!("{}::{{now:%H%M%S.%f}}", place.display())
}

fn restic(home: &Home, repository: &Path) -> Command {
    let mut command = Command::new("restic");
    command.arg("-r").arg(repository).arg("--no-cache");
    command
        .env("RESTIC_PASSWORD", "test")
        .env("HOME", home.path(""));
    command
}

fn borg(home: &Home) -> Command {
    let mut command = Command::new("borg");
    command.env("BORG_BASE_DIR", home.path("borg-home"));
    command.env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes");
    command
}
