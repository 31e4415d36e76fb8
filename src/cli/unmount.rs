//! `gphotosfs unmount`.

use super::{Done, tell};
use crate::fs::lock::Lock;
use crate::fs::mounts::{self, Unmounted};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLE: &str = "Example:
  gphotosfs unmount ~/photos

A mount in use is taken away at once; programs that have files open there get errors from then on.";

/// How long the server may take to end. It gives reads under way five seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes a mount away, live or dead, and waits until its server has ended.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Unmount {
    /// Where it is mounted
    #[arg(value_name = "MOUNTPOINT")]
    mountpoint: PathBuf,
}

impl Unmount {
    pub(super) fn run(&self) -> anyhow::Result<Done> {
        let mount = mounts::at(&self.mountpoint)?;
        let state = mount.as_ref().and_then(|mount| mount.state_dir());
        let outcome = mounts::unmount(&self.mountpoint)?;
        if let (Some(state), Some(mount)) = (&state, &mount) {
            // The kernel tells a server of the end only when nobody has the mount any more: no open file, and no mount
            // namespace that was made a copy of this one, as containers and services have. That may be never.
            Lock::ask_to_end(state, &mount.mountpoint)?;
        }
        match outcome {
            Unmounted::Cleanly => {}
            Unmounted::InUse => tell("the mount was in use; it is detached"),
            Unmounted::WasDead => tell("the mount was dead; it is detached"),
        }
        if let Some(state) = state
            && !Lock::wait_until_free(&state, PATIENCE)?
        {
            tell("the mount is gone, but its server has not ended yet; its log tells why");
            return Ok(Done::NeedsYou);
        }
        Ok(Done::Well)
    }
}
