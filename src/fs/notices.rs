//! Another library in the place of the one that is shown, and what the kernel is told of it.
//!
//! From a plain thread that holds no lock: the kernel answers a notice only when the requests under way in that directory
//! have been answered, so a thread that answers requests would wait for itself. The library is exchanged first: whatever
//! the kernel asks after a notice is answered from the new one.
//!
//! | what changed | notice |
//! | --- | --- |
//! | a name stands for nothing, or for something else | that entry |
//! | a directory lists something else | its inode; with its pages, which are its listing, once nobody is left in it |
//! | attributes | that inode without its pages |
//! | the bytes of a document, or where a link leads | that inode with its pages |

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Weak};

use fuser::{INodeNo, Notifier};

use super::Register;
use super::counters::bump;
use super::desk::Desk;
use super::library::{Library, Shelves};
use super::listings::Notice;
use crate::content::Content;
use crate::tree::Tree;
use crate::tree::changes::Changes;

/// What a mount shows, in the hands of who may exchange it.
#[derive(Clone)]
pub struct Shown {
    pub(super) desk: Arc<Desk>,
}

impl Shown {
    /// Shows another tree of the same library from now on, and has the kernel told. `changes` are those between the tree
    /// that is shown and this one, `content` comes [next](Content::next) to that tree's.
    pub fn show(
        &self,
        tree: Arc<Tree>,
        content: Arc<Content>,
        register: Option<Register>,
        changes: Changes,
    ) {
        let shelves = Shelves {
            tree,
            content,
            register,
        };
        let library: Arc<dyn Library> = Arc::new(shelves);
        self.show_any(&library, changes);
    }

    pub(super) fn show_any(&self, library: &Arc<dyn Library>, changes: Changes) {
        bump(&self.desk.counters.swaps);
        self.desk.listings.show(library, changes);
    }
}

/// Tells the kernel what changes, from a thread of its own, which ends with the desk.
pub(super) fn tell(desk: &Arc<Desk>, notifier: Notifier) -> io::Result<()> {
    let (send, receive) = mpsc::channel();
    desk.listings.tell(send);
    let teller = Teller {
        desk: Arc::downgrade(desk),
        notifier,
    };
    std::thread::Builder::new()
        .name("gphotosfs-tell".into())
        .spawn(move || teller.tell_until_gone(&receive))?;
    Ok(())
}

struct Teller {
    /// Not to be kept alive by its own thread.
    desk: Weak<Desk>,
    notifier: Notifier,
}

impl Teller {
    fn tell_until_gone(&self, receive: &Receiver<Notice>) {
        for notice in receive {
            let Some(desk) = self.desk.upgrade() else {
                return;
            };
            match notice {
                Notice::Changed(changes, turn) => self.changed(&desk, &changes, turn),
                Notice::Left(dir, turn) => self.settle(&desk, dir, turn),
            }
        }
    }

    fn changed(&self, desk: &Desk, changes: &Changes, turn: u64) {
        for listing in &changes.listings {
            for name in &listing.names {
                let entry = OsStr::from_bytes(name);
                let told = self.notifier.inval_entry(INodeNo(listing.dir), entry);
                log(desk, listing.dir, told);
            }
            bump(&desk.counters.dirs_told);
            self.settle(desk, listing.dir, turn);
        }
        for ino in &changes.bytes {
            self.forget(desk, *ino, 0);
        }
        for ino in &changes.attributes {
            if desk.now().is_dir(*ino) {
                bump(&desk.counters.dirs_told);
            }
            self.forget(desk, *ino, -1);
        }
    }

    /// Has the listing of a directory dropped where nobody from before is left in it. While one is, the kernel's copy is
    /// his alone, and a copy dropped before it was complete would never be made anew: Linux goes on where it ended, and
    /// finds no page to go on in.
    fn settle(&self, desk: &Desk, dir: u64, turn: u64) {
        let free = desk.listings.is_free(dir, turn);
        self.forget(desk, dir, if free { 0 } else { -1 });
        if free {
            desk.listings.settle(dir, turn);
            tracing::debug!("the kernel keeps listings of inode {dir} again");
        }
    }

    /// Attributes, and from `offset` on the pages; none where that is negative.
    fn forget(&self, desk: &Desk, ino: u64, offset: i64) {
        log(
            desk,
            ino,
            self.notifier.inval_inode(INodeNo(ino), offset, 0),
        );
    }
}

fn log(desk: &Desk, ino: u64, told: io::Result<()>) {
    bump(&desk.counters.notices);
    if let Err(error) = told {
        tracing::debug!("the kernel keeps what it knows of inode {ino}: {error}");
    }
}
