//! A running mount, from its beginning to its end.
//!
//! Mounting and unmounting are done here and not by fuser, whose own end fails on a mount in use and, when the mount
//! is gone already, takes away whatever stands on its path by then. So the path is only ever touched after the
//! kernel's table has said that the mount there is still this one.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use fuser::{Config, INodeNo, Notifier, Session, SessionACL};
use nix::mount::MsFlags;
use nix::unistd::{geteuid, getgid, getuid};

use super::check::{self, DEVICE};
use super::desk::Desk;
use super::options::{Access, Options};
use super::pool::Pool;
use super::{Fs, helper, mounts, notices, registry};
use mounts::{FSTYPE, MountEntry, encode_source};
use registry::Listed;

/// Threads that take requests from the kernel. None of them ever waits, so a few suffice; more changed nothing.
const THREADS: usize = 4;

/// How long reads that are under way may take to end when the mount ends; then they are given up with an error.
/// Below the patience of service managers, which kill after 10 s or more.
const DRAIN: Duration = Duration::from_secs(5);

/// How long the session may take to end after the kernel was told to drop it; it takes milliseconds.
const LEAVE: Duration = Duration::from_secs(2);

/// Why there is no mount, or why it does not end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something stands in the way.
    #[error(transparent)]
    Check(#[from] check::Error),
    /// The kernel refused.
    #[error("failed to mount on {path}", path = .path.display())]
    Refused {
        /// The mountpoint.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Root, but not of the whole machine.
    #[error("root may not mount on {path} here; start a container with `--cap-add SYS_ADMIN` (where AppArmor confines it, also `--security-opt apparmor=unconfined`)", path = .path.display())]
    NotPrivileged {
        /// The mountpoint.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The helper that mounts for users refused.
    #[error("failed to mount on {path}", path = .path.display())]
    Helper {
        /// The mountpoint.
        path: PathBuf,
        /// What the helper said.
        source: helper::Error,
    },
    /// The kernel and this program could not agree, or no thread could be started.
    #[error("failed to serve the mount on {path}", path = .path.display())]
    Session {
        /// The mountpoint.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be taken away.
    #[error(transparent)]
    Unmount(#[from] mounts::Error),
}

/// A filesystem that is mounted and served. End it with [`end`](Mounted::end); dropping it only detaches it.
pub struct Mounted {
    mountpoint: PathBuf,
    /// How the kernel's table lists this mount, until it is known to be gone.
    entry: Option<MountEntry>,
    /// Holds its place in the list of mounts that bear another source's name.
    listed: Option<Listed>,
    pool: Arc<Pool>,
    session: Receiver<io::Result<()>>,
}

/// What a mount is called in the kernel's table.
#[derive(Debug, Clone, Copy)]
pub struct Label<'a> {
    /// Its state directory, by which other commands know it.
    pub state_dir: &'a Path,
    /// The source that it must bear, as mount(8) wants it. Root's mounts alone can; others bear [`encode_source`].
    pub source: Option<&'a str>,
}

/// What becomes of the descriptor that speaks with the kernel before the session gets it: nothing, but in tests.
pub(super) type Wire = fn(OwnedFd) -> io::Result<OwnedFd>;

/// How a mount ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All reads were answered and all threads have ended.
    Quiet,
    /// Programs still use the mount, and the kernel cannot be told here to drop it (no fusectl filesystem). The path
    /// is free; what they still use ends with this process.
    InUse,
}

/// Mounts `fs` and serves it on threads of its own.
///
/// `on_end` is called once the mount is gone, whoever took it away.
pub fn mount(
    fs: Fs,
    mountpoint: &Path,
    options: &Options,
    label: Label<'_>,
    on_end: impl FnOnce() + Send + 'static,
) -> Result<Mounted, Error> {
    mount_over(Ok, fs, mountpoint, options, label, on_end)
}

/// The same with something on the way between the kernel and the session.
pub(super) fn mount_over(
    wire: Wire,
    fs: Fs,
    mountpoint: &Path,
    options: &Options,
    label: Label<'_>,
    on_end: impl FnOnce() + Send + 'static,
) -> Result<Mounted, Error> {
    let path = check::ready(mountpoint, options)?;
    let pool = fs.pool.clone();
    let name = label.source.filter(|_| registry::open());
    let source = name.map_or_else(|| encode_source(label.state_dir), str::to_owned);
    let fd = attach(&path, options, &source)?;
    let entry = mounts::at(&path)?.filter(|mount| mount.fstype == FSTYPE);
    let (tell, session) = mpsc::channel();
    // From here on dropping this takes the mount away again.
    let mut mounted = Mounted {
        mountpoint: path,
        entry,
        listed: None,
        pool,
        session,
    };
    let path = mounted.mountpoint.clone();
    let failed = |source| Error::Session {
        path: path.clone(),
        source,
    };
    if let (Some(name), Some(entry)) = (name, &mounted.entry) {
        let listed = registry::list(&entry.device, name, label.state_dir);
        mounted.listed = Some(listed.map_err(failed)?);
    }
    let fd = wire(fd).map_err(failed)?;
    let mut config = Config::default();
    config.n_threads = Some(THREADS);
    config.clone_fd = can_clone(&fd);
    // Who may look is the kernel's to say, see `Access`; fuser's own check would only come after its caches.
    let acl = SessionACL::All;
    let desk = fs.desk.clone();
    let served = Session::from_fd(fs, fd, acl, config).map_err(failed)?;
    forget_doubted(&desk, served.notifier()).map_err(failed)?;
    notices::tell(&desk, served.notifier()).map_err(failed)?;
    drop(desk);
    std::thread::Builder::new()
        .name("gphotosfs-fuse".into())
        .spawn(move || {
            let ended = served.run();
            if let Err(error) = &ended {
                tracing::error!("the session with the kernel ended: {error}");
            }
            // The receiver may be gone: a mount that was only dropped does not ask how it ended.
            let _ = tell.send(ended);
            on_end();
        })
        .map_err(failed)?;
    Ok(mounted)
}

/// Tells the kernel to forget the bytes of doubted inodes, from a thread of its own: the kernel waits for reads of them
/// that are under way, so no thread that answers reads may do it. The thread ends with the desk.
fn forget_doubted(desk: &Desk, notifier: Notifier) -> io::Result<()> {
    let (send, receive) = mpsc::channel();
    std::thread::Builder::new()
        .name("gphotosfs-forget".into())
        .spawn(move || {
            for ino in receive {
                if let Err(error) = notifier.inval_inode(INodeNo(ino), 0, 0) {
                    tracing::debug!("the kernel keeps inode {ino}: {error}");
                }
            }
        })?;
    // A desk is mounted once.
    let _ = desk.doubted.set(send);
    Ok(())
}

impl Mounted {
    /// Where it is mounted, without links.
    pub fn mountpoint(&self) -> &Path {
        &self.mountpoint
    }

    /// Ends the mount, in use or not: frees its path, answers the reads that are under way, makes the kernel drop
    /// the rest and waits for the threads. Programs that still hold files open get errors from then on.
    pub fn end(mut self) -> Result<End, Error> {
        if let Ok(ended) = self.session.try_recv() {
            // Gone already. What stands on the path by now is another's.
            self.entry = None;
            return self.quiet(ended);
        }
        self.detach()?;
        let entry = self.entry.take();
        if !self.pool.drain(DRAIN) {
            let secs = DRAIN.as_secs();
            tracing::warn!("some reads did not end within {secs} s; they are given up");
        }
        self.pool.close();
        if let Ok(ended) = self.session.try_recv() {
            return self.quiet(ended);
        }
        if let Err(error) = abort(entry.as_ref()) {
            tracing::debug!("the kernel cannot be told to drop the mount: {error}");
            return Ok(End::InUse);
        }
        match self.session.recv_timeout(LEAVE) {
            Ok(ended) => self.quiet(ended),
            Err(_) => Ok(End::InUse),
        }
    }

    fn quiet(&self, ended: io::Result<()>) -> Result<End, Error> {
        ended.map(|()| End::Quiet).map_err(|source| Error::Session {
            path: self.mountpoint.clone(),
            source,
        })
    }

    /// Frees the path, if this mount still stands there.
    ///
    /// The kernel gives device numbers anew, but not for the same state directory, whose lock the server of this mount
    /// holds: a source names one, or the list does.
    fn detach(&self) -> Result<(), Error> {
        let Some(entry) = &self.entry else {
            return Ok(());
        };
        let there = match mounts::at(&self.mountpoint) {
            Ok(there) => there,
            // The directory went away, and the mount with it.
            Err(mounts::Error::NoSuchPath { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let listed = |mount: &MountEntry| match &self.listed {
            Some(listed) => listed.still(),
            None => mount.source == entry.source,
        };
        if there.is_some_and(|it| it.device == entry.device && listed(&it)) {
            mounts::detach(&self.mountpoint)?;
        }
        Ok(())
    }
}

/// Makes the kernel drop the connection, also while files are open, as root and the mount's owner may.
fn abort(entry: Option<&MountEntry>) -> io::Result<()> {
    let minor = entry.and_then(|entry| entry.device.split(':').nth(1));
    let minor = minor.ok_or_else(|| io::Error::other("its device number is unknown"))?;
    fs::write(format!("/sys/fs/fuse/connections/{minor}/abort"), "1")
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = self.detach() {
            tracing::error!("failed to unmount {}: {error}", self.mountpoint.display());
        }
    }
}

/// Mounts directly where that is allowed (root, or root of a user namespace), else through the helper.
fn attach(path: &Path, options: &Options, source: &str) -> Result<OwnedFd, Error> {
    let refused = |source| Error::Refused {
        path: path.into(),
        source,
    };
    match directly(path, options, source) {
        // EPERM, or EACCES where a security module refuses.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            if geteuid().is_root() {
                let path = path.into();
                return Err(Error::NotPrivileged {
                    path,
                    source: error,
                });
            }
        }
        done => return done.map_err(refused),
    }
    let mut words =
        format!("ro,nodev,nosuid,default_permissions,subtype=gphotosfs,fsname={source}");
    for (wanted, word) in [
        (options.access != Access::Owner, ",allow_other"),
        (options.noexec, ",noexec"),
        (options.noatime, ",noatime"),
    ] {
        if wanted {
            words.push_str(word);
        }
    }
    helper::mount(path, &words).map_err(|source| Error::Helper {
        path: path.into(),
        source,
    })
}

fn directly(path: &Path, options: &Options, source: &str) -> io::Result<OwnedFd> {
    let device = OpenOptions::new().read(true).write(true).open(DEVICE)?;
    let fd = OwnedFd::from(device);
    let mode = fs::metadata(path)?.mode() & libc::S_IFMT;
    let mut flags = MsFlags::MS_RDONLY | MsFlags::MS_NODEV | MsFlags::MS_NOSUID;
    flags.set(MsFlags::MS_NOEXEC, options.noexec);
    flags.set(MsFlags::MS_NOATIME, options.noatime);
    let mut data = format!(
        "fd={},rootmode={mode:o},user_id={},group_id={},default_permissions",
        fd.as_raw_fd(),
        getuid(),
        getgid()
    );
    if options.access != Access::Owner {
        data.push_str(",allow_other");
    }
    nix::mount::mount(Some(source), path, Some(FSTYPE), flags, Some(data.as_str()))?;
    Ok(fd)
}

nix::ioctl_read!(
    #[allow(unsafe_code)]
    clone_device,
    229,
    0,
    u32
);

/// May each request thread have a descriptor of its own? Not with kernels before 4.5, or where a sandbox forbids it.
#[allow(unsafe_code)]
fn can_clone(session: &OwnedFd) -> bool {
    let Ok(device) = OpenOptions::new().read(true).write(true).open(DEVICE) else {
        return false;
    };
    let mut fd = session.as_raw_fd() as u32;
    // SAFETY: FUSE_DEV_IOC_CLONE reads one u32, a descriptor that `session` keeps open, and writes nothing.
    unsafe { clone_device(device.as_raw_fd(), &raw mut fd) }.is_ok()
}
