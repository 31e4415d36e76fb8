//! Blobs that failed for their own sake.
//!
//! Promise: a blob whose bytes were found wrong fails at once for [`REMEMBERED`], whatever is asked of it, and is tried
//! anew after that. So a tool that tries thirty times makes us read a damaged video once.
//!
//! Missing and unreadable files are not kept here: to look again costs one stat, and they may be back any moment.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::Error;

/// How long a failure stands. The contract says a minute; less makes a backup with retries read a damaged blob again.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Where the time comes from.
pub(super) type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

pub(super) struct Failures {
    /// Whether there ever was one, so that a healthy library never takes the lock.
    any: AtomicBool,
    known: Mutex<HashMap<u64, (Instant, Error)>>,
    clock: Clock,
}

impl Failures {
    pub(super) fn new(clock: Clock) -> Failures {
        Failures {
            any: AtomicBool::new(false),
            known: Mutex::default(),
            clock,
        }
    }

    /// Why this blob failed lately.
    pub(super) fn get(&self, ino: u64) -> Option<Error> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, error) = known.get(&ino)?;
        let age = (self.clock)().saturating_duration_since(*since);
        (age < REMEMBERED).then(|| error.clone())
    }

    /// Forgets all of them: bytes may lie elsewhere from now on.
    pub(super) fn forget(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clear();
        self.any.store(false, Ordering::Release);
    }

    /// Remembers a failure if it is the blob's own.
    pub(super) fn note(&self, ino: u64, error: &Error) {
        if !matches!(error, Error::Garbled { .. }) {
            return;
        }
        let now = (self.clock)();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| now.saturating_duration_since(*since) < REMEMBERED);
        known.insert(ino, (now, error.clone()));
        self.any.store(true, Ordering::Release);
    }
}
