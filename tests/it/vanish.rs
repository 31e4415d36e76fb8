//! Sources that shrink, break or vanish: names stay, copies lose nothing, and somebody is told.
//!
//! Each case is a library that is mounted and copied; then something happens to its source, and everything that people
//! do is done once more, with the mount that was there and with a new one. With `--nocapture` the tests print what
//! each command did.

use crate::export::{How, Photo, noise, part, shown, unpacked};
use crate::kit::{Home, Ran, hashes, stats, takeout, within};
use crate::sources::{export, gphotosfs, says, write_config};
use crate::tools::Tool;
use crate::trouble::{as_nobody, log};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
const VIEWS: [&str; 2] = ["by-date", "albums"];

pub fn photos(prefix: &str) -> Vec<Photo> {
    let seed = u64::from(crc32fast::hash(prefix.as_bytes())) << 8;
    let photo = |at| {
        Photo::new(
            &format!("{prefix}_{at}.jpg"),
            noise(seed + at, 40_000),
            How::Stored,
        )
    };
    (0..3).map(photo).collect()
}

/// Two archives in a folder.
pub fn archives(folder: &Path) -> [PathBuf; 2] {
    [(1, "a"), (2, "b")].map(|(number, prefix)| part(folder, number, &photos(prefix)).path)
}

fn command(word: &str, source: &Path) -> Vec<OsString> {
    let words = [word.into()].into_iter();
    words.chain(takeout([source])).collect()
}

fn rsync(home: &Home, name: &str) -> Ran {
    Tool::Rsync.copy(home, &VIEWS, name)
}

/// What happens to a source, and who notices.
pub struct Case<'a> {
    pub what: &'a str,
    /// What the alarms name.
    pub named: &'a str,
    /// Whether `status` sees it by itself, or only once a pass has looked.
    pub at_once: bool,
}

/// Mounts and copies a library, breaks its source, and looks at everything again.
pub fn stays(
    case: &Case<'_>,
    home: &Home,
    source: &Path,
    broken: impl FnOnce(),
    healed: impl FnOnce(),
) {
    let Case {
        what,
        named,
        at_once,
    } = case;
    let mount = home.mount(takeout([source]));
    assert_eq!(mount.status()["problems"], serde_json::json!([]), "{what}");
    rsync(home, "a").ok();
    let (tree, had) = (stats(&mount.point()), Tool::Rsync.copied(home, "a"));
    let unchanged = |when: &str| {
        assert_eq!(stats(&home.point()), tree, "{what}: ls, {when}");
        rsync(home, "a").ok();
        assert_eq!(Tool::Rsync.copied(home, "a"), had, "{what}: rsync, {when}");
    };
    let alarm = || {
        let status = gphotosfs(home, command("status", source)).ends(1);
        says(&status, &["problem: ", named]);
    };
    broken();
    unchanged("with the mount that was there");
    if *at_once {
        alarm();
    }
    mount.unmount();
    let sync = gphotosfs(home, command("sync", source)).ends(1);
    says(&sync, &["0 of them new", named]);
    alarm();
    let mount = home.mount(takeout([source]));
    unchanged("with a new mount");
    let fresh = rsync(home, "fresh").ends(23);
    let copied = Tool::Rsync.copied(home, "fresh");
    let right = copied.iter().all(|(path, sum)| had.get(path) == Some(sum));
    assert!(right && copied.len() < had.len(), "{what}: {copied:?}");
    let lost: Vec<&PathBuf> = had
        .keys()
        .filter(|path| !copied.contains_key(*path))
        .collect();
    for path in &lost {
        let path = path.to_str().unwrap();
        assert!(fresh.err.contains(path), "{what}: {fresh:?}");
    }
    assert!(log(home).contains(named), "{what}: {}", log(home));
    mount.unmount();
    healed();
    let sync = gphotosfs(home, command("sync", source)).ok();
    says(&sync, &["0 of them new"]);
    let mount = home.mount(takeout([source]));
    unchanged("when it is back");
    rsync(home, "fresh").ok();
    assert_eq!(Tool::Rsync.copied(home, "fresh"), had, "{what}");
    mount.unmount();
    println!(
        "| {what} | all {} names | `--delete`: 0, nothing deleted; a new copy: 23, {} files named, the rest right | status 1 | \
         sync 1, nothing moved | mount 0 |",
        had.len(),
        lost.len()
    );
}

/// Puts what is moved away back in its place.
fn swap(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

#[test]
fn archives_that_vanish_keep_their_names() {
    within(LIMIT, || {
        let home = Home::new();
        let (source, away) = (home.path("s"), home.path("away"));
        let [_, second] = archives(&source);
        let name = second.to_str().unwrap();
        stays(
            &Case {
                what: "one part of two removed",
                named: name,
                at_once: true,
            },
            &home,
            &source,
            || swap(&second, &away),
            || swap(&away, &second),
        );

        let home = Home::new();
        let (source, away) = (home.path("s"), home.path("away"));
        archives(&source);
        let name = source.to_str().unwrap();
        let empty = || {
            swap(&source, &away);
            fs::create_dir(&source).unwrap();
        };
        let fill = || {
            fs::remove_dir(&source).unwrap();
            swap(&away, &source);
        };
        stays(
            &Case {
                what: "folder emptied",
                named: name,
                at_once: true,
            },
            &home,
            &source,
            empty,
            fill,
        );

        let home = Home::new();
        let source = home.path("s");
        let [_, second] = archives(&source);
        let whole = fs::read(&second).unwrap();
        let time = fs::metadata(&second).unwrap().modified().unwrap();
        let name = second.to_str().unwrap();
        let cut = || {
            File::options()
                .write(true)
                .open(&second)
                .unwrap()
                .set_len(70_000)
                .unwrap();
        };
        let mend = || {
            fs::write(&second, &whole).unwrap();
            File::options()
                .write(true)
                .open(&second)
                .unwrap()
                .set_modified(time)
                .unwrap();
        };
        stays(
            &Case {
                what: "a part cut short",
                named: name,
                at_once: true,
            },
            &home,
            &source,
            cut,
            mend,
        );
    });
}

#[test]
fn files_that_vanish_from_a_folder_keep_their_names() {
    within(LIMIT, || {
        let inside = "Takeout/Google Photos/Photos from 2023";
        let home = Home::new();
        let (source, away) = (home.path("s"), home.path("away"));
        unpacked(&source, &photos("a"));
        let photo = source.join(inside).join("a_1.jpg");
        let name = source.to_str().unwrap();
        stays(
            &Case {
                what: "a file of a folder removed",
                named: name,
                at_once: false,
            },
            &home,
            &source,
            || swap(&photo, &away),
            || swap(&away, &photo),
        );

        let home = Home::new();
        let (source, away) = (home.path("s"), home.path("away"));
        unpacked(&source, &photos("a"));
        let folder = source.join(inside);
        let name = source.to_str().unwrap();
        let empty = || {
            swap(&folder, &away);
            fs::create_dir(&folder).unwrap();
        };
        let fill = || {
            fs::remove_dir(&folder).unwrap();
            swap(&away, &folder);
        };
        stays(
            &Case {
                what: "unpacked folder emptied",
                named: name,
                at_once: true,
            },
            &home,
            &source,
            empty,
            fill,
        );
    });
}

/// Without its sidecars a photo would move to another month; nothing is lost here but words, and those are kept.
#[test]
fn sidecars_that_vanish_leave_their_photos_where_they_are() {
    within(LIMIT, || {
        let home = Home::new();
        let source = home.path("s");
        unpacked(&source, &photos("a"));
        let mount = home.mount(takeout([&source]));
        let tree = stats(&mount.point());
        mount.unmount();
        let folder = source.join("Takeout/Google Photos/Photos from 2023");
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "json") {
                fs::remove_file(path).unwrap();
            }
        }
        let sync = gphotosfs(&home, command("sync", &source)).ends(1);
        says(&sync, &["no longer holds 3 sidecars"]);
        let mount = home.mount(takeout([&source]));
        assert_eq!(stats(&mount.point()), tree);
        assert_eq!(hashes(&mount.path("by-date")).len(), 3);
        mount.unmount();
    });
}

#[test]
fn what_may_not_be_read_any_more_takes_nothing_away() {
    within(LIMIT, || {
        let home = Home::new();
        archives(&home.path("zip"));
        unpacked(&home.path("open"), &photos("c"));
        let mut mount = home.gphotosfs(["mount"]);
        mount
            .args(takeout([home.path("zip"), home.path("open")]))
            .arg(home.point());
        mount.env("T", home.state().parent().unwrap());
        let then = r#"
            copy() { rsync -aH --delete "$MNT/by-date" "$MNT/albums" "$T/$1"; }
            tree() { (cd "$MNT" && find . -printf '%p %i %s %T@ %C@ %n %m %y\n' | sort); }
            code() { want=$1; shift; got=0; "$@" || got=$?; [ "$got" = "$want" ] || { echo "$* ended with $got" >&2; exit 9; }; }
            same() { tree > "$T/now"; cmp "$T/before" "$T/now"; copy a; [ "$(find "$T/a" -type f | wc -l)" = 9 ]; }
            G="$PROGRAM"; D="--state-dir $T/state --cache-dir $T/cache"; S="--takeout $T/zip --takeout $T/open"
            deep="$T/open/Takeout/Google Photos/Photos from 2023"
            copy a; tree > "$T/before"
            lose() {
                chmod 0 "$1"
                same
                code 1 "$G" $D status $S > "$T/status"
                "$G" $D unmount "$MNT"
                code 1 "$G" $D sync $S > "$T/sync"
                grep -q 'nothing new' "$T/sync"
                for told in "$T/status" "$T/sync"; do grep -qF "$2" "$told" || { cat "$told"; exit 8; }; done
                "$G" $D mount $S "$MNT"
                same
                code 23 copy fresh 2> /dev/null
                chmod 755 "$1"
                "$G" $D unmount "$MNT"
                "$G" $D sync $S
                "$G" $D mount $S "$MNT"
                same
                copy fresh
                rm -r "$T/fresh"
            }
            lose "$T/zip" "$T/zip"
            lose "$T/zip/takeout-20260913T041200Z-002.zip" "$T/zip/takeout-20260913T041200Z-002.zip"
            lose "$T/open" "$T/open"
            "$G" $D unmount "$MNT"
            # A folder that cannot be listed to its end proves nothing.
            chmod 0 "$deep"
            code 1 "$G" $D sync $S > "$T/sync"
            grep -F "$deep" "$T/sync" | grep -q 'still shown'
            "$G" $D mount $S "$MNT"
            same
            "$G" $D unmount "$MNT"
            chmod 755 "$deep"
            "$G" $D sync $S
        "#;
        as_nobody(&home, &mount, "user_allow_other\n", then).ok();
        println!(
            "| permission lost | all names | rsync --delete 0, nothing deleted; of a new copy 23 | status 1 | sync 1 | mount 0 |"
        );
    });
}

/// Nobody can know what a source held that is not there when the catalog is gone too.
#[test]
fn what_nobody_can_know_is_not_mounted() {
    within(LIMIT, || {
        let home = Home::new();
        let (a, b, away) = (home.path("a"), home.path("b"), home.path("away"));
        export(
            &a,
            "20260913T041200Z",
            1,
            &[("one.jpg", crate::sources::MIDDLE)],
        );
        export(
            &b,
            "20260920T041200Z",
            1,
            &[("two.jpg", crate::sources::MIDDLE)],
        );
        let source = |path: &Path| {
            format!(
                "[[source]]\nkind = 'takeout'\npath = '{}'\n",
                path.display()
            )
        };
        write_config(&home, &format!("{}{}", source(&a), source(&b)));
        let mount = home.mount([""; 0]);
        rsync(&home, "a").ok();
        let had = Tool::Rsync.copied(&home, "a");
        mount.unmount();
        fs::remove_dir_all(home.state()).unwrap();
        swap(&b, &away);
        let name = b.to_str().unwrap();
        for leave in [false, true] {
            // What the disk was mounted on stays behind, empty.
            if leave {
                fs::create_dir(&b).unwrap();
            }
            let remove = format!("gphotosfs remove {name}");
            says(&home.mount_run([""; 0]).ends(2), &[name, &remove]);
            says(&gphotosfs(&home, ["sync"]).ends(2), &[name, &remove]);
            says(
                &gphotosfs(&home, ["status"]).ends(2),
                &["nothing is indexed yet"],
            );
            assert_eq!(rsync(&home, "a").code, 23);
            assert_eq!(
                Tool::Rsync.copied(&home, "a"),
                had,
                "rsync deleted something"
            );
        }
        println!(
            "| catalog deleted while a source is away | not mounted | rsync --delete 23, nothing deleted | status 2 | sync 2 | mount 2 |"
        );
        // Alone it is refused too, and what the message says helps.
        says(
            &home.mount_run(takeout([&b])).ends(2),
            &["no Takeout in", name],
        );
        gphotosfs(&home, ["remove", name]).ok();
        let mount = home.mount([""; 0]);
        assert_eq!(mount.status()["shown"], 1);
        mount.unmount();
        fs::remove_dir(&b).unwrap();
        swap(&away, &b);
        gphotosfs(&home, ["add", "takeout", name]).ok();
        let mount = home.mount([""; 0]);
        rsync(&home, "a").ok();
        assert_eq!(Tool::Rsync.copied(&home, "a"), had);
        // Known once, it may be away.
        mount.unmount();
        swap(&b, &away);
        let mount = home.mount([""; 0]);
        assert!(mount.path(shown("two.jpg")).exists());
        mount.unmount();
    });
}
