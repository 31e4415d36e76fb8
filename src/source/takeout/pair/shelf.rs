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
}

impl<'a> Shelf<'a> {
    pub fn new(names: &[&'a str]) -> Self {
        let mut known: HashMap<Cow<'a, str>, usize> = HashMap::with_capacity(names.len());
        let mut shelf = Self {
            media: Vec::with_capacity(names.len()),
            place: Vec::with_capacity(names.len()),
        };
        for (index, raw) in names.iter().enumerate() {
            let name = name::nfc(raw);
            let place = *known.entry(name).or_insert_with_key(|name| {
                let counter = name::uncount(name).map(|(plain, digits)| (plain, digits.to_owned()));
                shelf.media.push(Media {
                    name: name.clone(),
                    first: index,
                    kind: name::kind(name),
                    counter,
                });
                shelf.media.len() - 1
            });
            shelf.place.push(place);
        }
        shelf
    }

    /// Maps over the shelf, wanted only where some file is left without a sidecar of its own.
    pub fn index(&self) -> Index<'_> {
        let mut index = Index {
            names: HashMap::new(),
            stems: HashMap::new(),
        };
        for (place, media) in self.media.iter().enumerate() {
            let (stem, extension) = name::split(&media.name);
            index
                .names
                .entry(fold(stem, extension))
                .or_default()
                .push(place);
            if matches!(media.kind, Kind::Image | Kind::Video) {
                index.stems.entry(stem).or_default().push(place);
            }
        }
        index
    }
}

/// Media by name and by stem.
pub struct Index<'s> {
    names: HashMap<String, Vec<usize>>,
    stems: HashMap<&'s str, Vec<usize>>,
}

impl Index<'_> {
    /// The media of this name; one whose extension has another case only where there is no other.
    pub fn named(&self, shelf: &Shelf<'_>, name: &str) -> Option<usize> {
        let (stem, extension) = name::split(name);
        let places = self.names.get(&fold(stem, extension))?;
        let exact = places
            .iter()
            .find(|place| shelf.media[**place].name == name);
        exact.or_else(|| places.first()).copied()
    }

    /// Pictures or videos of this stem, in the order of the folder.
    pub fn of_stem(&self, stem: &str) -> &[usize] {
        self.stems.get(stem).map_or(&[], Vec::as_slice)
    }
}

fn fold(stem: &str, extension: &str) -> String {
    let mut name = String::with_capacity(stem.len() + extension.len());
    name.push_str(stem);
    name.extend(
        extension
            .bytes()
            .map(|byte| char::from(byte.to_ascii_lowercase())),
    );
    name
}
