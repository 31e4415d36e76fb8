//! The threads that wait, so that the kernel's request threads need not.
//!
//! A job that may block (a read that has to inflate or to wait for a disk) is handed over together with its reply.
//! Two stalled reads on the request threads would freeze every `ls` of the mount.
//!
//! The queue has no bound of its own and needs none: the kernel keeps no more requests outstanding than one per
//! blocked process and its own limit for readahead. A job that panics takes neither its thread nor its neighbours
//! along; the reply it held answers EIO when it is dropped.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

type Job = Box<dyn FnOnce() + Send>;

/// Threads with a queue. Dropping it lets them end once the queue is empty; it does not wait for them.
pub(super) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// A job came, or the pool closed.
    work: Condvar,
    /// The last job ended.
    idle: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    running: usize,
    closed: bool,
}

impl Pool {
    /// Starts `threads` threads.
    pub(super) fn start(threads: usize) -> io::Result<Pool> {
        let pool = Pool {
            shared: Arc::default(),
        };
        for _ in 0..threads {
            let shared = pool.shared.clone();
            std::thread::Builder::new()
                .name("gphotosfs-read".into())
                .spawn(move || shared.work_until_closed())?;
        }
        Ok(pool)
    }

    /// Queues a job. After [`close`](Pool::close) the job is dropped, and with it whatever reply it holds.
    pub(super) fn submit(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        if !state.closed {
            state.queue.push_back(Box::new(job));
            self.shared.work.notify_one();
        }
    }

    /// Waits until nothing is queued or running; `false` if that takes longer than `patience`.
    pub(super) fn drain(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while !state.queue.is_empty() || state.running > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (state, _) = self
                .shared
                .idle
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Takes no more jobs; those that are queued are still done.
    pub(super) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// No job runs under this lock, so a panic cannot leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_until_closed(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.running += 1;
                drop(state);
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a read panicked; it was answered with an error");
                }
                state = self.lock();
                state.running -= 1;
                if state.running == 0 && state.queue.is_empty() {
                    self.idle.notify_all();
                }
            } else if state.closed {
                return;
            } else {
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_panic_keeps_the_thread_and_drain_waits_for_the_last_job() {
        let pool = Pool::start(1).unwrap();
        pool.submit(|| panic!("on purpose"));
        let (open, gate) = mpsc::channel::<()>();
        pool.submit(move || gate.recv().unwrap());
        assert!(!pool.drain(Duration::from_millis(20)));
        open.send(()).unwrap();
        assert!(pool.drain(Duration::from_secs(30)));
    }

    #[test]
    fn after_closing_a_job_is_dropped() {
        let pool = Pool::start(1).unwrap();
        pool.close();
        let (held, gone) = mpsc::channel::<()>();
        pool.submit(move || drop(held));
        assert_eq!(gone.recv(), Err(mpsc::RecvError));
    }
}
