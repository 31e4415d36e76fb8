//! A mount as a machine makes it: by mount(8), from fstab, taken away by umount(8).
//!
//! Each test is a script in a machine of its own as far as mounts go: private /run, /sbin, /var/lib, /var/cache and fstab,
//! and a PID namespace, with whose end every server ends. Only the kernel is shared.

use crate::kit::{Home, run, within};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);

/// Makes the machine, then runs the rest. `$1` is the home, `$2` the program.
const MACHINE: &str = r#"
set -euo pipefail
cd /
home=$(realpath "$1") PROGRAM=$home/gphotosfs MNT=$home/mnt SRC=$home/takeout
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$(realpath /sbin)"
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /var/lib
mount -t tmpfs -o mode=755 none /var/cache
ln -s "$PROGRAM" /sbin/mount.gphotosfs
ln -s "$PROGRAM" /sbin/mount.fuse.gphotosfs
: > "$home/fstab"
mount --bind "$home/fstab" /etc/fstab
# Nothing of this may count: it is whoever called that has set it.
export GPHOTOSFS_STATE_DIR=$home/wrong GPHOTOSFS_CONFIG=$home/wrong.toml HOME=$home/wrong

die() { echo "line ${BASH_LINENO[0]}: $*" >&2; exit 99; }
# The exit code of a command.
code() { local ended=0; "$@" >"$home/said" 2>&1 || ended=$?; echo "$ended"; }
ends() { local wanted=$1 got; shift; got=$(code "$@"); [[ $got == "$wanted" ]] || { cat "$home/said" >&2; die "$* ended with $got, not $wanted"; }; }
says() { grep -q -e "$1" "$home/said" || { cat "$home/said" >&2; die "nothing says $1"; }; }
mounts() { awk -v at="$MNT" '$5 == at' /proc/self/mountinfo | wc -l; }
mounted() { [[ $(mounts) == 1 ]] || { grep gphotosfs /proc/self/mountinfo >&2; die "mounted $(mounts) times"; }; ls "$MNT/by-date" >/dev/null; }
# umount(8) returns at once; the server lets go of its lock when it is done.
ended() { [[ $(mounts) == 0 ]] || die "still mounted"; for lock in "${1:-/var/lib/gphotosfs}"/*/lock; do flock -w 60 "$lock" true || die "$lock is held"; done; }
"#;

/// Runs a script on a machine of its own, where `takeout` holds the demo's archives.
#[track_caller]
fn on_a_machine(script: &str) {
    let home = Home::new();
    gphotosfs::demo::make(&home.path("takeout")).unwrap();
    // Where this program was built nobody may have no business.
    fs::copy(env!("CARGO_BIN_EXE_gphotosfs"), home.path("gphotosfs")).unwrap();
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let script = format!("{MACHINE}\n{script}\necho the end");
    let mut command = Command::new("unshare");
    command.args([
        "-m",
        "-p",
        "-f",
        "--kill-child",
        "--mount-proc",
        "bash",
        "-c",
    ]);
    let ran = run(command.arg(script).arg("bash").arg(home.path("")));
    assert!(
        ran.code == 0 && ran.text().ends_with("the end\n"),
        "{} {}\n{}",
        ran.code,
        ran.text(),
        ran.err
    );
}

#[test]
fn fstab_mounts_once_and_umount_ends_the_server() {
    within(LIMIT, || {
        on_a_machine(
            r#"
echo "$SRC $MNT gphotosfs ro,allow_other,_netdev,nofail,x-systemd.automount 0 0" > /etc/fstab
ends 0 mount -a
mounted
[[ $(findmnt -no SOURCE,FSTYPE "$MNT") == "$SRC fuse.gphotosfs" ]] || die "$(findmnt "$MNT")"
findmnt -no OPTIONS "$MNT" | grep -q 'ro,nosuid,nodev.*allow_other' || die "$(findmnt "$MNT")"
ends 0 mount -a
mounted
ends 0 mount -av
says "$MNT *: already mounted"
ends 32 mount "$MNT"
mounted
[[ $(echo /var/lib/gphotosfs/*) == /var/lib/gphotosfs/takeout-* ]] || die "no state"
ends 0 "$PROGRAM" status "$MNT"
says "mounted on $MNT"
ends 0 "$PROGRAM" info "$MNT"/favorites/*
[[ $(ls /run/gphotosfs) == 0:* ]] || die "$(ls /run/gphotosfs)"
ends 0 umount "$MNT"
ended
[[ -z $(ls /run/gphotosfs) ]] || die "the list holds what is gone"

ends 0 mount "$MNT"
mounted
ends 0 umount "$MNT"
ended
ends 0 mount "$SRC"
mounted
ends 0 umount -a -t fuse.gphotosfs
ended
ends 0 mount -a
ends 0 "$PROGRAM" unmount "$MNT"
ended
ls "$home"/wrong* >/dev/null 2>&1 && die "the environment counted"

# The other name of the type, and a mountpoint and a source behind links.
ln -s "$MNT" "$home/link"; ln -s "$SRC" "$home/source link"
echo "$home/source\\040link $home/link fuse.gphotosfs ro 0 0" > /etc/fstab
ends 0 mount -a
mounted
ends 0 mount -a
mounted
ends 0 umount "$home/link"
ended
"#,
        );
    });
}

#[test]
fn a_mount_by_hand_with_options_of_its_own() {
    within(LIMIT, || {
        on_a_machine(
            r#"
# mount(8) says rw where nothing was said.
ends 0 mount -t gphotosfs "$SRC" "$MNT"
says 'read-only'
mounted
findmnt -no OPTIONS "$MNT" | grep -q '^ro,' || die "$(findmnt "$MNT")"
[[ $(find "$MNT/albums" -type l | wc -l) == 0 ]] || die "links"
shown=$(find "$MNT/by-date" -type f | wc -l)
ends 0 umount "$MNT"
ended
ends 0 mount -t gphotosfs -o "ro,links=symlink,include=trash+locked,umask=027,state_dir=$home/own" "$SRC" "$MNT"
mounted
[[ $(find "$MNT/albums" -type l | wc -l) -gt 0 ]] || die "no links"
[[ $(find "$MNT/by-date" -type f | wc -l) == $((shown + 1)) ]] || die "the trash is not shown"
[[ $(stat -c %a "$MNT/by-date") == 750 ]] || die "umask"
[[ $(echo "$home"/own/*) == "$home"/own/takeout-* ]] || die "no state of its own"
ends 0 "$PROGRAM" status "$MNT"
says "mounted on $MNT"
# What is mounted cannot be changed, and is not.
ends 1 mount -o remount,links=hard "$MNT"
says 'unmount it'
mounted
# A bind mount elsewhere is the same library.
mkdir "$home/bind"; mount --bind "$MNT" "$home/bind"
ends 0 "$PROGRAM" info "$home/bind"/favorites/*
umount "$home/bind"
ends 0 umount "$MNT"
ended "$home/own"

# A configuration, in which months begin elsewhere.
echo 'zone = "Pacific/Auckland"' > "$home/config.toml"
ends 0 mount -t gphotosfs -o "config=$home/config.toml,cache_dir=$home/cache-of-its-own" "$SRC" "$MNT"
mounted
[[ -d $home/cache-of-its-own ]] || die "no cache of its own"
ends 0 umount "$MNT"
ended
"#,
        );
    });
}

#[test]
fn the_exit_codes_are_those_of_mount() {
    within(LIMIT, || {
        on_a_machine(
            r#"
helper=/sbin/mount.gphotosfs
ends 1 "$helper"
ends 1 "$helper" "$SRC"
ends 1 "$helper" "$SRC" "$MNT" -x
ends 1 "$helper" "$SRC" "$MNT" -o no_such_thing
says 'unknown option "no_such_thing"'
ends 1 "$helper" "$SRC" "$MNT" -o ro,links=soft
says 'soft'
ends 1 "$helper" "$SRC" "$MNT" -o suid
ends 1 mount -t gphotosfs -o no_such_thing "$SRC" "$MNT"
ends 0 "$helper" --help
says 'links=symlink'
ends 0 "$helper" -V
ends 0 "$helper" "$SRC" "$MNT" -f -n -o ro
ends 0 mount -f -t gphotosfs "$SRC" "$MNT"
[[ $(mounts) == 0 ]] || die "-f mounted"
ends 1 "$helper" "$SRC" "$MNT" -f -o no_such_thing
ends 32 "$helper" "$SRC" "$home/no such directory"
says 'mkdir -p'
ends 32 "$helper" "$home/no such source" "$MNT"
ends 32 mount -t gphotosfs "$home/no such source" "$MNT"
[[ $(mounts) == 0 ]] || die "mounted nothing"
ends 0 "$helper" "$SRC" "$MNT" -s -v -t gphotosfs -o no_such_thing,ro
says 'left out'
mounted
ends 32 "$helper" "$SRC" "$MNT"
says 'already'
mounted
ends 0 umount "$MNT"
ended
# The library of a configuration that is not there.
ends 32 mount -t gphotosfs library "$MNT"
# No door to the kernel.
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
ends 2 "$helper" "$SRC" "$MNT"
says 'modprobe fuse'
"#,
        );
    });
}

#[test]
fn a_mount_whose_server_was_killed_is_mounted_anew() {
    within(LIMIT, || {
        on_a_machine(
            r#"
echo "$SRC $MNT gphotosfs ro 0 0" > /etc/fstab
ends 0 mount -a
mounted
kill -9 "$(head -n 1 /var/lib/gphotosfs/*/lock)"
flock -w 60 /var/lib/gphotosfs/*/lock true
ends 0 mount "$MNT"
mounted
ends 0 "$PROGRAM" status "$MNT"
says "mounted on $MNT"
kill -9 "$(head -n 1 /var/lib/gphotosfs/*/lock)"
flock -w 60 /var/lib/gphotosfs/*/lock true
ends 0 "$PROGRAM" unmount "$MNT"
says 'dead'
ended
"#,
        );
    });
}

#[test]
fn another_mount_namespace() {
    within(LIMIT, || {
        on_a_machine(
            r#"
mkfifo "$home/pipe"
unshare -m sh -c 'echo > "$1"; exec sleep infinity' sh "$home/pipe" &
other=$!
read -r < "$home/pipe"
ends 0 mount -N "$other" -t gphotosfs "$SRC" "$MNT"
[[ $(mounts) == 0 ]] || die "mounted here"
nsenter -t "$other" -m ls "$MNT/by-date" >/dev/null
ends 0 nsenter -t "$other" -m "$PROGRAM" status "$MNT"
says "mounted on $MNT"
ends 0 nsenter -t "$other" -m umount "$MNT"
ended
ends 0 /sbin/mount.gphotosfs "$SRC" "$MNT" -N "$other"
nsenter -t "$other" -m ls "$MNT/by-date" >/dev/null
ends 0 nsenter -t "$other" -m umount "$MNT"
ended
ends 32 /sbin/mount.gphotosfs "$SRC" "$MNT" -N 999999
kill "$other"
"#,
        );
    });
}

#[test]
fn a_user_mounts_what_fstab_lets_users_mount() {
    within(LIMIT, || {
        on_a_machine(
            r#"
mkdir "$home/device"; mount -t tmpfs -o mode=755 none "$home/device"
mknod -m 666 "$home/device/fuse" c 10 229
mount --bind "$home/device/fuse" /dev/fuse
mkdir "$home/nobody"
chown -R 65534:65534 "$home/nobody" "$MNT" "$SRC"
nobody() { env -i PATH="$PATH" HOME="$home/nobody" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
# mount(8) clears the environment, and the home of this user is nowhere.
echo "$SRC $MNT gphotosfs ro,noauto,user,state_dir=$home/nobody/state,cache_dir=$home/nobody/cache 0 0" > /etc/fstab
ends 0 nobody mount "$MNT"
[[ $(mounts) == 1 ]] || die "not mounted"
nobody ls "$MNT/by-date" >/dev/null
findmnt -no OPTIONS "$MNT" | grep -q 'user_id=65534' || die "$(findmnt "$MNT")"
ends 0 nobody "$PROGRAM" status "$MNT"
ends 0 nobody umount "$MNT"
ended "$home/nobody/state"
"#,
        );
    });
}
