//! A change of layout: never by itself, and only after it has been shown.

use crate::kit::{Home, run, takeout, walk, within};
use crate::sources::{MIDDLE, config, export, gphotosfs, says, write_config};
use crate::trouble::library;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
const STAMP: &str = "20260913T041200Z";

/// 2023-06-30T23:30:00Z: July in Lisbon, June in UTC.
const EVE: i64 = 1_688_167_800;

/// One photo that moves with the zone, and two that do not.
fn home() -> Home {
    let home = Home::new();
    let photos = [("eve.jpg", EVE), ("one.jpg", MIDDLE), ("two.jpg", MIDDLE)];
    export(&home.path("a"), STAMP, 1, &photos);
    home
}

fn source(home: &Home) -> String {
    let path = home.path("a");
    format!(
        "[[source]]\nkind = \"takeout\"\npath = \"{}\"\n",
        path.display()
    )
}

fn files(mount: &Path) -> BTreeSet<PathBuf> {
    let all = walk(mount).into_iter();
    all.filter(|(_, meta)| meta.is_file())
        .map(|(path, _)| path)
        .collect()
}

fn inodes(mount: &Path) -> Vec<(PathBuf, u64)> {
    let all = walk(mount).into_iter();
    all.map(|(path, meta)| (path, meta.ino())).collect()
}

const IN_UTC: &str = "by-date/2023/2023-06/eve.jpg";
const IN_LISBON: &str = "by-date/2023/2023-07/eve.jpg";

#[test]
fn a_zone_changed_by_hand_is_refused_until_relayout_has_shown_it() {
    within(LIMIT, || {
        let home = home();
        write_config(&home, &format!("# mine\n{}", source(&home)));
        let mount = home.mount([""; 0]);
        let before = files(&mount.point());
        assert!(before.contains(Path::new(IN_UTC)));
        mount.unmount();

        let by_hand = format!("zone = \"Europe/Lisbon\" # home\n{}", source(&home));
        write_config(&home, &by_hand);
        for refused in [home.mount_run([""; 0]), gphotosfs(&home, ["sync"])] {
            let words = [
                "1 of 3 photos and videos would move",
                "zone = \"Europe/Lisbon\"",
                "zone = \"UTC\"",
                "`gphotosfs relayout`",
            ];
            says(&refused.ends(2), &words);
        }
        // Also when the catalog is lost: names are what backups know.
        fs::remove_file(library(&home).join("catalog.sqlite")).unwrap();
        let ran = gphotosfs(&home, ["relayout", "--yes"]).ends(2);
        says(
            &ran,
            &["nobody can tell what would move", "`gphotosfs sync`"],
        );
        says(&home.mount_run([""; 0]).ends(2), &["1 of 3"]);
        says(
            &gphotosfs(&home, ["relayout", "--dry-run"]).ok(),
            &["1 photos and videos move"],
        );
        // The old zone again, and nothing has happened.
        write_config(&home, &source(&home));
        let mount = home.mount([""; 0]);
        assert_eq!(files(&mount.point()), before);
        mount.unmount();

        write_config(&home, &by_hand);
        let moves = format!("{IN_UTC} -> {IN_LISBON}");
        let ran = gphotosfs(&home, ["relayout", "--dry-run"]).ok();
        let words = [
            "zone = \"UTC\" becomes zone = \"Europe/Lisbon\"",
            "1 photos and videos move to another folder, 0 are renamed, 2 stay",
            &moves,
            "nothing is changed",
        ];
        says(&ran, &words);
        says(&home.mount_run([""; 0]).ends(2), &["would move"]);
        let ran = gphotosfs(&home, ["relayout"]).ends(2);
        says(&ran, &["--yes", "nothing is changed"]);
        says(&home.mount_run([""; 0]).ends(2), &["would move"]);
        says(&gphotosfs(&home, ["relayout", "--yes"]).ok(), &["done"]);
        let mount = home.mount([""; 0]);
        let after = files(&mount.point());
        assert!(after.contains(Path::new(IN_LISBON)) && after.len() == before.len());
        let inodes = inodes(&mount.point());
        mount.unmount();
        assert_eq!(fs::read_to_string(config(&home)).unwrap(), by_hand);
        // The same as if it had never been otherwise.
        fs::remove_file(library(&home).join("catalog.sqlite")).unwrap();
        let mount = home.mount([""; 0]);
        assert_eq!(self::inodes(&mount.point()), inodes);
        mount.unmount();
        let ran = gphotosfs(&home, ["relayout"]).ok();
        says(&ran, &["nothing to change: zone = \"Europe/Lisbon\""]);
    });
}

#[test]
fn a_zone_that_moves_nothing_needs_no_asking() {
    within(LIMIT, || {
        let home = Home::new();
        export(&home.path("a"), STAMP, 1, &[("one.jpg", MIDDLE)]);
        write_config(&home, &source(&home));
        home.mount([""; 0]).unmount();
        write_config(&home, &format!("zone = \"Asia/Tokyo\"\n{}", source(&home)));
        home.mount([""; 0]).unmount();
        // It is in force now: a photo that comes later is held by it, and by no other.
        export(&home.path("a"), STAMP, 2, &[("eve.jpg", EVE)]);
        let mount = home.mount([""; 0]);
        assert!(mount.path(IN_LISBON).exists());
        mount.unmount();
        write_config(&home, &source(&home));
        says(&home.mount_run([""; 0]).ends(2), &["1 of 2"]);
    });
}

#[test]
fn flags_write_the_file_and_the_count_is_asked_for() {
    within(LIMIT, || {
        let home = home();
        let text = format!("# mine\n\n# the disk\n{}", source(&home));
        write_config(&home, &text);
        home.mount([""; 0]).unmount();
        let lisbon = ["relayout", "--zone", "Europe/Lisbon"];
        // On a terminal the number is asked for, and a wrong one changes nothing.
        let typed = |answer: &str| {
            let command = home.gphotosfs(lisbon);
            let mut line = vec![command.get_program().to_str().unwrap().to_owned()];
            line.extend(
                command
                    .get_args()
                    .map(|arg| arg.to_str().unwrap().to_owned()),
            );
            let mut script = Command::new("sh");
            script.args([
                "-c",
                "printf '%s\\n' \"$1\" | script -qec \"$2\" /dev/null",
                "sh",
            ]);
            script.args([answer, &line.join(" ")]);
            script.env("HOME", home.path(""));
            script.env("XDG_CONFIG_HOME", home.path("config"));
            run(&mut script)
        };
        let ran = typed("yes").ends(2);
        says(
            &ran,
            &[
                "Type the number of photos and videos that move, 1",
                "nothing is changed",
            ],
        );
        assert_eq!(fs::read_to_string(config(&home)).unwrap(), text);
        typed("1").ok();
        let now = fs::read_to_string(config(&home)).unwrap();
        assert_eq!(now, format!("zone = \"Europe/Lisbon\"\n{text}"));
        let mount = home.mount([""; 0]);
        assert!(mount.path(IN_LISBON).exists());

        // While it is mounted it can be looked at, and not changed.
        let back = ["relayout", "--zone", "UTC", "--yes"];
        let ran = gphotosfs(&home, back).ends(2);
        says(&ran, &["mounted already", "--dry-run"]);
        let dry = ["relayout", "--zone", "UTC", "--dry-run", "--json"];
        let report = gphotosfs(&home, dry).ok().json();
        assert_eq!((&report["moved"], &report["kept"]), (&1.into(), &2.into()));
        assert_eq!(report["done"], false);
        let change = serde_json::json!([{ "from": IN_LISBON, "to": IN_UTC }]);
        assert_eq!(report["paths"], change);
        assert_eq!(report["to"]["zone"], "UTC");
        mount.unmount();
        let report = gphotosfs(&home, [&back[..], &["--json"]].concat())
            .ok()
            .json();
        assert_eq!(report["done"], true);
        let mount = home.mount([""; 0]);
        assert!(mount.path(IN_UTC).exists());
        mount.unmount();
    });
}

#[test]
fn a_library_of_the_command_line_is_asked_too() {
    within(LIMIT, || {
        let home = home();
        let a = [home.path("a")];
        home.mount(takeout(&a)).unmount();
        write_config(&home, "zone = \"Europe/Lisbon\"\n");
        let refused = home.mount_run(takeout(&a)).ends(2);
        says(&refused, &["would move", "--takeout"]);
        let mut relayout = home.gphotosfs(["relayout", "--yes"]);
        run(relayout.args(takeout(&a))).ok();
        let mount = home.mount(takeout(&a));
        assert!(mount.path(IN_LISBON).exists());
        mount.unmount();
    });
}

#[test]
fn what_cannot_be_a_layout_is_refused() {
    within(LIMIT, || {
        let home = home();
        write_config(&home, &source(&home));
        // Nothing is known yet, so nothing can move.
        let early = ["relayout", "--zone", "Europe/Paris"];
        says(
            &gphotosfs(&home, early).ok(),
            &["0 photos and videos move", "done"],
        );
        home.mount([""; 0]).unmount();
        let ran = gphotosfs(&home, ["relayout", "--zone", "Middle/Earth"]).ends(2);
        says(&ran, &["Middle/Earth", "Europe/Lisbon"]);
        let ran = gphotosfs(&home, ["relayout", "--rules", "2"]).ends(2);
        says(&ran, &["rules = 2 must be 1"]);
        let text = fs::read_to_string(config(&home)).unwrap();
        assert!(text.starts_with("zone = \"Europe/Paris\"\n"));
    });
}
