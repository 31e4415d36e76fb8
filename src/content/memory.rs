//! Remembers across mounts what passed its check.
//!
//! `checked` in the state folder is a row of records of [`RECORD`] bytes: a proof (a hash of the entry and of the exact
//! state of its archive, see [`super::origin::Place::proof`]) and a CRC-32 over it. Records are only ever appended, in
//! batches, by a thread of its own and at the end.
//!
//! Promises: a record is believed only if it is whole, so a torn tail, garbage and zeros are passed over; an archive that
//! changed in any way, ctime included, has other proofs. Losing the file, or a batch at `kill -9`, costs a second check
//! and nothing else, hence no fsync.
//!
//! Never: a wait of a reader for this file, a failure to mount because of it, a byte written by who only reads it.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of a record: eight of the proof, four of its sum. Another length makes old files garbage, which is harmless.
const RECORD: usize = 12;
/// Goes into the sum, so that zeros and other programs' data are no records.
const SALT: &[u8] = b"gphotosfs checked 1";
/// Records that are written at once; fewer write more often during a first backup.
const BATCH: usize = 4096;
/// How long a record waits for company; what is younger is lost at `kill -9`.
const PATIENCE: Duration = Duration::from_secs(5);
/// Records that any library may have, so that a small one does not compact for ever.
const SLACK: usize = 65_536;

#[derive(Default)]
struct Pending {
    proofs: Vec<u64>,
    stop: bool,
}

struct Shared {
    path: PathBuf,
    /// Held to push or take records, never during I/O.
    pending: Mutex<Pending>,
    wake: Condvar,
}

/// What passed before this mount, and what has to be written down. What passed during it stands in the table.
pub(super) struct Memory {
    before: Vec<u64>,
    /// Nobody writes where it is only read.
    writer: Option<(Arc<Shared>, JoinHandle<()>)>,
}

impl Memory {
    /// Reads `checked` in `dir`, creating the folder. `blobs` tells how many records can be of use.
    pub(super) fn open(dir: &Path, blobs: usize) -> io::Result<Memory> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join("checked");
        let before = before(&path, blobs, true);
        let shared = Arc::new(Shared {
            path,
            pending: Mutex::default(),
            wake: Condvar::new(),
        });
        let write = {
            let shared = Arc::clone(&shared);
            move || shared.write()
        };
        let writer = std::thread::Builder::new()
            .name("checked".to_owned())
            .spawn(write)?;
        Ok(Memory {
            before,
            writer: Some((shared, writer)),
        })
    }

    /// Reads the same, and never writes anything: beside whoever does.
    pub(super) fn read(dir: &Path, blobs: usize) -> Memory {
        Memory {
            before: before(&dir.join("checked"), blobs, false),
            writer: None,
        }
    }

    /// Whether this passed before.
    pub(super) fn knows(&self, proof: u64) -> bool {
        self.before.binary_search(&proof).is_ok()
    }

    /// Remembers that this passed.
    pub(super) fn add(&self, proof: u64) {
        let Some((shared, _)) = &self.writer else {
            return;
        };
        let mut pending = shared.lock();
        pending.proofs.push(proof);
        if pending.proofs.len() == 1 || pending.proofs.len() == BATCH {
            shared.wake.notify_one();
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let Some((shared, writer)) = self.writer.take() else {
            return;
        };
        shared.lock().stop = true;
        shared.wake.notify_one();
        if writer.join().is_err() {
            tracing::warn!("the thread that writes {} died", shared.path.display());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes batch after batch until told to stop, then the rest.
    fn write(&self) {
        let mut warned = false;
        loop {
            let (proofs, stop) = self.batch();
            if let Err(error) = append(&self.path, &proofs)
                && !warned
            {
                warned = true;
                tracing::warn!(
                    "failed to write {}: {error}; some files will be checked again",
                    self.path.display()
                );
            }
            if stop {
                return;
            }
        }
    }

    /// Waits for records, then for more of them for a while.
    fn batch(&self) -> (Vec<u64>, bool) {
        let idle = |pending: &mut Pending| pending.proofs.is_empty() && !pending.stop;
        let few = |pending: &mut Pending| pending.proofs.len() < BATCH && !pending.stop;
        let pending = self
            .wake
            .wait_while(self.lock(), idle)
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(pending, PATIENCE, few);
        let (mut pending, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut pending.proofs), pending.stop)
    }
}

fn record(proof: u64) -> [u8; RECORD] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(SALT);
    sum.update(&proof.to_le_bytes());
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&proof.to_le_bytes());
    record[8..].copy_from_slice(&sum.finalize().to_le_bytes());
    record
}

/// The proofs in the records that are whole, in the order of the file.
fn parse(bytes: &[u8]) -> Vec<u64> {
    let (records, _) = bytes.as_chunks::<RECORD>();
    let proof = |bytes: &[u8; RECORD]| {
        let (proof, _) = bytes.split_first_chunk::<8>()?;
        let proof = u64::from_le_bytes(*proof);
        (record(proof) == *bytes).then_some(proof)
    };
    records.iter().filter_map(proof).collect()
}

/// Opens the file and holds it against other processes until it is dropped.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)?;
        file.lock()?;
        // Another process may have put a compacted file in its place while we waited.
        match std::fs::metadata(path) {
            Ok(meta) if meta.ino() == file.metadata()?.ino() => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn append(path: &Path, proofs: &[u64]) -> io::Result<()> {
    if proofs.is_empty() {
        return Ok(());
    }
    let mut file = locked(path)?;
    let torn = (file.metadata()?.len() % RECORD as u64) as usize;
    // What was torn is filled up, so that the records behind it are in step.
    let mut bytes = vec![0; if torn == 0 { 0 } else { RECORD - torn }];
    bytes.extend(proofs.iter().flat_map(|proof| record(*proof)));
    file.write_all(&bytes)
}

/// What passed before, sorted; nothing where that cannot be read.
fn before(path: &Path, blobs: usize, writes: bool) -> Vec<u64> {
    load(path, blobs, writes).unwrap_or_else(|error| {
        let path = path.display();
        tracing::warn!("failed to read {path}: {error}; everything is checked anew");
        Vec::new()
    })
}

/// Reads the newest records, sorted. A library of `n` blobs has at most `n` that are of use; when there are four times
/// as many, most belong to archives that changed, and who `writes` puts a file with the newest `2 n` in its place. What is lost
/// with the others is checked again.
fn load(path: &Path, blobs: usize, writes: bool) -> io::Result<Vec<u64>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let limit = blobs.saturating_mul(4).saturating_add(SLACK);
    let records = (file.metadata()?.len() / RECORD as u64) as usize;
    let skip = records.saturating_sub(limit);
    file.seek(SeekFrom::Start((skip * RECORD) as u64))?;
    let mut bytes = Vec::new();
    file.take((limit.saturating_mul(RECORD)) as u64)
        .read_to_end(&mut bytes)?;
    let mut proofs = parse(&bytes);
    if skip > 0 {
        let mut seen = HashSet::new();
        proofs = proofs
            .into_iter()
            .rev()
            .filter(|proof| seen.insert(*proof))
            .take(limit / 2)
            .collect();
        proofs.reverse();
        if writes {
            compact(path, &proofs)?;
        }
    }
    proofs.sort_unstable();
    proofs.dedup();
    Ok(proofs)
}

/// Puts a file with these records in the place of the old one.
fn compact(path: &Path, proofs: &[u64]) -> io::Result<()> {
    // Only who holds the old file may write the new one; a crash leaves a new one that is written over next time.
    let held = locked(path)?;
    let fresh = path.with_extension("new");
    let bytes: Vec<u8> = proofs.iter().flat_map(|proof| record(*proof)).collect();
    std::fs::write(&fresh, bytes)?;
    std::fs::rename(&fresh, path)?;
    drop(held);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopen(dir: &Path, blobs: usize) -> Memory {
        Memory::open(dir, blobs).unwrap()
    }

    #[test]
    fn what_was_added_is_known_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let memory = reopen(dir.path(), 10);
        for proof in 1..=1000 {
            memory.add(proof * 7919);
        }
        drop(memory);
        let memory = reopen(dir.path(), 10);
        assert!((1..=1000).all(|proof| memory.knows(proof * 7919)));
        assert!(!memory.knows(5));
    }

    #[test]
    fn torn_tails_garbage_and_zeros_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checked");
        let mut bytes = record(1).to_vec();
        bytes.extend([0; RECORD]);
        bytes.extend([0xa5; RECORD]);
        bytes.extend(record(2));
        bytes.extend(&record(3)[..7]);
        std::fs::write(&path, &bytes).unwrap();
        let memory = reopen(dir.path(), 10);
        assert_eq!(memory.before, [1, 2]);
        memory.add(4);
        drop(memory);
        assert_eq!(reopen(dir.path(), 10).before, [1, 2, 4]);
    }

    #[test]
    fn a_file_of_stale_records_is_written_anew_with_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checked");
        let newest = 2 * SLACK as u64;
        let bytes: Vec<u8> = (1..=newest).flat_map(record).collect();
        std::fs::write(&path, &bytes).unwrap();
        let memory = reopen(dir.path(), 0);
        assert!(memory.knows(newest) && !memory.knows(1));
        memory.add(u64::MAX);
        drop(memory);
        assert_eq!(
            std::fs::metadata(&path).unwrap().len(),
            ((SLACK / 2 + 1) * RECORD) as u64
        );
        assert!(reopen(dir.path(), 0).knows(u64::MAX));
    }

    #[test]
    fn a_folder_in_the_place_of_the_file_stops_nobody() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("checked")).unwrap();
        let memory = reopen(dir.path(), 10);
        memory.add(1);
        assert!(!memory.knows(1));
    }
}
