//! The promises of the scheme for exports that come whole and in the order of their stamps.

use super::bytes::Content;
use super::promises::{Counts, Kept, keep};
use super::tree::{Entry, Tree, fold, folder};
use super::truth::{Owner, Truth};
use super::world::Climate;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Two trees, and a whole new export that is newer than all others between them.
#[derive(Debug)]
pub struct Step<'a> {
    /// What is there now.
    pub truth: &'a Truth<'a>,
    /// Before.
    pub old: &'a Tree,
    /// After.
    pub new: &'a Tree,
    /// How hard the world is.
    pub climate: Climate,
}

impl Step<'_> {
    /// The promises for exports that come whole and in the order of their stamps.
    pub fn in_order(
        &self,
        ever: &mut BTreeMap<String, BTreeSet<Content>>,
        counts: &mut Counts,
    ) -> Kept {
        self.photos_stay(counts)?;
        self.names_stay(ever)?;
        self.albums_grow()
    }

    fn photos_stay(&self, counts: &mut Counts) -> Kept {
        let homes = |tree: &Tree| -> HashMap<Content, (String, Entry)> {
            let homes = tree.homes();
            homes
                .map(|(path, entry, content)| (content, (path.to_owned(), entry.clone())))
                .collect()
        };
        let now = homes(self.new);
        for (path, was, content) in self.old.homes() {
            let Some(owner) = self.truth.only_owner(content) else {
                continue;
            };
            if !self.says_the_same(owner) || self.truth.is_residue(owner.0) {
                continue;
            }
            counts.survivors += 1;
            match now.get(&content) {
                Some((to, is)) => {
                    let same = to == path
                        && (is.ino, is.size, is.mtime, is.ctime)
                            == (was.ino, was.size, was.mtime, was.ctime);
                    keep("unchanged photos stay as they are", same, || {
                        format!("{owner:?} {path} {was:?}\n  is {to} {is:?}")
                    })?;
                    self.edits_are_told(owner, content, path)?;
                }
                None => {
                    counts.edits += 1;
                    let next = self.new.files.get(path);
                    let there = next.and_then(|entry| entry.content);
                    let stays = there.is_some_and(|next| self.truth.owners(next).contains(&owner))
                        && next.is_some_and(|next| next.ctime.0 == was.ctime.0);
                    keep("an edit stays in its place", stays, || {
                        format!("{owner:?} {path} {was:?}\n  is {next:?}")
                    })?;
                }
            }
        }
        Ok(())
    }

    /// The newest export says the same title and date as the last before that spoke of an upload, or does not speak of it.
    fn says_the_same(&self, owner: Owner) -> bool {
        let mut sightings = self.truth.sightings(owner.0);
        let last = self.truth.exports.len() - 1;
        let Some((at, now)) = sightings.next_back() else {
            return false;
        };
        if at != last {
            return true;
        }
        let before = sightings.next_back();
        before.is_some_and(|(_, before)| {
            (&before.facts.title, before.facts.taken) == (&now.facts.title, now.facts.taken)
        })
    }

    /// In a calm world every new version is told, and stands in the place of the older.
    fn edits_are_told(&self, owner: Owner, shown: Content, path: &str) -> Kept {
        let last = &self.truth.exports[self.truth.exports.len() - 1];
        let Some(held) = last.of(owner.0).filter(|held| held.is_live()) else {
            return Ok(());
        };
        let Some(next) = held.facts.contents[owner.1 as usize] else {
            return Ok(());
        };
        let wanted = self.truth.wanted(owner);
        let versions = self.truth.contents(owner);
        let before = self
            .old
            .homes()
            .filter(|(_, _, other)| versions.contains(other));
        let sure = self.climate == Climate::Calm && wanted.len() == 1 && before.count() == 1;
        if !sure || self.truth.owners(next).len() > 1 {
            return Ok(());
        }
        let beside = self.new.homes().any(|(_, _, other)| other == next) && next != shown;
        keep(
            "a certain edit replaces what was edited",
            wanted[0] == shown && !beside,
            || format!("{owner:?} {path}: {shown} is there, {next} came, {wanted:?} should be"),
        )
    }

    /// Names never pass to another photo, also when their first photo has left them. `ever` remembers who bore a name.
    fn names_stay(&self, ever: &mut BTreeMap<String, BTreeSet<Content>>) -> Kept {
        for (path, _, content) in self.old.media().chain(self.new.media()) {
            let known = ever.entry(fold(path)).or_default();
            let akin = |other: &Content| self.truth.may_follow(*other, content);
            let same = known.is_empty() || known.iter().any(akin);
            keep("a name never passes to another photo", same, || {
                format!("{path}: {:?} after {known:?}", self.truth.owners(content))
            })?;
            known.insert(content);
        }
        Ok(())
    }

    fn albums_grow(&self) -> Kept {
        let of = |tree: &Tree| {
            let mut albums: BTreeMap<String, BTreeSet<Content>> = BTreeMap::new();
            for (path, _, content) in tree
                .media()
                .filter(|(path, ..)| path.starts_with("albums/"))
            {
                albums
                    .entry(folder(path).to_owned())
                    .or_default()
                    .insert(content);
            }
            albums
        };
        let now = of(self.new);
        for (dir, members) in of(self.old) {
            for member in members {
                let there = now.get(&dir).is_some_and(|now| {
                    now.iter()
                        .any(|other| self.truth.may_follow(*other, member))
                });
                keep("albums never shrink", there, || {
                    format!("{dir} lacks {:?}", self.truth.owners(member))
                })?;
            }
        }
        Ok(())
    }
}
