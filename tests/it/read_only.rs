//! Nothing can be changed: every attempt is EROFS, by root and by a user, on every kind of entry.

use crate::kit::{Home, Mount, stats, within};
use crate::trouble::{calm, python};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(240);

/// Tries everything on a mount and prints what did not end with EROFS. The last line counts the attempts.
const TRY: &str = r#"
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
mnt = sys.argv[1]
if sys.argv[2] == 'nobody':
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
files, folders, links = [], [mnt], []
for top, dirs, names in os.walk(mnt):
    folders += [os.path.join(top, name) for name in dirs]
    for name in names:
        path = os.path.join(top, name)
        (links if os.path.islink(path) else files).append(path)
files, folders, links = files[:3], folders[:6], links[:3]
tried = 0

def attempt(what, call):
    global tried
    tried += 1
    try:
        call()
        print(what, 'worked')
    except OSError as error:
        if error.errno != errno.EROFS:
            print(what, errno.errorcode[error.errno])

def writable(path):
    if os.access(path, os.W_OK):
        raise AssertionError(path + ' seems writable')
    # access() of Python hides the errno.
    libc.access(os.fsencode(path), os.W_OK)
    raise OSError(ctypes.get_errno(), path)

for path in files + links:
    for name, flags in (('write', os.O_WRONLY), ('both', os.O_RDWR), ('append', os.O_WRONLY | os.O_APPEND),
                        ('truncating', os.O_WRONLY | os.O_TRUNC), ('creating', os.O_WRONLY | os.O_CREAT)):
        attempt('open for %s %s' % (name, path), lambda: os.open(path, flags))
    attempt('truncate ' + path, lambda: os.truncate(path, 0))
for path in files + folders:
    new = path + '-new'
    if path != mnt:
        attempt('rename ' + path, lambda: os.rename(path, new))
    attempt('chmod ' + path, lambda: os.chmod(path, 0o600))
    attempt('chown ' + path, lambda: os.chown(path, 1, 1))
    attempt('utimensat ' + path, lambda: os.utime(path, (1, 1)))
    attempt('utimensat now ' + path, lambda: os.utime(path))
    attempt('setxattr ' + path, lambda: os.setxattr(path, 'user.a', b'b'))
    attempt('removexattr ' + path, lambda: os.removexattr(path, 'user.a'))
    attempt('access ' + path, lambda: writable(path))
for path in files + links:
    attempt('unlink ' + path, lambda: os.unlink(path))
    attempt('link ' + path, lambda: os.link(path, path + '-new', follow_symlinks=False))
    attempt('rename away ' + path, lambda: os.rename(path, path + '-new'))
    attempt('lchown ' + path, lambda: os.chown(path, 1, 1, follow_symlinks=False))
    attempt('lutimes ' + path, lambda: os.utime(path, (1, 1), follow_symlinks=False))
for a, b in zip(files, files[1:]):
    attempt('rename over ' + b, lambda: os.rename(a, b))
for path in folders[1:]:
    attempt('rmdir ' + path, lambda: os.rmdir(path))
for path in folders:
    new = os.path.join(path, 'new')
    attempt('creat ' + new, lambda: os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    attempt('mkdir ' + new, lambda: os.mkdir(new))
    attempt('mkfifo ' + new, lambda: os.mkfifo(new))
    attempt('mknod ' + new, lambda: os.mknod(new, 0o100644))
    attempt('symlink ' + new, lambda: os.symlink('x', new))
    attempt('tmpfile ' + path, lambda: os.open(path, os.O_TMPFILE | os.O_WRONLY))
print(len(files), len(folders), len(links), tried)
"#;

fn try_all(mount: &Mount<'_>, who: &str) -> String {
    let point = mount.point();
    let ran = python(TRY, [point.as_os_str(), who.as_ref()]).ok();
    ran.text().trim().to_owned()
}

#[test]
fn every_attempt_to_change_something_is_refused_as_read_only() {
    within(LIMIT, || {
        let home = Home::new();
        // The user has to get to the mountpoint.
        fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        for links in ["hard", "symlink"] {
            let mount = home.mount(["--demo", "-o", "allow_other", "--links", links]);
            let before = stats(&mount.point());
            let counted = if links == "hard" { "3 6 0 " } else { "3 6 3 " };
            for who in ["root", "nobody"] {
                let said = try_all(&mount, who);
                assert!(said.starts_with(counted), "{links}, {who}:\n{said}");
            }
            assert_eq!(stats(&mount.point()), before);
            calm(&home, "");
            mount.unmount();
        }
    });
}

#[test]
fn a_mount_for_writing_is_refused_with_a_reason() {
    within(LIMIT, || {
        let home = Home::new();
        for options in ["rw", "ro,rw", "allow_other,rw"] {
            let ran = home.mount_run(["--demo", "-o", options]).ends(2);
            assert!(
                ran.err.contains("\"rw\"") && ran.err.contains("read-only"),
                "{ran:?}"
            );
        }
        assert_eq!(fs::read_dir(home.point()).unwrap().count(), 0);
        // What was refused has left nothing behind that stands in the way.
        home.mount(["--demo", "-o", "ro"]).unmount();
    });
}
