//! One blob being inflated, and all who wait for it.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::cached::Cached;
use super::check::WHOLE;
use super::error::Error;
use super::room::Room;

/// How inflating a blob ended.
#[derive(Clone)]
pub(super) enum Outcome {
    /// It is in the cache.
    Cached(Arc<Cached>),
    /// There was no room, and it is small enough for memory.
    Memory(Arc<Vec<u8>>),
    /// There was no room: everybody reads for himself.
    Alone,
    /// It cannot be had.
    Failed(Error),
}

/// A file that is being written. The file is named before its room, see [`super::room`].
#[derive(Clone)]
pub(super) struct Growing {
    pub(super) file: Arc<File>,
    pub(super) _room: Arc<Room>,
}

/// What somebody who waited gets.
pub(super) enum Landed {
    /// His range is written, the verdict is not spoken.
    Growing(Growing),
    Done(Outcome),
}

#[derive(Default)]
struct State {
    written: u64,
    growing: Option<Growing>,
    outcome: Option<Outcome>,
}

/// Invariant: once there is an outcome it stays. The lock is held for a look or a change, never during I/O.
#[derive(Default)]
pub(super) struct Flight {
    state: Mutex<State>,
    changed: Condvar,
}

impl Flight {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the file to those who wait.
    pub(super) fn begin(&self, growing: Growing) {
        self.lock().growing = Some(growing);
    }

    pub(super) fn grew(&self, written: u64) {
        self.lock().written = written;
        self.changed.notify_all();
    }

    pub(super) fn finish(&self, outcome: Outcome) {
        let mut state = self.lock();
        state.growing = None;
        state.outcome.get_or_insert(outcome);
        drop(state);
        self.changed.notify_all();
    }

    /// How far it is; `None` once it has landed.
    pub(super) fn written(&self) -> Option<u64> {
        let state = self.lock();
        state.outcome.is_none().then_some(state.written)
    }

    /// Waits until the bytes before `end` of a blob of `size` may be served: a small blob, and the last byte of any,
    /// only after the verdict.
    pub(super) fn wait(&self, size: u64, end: u64) -> Landed {
        let mut state = self.lock();
        loop {
            if let Some(outcome) = &state.outcome {
                return Landed::Done(outcome.clone());
            }
            if let Some(growing) = &state.growing
                && size > WHOLE
                && end < size
                && end <= state.written
            {
                return Landed::Growing(growing.clone());
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A number of things that may go on at once.
pub(super) struct Permits {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Permits {
    pub(super) fn new(count: usize) -> Arc<Permits> {
        Arc::new(Permits {
            free: Mutex::new(count),
            freed: Condvar::new(),
        })
    }

    /// Waits for its turn.
    pub(super) fn take(self: &Arc<Permits>) -> Permit {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(Arc::clone(self))
    }
}

/// One of them, until dropped.
pub(super) struct Permit(Arc<Permits>);

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
