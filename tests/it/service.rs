//! As a service: what a service manager hears (sd_notify(3)), and the units in `contrib/systemd`.

use crate::kit::{Home, run, within};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);

/// A service manager's end of the socket.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn new(path: &Path) -> Manager {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let heard = Vec::new();
        Manager { socket, heard }
    }

    /// Listens until a message says `line`.
    fn until(&mut self, line: &str) {
        let mut buffer = [0; 4096];
        loop {
            let length = self.socket.recv(&mut buffer).unwrap();
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            let said = message.lines().any(|said| said == line);
            self.heard.push(message);
            if said {
                return;
            }
        }
    }

    /// Whether nothing more was said.
    fn silent(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        let error = self.socket.recv(&mut [0; 1]).unwrap_err();
        error.kind() == std::io::ErrorKind::WouldBlock
    }
}

fn foreground(home: &Home, socket: &Path) -> Child {
    let mut command = home.gphotosfs(["mount", "--demo", "--foreground"]);
    command.arg(home.point()).env("NOTIFY_SOCKET", socket);
    command.stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_service_manager_hears_of_the_start_the_mount_and_the_end() {
    within(LIMIT, || {
        let home = Home::new();
        for signal in [nix::sys::signal::SIGTERM, nix::sys::signal::SIGINT] {
            let socket = home.path(format!("notify {signal}"));
            let mut manager = Manager::new(&socket);
            let mut server = foreground(&home, &socket);
            manager.until("READY=1");
            // It answers from now on, and no earlier message said so.
            assert!(home.point().join("by-date/2023").is_dir());
            let first = &manager.heard[0];
            assert!(first.contains("EXTEND_TIMEOUT_USEC=120000000\n"), "{first}");
            assert!(first.contains("STATUS=indexing"), "{first}");
            let ready = manager.heard.last().unwrap();
            let status = format!("STATUS=mounted on {}\n", home.point().display());
            assert!(ready.contains(&status), "{ready}");
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(server.id().cast_signed()),
                signal,
            )
            .unwrap();
            manager.until("STOPPING=1");
            assert_eq!(server.wait().unwrap().code(), Some(0));
            assert!(manager.silent());
            assert!(!home.point().join("by-date").exists());
        }
    });
}

#[test]
fn an_end_from_outside_is_told_and_a_failure_never_says_ready() {
    within(LIMIT, || {
        let home = Home::new();
        let socket = home.path("notify");
        let mut manager = Manager::new(&socket);
        let mut server = foreground(&home, &socket);
        manager.until("READY=1");
        run(Command::new("umount").arg(home.point())).ok();
        manager.until("STOPPING=1");
        assert_eq!(server.wait().unwrap().code(), Some(0));

        let mut command = home.gphotosfs(["mount", "--foreground", "--takeout"]);
        command.arg(home.path("nothing")).arg(home.point());
        run(command.env("NOTIFY_SOCKET", &socket)).ends(2);
        manager.socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        while let Ok(length) = manager.socket.recv(&mut buffer) {
            let said = String::from_utf8_lossy(&buffer[..length]);
            assert!(!said.contains("READY"), "{said}");
        }
    });
}

#[test]
fn a_mount_in_the_background_speaks_for_nobody_and_no_listener_does_no_harm() {
    within(LIMIT, || {
        let home = Home::new();
        let manager = Manager::new(&home.path("notify"));
        let mut command = home.gphotosfs(["mount", "--demo"]);
        command.arg(home.point());
        run(command.env("NOTIFY_SOCKET", home.path("notify"))).ok();
        home.mounted().unmount();
        assert!(manager.silent());

        let mut server = foreground(&home, &home.path("nobody listens"));
        while !home.point().join("by-date").exists() {
            assert_eq!(server.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        run(home.gphotosfs(["unmount"]).arg(home.point())).ok();
        assert_eq!(server.wait().unwrap().code(), Some(0));
    });
}

/// The units of `contrib`, with programs that are here in the place of installed ones.
fn units(dir: &Path) {
    let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib");
    for entry in walkdir::WalkDir::new(&contrib) {
        let entry = entry.unwrap();
        let path = entry.path();
        if !path
            .extension()
            .is_some_and(|ext| ext == "service" || ext == "timer")
        {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let recipe = path.parent().unwrap().display().to_string();
        let text = text
            .replace("/usr/bin/gphotosfs", env!("CARGO_BIN_EXE_gphotosfs"))
            .replace("/usr/local/bin", &recipe);
        let kind = if path.starts_with(contrib.join("systemd/user")) {
            "user"
        } else {
            "system"
        };
        std::fs::create_dir_all(dir.join(kind)).unwrap();
        std::fs::write(dir.join(kind).join(path.file_name().unwrap()), text).unwrap();
    }
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    within(LIMIT, || {
        let home = Home::new();
        units(&home.path("units"));
        let verify = |kind: &str, units: &[&str]| {
            let mut command = Command::new("systemd-analyze");
            // The colon at the end: and then the usual places.
            let path = format!("{}:", home.path("units").join(kind).display());
            command
                .env("SYSTEMD_UNIT_PATH", path)
                .env("XDG_RUNTIME_DIR", home.path(""));
            command
                .args([&format!("--{kind}"), "verify", "--man=no"])
                .args(units);
            run(&mut command)
        };
        let services = ["rsync", "restic", "borg", "bookmarks"];
        let recipes = services.map(|name| format!("gphotosfs-{name}.timer"));
        let mut all: Vec<&str> = recipes.iter().map(String::as_str).collect();
        all.push("gphotosfs@mnt-my\\x20photos.service");
        for (kind, units) in [
            ("system", &all[..]),
            ("user", &["gphotosfs@photos.service"]),
        ] {
            let ran = verify(kind, units).ok();
            let ours = ran.err.lines().find(|line| line.contains("gphotosfs"));
            assert_eq!(ours, None, "{ran:?}");
        }
        // It can say no.
        let path = home.path("units/system/gphotosfs-rsync.service");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("Type=oneshot", "Type=once")).unwrap();
        let ran = verify("system", &all);
        assert!(ran.err.contains("gphotosfs-rsync.service"), "{ran:?}");
    });
}

/// Whatever makes systemd give a service mounts of its own makes ours invisible to everybody else.
#[test]
fn no_unit_asks_for_mounts_of_its_own() {
    const HIDING: [&str; 22] = [
        "BindPaths",
        "BindReadOnlyPaths",
        "DynamicUser",
        "ExecPaths",
        "InaccessiblePaths",
        "LogNamespace",
        "MountFlags",
        "NoExecPaths",
        "PrivateDevices",
        "PrivateIPC",
        "PrivateMounts",
        "PrivateNetwork",
        "PrivateTmp",
        "PrivateUsers",
        "ProcSubset",
        "ProtectControlGroups",
        "ProtectHome",
        "ProtectKernel",
        "ProtectProc",
        "ProtectSystem",
        "ReadWritePaths",
        "TemporaryFileSystem",
    ];
    let home = Home::new();
    units(&home.path("units"));
    for kind in ["system", "user"] {
        let path = home.path("units").join(kind).join("gphotosfs@.service");
        let text = std::fs::read_to_string(path).unwrap();
        let mut set = text.lines().filter(|line| !line.starts_with('#'));
        let hiding = set.find(|line| HIDING.iter().any(|name| line.starts_with(name)));
        assert_eq!(hiding, None, "{kind}");
        assert!(text.contains("--foreground"));
    }
}

/// systemd reads fstab at boot and makes units of it; these are what mounts, and what waits for the first look.
#[test]
fn systemd_makes_a_mount_and_an_automount_of_a_line_in_fstab() {
    const GENERATOR: &str = "/usr/lib/systemd/system-generators/systemd-fstab-generator";
    within(LIMIT, || {
        let home = Home::new();
        let (fstab, out) = (home.path("fstab"), home.path("units"));
        std::fs::create_dir(&out).unwrap();
        let options = "ro,allow_other,_netdev,nofail,x-systemd.automount,x-systemd.mount-timeout=0";
        let line = format!("/srv/takeout /mnt/photos gphotosfs {options} 0 0\n");
        std::fs::write(&fstab, line).unwrap();
        let mut generator = Command::new(GENERATOR);
        generator
            .args([&out, &out, &out])
            .env("SYSTEMD_FSTAB", &fstab);
        run(&mut generator).ok();
        let unit = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
        let mount = unit("mnt-photos.mount");
        for line in ["What=/srv/takeout", "Where=/mnt/photos", "Type=gphotosfs"] {
            assert!(mount.lines().any(|said| said == line), "{line}: {mount}");
        }
        // What mount(8) then gets is understood: the helper says so without mounting.
        let given = mount
            .lines()
            .find_map(|line| line.strip_prefix("Options="))
            .unwrap();
        let helper = home.path("mount.gphotosfs");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gphotosfs"), &helper).unwrap();
        run(Command::new(&helper).args(["/srv/takeout", "/mnt/photos", "-f", "-o", given])).ok();
        assert!(unit("mnt-photos.automount").contains("Where=/mnt/photos"));
        let mut verify = Command::new("systemd-analyze");
        verify.env("SYSTEMD_UNIT_PATH", format!("{}:", out.display()));
        let ran = run(verify.args(["verify", "--man=no", "mnt-photos.automount"]));
        assert!(!ran.err.contains("mnt-photos"), "{ran:?}");
    });
}
