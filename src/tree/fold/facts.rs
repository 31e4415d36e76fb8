//! What is said of a photo: its title and date, and the people in it.
//!
//! Equal bytes may have been uploaded twice, under two titles or dates. One of the two speaks, and goes on speaking
//! whichever of them an increment carries: a pair of title and date takes over only if it was never seen *beside* the
//! one in use, for then it is a re-date or re-title of it. What the silent ones say of people counts all the same.

use super::candidate::Candidate;
use super::{Fold, Photo, PhotoId};
use crate::model::{Medium, Role, Sidecar};
use crate::tree::image::Hidden;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What one upload says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Voice {
    title: Option<String>,
    taken: Option<i64>,
    people: BTreeSet<String>,
    favorite: bool,
}

impl Voice {
    fn is(&self, facts: &Sidecar) -> bool {
        (self.title.as_deref(), self.taken) == (facts.title.as_deref(), facts.taken)
    }

    fn of(facts: &Sidecar) -> Voice {
        Voice {
            title: facts.title.clone(),
            taken: facts.taken,
            ..Voice::default()
        }
    }

    /// Takes over what the sidecars of one export say that agree with it.
    fn renew(&mut self, sidecars: &[&Sidecar]) {
        let agree: Vec<_> = sidecars.iter().filter(|facts| self.is(facts)).collect();
        self.favorite = agree.iter().any(|facts| facts.favorite);
        let people = agree.iter().flat_map(|facts| &facts.people);
        self.people = people.cloned().collect();
    }
}

/// All that sidecars have said of a photo.
#[derive(Debug, Default)]
pub(super) struct Said {
    in_use: Option<Box<Voice>>,
    /// Those that were seen beside the one in use.
    beside: Vec<Voice>,
    /// Hash of the photo's page at Google; 0 where none is known.
    page: u64,
}

impl Said {
    pub(super) fn title(&self) -> Option<&str> {
        self.in_use.as_ref()?.title.as_deref()
    }

    pub(super) fn people(&self) -> impl Iterator<Item = &String> {
        let voices = self.in_use.iter().map(|voice| &**voice);
        voices.chain(&self.beside).flat_map(|voice| &voice.people)
    }

    pub(super) fn favorite(&self) -> bool {
        let mut voices = self.in_use.iter().map(|voice| &**voice).chain(&self.beside);
        voices.any(|voice| voice.favorite)
    }

    /// Whether a sidecar was ever seen.
    pub(super) fn anything(&self) -> bool {
        self.in_use.is_some()
    }

    /// Whether a sidecar says the same as the one in use, as far as an edit leaves it.
    pub(super) fn agrees(&self, facts: &Sidecar) -> bool {
        self.in_use.as_ref().is_some_and(|voice| {
            let same_page = self.page != 0 && self.page == page(facts);
            voice.title == facts.title && (voice.taken == facts.taken || same_page)
        })
    }

    /// Hears the sidecars of one export, the first uploaded first. Gives the one that speaks; `None` where all belong to
    /// silent ones.
    fn hear(&mut self, sidecars: &[&Sidecar]) -> Option<usize> {
        let at = |voice: &Voice| sidecars.iter().position(|facts| voice.is(facts));
        let known = self.in_use.as_deref().and_then(at);
        let speaks = known.or_else(|| {
            let unheard = |facts: &&Sidecar| !self.beside.iter().any(|voice| voice.is(facts));
            sidecars.iter().position(unheard)
        });
        if let (None, Some(speaks)) = (known, speaks) {
            self.in_use = Some(Box::new(Voice::of(sidecars[speaks])));
        }
        for facts in sidecars {
            let of_voice = |voice: &Voice| voice.is(facts);
            let is_in_use = self.in_use.as_deref().is_some_and(of_voice);
            if !is_in_use && !self.beside.iter().any(of_voice) {
                self.beside.push(Voice::of(facts));
            }
        }
        for voice in self.beside.iter_mut().chain(self.in_use.as_deref_mut()) {
            if sidecars.iter().any(|facts| voice.is(facts)) {
                voice.renew(sidecars);
            }
        }
        if let Some(speaks) = speaks {
            self.page = page(sidecars[speaks]);
        }
        speaks
    }
}

fn page(facts: &Sidecar) -> u64 {
    facts.url.as_ref().map_or(0, |url| hash(url).max(1))
}

/// For look-ups alone, never for anything that is seen.
fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What uploads have in common that an edit leaves as it is.
pub(super) fn bearing(role: Role, title: &str, uploaded: i64) -> u64 {
    hash((role, title, uploaded))
}

/// The sidecars of a candidate, the one uploaded first before the others.
fn sidecars<'a>(told: &[&'a Medium]) -> Vec<&'a Sidecar> {
    let facts = told.iter().filter_map(|medium| medium.sidecar.as_ref());
    facts.map(|(_, facts)| &**facts).collect()
}

impl Fold<'_> {
    /// Takes over what an export says of a photo, by the copies of one of its contents.
    pub(super) fn describe(&mut self, photo: PhotoId, candidate: &Candidate<'_>) {
        let told = candidate.told();
        let facts = sidecars(&told);
        let own = &mut self.photos[photo];
        let in_use = own.said.hear(&facts).map(|at| told[at]);
        if let Some((number, leading)) = in_use.and_then(|medium| medium.sidecar.as_ref()) {
            own.sidecar = Some(*number);
            own.uploaded = own.uploaded.or(leading.uploaded);
        }
        // What speaks for somebody else's upload says nothing of this one's date.
        if in_use.is_some() || told.is_empty() {
            own.redate(candidate, in_use, &self.rules.zone);
        }
        own.uploads.join(&candidate.uploads());
        let role = own.role;
        for facts in facts {
            if let (Some(title), Some(uploaded)) = (&facts.title, facts.uploaded) {
                self.bearers.insert((bearing(role, title, uploaded), photo));
            }
        }
    }
}

impl Photo {
    fn redate(
        &mut self,
        candidate: &Candidate<'_>,
        in_use: Option<&Medium>,
        zone: &jiff::tz::TimeZone,
    ) {
        let (date, source) = candidate.date(in_use, zone);
        if source < self.source || date.is_none() {
            return;
        }
        if date != self.date {
            self.zone = in_use.and_then(|medium| medium.zone.clone());
        }
        self.date = date;
        self.source = source;
    }

    /// A photo once shown is never hidden by a later export.
    pub(super) fn unhide(&mut self, candidate: &Candidate<'_>) {
        if self.hidden != Hidden::No {
            self.hidden = candidate.hidden();
        }
    }
}

/// Those of a step's new contents that may be the next version of a photo: it and they by number.
pub(super) type Claims = HashMap<PhotoId, Vec<usize>>;
