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
    known: Mutex<HashMap<u32, (Instant, Error)>>,
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
    pub(super) fn get(&self, index: u32) -> Option<Error> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, error) = known.get(&index)?;
        let age = (self.clock)().saturating_duration_since(*since);
        (age < REMEMBERED).then(|| error.clone())
    }

    /// Remembers a failure if it is the blob's own.
    pub(super) fn note(&self, index: u32, error: &Error) {
        if !matches!(error, Error::Garbled { .. }) {
            return;
        }
        let now = (self.clock)();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| now.saturating_duration_since(*since) < REMEMBERED);
        known.insert(index, (now, error.clone()));
        self.any.store(true, Ordering::Release);
    }
}
