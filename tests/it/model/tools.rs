//! Three backup tools as far as they decide what to read again: a file that looks unchanged to them is not read, and what
//! they hold of it is what they read last.

use super::tree::{Entry, Tree};
use std::collections::BTreeMap;

type Bytes = (Option<usize>, Option<u32>);
/// Inode, length and times, or those of them that a tool looks at.
type Seen = (u64, u64, i64, (i64, u32));
type Look = fn(&Entry) -> Seen;

fn bytes(entry: &Entry) -> Bytes {
    (entry.content, entry.document)
}

/// One tool and its copy: for each path what it looked like, and the bytes that were read.
#[derive(Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    look: Look,
    copy: BTreeMap<String, (Seen, Bytes)>,
}

/// All three, with empty copies.
pub fn all() -> [Tool; 3] {
    let tool = |name, look: Look| Tool {
        name,
        look,
        copy: BTreeMap::new(),
    };
    [
        tool("rsync", |e| (0, e.size, e.mtime, (0, 0))),
        tool("borg", |e| (e.ino, e.size, 0, e.ctime)),
        tool("restic", |e| (e.ino, e.size, e.mtime, e.ctime)),
    ]
}

impl Tool {
    /// Forgets what it knows of a path: as a copy by checksum would, which is what users are told to make of paths that
    /// `sync` names.
    pub fn repair(&mut self, path: &str) {
        self.copy.remove(path);
    }

    /// Backs up a tree, deleting what is not there any more. Gives the paths of which it then holds other bytes.
    pub fn run(&mut self, tree: &Tree) -> Vec<String> {
        self.copy.retain(|path, _| tree.files.contains_key(path));
        let mut stale = Vec::new();
        for (path, entry) in &tree.files {
            let look = (self.look)(entry);
            let known = self.copy.get(path).filter(|(known, _)| *known == look);
            match known {
                Some((_, held)) if *held != bytes(entry) => stale.push(path.clone()),
                Some(_) => {}
                None => drop(self.copy.insert(path.clone(), (look, bytes(entry)))),
            }
        }
        stale
    }
}
