//! Extended attributes: what they tell, how they answer, and that tools that keep them copy as well as without.

use crate::copiers;
use crate::kit::{Home, Mount, generate_with, is_document, run, takeout, walk, within};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(1200);

/// Asks as a program does that is careful about sizes; Python's own functions hide how.
const CAREFUL: &str = "
import ctypes, errno, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(function, *args):
    got = function(*args)
    return got if got >= 0 else errno.errorcode[ctypes.get_errno()]
path = os.fsencode(sys.argv[1])
asked = {}
room = ctypes.create_string_buffer(65536)
for name in sys.argv[2:]:
    name = name.encode()
    need = call(libc.getxattr, path, name, None, 0)
    full = call(libc.getxattr, path, name, room, 65536)
    value = room.raw[:full].decode() if isinstance(full, int) else full
    short = call(libc.getxattr, path, name, room, need - 1) if isinstance(need, int) and need > 1 else None
    exact = call(libc.getxattr, path, name, room, need) if isinstance(need, int) else None
    asked[name.decode()] = [need, value, short, exact]
need = call(libc.listxattr, path, None, 0)
short = call(libc.listxattr, path, room, need - 1) if isinstance(need, int) and need > 1 else None
full = call(libc.listxattr, path, room, 65536)
names = room.raw[:full].decode().split('\\0')[:-1] if isinstance(full, int) else full
print(json.dumps([asked, need, short, full, names]))";

fn careful(path: &Path, names: &[&str]) -> serde_json::Value {
    let mut command = Command::new("python3");
    command.args(["-c", CAREFUL]).arg(path).args(names);
    run(&mut command).ok().json()
}

fn mount<'a>(home: &'a Home, xattrs: bool) -> Mount<'a> {
    let mut args = takeout([home.path("x/export")]);
    args.extend(xattrs.then(|| "--xattrs".into()));
    home.mount(args)
}

/// The attributes of everything below a directory, by path from there.
fn dump(root: &Path) -> BTreeMap<PathBuf, Vec<String>> {
    let mut command = Command::new("getfattr");
    command.args(["-R", "-h", "-d", "-m", "^user\\.", "."]);
    let ran = run(command.current_dir(root)).ok();
    let mut found: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for block in ran.text().split("\n\n") {
        let mut lines = block.lines();
        let Some(file) = lines.next().and_then(|line| line.strip_prefix("# file: ")) else {
            continue;
        };
        let mut told: Vec<String> = lines.map(str::to_owned).collect();
        told.sort();
        found.insert(file.into(), told);
    }
    found
}

#[test]
fn attributes_tell_what_is_known_and_mind_sizes() {
    within(LIMIT, || {
        let home = Home::new();
        let folder = home.path("x/export/Takeout/Google Photos/Photos from 2023");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("IMG_1.jpg"), "one").unwrap();
        fs::write(folder.join("IMG_2.jpg"), "two").unwrap();
        let facts = r#"{"title": "IMG_1.jpg", "description": "At the „lake“\nand back",
            "photoTakenTime": {"timestamp": "1689329472"}, "favorited": true, "url": "https://photos.google.com/photo/x",
            "people": [{"name": "Zoë"}, {"name": "O'Neill, Pat"}],
            "geoData": {"latitude": 38.7223, "longitude": -9.1393, "altitude": 0.0}}"#;
        fs::write(folder.join("IMG_1.jpg.json"), facts).unwrap();

        let off = mount(&home, false);
        let path = off.path("by-date/2023/2023-07/IMG_1.jpg");
        let none = careful(&path, &["user.gphotos.title"]);
        assert_eq!(none[0]["user.gphotos.title"][0], "ENOTSUP");
        assert_eq!(none[1], "ENOTSUP");
        off.unmount();

        let on = mount(&home, true);
        let should = [
            ("user.gphotos.title", "IMG_1.jpg"),
            ("user.gphotos.taken", "2023-07-14T10:11:12Z"),
            ("user.gphotos.people", "O'Neill, Pat\nZoë"),
            ("user.gphotos.favorite", "1"),
            ("user.gphotos.place", "38.7223,-9.1393"),
            ("user.gphotos.description", "At the „lake“\nand back"),
            ("user.gphotos.url", "https://photos.google.com/photo/x"),
            ("user.gphotos.fidelity", "stored"),
        ];
        let mut names: Vec<&str> = should.iter().map(|(name, _)| *name).collect();
        names.extend(["user.gphotos.albums", "user.other", "security.capability"]);
        let told = careful(&path, &names);
        for (name, value) in should {
            let need = value.len();
            let short = serde_json::json!((need > 1).then_some("ERANGE"));
            assert_eq!(
                told[0][name],
                serde_json::json!([need, value, short, need]),
                "{name}"
            );
        }
        for name in &names[should.len()..] {
            assert_eq!(told[0][*name][0], "ENODATA", "{name}");
        }
        let all: usize = should.iter().map(|(name, _)| name.len() + 1).sum();
        assert_eq!(
            (&told[1], &told[2], &told[3]),
            (&all.into(), &"ERANGE".into(), &all.into())
        );
        assert_eq!(told[4], serde_json::json!(should.map(|(name, _)| name)));
        // The same through any link of the photo; nothing on directories and documents, little where little is known.
        assert_eq!(careful(&on.path("favorites/IMG_1.jpg"), &names), told);
        for bare in ["by-date", "by-date/2023/2023-07/IMG_1.jpg.xmp"] {
            let told = careful(&on.path(bare), &["user.gphotos.title"]);
            assert_eq!(
                (&told[0]["user.gphotos.title"][0], &told[1]),
                (&"ENODATA".into(), &0.into())
            );
        }
        let dumped = dump(&on.point());
        assert_eq!(dumped.len(), 5, "{dumped:?}");
        let second = dumped.iter().find(|(path, _)| path.ends_with("IMG_2.jpg"));
        assert_eq!(second.unwrap().1, &[r#"user.gphotos.fidelity="stored""#]);
        let refused = run(Command::new("setfattr")
            .args(["-n", "user.gphotos.title", "-v", "x"])
            .arg(&path));
        assert!(
            refused.code != 0 && refused.err.contains("Read-only file system"),
            "{refused:?}"
        );
        on.unmount();
    });
}

#[test]
fn tools_that_keep_attributes_copy_them() {
    within(LIMIT, || {
        let home = Home::new();
        generate_with(&home.path("x"), 52, "stored", 400);
        let mount = mount(&home, true);
        let told = dump(&mount.point());
        let photos = walk(&mount.point());
        let photos = photos
            .iter()
            .filter(|(_, meta)| meta.is_file() && !is_document(meta));
        assert_eq!(told.len(), photos.count(), "every photo has some");
        assert!(
            told.values()
                .flatten()
                .any(|line| line.starts_with("user.gphotos.people="))
        );

        let to = home.path("rsync");
        fs::create_dir(&to).unwrap();
        let mut command = Command::new("rsync");
        command
            .args(["-aHX", "--out-format=%n"])
            .args(mount.views())
            .arg(&to);
        run(&mut command).ok();
        assert!(dump(&to) == told, "rsync");
        let old = walk(&to);
        let again = run(&mut command).ok().text();
        let other = again.lines().find(|path| {
            !path.ends_with('/')
                && std::os::unix::fs::MetadataExt::mtime(&old[Path::new(path)]) != copiers::FIRST
        });
        assert_eq!(other, None, "a second run copies nothing");
        for tool in [copiers::Tool::Restic, copiers::Tool::Borg] {
            let copy = copiers::copy(tool, &home, &mount);
            assert!(dump(&copy) == told, "{tool:?}");
        }
        mount.unmount();
    });
}
