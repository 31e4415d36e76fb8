//! What has arrived in the sources: what is new is indexed, what has only moved is recognised, and what cannot be read
//! takes nothing away.

use super::index::{self, Indexed};
use super::whole::{self, Whole};
use super::{Error, Pass, loose, same};
use crate::catalog::{Catalog, KnownPart};
use crate::deflate;
use crate::model::chain;
use crate::source::takeout::folder;
use crate::source::takeout::part::{self, Form, Found};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// Looks at all sources. One that cannot be read is an error as long as nobody knows what it holds: a part of the library
/// would be shown as the whole.
pub(super) fn look(
    sources: &[PathBuf],
    known: bool,
    problems: &mut Vec<String>,
) -> Result<Vec<Found>, Error> {
    let mut found: Vec<Found> = Vec::new();
    for source in sources {
        match part::discover(source) {
            Ok(parts) => {
                for part in parts {
                    if !found.iter().any(|other| other.path == part.path) {
                        found.push(part);
                    }
                }
            }
            Err(error) if known => {
                problems.push(format!("{}; what it held is still shown", chain(&error)));
            }
            Err(error) if sources.len() == 1 => return Err(error.into()),
            Err(error) => return Err(Error::Away(source.clone(), error)),
        }
    }
    Ok(found)
}

/// What a pass is about to take in.
pub(super) struct Arrivals<'a> {
    pub(super) pass: &'a Pass<'a>,
    /// All that the sources hold now.
    pub(super) found: &'a [Found],
    /// The parts that are in the catalog, whole.
    pub(super) known: &'a [KnownPart],
    /// The exports that are not whole.
    pub(super) whole: &'a mut Whole,
    /// What else the user should know.
    pub(super) problems: &'a mut Vec<String>,
}

/// An archive to read, and what is known of the one that was there before.
type Todo<'a> = (&'a Found, Option<&'a KnownPart>);

impl<'a> Arrivals<'a> {
    /// Indexes every part that is new or has changed.
    ///
    /// # Errors
    /// When the catalog fails.
    pub(super) fn take_in(mut self, catalog: &mut Catalog) -> Result<(), Error> {
        let seek = catalog.dir().join(deflate::FOLDER);
        let mut moved = BTreeSet::new();
        let mut good: BTreeSet<&Path> = BTreeSet::new();
        let mut archives: Vec<Todo<'a>> = Vec::new();
        for part in self.found {
            let here = self.here(part);
            match part.form {
                Form::Folder => self.folder(catalog, part, here, &mut moved)?,
                Form::Loose => {}
                Form::Partial => {
                    let what = format!("{}: {}", part.path.display(), whole::DOWNLOADED);
                    self.whole.note(self.pass, part, what);
                }
                Form::Zip | Form::Tgz => {
                    if self.is_known(catalog, part, here, &seek, &mut moved)? {
                        good.insert(&part.path);
                    } else {
                        archives.push((part, here));
                    }
                }
            }
        }
        let failed = self.archives(catalog, archives, &seek, &mut good)?;
        for ((part, here), error) in failed {
            let twin = has_twin(part, self.found, &good, self.pass);
            self.failed(part, here, twin, &error);
        }
        self.loose(catalog, &seek, &mut moved)
    }

    /// The part that is known at this place.
    fn here(&self, part: &Found) -> Option<&'a KnownPart> {
        let mut known = self.known.iter();
        known.find(|known| !known.left_over && known.part.path == part.path)
    }

    /// Whether an archive or a loose file need not be read: nothing has changed, or it has only moved.
    fn is_known(
        &self,
        catalog: &mut Catalog,
        part: &Found,
        here: Option<&KnownPart>,
        seek: &Path,
        moved: &mut BTreeSet<u32>,
    ) -> Result<bool, Error> {
        if let Some(here) = here.filter(|here| is_same(here, part)) {
            if here.digest.is_none()
                && let Ok(digest) = same::of_file(part)
            {
                catalog.set_digest(here.part.id, &digest)?;
            }
            return Ok(can_be_read(here, part, seek));
        }
        // One that cannot be read will say so when it is indexed.
        let Ok(digest) = same::of_file(part) else {
            return Ok(false);
        };
        let Some(known) = same::find(part, &digest, self.found, self.known, moved) else {
            return Ok(false);
        };
        same::keep_points(seek, known, part.mtime_ns);
        let now = same::moved_to(known, part);
        catalog.move_part(&now)?;
        Ok(can_be_read(&now, part, seek))
    }

    fn folder(
        &mut self,
        catalog: &mut Catalog,
        part: &Found,
        here: Option<&KnownPart>,
        moved: &mut BTreeSet<u32>,
    ) -> Result<(), Error> {
        let (files, unread) = folder::walk(&part.path);
        let digest = same::of_folder(&files);
        let mut there = None;
        if here.is_none()
            && unread.is_empty()
            && let Some(known) = same::find(part, &digest, self.found, self.known, moved)
        {
            let now = same::moved_to(known, part);
            let left_over = |other: &&KnownPart| other.part.path == known.part.path;
            for other in self.known.iter().filter(left_over) {
                catalog.move_part(&same::moved_to(other, part))?;
            }
            there = Some(now);
        }
        let here = here.or(there.as_ref());
        let export = super::whole::export_of(self.pass, part);
        let accepted = self.pass.accepts(&export);
        let looked = index::Looked {
            files,
            unread,
            digest,
        };
        match index::folder(catalog, (part, here), looked, accepted, self.pass.progress) {
            Ok(()) => Ok(()),
            Err(index::Error::Catalog(error)) => Err(error.into()),
            Err(error) => {
                self.failed(part, here, false, &error);
                Ok(())
            }
        }
    }

    /// Reads archives, the next one while the facts of one are written. Gives those that cannot be read.
    fn archives(
        &self,
        catalog: &mut Catalog,
        archives: Vec<Todo<'a>>,
        seek: &Path,
        good: &mut BTreeSet<&'a Path>,
    ) -> Result<Vec<(Todo<'a>, index::Error)>, Error> {
        let mut failed = Vec::new();
        let progress = self.pass.progress;
        std::thread::scope(|scope| -> Result<(), Error> {
            type Read = Result<Indexed, index::Error>;
            let (send, receive) = mpsc::sync_channel::<(Todo<'a>, Read)>(1);
            scope.spawn(move || {
                for todo in archives {
                    let read = index::read(todo.0, seek, progress);
                    if send.send((todo, read)).is_err() {
                        break;
                    }
                }
            });
            for (todo, read) in receive {
                match read {
                    Ok(read) => {
                        index::keep(catalog, &read)?;
                        good.insert(&todo.0.path);
                    }
                    Err(error) => failed.push((todo, error)),
                }
            }
            Ok(())
        })?;
        Ok(failed)
    }

    /// Takes in loose files, for which the archives must have been read: their sidecars lie in those.
    fn loose(
        &mut self,
        catalog: &mut Catalog,
        seek: &Path,
        moved: &mut BTreeSet<u32>,
    ) -> Result<(), Error> {
        let mut new = Vec::new();
        for part in self.found.iter().filter(|part| part.form == Form::Loose) {
            if !self.is_known(catalog, part, self.here(part), seek, moved)? {
                new.push(part);
            }
        }
        for (part, home) in loose::homes(catalog, &new, self.pass)? {
            match index::loose(&part, home, self.pass.progress) {
                Ok(read) => index::keep(catalog, &read)?,
                Err(error) => {
                    let here = self.here(&part);
                    self.failed(&part, here, false, &error);
                }
            }
        }
        Ok(())
    }

    /// Tells of a part that cannot be read. It takes nothing away.
    fn failed(&mut self, part: &Found, here: Option<&KnownPart>, twin: bool, error: &index::Error) {
        let reason = format!("{}: {}", part.path.display(), chain(error));
        if here.is_some() {
            let what = format!("{reason}; what it held is still shown");
            self.problems.push(what);
        } else if twin {
            let what = format!("{reason}; another copy of this part is used");
            self.problems.push(what);
        } else {
            self.whole.note(self.pass, part, reason);
        }
    }
}

/// A tgz whose checkpoints were lost is read once more to make them.
fn can_be_read(known: &KnownPart, part: &Found, seek: &Path) -> bool {
    !known.part.gzipped || index::has_points(part, seek)
}

fn is_same(known: &KnownPart, part: &Found) -> bool {
    (known.part.size, known.part.mtime_ns) == (part.size, part.mtime_ns)
}

/// A damaged part does not matter where the same part is there once more, as browsers leave it: `…-001 (1).zip`.
fn has_twin(part: &Found, found: &[Found], good: &BTreeSet<&Path>, pass: &Pass<'_>) -> bool {
    found.iter().any(|other| {
        other.name.is_some()
            && other.name == part.name
            && pass.account_of_found(other) == pass.account_of_found(part)
            && good.contains(other.path.as_path())
    })
}
