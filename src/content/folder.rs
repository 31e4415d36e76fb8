//! The folder of the cache as it lies on disk: who owns it, what is in it, and which rank a file has.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::SystemTime;

use super::cache::NoRoom;
use super::cached::Name;
use super::shelf::Rank;

/// Permissions that tell a file's rank.
const KEPT: u32 = 0o400;
pub(super) const TRIAL: u32 = 0o600;

/// Creates a folder that is nobody else's business.
pub(super) fn create_dirs(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Locks the folder. The lock goes when the file is closed, at the latest with the process.
pub(super) fn claim(dir: &Path) -> Result<File, NoRoom> {
    for sub in ["tmp", "blobs"] {
        create_dirs(&dir.join(sub)).map_err(NoRoom::Broken)?;
    }
    let open = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(TRIAL)
        .open(dir.join("lock"));
    let file = open.map_err(NoRoom::Broken)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(NoRoom::Shared),
        Err(std::fs::TryLockError::Error(error)) => Err(NoRoom::Broken(error)),
    }
}

/// What lies there, oldest first. Removes what was being written, and files of a wrong length.
pub(super) fn scan(dir: &Path) -> io::Result<Vec<(Name, Rank, SystemTime)>> {
    for entry in std::fs::read_dir(dir.join("tmp"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    let mut found = Vec::new();
    for shard in std::fs::read_dir(dir.join("blobs"))? {
        let shard = shard?;
        if !shard.file_type()?.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(shard.path())? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(Name::parse) else {
                continue;
            };
            let meta = entry.metadata()?;
            if meta.is_file()
                && meta.len() == name.file_bytes()
                && entry.path().ends_with(name.path())
            {
                let rank = if meta.mode() & 0o777 == KEPT {
                    Rank::Kept
                } else {
                    Rank::Trial
                };
                found.push((name, rank, meta.modified()?));
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    found.sort_by_key(|(.., modified)| *modified);
    Ok(found)
}

/// Bytes and files of the blobs that lie there, without touching any: for who only looks.
pub(super) fn weigh(dir: &Path) -> io::Result<(u64, u64)> {
    let (mut bytes, mut files) = (0, 0);
    let shards = match std::fs::read_dir(dir.join("blobs")) {
        Ok(shards) => shards,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
        Err(error) => return Err(error),
    };
    for shard in shards {
        for entry in std::fs::read_dir(shard?.path())? {
            // A mount may evict it meanwhile.
            if let Ok(meta) = entry?.metadata() {
                bytes += meta.len();
                files += 1;
            }
        }
    }
    Ok((bytes, files))
}

/// Writes a file's rank where a restart finds it.
pub(super) fn mark(path: &Path, rank: Rank) -> io::Result<()> {
    let mode = if rank == Rank::Kept { KEPT } else { TRIAL };
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    if rank == Rank::Kept {
        File::open(path)?.set_modified(SystemTime::now())?;
    }
    Ok(())
}
