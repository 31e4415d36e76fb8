//! The media files of one folder: equal names once, with the readings of their names that pairing asks for.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::name::{self, Kind};

/// All media files of one name.
pub struct Media<'a> {
    /// The name, composed.
    pub name: Cow<'a, str>,
    /// The first file of this name in the caller's list.
    pub first: usize,
    /// What its extension says.
    pub kind: Kind,
    counter: Option<(String, String)>,
}

impl Media<'_> {
    /// The name without its counter, and the counter or nothing.
    pub fn plain(&self) -> (&str, &str) {
        match &self.counter {
            Some((plain, digits)) => (plain, digits),
            None => (&self.name, ""),
        }
    }

    /// Whether the name has what may be a counter.
    pub fn counted(&self) -> bool {
        self.counter.is_some()
    }

    /// The readings of the name: its counter moved, then the counter as a part of the title.
    pub fn readings(&self) -> impl Iterator<Item = (&str, &str)> {
        std::iter::once(self.plain()).chain(self.counted().then_some((self.name.as_ref(), "")))
    }
}

/// The media of a folder.
pub struct Shelf<'a> {
    /// One for each different name.
    pub media: Vec<Media<'a>>,
    /// For each file of the caller, its place in `media`.
    pub place: Vec<usize>,
    names: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Shelf<'a> {
    pub fn new(names: &[&'a str]) -> Self {
        let mut media = Vec::with_capacity(names.len());
        let mut known: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(names.len());
        let mut place = Vec::with_capacity(names.len());
        for (index, raw) in names.iter().enumerate() {
            place.push(*known.entry(name::nfc(raw)).or_insert_with_key(|name| {
                let counter = name::uncount(name).map(|(plain, digits)| (plain, digits.to_owned()));
                media.push(Media {
                    name: name.clone(),
                    first: index,
                    kind: name::kind(name),
                    counter,
                });
                media.len() - 1
            }));
        }
        Self {
            media,
            place,
            names: known,
        }
    }

    /// Pictures and videos by stem, wanted only where some file is left without a sidecar of its own.
    pub fn stems(&self) -> Stems<'_> {
        let mut stems: HashMap<&str, Vec<usize>> = HashMap::with_capacity(self.media.len());
        for (place, media) in self.media.iter().enumerate() {
            if matches!(media.kind, Kind::Image | Kind::Video) {
                stems
                    .entry(name::split(&media.name).0)
                    .or_default()
                    .push(place);
            }
        }
        Stems { shelf: self, stems }
    }
}

/// Media by name and by stem.
pub struct Stems<'s> {
    shelf: &'s Shelf<'s>,
    stems: HashMap<&'s str, Vec<usize>>,
}

impl Stems<'_> {
    /// The media of this name; one whose extension has another case only where there is no other.
    pub fn named(&self, name: &str) -> Option<usize> {
        let (stem, extension) = name::split(name);
        let folded = |place: &&usize| {
            name::split(&self.shelf.media[**place].name)
                .1
                .eq_ignore_ascii_case(extension)
        };
        self.shelf
            .names
            .get(name)
            .or_else(|| self.of_stem(stem).iter().find(folded))
            .copied()
    }

    /// Pictures and videos of this stem, in the order of the folder.
    pub fn of_stem(&self, stem: &str) -> &[usize] {
        self.stems.get(stem).map_or(&[], Vec::as_slice)
    }
}
