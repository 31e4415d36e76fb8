//! What tells when and where photos were taken, beside the dates in their sidecars.
//!
//! - The time that a file carries (EXIF, the header of a video). It is looked for only where no sidecar of the same
//!   bytes in the same export has a date, and remembered in the catalog, also when there is none: so each file is read
//!   once, and a library in which every photo has its sidecar costs nothing here. A file that cannot be read is told, and
//!   looked at again when something has changed.
//! - The time in its title or file name, for the same files.
//! - The time zone at the position in its sidecar. The map of zones takes 34 MB and is held only while it is asked.
//!   At sea it gives the nautical zone (`Etc/GMT+2`), as the clocks of a ship would show.
//!
//! Decided per export and by nothing else, so that a catalog made anew decides the same. The map of zones is as
//! much a rule as the code is: another one may move photos near a border to the neighbouring month, where they are seen
//! for the first time.

use super::Error;
use super::peek::Shelf;
use super::project::Facts;
use crate::catalog::KnownPart;
use crate::deflate;
use crate::model::{Batch, BlobKey, Geo, Medium, Stated, Told};
use crate::source::dates::{named, written};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tzf_rs::DefaultFinder;

/// After so many files what was found is kept, so that an interrupted pass loses little.
const KEEP_AFTER: usize = 1000;
/// Room for the names of all zones, some 450 of 15 bytes.
const NAMES: usize = 16 << 10;

/// Tells all media of an export. Gives what could not be read.
///
/// # Errors
/// When the catalog fails.
pub(super) fn tell(
    facts: &mut Facts<'_>,
    parts: &HashMap<u32, &KnownPart>,
    map: &mut Map,
    batch: &mut Batch,
) -> Result<Vec<String>, Error> {
    let silent = silent(batch);
    let problems = if silent.is_empty() {
        Vec::new()
    } else {
        read(facts, parts, batch, &silent)?
    };
    map.locate(batch);
    Ok(problems)
}

/// Media whose date no sidecar tells: not their own, not one of the same bytes, and not that of their head.
fn silent(batch: &Batch) -> Vec<usize> {
    let said = |medium: &Medium| {
        let sidecar = medium.sidecar.as_ref();
        sidecar.is_some_and(|(_, facts)| facts.taken.is_some())
    };
    if batch.media.iter().all(said) {
        return Vec::new();
    }
    let dated: HashSet<BlobKey> = batch
        .media
        .iter()
        .filter(|medium| said(medium))
        .map(|medium| medium.key)
        .collect();
    let has_date = |medium: &Medium| dated.contains(&medium.key);
    let head = |medium: &Medium| batch.media.get(medium.head? as usize);
    (0..batch.media.len())
        .filter(|index| {
            let medium = &batch.media[*index];
            !has_date(medium) && !head(medium).is_some_and(has_date)
        })
        .collect()
}

type Known = HashMap<u32, Option<Stated>>;
type ByKey = HashMap<BlobKey, Option<Stated>>;

fn read(
    facts: &mut Facts<'_>,
    parts: &HashMap<u32, &KnownPart>,
    batch: &mut Batch,
    silent: &[usize],
) -> Result<Vec<String>, Error> {
    let of_parts: HashSet<u32> = silent
        .iter()
        .map(|index| batch.media[*index].location.part())
        .collect();
    let mut known = Known::new();
    for part in of_parts {
        known.extend(facts.catalog().written(part)?);
    }
    let (by_key, problems) = look_all(facts, parts, batch, silent, &known)?;
    for index in silent {
        let medium = &mut batch.media[*index];
        let told = Told {
            written: by_key.get(&medium.key).copied().flatten(),
            named: name(medium),
        };
        medium.told = (told != Told::default()).then(|| Box::new(told));
    }
    Ok(problems)
}

/// Looks into the media that were never looked into, one of those with the same bytes, in the order in which they lie,
/// for the sake of disks that turn.
fn look_all(
    facts: &mut Facts<'_>,
    parts: &HashMap<u32, &KnownPart>,
    batch: &Batch,
    silent: &[usize],
    known: &Known,
) -> Result<(ByKey, Vec<String>), Error> {
    let media = silent.iter().map(|index| &batch.media[*index]);
    let (told, mut unread): (Vec<&Medium>, Vec<&Medium>) =
        media.partition(|medium| known.contains_key(&medium.entry));
    let mut by_key: ByKey = told
        .iter()
        .map(|medium| (medium.key, known[&medium.entry]))
        .collect();
    let Some(catalog) = facts.growing() else {
        return Ok((by_key, Vec::new()));
    };
    unread.retain(|medium| !medium.absent && parts.contains_key(&medium.location.part()));
    unread.sort_by_key(|medium| medium.location.place());
    let points = catalog.dir().join(deflate::FOLDER);
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for of_part in unread.chunk_by(|a, b| a.location.part() == b.location.part()) {
        let part = parts[&of_part[0].location.part()];
        let mut shelf = Shelf::of(part, &points);
        for medium in of_part {
            let written = match by_key.get(&medium.key) {
                Some(written) => Ok(*written),
                None => look(&mut shelf, medium, &batch.paths),
            };
            match written {
                Ok(written) => {
                    by_key.insert(medium.key, written);
                    found.push((medium.entry, written));
                }
                Err(error) => problems.push(format!(
                    "{}: {}: cannot be read for its date: {error}; dated by its name or its folder",
                    part.part.path.display(),
                    medium.file.escape_debug(),
                )),
            }
            if found.len() >= KEEP_AFTER {
                catalog.set_written(&found)?;
                found.clear();
            }
        }
    }
    catalog.set_written(&found)?;
    Ok((by_key, problems))
}

fn look(
    shelf: &mut Shelf<'_>,
    medium: &Medium,
    paths: &[Vec<u8>],
) -> std::io::Result<Option<Stated>> {
    match shelf.open(medium.location, paths, medium.key) {
        Ok(file) => written::find(file),
        // A damaged entry has no date; that reading it is an error is told elsewhere.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}

/// The title is the name at upload; that of the file is cut and numbered.
fn name(medium: &Medium) -> Option<Stated> {
    let sidecar = medium.sidecar.as_ref();
    let title = sidecar.and_then(|(_, facts)| facts.title.as_deref());
    title
        .and_then(named::find)
        .or_else(|| named::find(&medium.file))
}

/// The map of time zones, read when it is first asked and gone with this.
///
/// It lives in a thread of its own: memory that such a thread got goes back to the system when it frees it; what the
/// main thread got often does not, since something else lies behind it. Hence nothing that outlives the map is
/// allocated there: questions come with room for their answers.
#[derive(Default)]
pub(super) struct Map {
    thread: Option<Asked>,
}

struct Asked {
    ask: mpsc::Sender<Question>,
    told: mpsc::Receiver<Question>,
    thread: JoinHandle<()>,
}

struct Question {
    places: Vec<Geo>,
    /// The number of the zone of each place.
    zones: Vec<u16>,
    /// A line for each zone.
    names: String,
}

impl Asked {
    fn begin() -> Asked {
        let (ask, questions) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let map = DefaultFinder::new();
            for mut question in questions {
                let Question {
                    places,
                    zones,
                    names,
                } = &mut question;
                answer(&map, places, zones, names);
                if tell.send(question).is_err() {
                    break;
                }
            }
        });
        Asked { ask, told, thread }
    }
}

impl Map {
    /// Gives each medium the zone at the position that its sidecar tells.
    fn locate(&mut self, batch: &mut Batch) {
        let position = |medium: &Medium| -> Option<Geo> {
            let (_, facts) = medium.sidecar.as_ref()?;
            facts.geo.or(facts.geo_exif)
        };
        let places: Vec<Geo> = batch.media.iter().filter_map(position).collect();
        if places.is_empty() {
            return;
        }
        let question = Question {
            zones: vec![0; places.len()],
            names: String::with_capacity(NAMES),
            places,
        };
        let answered = self.ask(question);
        let names = answered.names.split_terminator('\n').map(Arc::from);
        let names: Vec<Arc<str>> = names.collect();
        let mut zones = answered.zones.into_iter();
        for medium in &mut batch.media {
            if position(medium).is_some() {
                let number = zones.next().map_or(0, usize::from);
                medium.zone = names.get(number).filter(|name| !name.is_empty()).cloned();
            }
        }
    }

    fn ask(&mut self, question: Question) -> Question {
        let asked = self.thread.take().unwrap_or_else(Asked::begin);
        let sent = asked.ask.send(question);
        match sent.ok().and_then(|()| asked.told.recv().ok()) {
            Some(answered) => {
                self.thread = Some(asked);
                answered
            }
            // It can only have panicked, and then so does this.
            None => match asked.thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("the map of zones was asked for and has ended"),
            },
        }
    }
}

impl Drop for Map {
    /// Waits until the memory is free.
    fn drop(&mut self) {
        if let Some(Asked { ask, thread, .. }) = self.thread.take() {
            drop(ask);
            // A panic has been told by whoever asked last.
            let _ = thread.join();
        }
    }
}

/// Puts into `zones` the number of the zone of each place, and into `names` a line for each zone.
fn answer(map: &DefaultFinder, places: &[Geo], zones: &mut [u16], names: &mut String) {
    let mut numbers: HashMap<&str, u16> = HashMap::new();
    for (place, zone) in places.iter().zip(zones) {
        let name = map.get_tz_name(place.longitude, place.latitude);
        let next = numbers.len() as u16;
        *zone = *numbers.entry(name).or_insert_with(|| {
            names.push_str(name);
            names.push('\n');
            next
        });
    }
}

#[cfg(test)]
mod tests;
