//! Who is inside which directory, and what he sees, while one library takes the place of another.
//!
//! The kernel keeps the listing of a directory and goes on in it by position. Two things follow when a listing becomes
//! another while somebody is in the middle of it:
//!
//! - He must see the rest of what he began with. Given the new listing, he may miss or meet twice a photo that has another
//!   inode now; and where the entry at which he stands is gone, a kernel that has kept the new listing finds no such
//!   position and tells him that he is at the end. So an open directory keeps the library with which it was opened.
//! - The kernel must not keep what he reads, for others who come later. So whoever opens the directory from the change on
//!   neither fills nor reads the kernel's copy, until the last of those from before has left and the kernel was told to
//!   drop that copy. Only then is the directory settled, and the next one fills it anew.
//!
//! What a reader from before is told of an entry is what holds now: the kernel keeps attributes for a year.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::library::Library;
use crate::tree::changes::Changes;

/// What the kernel is to be told, by a thread that may wait.
pub(super) enum Notice {
    /// Another library is shown from this turn on.
    Changed(Changes, u64),
    /// The last reader from before this turn has left a directory.
    Left(u64, u64),
}

/// An open directory.
struct Open {
    dir: u64,
    library: Arc<dyn Library>,
    /// The kernel keeps what it reads here.
    kept: bool,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Open>,
    last: u64,
    /// Counts the libraries.
    turn: u64,
    /// Directories that changed, with the turn in which they did, until they are settled.
    unsettled: HashMap<u64, u64>,
    tell: Option<Sender<Notice>>,
}

/// Lock order: `state`, then `now`. Neither is held while anything is asked of a library or told to the kernel.
pub(super) struct Listings {
    now: RwLock<Arc<dyn Library>>,
    state: Mutex<State>,
}

impl Listings {
    pub(super) fn new(library: Arc<dyn Library>) -> Listings {
        Listings {
            now: RwLock::new(library),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The library that is shown.
    pub(super) fn now(&self) -> Arc<dyn Library> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has notices sent there from now on.
    pub(super) fn tell(&self, to: Sender<Notice>) {
        self.lock().tell = Some(to);
    }

    /// Opens a directory. Gives its handle, never 0, and whether the kernel may keep what it lists.
    pub(super) fn open(&self, dir: u64) -> (u64, bool) {
        let mut state = self.lock();
        let kept = !state.unsettled.contains_key(&dir);
        state.last += 1;
        let handle = state.last;
        let library = self.now();
        let open = Open { dir, library, kept };
        state.open.insert(handle, open);
        (handle, kept)
    }

    /// The library that an open directory lists; the one that is shown for a handle that nobody has.
    pub(super) fn of(&self, handle: u64) -> Arc<dyn Library> {
        let open = self
            .lock()
            .open
            .get(&handle)
            .map(|open| Arc::clone(&open.library));
        open.unwrap_or_else(|| self.now())
    }

    /// Closes a directory.
    pub(super) fn close(&self, handle: u64) {
        let mut state = self.lock();
        let Some(open) = state.open.remove(&handle) else {
            return;
        };
        if let Some(turn) = state.unsettled.get(&open.dir)
            && open.kept
            && !state.is_kept(open.dir)
        {
            state.say(Notice::Left(open.dir, *turn));
        }
        drop(state);
        // The last one to hold a library may drop it here, under no lock.
        drop(open);
    }

    /// Shows another library from now on.
    pub(super) fn show(&self, library: &Arc<dyn Library>, changes: Changes) {
        let mut state = self.lock();
        state.turn += 1;
        let turn = state.turn;
        let changed = changes.listings.iter().map(|listing| (listing.dir, turn));
        state.unsettled.extend(changed);
        let before = {
            let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *now, Arc::clone(library))
        };
        let State {
            open, unsettled, ..
        } = &mut *state;
        // Whoever lists what did not change lists the same as before.
        for open in open
            .values_mut()
            .filter(|open| !unsettled.contains_key(&open.dir))
        {
            open.library = Arc::clone(library);
        }
        state.say(Notice::Changed(changes, turn));
        drop(state);
        drop(before);
    }

    /// Whether nobody from before this turn is left in a directory, so that the kernel's copy can be dropped for good.
    pub(super) fn is_free(&self, dir: u64, turn: u64) -> bool {
        let state = self.lock();
        state.unsettled.get(&dir) == Some(&turn) && !state.is_kept(dir)
    }

    /// The kernel has dropped its copy of a directory that is free.
    pub(super) fn settle(&self, dir: u64, turn: u64) {
        let mut state = self.lock();
        if state.unsettled.get(&dir) == Some(&turn) {
            state.unsettled.remove(&dir);
        }
    }
}

impl State {
    fn is_kept(&self, dir: u64) -> bool {
        self.open.values().any(|open| open.dir == dir && open.kept)
    }

    fn say(&self, notice: Notice) {
        if let Some(tell) = &self.tell
            && tell.send(notice).is_err()
        {
            tracing::debug!("nobody is left to tell the kernel what changed");
        }
    }
}
