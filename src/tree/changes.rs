//! What a kernel has to forget when one tree takes the place of another.
//!
//! It may remember the listing of every directory, every name, every attribute and every byte of the tree before. What
//! is still true it shall keep: told to forget a directory that did not change, it would ask for all of it once more.
//! Names that were added need no word, since names that do not exist are never remembered.

use super::{Attr, Kind, ROOT, Tree};
use std::borrow::Cow;
use std::iter::Peekable;

/// How one tree differs from the one before it, as far as both know the inodes. All lists are without repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Directories whose listing is another. Their attributes may differ as well.
    pub listings: Vec<Listing>,
    /// Inodes of which attributes alone are others: files, links, and directories that list what they did. Sorted.
    pub attributes: Vec<u64>,
    /// Files and links that have other bytes than before, whatever their attributes. Sorted.
    pub bytes: Vec<u64>,
}

/// A directory that lists something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its inode.
    pub dir: u64,
    /// Names in it that stand for nothing now, or for something else.
    pub names: Vec<Box<[u8]>>,
}

type Entry<'a> = (Attr, Cow<'a, [u8]>);

impl Changes {
    /// Compares a tree with the one before it.
    pub fn between(old: &Tree, new: &Tree) -> Changes {
        let mut changes = Changes::default();
        if old.attr(ROOT) != new.attr(ROOT) {
            changes.attributes.push(ROOT);
        }
        for dir in &old.dirs {
            if let (Some(was), Some(is)) = (old.list(dir.ino, 0), new.list(dir.ino, 0)) {
                let differs = changes.compare(old, new, was.peekable(), is.peekable());
                if let Some(names) = differs {
                    let dir = dir.ino;
                    changes.listings.push(Listing { dir, names });
                }
            }
        }
        changes.tidy();
        changes
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }

    /// Walks two listings in the order of their inodes. Gives the names that do not hold any more, where they differ.
    fn compare<'a>(
        &mut self,
        old: &Tree,
        new: &Tree,
        mut was: Peekable<impl Iterator<Item = Entry<'a>>>,
        mut is: Peekable<impl Iterator<Item = Entry<'a>>>,
    ) -> Option<Vec<Box<[u8]>>> {
        let mut names = Vec::new();
        let mut differs = false;
        loop {
            let inode = |entry: Option<&Entry<'_>>| entry.map_or(u64::MAX, |(attr, _)| attr.ino);
            let (a, b) = (inode(was.peek()), inode(is.peek()));
            if (a, b) == (u64::MAX, u64::MAX) {
                break;
            }
            let gone = if a <= b { was.next() } else { None };
            let come = if b <= a { is.next() } else { None };
            if let (Some(gone), Some(come)) = (&gone, &come) {
                self.compare_entry(old, new, &gone.0, &come.0);
                if gone.1 == come.1 {
                    continue;
                }
            }
            differs = true;
            names.extend(gone.map(|(_, name)| Box::from(&*name)));
        }
        differs.then_some(names)
    }

    fn compare_entry(&mut self, old: &Tree, new: &Tree, was: &Attr, is: &Attr) {
        let differ = match was.kind {
            Kind::Dir => false,
            Kind::File => old.sum_at(was.ino) != new.sum_at(is.ino),
            Kind::Link => old.target(was.ino) != new.target(is.ino),
        };
        if differ {
            self.bytes.push(was.ino);
        } else if was != is {
            self.attributes.push(was.ino);
        }
    }

    /// Each inode once: a photo in several places was met in each, a directory that lists other things is told anyway.
    fn tidy(&mut self) {
        for inodes in [&mut self.attributes, &mut self.bytes] {
            inodes.sort_unstable();
            inodes.dedup();
        }
        let mut listings: Vec<u64> = self.listings.iter().map(|listing| listing.dir).collect();
        listings.sort_unstable();
        self.attributes
            .retain(|ino| listings.binary_search(ino).is_err());
    }
}

#[cfg(test)]
mod tests;
