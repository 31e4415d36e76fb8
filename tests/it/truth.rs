//! What the generator says is true of an export.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One media entry of the archives.
#[derive(Debug, Deserialize)]
pub struct Row {
    pub path: String,
    pub sha256: String,
    pub size: u64,
    pub class: String,
    pub role: String,
    pub sidecar: Option<String>,
    pub sidecar_elsewhere: Option<String>,
    pub title: Option<String>,
    pub taken: Option<i64>,
    /// The second that the title tells, where the sidecar has none.
    pub named: Option<i64>,
    /// The folder that follows from these and the place.
    pub month: Option<String>,
    pub uploaded: Option<i64>,
    pub description: Option<String>,
    pub partner: bool,
    pub geo: Option<Vec<f64>>,
    pub trashed: bool,
    pub locked: bool,
    pub unsure: BTreeSet<String>,
}

/// What holds for all copies of a content together.
#[derive(Debug, Deserialize)]
pub struct Content {
    pub shown: bool,
    pub favorite: bool,
    pub people: BTreeSet<String>,
    pub albums: BTreeSet<String>,
    pub unsure_albums: BTreeSet<String>,
    /// What a person entered that calls for a document; `None` where the known facts leave it open.
    pub document: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub struct Totals {
    pub media_entries: u64,
    pub distinct_contents: u64,
    pub shown_contents: u64,
    pub people_shown: u64,
}

/// An album folder.
#[derive(Debug, Deserialize)]
pub struct Album {
    pub certain: bool,
    pub contents: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
pub struct Arguments {
    pub form: String,
}

/// All of `truth.json` that the tests ask for.
#[derive(Debug, Deserialize)]
pub struct Truth {
    pub arguments: Arguments,
    pub totals: Totals,
    pub entries: Vec<Row>,
    pub contents: BTreeMap<String, Content>,
    pub albums: Vec<Album>,
    pub people_shown: BTreeSet<String>,
    pub junk: Vec<String>,
    pub album_titles_shown: BTreeSet<String>,
}

impl Truth {
    /// The one that the generator left in a folder.
    #[track_caller]
    pub fn read(dir: &Path) -> Truth {
        let text = std::fs::read_to_string(dir.join("truth.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// SHA-256 of every content that is shown by default.
    pub fn shown(&self) -> BTreeSet<&str> {
        let shown = self.contents.iter().filter(|(_, content)| content.shown);
        shown.map(|(sha, _)| sha.as_str()).collect()
    }

    /// Entries of each content.
    pub fn copies(&self) -> BTreeMap<&str, Vec<&Row>> {
        let mut copies: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &self.entries {
            copies.entry(&row.sha256).or_default().push(row);
        }
        copies
    }

    /// Contents that are left out: in the trash, and else in the locked folder.
    pub fn left_out(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let copies = self.copies();
        let hidden = copies
            .into_iter()
            .filter(|(sha, _)| !self.contents[*sha].shown);
        let (trash, locked): (Vec<_>, Vec<_>) =
            hidden.partition(|(_, rows)| rows.iter().all(|row| row.trashed && !row.locked));
        let shas = |some: Vec<(_, _)>| some.into_iter().map(|(sha, _)| sha).collect();
        (shas(trash), shas(locked))
    }
}
