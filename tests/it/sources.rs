//! The configured library: sources that are added, synced, mounted and removed, and the places of a system service.

use crate::kit::{Home, Ran, run, takeout, within};
use crate::trouble::{as_nobody, library, python};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);

/// The 13th and the 20th of September 2026: two exports of one account.
const FIRST: &str = "20260913T041200Z";
const SECOND: &str = "20260920T041200Z";

/// 2023-07-14T09:51:12Z, far from the ends of a month everywhere.
pub const MIDDLE: i64 = 1_689_328_272;

/// Writes a part with these photos, taken at these seconds.
pub fn export(dir: &Path, stamp: &str, number: u32, photos: &[(&str, i64)]) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join(format!("takeout-{stamp}-{number:03}.zip"));
    let script = "import sys, json, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    for name, taken in zip(sys.argv[2::2], sys.argv[3::2]):
        at = 'Takeout/Google Photos/Photos from 2023/' + name
        z.writestr(at, name * 1000)
        time = {'timestamp': taken}
        facts = {'title': name, 'photoTakenTime': time, 'creationTime': time, 'url': name}
        z.writestr(at + '.supplemental-metadata.json', json.dumps(facts))";
    let mut args = vec![path.to_str().unwrap().to_owned()];
    for (name, taken) in photos {
        args.extend([(*name).to_owned(), taken.to_string()]);
    }
    python(script, args).ok();
    path
}

pub fn gphotosfs<S: AsRef<OsStr>>(home: &Home, args: impl IntoIterator<Item = S>) -> Ran {
    run(&mut home.gphotosfs(args))
}

pub fn config(home: &Home) -> PathBuf {
    home.path("config/gphotosfs/config.toml")
}

pub fn write_config(home: &Home, text: &str) {
    fs::create_dir_all(config(home).parent().unwrap()).unwrap();
    fs::write(config(home), text).unwrap();
}

fn add(home: &Home, path: &Path) -> Ran {
    gphotosfs(
        home,
        [OsStr::new("add"), OsStr::new("takeout"), path.as_os_str()],
    )
}

#[track_caller]
pub fn says(ran: &Ran, words: &[&str]) {
    let all = format!("{}{}", ran.text(), ran.err);
    for word in words {
        assert!(all.contains(word), "no {word:?} in:\n{all}");
    }
}

#[test]
fn a_library_is_added_once_and_mounted_without_words() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, FIRST, 1, &[("one.jpg", MIDDLE), ("two.jpg", MIDDLE)]);
        export(&a, FIRST, 2, &[("three.jpg", MIDDLE)]);
        let ran = gphotosfs(&home, ["sources"]).ok();
        says(&ran, &["no sources in", "gphotosfs add takeout PATH"]);
        says(
            &home.mount_run([""; 0]).ends(2),
            &["nothing to mount yet", "gphotosfs add takeout FOLDER"],
        );
        let ran = add(&home, &a).ok();
        let name = a.to_str().unwrap();
        let found = format!("added {name}: 1 export(s) in 2 part(s)");
        says(&ran, &[&found, "next: gphotosfs mount MOUNTPOINT"]);
        says(&add(&home, &a).ok(), &["known already"]);
        let ran = gphotosfs(&home, ["status"]).ends(2);
        says(&ran, &["nothing is known yet in", "state/library"]);

        let mount = home.mount([""; 0]);
        assert_eq!(mount.status()["shown"], 3);
        let ino = |name: &str| {
            let path = mount.path("by-date/2023/2023-07").join(name);
            fs::metadata(path).unwrap().ino()
        };
        let inodes = ["one.jpg", "two.jpg", "three.jpg"].map(ino);
        assert_eq!(library(&home), home.state().join("library"));
        // Without arguments the configured library is meant, whatever else is there.
        assert_eq!(json(&home, &["status", "--json"])["shown"], 3);
        mount.unmount();

        // Another source: the same library, and everything is as it was.
        let mount = home.mount([""; 0]);
        let point = home.point();
        let next = format!(
            "gphotosfs sync, which shows what is new in {}",
            point.display()
        );
        says(&add(&home, &a).ok(), &["known already", &next]);
        mount.unmount();
        export(&b, SECOND, 1, &[("four.jpg", MIDDLE), ("one.jpg", MIDDLE)]);
        add(&home, &b).ok();
        let seen = json(&home, &["sources", "--json"]);
        let told = |number: usize| {
            let source = &seen[number - 1];
            assert_eq!(source["number"], number);
            assert_eq!(source["kind"], "takeout");
            assert_eq!(source["readable"], true);
            (source["path"].clone(), source["parts"].clone())
        };
        assert_eq!(told(1), (name.into(), 2.into()));
        assert_eq!(told(2), (b.to_str().unwrap().into(), 1.into()));
        let before = fs::metadata(home.state().join("library/catalog.sqlite")).unwrap();
        let mount = home.mount([""; 0]);
        let after = fs::metadata(home.state().join("library/catalog.sqlite")).unwrap();
        assert_eq!(before.ino(), after.ino(), "the catalog is kept");
        assert_eq!(mount.status()["shown"], 4);
        assert_eq!(mount.status()["sources"], 2);
        let ino = |name: &str| {
            let path = mount.path("by-date/2023/2023-07").join(name);
            fs::metadata(path).unwrap().ino()
        };
        assert_eq!(["one.jpg", "two.jpg", "three.jpg"].map(ino), inodes);
        mount.unmount();

        // The same sources on the command line are a library of their own.
        let mount = home.mount(takeout([&a, &b]));
        assert_eq!(mount.status()["shown"], 4);
        assert_eq!(fs::read_dir(home.state()).unwrap().count(), 2);
        mount.unmount();
    });
}

fn json(home: &Home, args: &[&str]) -> Value {
    gphotosfs(home, args).ok().json()
}

#[test]
fn what_a_removed_source_has_shown_stays() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b) = (home.path("a"), home.path("b"));
        export(&a, FIRST, 1, &[("one.jpg", MIDDLE)]);
        let part = export(&b, SECOND, 1, &[("two.jpg", MIDDLE)]);
        write_config(
            &home,
            "# mine\nzone = \"UTC\" # here\n\n[cache]\n# small\nmax_bytes = 7\n",
        );
        let mut command = home.gphotosfs(["add", "takeout", "a", "./a/../b/"]);
        run(command.current_dir(home.path(""))).ok();
        home.mount([""; 0]).unmount();
        let text = fs::read_to_string(config(&home)).unwrap();
        assert!(
            text.starts_with("# mine\nzone = \"UTC\" # here\n\n[cache]\n# small\nmax_bytes = 7\n")
        );
        let path = format!("path = \"{}\"", b.canonicalize().unwrap().display());
        assert!(text.contains(&path), "{text}");

        says(
            &gphotosfs(&home, ["remove", "3"]).ends(2),
            &["is no source", "  2  "],
        );
        says(
            &gphotosfs(&home, ["remove", "0"]).ends(2),
            &["is no source"],
        );
        let ran = gphotosfs(&home, ["remove", "2"]).ok();
        let state = home.state().join("library");
        says(
            &ran,
            &["removed", "stay", "delete", state.to_str().unwrap()],
        );
        let mount = home.mount([""; 0]);
        let photo = mount.path("by-date/2023/2023-07/two.jpg");
        assert_eq!(fs::read(&photo).unwrap(), "two.jpg".repeat(1000).as_bytes());
        mount.unmount();
        // Also when it is really gone: the name stays, and reading says so.
        fs::remove_file(&part).unwrap();
        let mount = home.mount([""; 0]);
        let error = fs::read(mount.path("by-date/2023/2023-07/two.jpg")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
        mount.unmount();
        gphotosfs(&home, [OsStr::new("remove"), a.as_os_str()]).ok();
        says(
            &gphotosfs(&home, ["remove", "1"]).ends(2),
            &["there are no sources"],
        );
        says(&home.mount_run([""; 0]).ends(2), &["nothing to mount yet"]);
        // What the message says is what forgets.
        fs::remove_dir_all(&state).unwrap();
        add(&home, &a).ok();
        let mount = home.mount([""; 0]);
        assert_eq!(mount.status()["shown"], 1);
        mount.unmount();
    });
}

#[test]
fn what_is_no_source_is_not_added() {
    within(LIMIT, || {
        let home = Home::new();
        says(
            &add(&home, &home.path("nowhere")).ends(2),
            &["cannot read", "nowhere"],
        );
        fs::create_dir(home.path("empty")).unwrap();
        says(
            &add(&home, &home.path("empty")).ends(2),
            &["no Takeout in", "empty"],
        );
        assert!(!config(&home).exists());
        export(&home.path("a"), FIRST, 1, &[("one.jpg", MIDDLE)]);
        // All or none.
        let mut both = home.gphotosfs(["add", "takeout"]);
        run(both.arg(home.path("a")).arg(home.path("empty"))).ends(2);
        assert!(!config(&home).exists());
        // A configuration that is not understood is left alone.
        write_config(&home, "zone = 3\n");
        says(
            &add(&home, &home.path("a")).ends(2),
            &["config.toml:1: zone"],
        );
        assert_eq!(fs::read_to_string(config(&home)).unwrap(), "zone = 3\n");
        // What is not whole is added, and told.
        write_config(&home, "");
        export(&home.path("a"), FIRST, 3, &[("three.jpg", MIDDLE)]);
        let ran = add(&home, &home.path("a")).ends(1);
        says(&ran, &["added", &format!("takeout-{FIRST}-002 is missing")]);
        // A file that is named and not there yet is made.
        let mut other = home.gphotosfs(["add", "takeout"]);
        let path = home.path("new/dir/c.toml");
        other.arg(home.path("a")).arg("--config").arg(&path);
        run(&mut other).ends(1);
        assert!(path.exists());
    });
}

#[test]
fn sync_tells_what_came_in_and_what_needs_you() {
    within(LIMIT, || {
        let home = Home::new();
        let a = home.path("a");
        says(
            &gphotosfs(&home, ["sync"]).ends(2),
            &["no sources in", "gphotosfs add takeout PATH"],
        );
        export(&a, FIRST, 1, &[("one.jpg", MIDDLE), ("two.jpg", MIDDLE)]);
        add(&home, &a).ok();
        let ran = gphotosfs(&home, ["sync"]).ok();
        says(
            &ran,
            &[
                "1 new part(s):",
                "2 photos and videos are known, 2 of them new",
            ],
        );
        says(
            &gphotosfs(&home, ["sync"]).ok(),
            &["nothing new", "0 of them new"],
        );
        assert_eq!(json(&home, &["status", "--json"])["shown"], 2);

        // Half an export is told, and not shown.
        export(&a, SECOND, 1, &[("three.jpg", MIDDLE)]);
        let third = export(&a, SECOND, 3, &[("five.jpg", MIDDLE)]);
        let ran = gphotosfs(&home, ["sync", "--json"]).ends(1);
        let report = ran.json();
        assert_eq!(report["incomplete"], serde_json::json!([SECOND]));
        assert_eq!(
            (&report["files"], &report["new_files"]),
            (&2.into(), &0.into())
        );
        assert_eq!(report["new_parts"].as_array().unwrap().len(), 2);
        assert_eq!(report["new_parts"][1], third.to_str().unwrap());
        let missing = format!("part takeout-{SECOND}-002 is missing");
        assert!(
            report["problems"].to_string().contains(&missing),
            "{report}"
        );
        let status = gphotosfs(&home, ["status", "--json"]).ends(1).json();
        assert_eq!(status["shown"], 2);

        // Whole: it is shown.
        export(&a, SECOND, 2, &[("four.jpg", MIDDLE)]);
        let ran = gphotosfs(&home, ["sync"]).ok();
        says(
            &ran,
            &[
                "1 new part(s):",
                "5 photos and videos are known, 3 of them new",
            ],
        );

        // Where a mount owns the library it is the one that looks.
        let mount = home.mount([""; 0]);
        let ran = gphotosfs(&home, ["sync"]).ok();
        says(
            &ran,
            &[
                "nothing new",
                "5 photos and videos are known, 0 of them new",
            ],
        );
        mount.unmount();
        gphotosfs(&home, ["sync"]).ok();
        // And of sources on the command line.
        let mut other = home.gphotosfs(["sync"]);
        says(&run(other.args(takeout([&a]))).ok(), &["5 of them new"]);
    });
}

#[test]
fn an_older_export_that_takes_a_plain_name_is_told() {
    within(LIMIT, || {
        let home = Home::new();
        let a = home.path("a");
        // The same name in one folder, taken a second later.
        export(&a, SECOND, 1, &[("IMG.jpg", MIDDLE + 1)]);
        add(&home, &a).ok();
        gphotosfs(&home, ["sync"]).ok();
        let script = "import sys, json, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    at = 'Takeout/Google Photos/Photos from 2023/IMG.jpg'
    z.writestr(at, 'other bytes')
    facts = {'title': 'IMG.jpg', 'photoTakenTime': {'timestamp': sys.argv[2]}, 'url': 'x'}
    z.writestr(at + '.supplemental-metadata.json', json.dumps(facts))";
        let older = a.join(format!("takeout-{FIRST}-001.zip"));
        python(script, [older.to_str().unwrap(), &MIDDLE.to_string()]).ok();
        let ran = gphotosfs(&home, ["sync", "--json"]).ok();
        let moved = &ran.json()["moved"];
        assert_eq!(moved[0]["from"], "by-date/2023/2023-07/IMG.jpg", "{moved}");
        let to = moved[0]["to"].as_str().unwrap();
        assert!(to.starts_with("by-date/2023/2023-07/IMG~"), "{to}");
        assert_eq!(moved.as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_mount_takes_its_options_from_the_file_and_flags_go_before() {
    within(LIMIT, || {
        let home = Home::new();
        let script = "import sys, json, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    for name, more in [('fav.jpg', 'favorited'), ('bin.jpg', 'trashed')]:
        at = 'Takeout/Google Photos/Photos from 2023/' + name
        z.writestr(at, name * 1000)
        facts = {'title': name, 'photoTakenTime': {'timestamp': '1689328272'}, 'url': name, more: True}
        z.writestr(at + '.supplemental-metadata.json', json.dumps(facts))";
        let a = home.path("a");
        fs::create_dir(&a).unwrap();
        let part = a.join(format!("takeout-{FIRST}-001.zip"));
        python(script, [&part]).ok();
        let source = format!("[[source]]\nkind = 'takeout'\npath = '{}'\n", a.display());
        let mount = "[mount]\nlinks = 'symlink'\ninclude = ['trash']\noptions = ['umask=077']\n";
        write_config(&home, &format!("{mount}{source}"));
        let seen = |args: &[&str]| {
            let mount = home.mount(args);
            let link = fs::symlink_metadata(mount.path("favorites/fav.jpg")).unwrap();
            let photo = mount.path("by-date/2023/2023-07/fav.jpg");
            let mode = fs::metadata(photo).unwrap().mode() & 0o777;
            let trash = mount.path("by-date/2023/2023-07/bin.jpg").exists();
            mount.unmount();
            (link.is_symlink(), trash, mode)
        };
        assert_eq!(seen(&[]), (true, true, 0o600));
        assert_eq!(
            seen(&["--links", "hard", "--include", "none", "-o", "umask=022"]),
            (false, false, 0o644)
        );
        assert_eq!(seen(&["--include", "locked"]), (true, false, 0o600));
        // They hold for every library.
        let mount = home.mount(takeout([&a]));
        assert!(mount.path("by-date/2023/2023-07/bin.jpg").exists());
        mount.unmount();
        write_config(
            &home,
            &format!("[mount]\noptions = ['alow_other']\n{source}"),
        );
        let ran = home.mount_run([""; 0]).ends(2);
        says(&ran, &["config.toml: mount.options", "\"alow_other\""]);
        // Unknown keys are a warning, wrong values are not.
        write_config(&home, &format!("colour = 1\n{source}speed = 2\n"));
        let ran = home.mount_run([""; 0]).ok();
        says(
            &ran,
            &[
                "warning:",
                "config.toml:1: unknown key colour",
                "unknown key source.speed",
            ],
        );
        home.mounted().unmount();
        write_config(&home, "[mount]\n\nlinks = 'soft'\n");
        let ran = home.mount_run(["--demo"]).ends(2);
        says(
            &ran,
            &["config.toml:3: mount.links", "\"hard\" or \"symlink\""],
        );
    });
}

#[test]
fn the_configuration_is_shown() {
    within(LIMIT, || {
        let home = Home::new();
        let ran = gphotosfs(&home, ["config"]).ok();
        says(&ran, &["not there", "zone = \"UTC\"", "links = \"hard\""]);
        let example = gphotosfs(&home, ["config", "--example"]).ok().text();
        write_config(&home, &example);
        let ran = gphotosfs(&home, ["config"]).ok();
        assert!(!ran.text().contains("not there") && ran.err.is_empty());
        // Sources are added below it, and stay below its comments.
        export(&home.path("a"), FIRST, 1, &[("one.jpg", MIDDLE)]);
        add(&home, &home.path("a")).ok();
        let text = fs::read_to_string(config(&home)).unwrap();
        assert!(text.starts_with(&example));
        let told = gphotosfs(&home, ["config"]).ok().text();
        let path = format!("path = \"{}\"", home.path("a").display());
        assert!(told.contains(&path), "{told}");
        // What it says is a configuration itself.
        write_config(&home, &told);
        assert_eq!(gphotosfs(&home, ["config"]).ok().text(), told);
    });
}

/// Runs a script as root of a machine whose /etc and /var belong to the test, without any of our variables.
fn on_a_machine_of_its_own(home: &Home, script: &str) -> Ran {
    let prepare = "mount -t tmpfs none /etc; mkdir /etc/gphotosfs
        mount -t tmpfs none /var; mkdir /var/lib /var/cache
        ";
    let mut command = Command::new("unshare");
    command.args(["-m", "bash", "-euc", &format!("{prepare}{script}")]);
    for name in [
        "GPHOTOSFS_CONFIG",
        "GPHOTOSFS_STATE_DIR",
        "GPHOTOSFS_CACHE_DIR",
    ] {
        command.env_remove(name);
    }
    for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    command
        .env("HOME", home.path("root"))
        .env("T", home.path("mnt").parent().unwrap())
        .env("G", env!("CARGO_BIN_EXE_gphotosfs"));
    run(&mut command)
}

#[test]
fn root_without_a_configuration_of_their_own_uses_the_systems() {
    within(LIMIT, || {
        let home = Home::new();
        export(&home.path("a"), FIRST, 1, &[("one.jpg", MIDDLE)]);
        fs::create_dir(home.path("root")).unwrap();
        let script = r#"
            # Nothing is there: root is a user like any other.
            "$G" config | grep -qF "configuration: $HOME/.config/gphotosfs/config.toml (not there"
            # The first time it is said; from then on the file says it.
            "$G" add --system takeout "$T/a"
            test -f /etc/gphotosfs/config.toml
            "$G" config | grep -qF "state: /var/lib/gphotosfs"
            # As from fstab: no environment at all.
            env -i "$G" mount "$T/mnt"
            test -f "$T/mnt/by-date/2023/2023-07/one.jpg"
            test -f /var/lib/gphotosfs/library/catalog.sqlite
            test ! -e "$HOME/.local"
            "$G" status | grep -F "mounted on $T/mnt"
            "$G" unmount "$T/mnt"
            # What is given one by one goes before it.
            "$G" --state-dir "$T/s" sync
            test -f "$T/s/library/catalog.sqlite"
            # A configuration of root's own goes before the system's, but not before the flag.
            mkdir -p "$HOME/.config/gphotosfs"
            echo 'zone = "Europe/Lisbon"' > "$HOME/.config/gphotosfs/config.toml"
            "$G" config | grep -qF "state: $HOME/.local/state/gphotosfs"
            "$G" --system config | grep -qF 'zone = "UTC"'
        "#;
        on_a_machine_of_its_own(&home, script).ok();
    });
}

#[test]
fn the_systems_places_are_for_root() {
    within(LIMIT, || {
        let home = Home::new();
        let mut config = Command::new(env!("CARGO_BIN_EXE_gphotosfs"));
        config.arg("config").env("HOME", home.path("me"));
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
            config.env_remove(name);
        }
        let ran = as_nobody(&home, &config, "", "").ok();
        let own = home.path("me/.config/gphotosfs/config.toml");
        says(&ran, &[own.to_str().unwrap()]);
        config.arg("--system");
        let ran = as_nobody(&home, &config, "", "").ok();
        says(&ran, &["/etc/gphotosfs/config.toml", "/var/lib/gphotosfs"]);
    });
}
