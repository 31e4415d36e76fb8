//! The same part somewhere else: recognised by its content when it was moved, renamed, or copied without its time.
//!
//! Nothing is read anew for it, and nothing in the tree changes. What is compared is small: of a zip its central directory,
//! which has the checksum of every entry; of a tgz and of a loose file length and ends; of an unpacked folder the
//! paths and sizes of its files. So a copy that is damaged in the middle is taken for the part too, and found out where
//! it is read, as any damage is. Files of a folder whose time is another are read once more.

use super::index::is_gzipped;
use super::whole::name_of;
use crate::catalog::KnownPart;
use crate::deflate;
use crate::source::takeout::archive::Archive;
use crate::source::takeout::folder;
use crate::source::takeout::part::{Form, Found};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What tells the content of a part apart.
pub type Digest = [u8; 32];

/// How much of each end of a tgz or a loose file is taken.
const END: u64 = 64 << 10;

/// The digest of an archive or a loose file.
///
/// # Errors
/// When it cannot be read, or is no archive.
pub(super) fn of_file(found: &Found) -> Result<Digest, super::index::Error> {
    let failed = |source| super::index::Error::File {
        path: found.path.clone(),
        source,
    };
    let mut sha = Sha256::new();
    sha.update(found.size.to_le_bytes());
    let file = File::open(&found.path).map_err(failed)?;
    if found.form == Form::Loose || is_gzipped(found)? {
        let end = found.size.saturating_sub(END);
        for at in [0, end] {
            let bytes = range(&file, at, END.min(found.size)).map_err(failed)?;
            sha.update(bytes);
        }
    } else {
        let directory = Archive::open(&found.path)?.directory()?;
        let len = found.size.saturating_sub(directory);
        // Piece by piece: a directory of a million entries has a hundred megabytes.
        let mut at = directory;
        while at < directory + len {
            let bytes = range(&file, at, END.min(directory + len - at)).map_err(failed)?;
            at += bytes.len() as u64;
            sha.update(bytes);
        }
    }
    Ok(sha.finalize().into())
}

fn range(file: &File, at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

/// The digest of an unpacked folder.
pub(super) fn of_folder(files: &[folder::File]) -> Digest {
    let mut sha = Sha256::new();
    for file in files {
        for text in [&file.dir, &file.name] {
            sha.update((text.len() as u64).to_le_bytes());
            sha.update(text);
        }
        sha.update(file.size.to_le_bytes());
    }
    sha.finalize().into()
}

/// The known part that has this digest, if its own place is empty now or this is its place. A part is found elsewhere
/// once; further copies are parts of their own.
pub(super) fn find<'a>(
    part: &Found,
    digest: &Digest,
    found: &[Found],
    known: &'a [KnownPart],
    moved: &mut BTreeSet<u32>,
) -> Option<&'a KnownPart> {
    let fits = |known: &&KnownPart| {
        !known.left_over
            && known.digest.as_ref() == Some(digest)
            && (part.name.is_none() || known.stamp.is_none() || part.name == name_of(known))
            && (known.part.path == part.path
                || !found.iter().any(|found| found.path == known.part.path))
    };
    known
        .iter()
        .filter(fits)
        .find(|known| moved.insert(known.part.id))
}

/// A known part as it is now. A name that tells nothing takes away nothing.
pub(super) fn moved_to(known: &KnownPart, part: &Found) -> KnownPart {
    let mut now = known.clone();
    now.part.path.clone_from(&part.path);
    now.part.mtime_ns = part.mtime_ns;
    if let Some(name) = &part.name {
        now.stamp = Some(name.stamp.clone());
        now.series = name.series;
        now.number = Some(name.number);
    }
    now
}

/// Gives the checkpoints of an archive the name that they have with its new time. Those that cannot be renamed are made
/// again.
pub(super) fn keep_points(seek: &Path, known: &KnownPart, mtime_ns: i64) {
    let part = &known.part;
    if part.mtime_ns == mtime_ns {
        return;
    }
    let (old, new) = (
        deflate::file_name(part.size, part.mtime_ns, None),
        deflate::file_name(part.size, mtime_ns, None),
    );
    let Ok(files) = std::fs::read_dir(seek) else {
        return;
    };
    for file in files.filter_map(Result::ok) {
        let name = file.file_name();
        let ours = name
            .to_str()
            .filter(|name| deflate::owner(name) == Some(&old));
        let rest = ours.and_then(|name| name.strip_prefix(old.as_str()));
        if let Some(rest) = rest
            && let Err(error) = std::fs::rename(file.path(), seek.join(format!("{new}{rest}")))
        {
            tracing::warn!("failed to rename {}: {error}", file.path().display());
        }
    }
}
