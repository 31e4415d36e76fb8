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
