//! Who this process is to the kernel, and in which namespace of mounts it lives.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, setns};
use nix::unistd::geteuid;

/// Whether this process may mount without a helper, as far as its user says.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Enters a mount namespace for good: everything that this process does afterwards happens there.
///
/// `namespace` is its file, or the number of a process that lives in it. To be called before there are threads.
pub fn enter(namespace: &Path) -> io::Result<()> {
    let pid = namespace
        .to_str()
        .filter(|name| name.parse::<u32>().is_ok());
    let path = pid.map_or_else(
        || namespace.to_owned(),
        |pid| PathBuf::from(format!("/proc/{pid}/ns/mnt")),
    );
    Ok(setns(File::open(path)?, CloneFlags::CLONE_NEWNS)?)
}
