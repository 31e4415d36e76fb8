//! The recipes in `contrib/recipes`, run as a timer runs them: first run, second run, archives gone, mount gone.
//!
//! Whatever happens to the library, no recipe deletes what it has copied before, and none ends with 0 unless all is
//! copied. What the server read is counted by itself and by the kernel.

use crate::kit::{Home, Mount, Ran, generate_with, hashes, kill, run, takeout, within};
use crate::trouble::library;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);
const VIEWS: [&str; 2] = ["by-date", "albums"];

/// More than look-ups cost, and far less than the photos.
const FEW: u64 = 1_000_000;

/// What a copy holds: SHA-256 by path below the mount.
type Copied = BTreeMap<PathBuf, String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recipe {
    Rsync,
    /// To a host, by a shell in place of ssh.
    RsyncOverSsh,
    Restic,
    Borg,
}

impl Recipe {
    fn name(self) -> &'static str {
        match self {
            Recipe::Rsync | Recipe::RsyncOverSsh => "rsync",
            Recipe::Restic => "restic",
            Recipe::Borg => "borg",
        }
    }

    fn links(self) -> &'static str {
        if self == Recipe::Restic {
            "symlink"
        } else {
            "hard"
        }
    }

    /// Makes what the recipe's header tells the user to make, and the settings.
    fn set_up(self, home: &Home) {
        let copy = home.path("copy");
        let mut settings = format!("MOUNT={}\n", home.point().display());
        match self {
            Recipe::Rsync => {
                fs::create_dir(&copy).unwrap();
                settings += &format!("TARGET={}\n", copy.display());
            }
            Recipe::RsyncOverSsh => {
                fs::create_dir(&copy).unwrap();
                settings += &format!("TARGET=nas:{}\n", copy.display());
                let ssh = home.path("ssh");
                // As ssh does: the host first, the rest to a shell there.
                fs::write(
                    &ssh,
                    "#!/bin/sh\n[ \"$1\" = nas ] || exit 255\nshift\nexec sh -c \"$*\"\n",
                )
                .unwrap();
                fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
                settings += &format!("export RSYNC_RSH={}\n", ssh.display());
            }
            Recipe::Restic => {
                fs::write(home.path("password"), "a word").unwrap();
                settings += &format!(
                    "RESTIC_REPOSITORY={}\nRESTIC_PASSWORD_FILE={}\nKEEP='--keep-last 1 --prune'\n",
                    copy.display(),
                    home.path("password").display()
                );
                run(self.tool(home).arg("init")).ok();
            }
            Recipe::Borg => {
                settings += &format!(
                    "BORG_REPO={}\nBORG_PASSCOMMAND=\nKEEP='--keep-last 1'\n",
                    copy.display()
                );
                run(self.tool(home).args(["init", "-e", "none"])).ok();
            }
        }
        fs::write(home.path("settings"), settings).unwrap();
    }

    /// The tool itself, to look into the copy.
    fn tool(self, home: &Home) -> Command {
        let mut command = Command::new(self.name());
        environment(home, &mut command);
        command
            .env("RESTIC_REPOSITORY", home.path("copy"))
            .env("RESTIC_PASSWORD_FILE", home.path("password"))
            .env("BORG_REPO", home.path("copy"));
        command
    }

    fn run(self, home: &Home, more: &str) -> Ran {
        let settings = home.path("settings");
        let with = home.path("settings of this run");
        fs::write(&with, fs::read_to_string(settings).unwrap() + more).unwrap();
        let mut command = script(&format!("{0}/gphotosfs-{0}", self.name()));
        environment(home, command.arg(with));
        run(&mut command)
    }

    /// What lies in the newest copy, and how many copies there are.
    fn copied(self, home: &Home) -> (Copied, usize) {
        let out = home.path("out");
        fs::create_dir_all(&out).unwrap();
        let copies = match self {
            Recipe::Rsync | Recipe::RsyncOverSsh => return (hashes(&home.path("copy")), 1),
            Recipe::Restic => {
                let restore = ["restore", "latest", "--target"];
                run(self.tool(home).args(restore).arg(&out)).ok();
                let listed = run(self.tool(home).args(["snapshots", "--json"]))
                    .ok()
                    .json();
                listed.as_array().unwrap().len()
            }
            Recipe::Borg => {
                let listed = run(self.tool(home).args(["list", "--json"])).ok().json();
                let archives = listed["archives"].as_array().unwrap().clone();
                let newest = archives.last().unwrap()["name"].as_str().unwrap();
                let newest = format!("::{newest}");
                run(self.tool(home).args(["extract", &newest]).current_dir(&out)).ok();
                archives.len()
            }
        };
        // Both keep the whole path.
        let found = hashes(&out.join(home.point().strip_prefix("/").unwrap()));
        fs::remove_dir_all(out).unwrap();
        (found, copies)
    }
}

fn script(below: &str) -> Command {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/recipes");
    Command::new(recipes.join(below))
}

fn environment(home: &Home, command: &mut Command) {
    let beside = Path::new(env!("CARGO_BIN_EXE_gphotosfs")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    for name in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    command
        .env("PATH", format!("{}:{path}", beside.display()))
        .env("HOME", home.path("home"))
        .env("LC_ALL", "C.UTF-8")
        .env("BORG_BASE_DIR", home.path("borg-base"))
        .env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes");
}

/// All files of the views that the recipes name.
fn shown(mount: &Mount<'_>) -> Copied {
    let links = |path: &PathBuf| !mount.path(path).is_symlink();
    hashes(&mount.point())
        .into_iter()
        .filter(|(path, _)| VIEWS.iter().any(|view| path.starts_with(view)))
        .filter(|(path, _)| links(path))
        .collect()
}

/// Size of the one file that Borg reads again: it trusts none with the newest change time.
fn newest(mount: &Mount<'_>) -> u64 {
    let files = walkdir::WalkDir::new(mount.path("by-date")).into_iter();
    let files = files.map(|entry| entry.unwrap().metadata().unwrap());
    let newest = files
        .filter(|meta| meta.is_file())
        .max_by_key(|meta| (meta.ctime(), meta.ctime_nsec()));
    newest.unwrap().len()
}

fn bytes(mount: &Mount<'_>) -> u64 {
    mount.status()["mount"]["bytes"].as_u64().unwrap()
}

/// Everything that can happen to a recipe, one after the other.
fn all_that_can_happen(recipe: Recipe) {
    let home = Home::new();
    fs::create_dir(home.path("home")).unwrap();
    generate_with(&home.path("x"), 31, "stored", 200);
    let sources = home.path("x/export");
    let mount = || {
        let mut args = takeout([&sources]);
        args.extend(["--links".into(), recipe.links().into()]);
        if recipe == Recipe::Borg {
            // Without documents: the newest file, which Borg reads every time, shall be one that lies in an archive.
            args.extend(["--sidecars", "none"].map(Into::into));
        }
        home.mount(args)
    };
    recipe.set_up(&home);
    let ends = |mount_is: &str, more: &str, code: i32, said: &str| {
        let ran = recipe.run(&home, more);
        assert_eq!(ran.code, code, "{recipe:?}, {mount_is}: {ran:?}");
        assert!(ran.err.contains(said), "{recipe:?}, {mount_is}: {ran:?}");
    };

    // Before the mount nothing is made.
    ends("never mounted", "", 2, "nothing is mounted");

    let first = mount();
    let all = shown(&first);
    assert!(all.len() > 200, "{}", all.len());
    ends("mounted", "", 0, "");
    assert!(bytes(&first) > FEW);
    assert_eq!(recipe.copied(&home), (all.clone(), 1), "{recipe:?}");
    first.unmount();

    let second = mount();
    let (rchar, again) = (second.rchar(), newest(&second));
    ends("mounted again", "", 0, "");
    let most = if recipe == Recipe::Borg { again } else { 0 };
    assert!(bytes(&second) <= most, "{recipe:?} read {}", bytes(&second));
    assert!(second.rchar() - rchar < FEW + most, "{recipe:?}");
    // The one before was pushed out, by one that holds the same.
    assert_eq!(recipe.copied(&home), (all.clone(), 1), "{recipe:?}");
    second.unmount();

    // The archives are gone while the mount stands. Nothing has to be read, and the run says that something is wrong.
    let third = mount();
    fs::rename(&sources, home.path("elsewhere")).unwrap();
    if recipe == Recipe::Borg {
        // But the one file that it reads every time.
        ends("without archives", "", 2, "borg ended with 1");
        assert_eq!(recipe.copied(&home).1, 2);
        forget_newest(recipe, &home);
    } else {
        ends("without archives", "", 1, "something needs you");
    }
    assert_eq!(recipe.copied(&home), (all.clone(), 1), "{recipe:?}");
    // And where all has to be read, the copy from before stays.
    let reading = match recipe {
        Recipe::Rsync | Recipe::RsyncOverSsh => "RSYNC_OPTIONS=--ignore-times\n",
        Recipe::Restic => "RESTIC_OPTIONS=--force\n",
        Recipe::Borg => "BORG_OPTIONS=--files-cache=disabled\n",
    };
    ends(
        "without archives, reading",
        reading,
        2,
        &format!("{} ended with", recipe.name()),
    );
    match recipe {
        Recipe::Rsync | Recipe::RsyncOverSsh => assert_eq!(recipe.copied(&home).0, all),
        // One that lacks everything, and the good one: nothing was pruned.
        Recipe::Restic | Recipe::Borg => {
            let (found, copies) = recipe.copied(&home);
            assert!(
                copies == 2 && found.len() < all.len(),
                "{copies} {}",
                found.len()
            );
            forget_newest(recipe, &home);
        }
    }
    fs::rename(home.path("elsewhere"), &sources).unwrap();
    third.unmount();

    refusals(recipe, &home, &ends);
    let dead = mount();
    kill(dead.pid());
    File::open(library(&home).join("lock"))
        .unwrap()
        .lock_shared()
        .unwrap();
    ends("dead", "", 2, "");
    // The next mount takes its place.
    std::mem::forget(dead);
    let last = mount();
    ends("mounted at last", "", 0, "");
    assert_eq!(recipe.copied(&home), (all, 1), "{recipe:?}");
    last.unmount();
}

/// Not mounted, or something else mounted, or settings that would name the wrong thing.
fn refusals(recipe: Recipe, home: &Home, ends: &dyn Fn(&str, &str, i32, &str)) {
    let before = recipe.copied(home);
    ends("unmounted", "", 2, "nothing is mounted");
    let other = |args: &[&str]| run(Command::new("mount").args(args).arg(home.point())).ok();
    let gone = || run(Command::new("umount").arg(home.point())).ok();
    other(&["-t", "tmpfs", "none"]);
    ends("another file system", "", 2, "by-date");
    for view in VIEWS {
        fs::create_dir(home.point().join(view)).unwrap();
    }
    ends(
        "one with empty views",
        "",
        2,
        "is empty, which no library is",
    );
    fs::create_dir(home.point().join("by-date/2023")).unwrap();
    ends(
        "one that looks like a library",
        "",
        2,
        "no library that answers",
    );
    gone();
    let mount = home.mount(["--demo"]);
    for views in [".", "..", "''", "by-date/../", "/", "by-date ."] {
        ends(
            "the root named",
            &format!("VIEWS='{views}'\n").replace("''''", "''"),
            2,
            "",
        );
    }
    ends(
        "a view that is not there",
        "VIEWS=by-dates\n",
        2,
        "there is no",
    );
    ends("settings that break off", "MOUNT='\n", 2, "");
    mount.unmount();
    let mut command = script(&format!("{0}/gphotosfs-{0}", recipe.name()));
    environment(home, command.arg(home.path("no settings")));
    assert_eq!(run(&mut command).code, 2);
    assert_eq!(recipe.copied(home), before, "{recipe:?}");
    for entry in fs::read_dir(home.path("state")).unwrap() {
        let state = entry.unwrap().path();
        if state.ends_with("demo") {
            fs::remove_dir_all(state).unwrap();
        }
    }
}

fn forget_newest(recipe: Recipe, home: &Home) {
    match recipe {
        Recipe::Restic => run(recipe.tool(home).args(["forget", "latest"])).ok(),
        _ => run(recipe.tool(home).args(["delete", "--last", "1"])).ok(),
    };
}

#[test]
fn rsync_to_a_disk() {
    within(LIMIT, || all_that_can_happen(Recipe::Rsync));
}

#[test]
fn rsync_to_a_host() {
    within(LIMIT, || all_that_can_happen(Recipe::RsyncOverSsh));
}

#[test]
fn restic() {
    within(LIMIT, || all_that_can_happen(Recipe::Restic));
}

#[test]
fn borg() {
    within(LIMIT, || all_that_can_happen(Recipe::Borg));
}

#[test]
fn one_run_at_a_time_and_no_disk_is_filled_by_mistake() {
    within(LIMIT, || {
        let home = Home::new();
        let mount = home.mount(["--demo"]);
        Recipe::Rsync.set_up(&home);
        let settings = home.path("settings of this run");
        let held = File::create(settings).unwrap();
        held.lock().unwrap();
        let ran = Recipe::Rsync.run(&home, "").ends(2);
        assert!(ran.err.contains("has not ended yet"), "{ran:?}");
        drop(held);
        let nowhere = format!("TARGET={}\n", home.path("not-mounted/photos").display());
        let ran = Recipe::Rsync.run(&home, &nowhere).ends(2);
        assert!(ran.err.contains("is its disk mounted?"), "{ran:?}");
        mount.unmount();
    });
}

#[test]
fn bookmarks_of_file_managers() {
    within(LIMIT, || {
        let home = Home::new();
        symlink(home.point(), home.path("my photos ü")).unwrap();
        let bookmarks = home.path("home/.config/gtk-3.0/bookmarks");
        let settings = home.path("settings");
        fs::write(
            &settings,
            format!("MOUNT='{}'\n", home.path("my photos ü").display()),
        )
        .unwrap();
        let run_it = || {
            let mut command = script("file-manager/gphotosfs-bookmarks");
            environment(&home, command.arg(&settings));
            run(&mut command)
        };
        run_it().ends(2);
        assert!(!bookmarks.exists());

        let mount = home.mount(["--demo"]);
        run_it().ok();
        let uri = format!("file://{}my%20photos%20%C3%BC/", home.path("").display());
        let ours = ["by-date", "albums", "people", "favorites"];
        let mut lines: Vec<String> = ours
            .iter()
            .map(|view| format!("{uri}{view} Photos: {view}"))
            .collect();
        lines.push(format!("{uri}by-date/2026/2026-08 Photos: newest month"));
        let read = || fs::read_to_string(&bookmarks).unwrap();
        assert_eq!(read(), lines.join("\n") + "\n");
        // Others stay, in their order; a month that is no longer the newest goes.
        let others = ["file:///home/ada/by-date Photos", "sftp://nas/photos"];
        let old = format!("{uri}by-date/2025/2025-01 Photos: newest month");
        let text = [others[0], &old, &lines[1], others[1]].join("\n") + "\n";
        fs::write(&bookmarks, text).unwrap();
        run_it().ok();
        let all = [&others.map(String::from)[..], &lines].concat().join("\n") + "\n";
        assert_eq!(read(), all);
        mount.unmount();
        run_it().ends(2);
        assert_eq!(read(), all);
    });
}
