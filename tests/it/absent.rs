//! Not mounted is not empty: with the views named, no tool takes a mount that is not there for a library that has
//! become empty. Each ends with an error, and what it has copied before stays.

use crate::kit::{Home, Mount, kill, within};
use crate::tools::Tool;
use crate::trouble::library;
use std::fs;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(240);
const VIEWS: [&str; 2] = ["by-date", "albums"];

/// The ways in which a mount can be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    Never,
    Dead,
    Unmounted,
}

/// Kills the server and waits for its end: every request fails from then on.
fn die(home: &Home, mount: &Mount<'_>) {
    kill(mount.pid());
    let lock = fs::File::open(library(home).join("lock")).unwrap();
    lock.lock_shared().unwrap();
}

/// A run with the mount, one without, one with it again.
fn between_two_runs(away: Away) {
    let home = Home::new();
    let mount = home.mount(["--demo"]);
    let mut before = Vec::new();
    for tool in [Tool::Rsync, Tool::Restic, Tool::Borg] {
        tool.copy(&home, &VIEWS, "a").ok();
        before.push((tool, tool.copied(&home, "a")));
    }
    match away {
        // A fresh directory in its place, on which nothing was ever mounted.
        Away::Never => {
            mount.unmount();
            fs::remove_dir(home.point()).unwrap();
            fs::create_dir(home.point()).unwrap();
        }
        Away::Unmounted => mount.unmount(),
        // Killed before anybody has looked, so that the kernel remembers nothing.
        Away::Dead => {
            mount.unmount();
            let dead = home.mount(["--demo"]);
            die(&home, &dead);
            // It stays as it is until the library is mounted again in its place.
            std::mem::forget(dead);
        }
    }
    for (tool, had) in &before {
        assert!(had.len() > 40, "{tool:?} copied {}", had.len());
        let ran = tool.copy(&home, &VIEWS, "a");
        assert!(ran.code > 0, "{ran:?}");
        for view in VIEWS {
            assert!(ran.err.contains(view), "{view} is not named: {ran:?}");
        }
        match tool {
            Tool::Rsync => {
                assert_eq!(ran.code, 23, "{ran:?}");
                assert_eq!(&tool.copied(&home, "a"), had, "rsync deleted something");
            }
            // Nothing to read means no snapshot: the one from before is the newest.
            Tool::Restic => {
                assert_eq!(ran.code, 1, "{ran:?}");
                assert_eq!(tool.snapshots(&home, "a"), 1);
                assert_eq!(&tool.copied(&home, "a"), had);
            }
            // Borg makes an archive all the same, with nothing in it, and ends with 1. A script that goes on to prune
            // has to look at that number.
            _ => {
                assert_eq!(ran.code, 1, "{ran:?}");
                assert_eq!(tool.snapshots(&home, "a"), 2);
                assert_eq!(Tool::files_in_newest(&home, "a"), 0);
            }
        }
    }
    let again = home.mount(["--demo"]);
    for (tool, had) in &before {
        tool.copy(&home, &VIEWS, "a").ok();
        assert_eq!(&tool.copied(&home, "a"), had, "{tool:?}");
    }
    again.unmount();
}

#[test]
fn a_mountpoint_never_mounted_on_is_no_empty_library() {
    within(LIMIT, || between_two_runs(Away::Never));
}

#[test]
fn a_mount_whose_server_died_is_no_empty_library() {
    within(LIMIT, || between_two_runs(Away::Dead));
}

#[test]
fn a_mount_taken_away_between_two_runs_is_no_empty_library() {
    within(LIMIT, || between_two_runs(Away::Unmounted));
}

/// The kernel may still know all names, sizes and bytes of a mount whose server has died just now. Then a run may end
/// with 0, but only if everything it holds is what it was.
#[test]
fn a_run_on_what_the_kernel_remembers_is_whole_or_fails() {
    within(LIMIT, || {
        let home = Home::new();
        let mount = home.mount(["--demo"]);
        let mut before = Vec::new();
        for tool in [Tool::Rsync, Tool::Restic, Tool::Borg, Tool::Tar] {
            tool.copy(&home, &VIEWS, "a").ok();
            before.push((tool, tool.copied(&home, "a")));
        }
        die(&home, &mount);
        for (tool, had) in &before {
            let ran = tool.copy(&home, &VIEWS, "a");
            let whole = || &tool.copied(&home, "a") == had;
            let deleted_nothing = *tool != Tool::Rsync || whole();
            assert!(deleted_nothing && (ran.code > 0 || whole()), "{ran:?}");
        }
        mount.unmount();
    });
}
