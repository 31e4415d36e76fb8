//! What a server does about its sources while it serves: it watches them, makes a pass when they have changed or when
//! somebody asks, and shows what came of it.
//!
//! The server holds the lock of its library, so it is the one writer. One thread does all of this. A pass for which
//! nobody waits has a lower priority than what answers the kernel. What it shows next is made beside what is shown, and then put in its place. A pass that
//! fails changes nothing that is shown; why it failed is told by `status` and in the log.
//!
//! While a pass writes, the texts of documents are read from the catalog as it was before; from the moment at which the
//! new tree is shown, as it is.

use super::pass::{self, Basis, Report};
use super::serve::{self, Stand};
use super::text_of;
use crate::catalog::Catalog;
use crate::fs::control::{Passer, Passes};
use crate::fs::{Shown, daemon};
use crate::store::watch::{Watch, Woke};
use crate::sync::{Progress, memory};
use crate::tree::changes::Changes;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks that have to be the same before a pass is made: longer than a download pauses between two writes.
/// A pass over what is still growing does no harm; it only is for nothing.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// How long the end of a mount waits for the thread; one with nothing to do takes milliseconds.
const LEAVE: Duration = Duration::from_secs(1);

/// What a pass in the server ended with, as it goes over the control socket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ended {
    /// What `sync` tells.
    Done(Report),
    /// The error that `sync` ends with.
    Failed(String),
}

/// Whoever waits for a pass.
struct Asking {
    accept: Vec<String>,
    tell: Sender<Ended>,
}

/// What others know of the thread.
#[derive(Default)]
struct Told(Mutex<Passes>);

impl Told {
    fn passes(&self) -> MutexGuard<'_, Passes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the thread for passes.
struct Desk {
    told: Arc<Told>,
    ask: Mutex<(Sender<Asking>, PipeWriter)>,
}

impl Passer for Desk {
    fn passes(&self) -> Passes {
        self.told.passes().clone()
    }

    fn pass(&self, accept: &[String]) -> String {
        let (tell, told) = mpsc::channel();
        let accept = accept.to_vec();
        let asked = {
            let mut ask = self.ask.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = ask.0.send(Asking { accept, tell }).is_ok();
            sent && ask.1.write_all(&[0]).is_ok()
        };
        let ended = asked.then(|| told.recv().ok()).flatten();
        let ended = ended.unwrap_or_else(|| Ended::Failed("the mount ends".to_owned()));
        serde_json::to_string(&ended).unwrap_or_default()
    }
}

/// The thread, as the server holds it.
pub(super) struct Live {
    /// Dropping it ends the thread, once it has nothing to do.
    wake: PipeWriter,
    /// Without its other end once the thread has ended.
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// What the thread works with.
pub(super) struct Work {
    pub(super) basis: Basis,
    pub(super) shown: Shown,
    pub(super) stand: Stand,
    /// What the sources looked like before the pass that made what is shown.
    pub(super) seen: u64,
}

impl Live {
    /// Starts the thread. Gives with it who takes questions for it.
    pub(super) fn start(work: Work) -> io::Result<(Live, Arc<dyn Passer>)> {
        let told = Arc::new(Told::default());
        let (call, wake) = io::pipe()?;
        let (ask, asked) = mpsc::channel();
        let desk = Desk {
            told: Arc::clone(&told),
            ask: Mutex::new((ask, wake.try_clone()?)),
        };
        let (end, ended) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("gphotosfs-sync".into())
            .spawn(move || {
                let mut hand = Hand::new(work, call, asked, told);
                if let Err(error) = hand.work_until_told() {
                    tracing::error!("new exports are not noticed any more: {error}");
                }
                drop(hand);
                drop(end);
            })?;
        let live = Live {
            wake,
            ended,
            thread,
        };
        Ok((live, Arc::new(desk)))
    }

    /// Ends the thread; `false` when it is in the middle of a pass, which goes on until the process ends. Whoever took
    /// questions must be gone.
    pub(super) fn end(self) -> bool {
        drop(self.wake);
        if self.ended.recv_timeout(LEAVE) == Err(RecvTimeoutError::Timeout) {
            return false;
        }
        if self.thread.join().is_err() {
            tracing::error!("the thread that makes passes panicked");
        }
        true
    }
}

struct Hand {
    work: Work,
    call: PipeReader,
    asked: Receiver<Asking>,
    told: Arc<Told>,
    watch: Option<Watch>,
    poll: Option<Duration>,
}

impl Hand {
    fn new(work: Work, call: PipeReader, asked: Receiver<Asking>, told: Arc<Told>) -> Hand {
        let live = work.basis.live;
        Hand {
            work,
            call,
            asked,
            told,
            watch: live.watch.then(Watch::new),
            poll: (live.watch && live.poll_seconds > 0)
                .then(|| Duration::from_secs(live.poll_seconds)),
        }
    }

    /// Until the other end of the pipe is gone.
    fn work_until_told(&mut self) -> io::Result<()> {
        // Something may have come between the pass before the mount and the first watch.
        let mut woke = self.watch.is_some().then_some(Woke::Idle);
        loop {
            let again = match woke.take() {
                None => false,
                Some(Woke::Called) => match self.called()? {
                    true => false,
                    false => return Ok(()),
                },
                Some(Woke::Changed | Woke::Idle) => !self.look()?,
            };
            // Somebody called while the sources were settling.
            woke = Some(if again { Woke::Called } else { self.wait()? });
        }
    }

    fn wait(&mut self) -> io::Result<Woke> {
        match &mut self.watch {
            Some(watch) => {
                watch.over(&self.work.basis.watched());
                watch.wait(self.call.as_fd(), self.poll)
            }
            None => loop {
                if Watch::pause(self.call.as_fd(), Duration::from_secs(3600))? {
                    return Ok(Woke::Called);
                }
            },
        }
    }

    /// Somebody wants a pass, or the end: `false`.
    fn called(&mut self) -> io::Result<bool> {
        if self.call.read(&mut [0])? == 0 {
            return Ok(false);
        }
        if let Ok(Asking { accept, tell }) = self.asked.try_recv() {
            let ended = match self.pass(&accept) {
                Ok(report) => Ended::Done(report),
                Err(error) => Ended::Failed(text_of(&error)),
            };
            // Who asked may have left.
            let _ = tell.send(ended);
        }
        Ok(true)
    }

    /// Looks at the sources until two looks are the same, and makes a pass if they differ from what was taken in; or if
    /// the last pass failed, since what was in its way may be gone. `false` when somebody calls meanwhile.
    fn look(&mut self) -> io::Result<bool> {
        let mut before = self.seen();
        if before == self.work.seen && self.told.passes().failed.is_none() {
            return Ok(true);
        }
        loop {
            if Watch::pause(self.call.as_fd(), BETWEEN_LOOKS)? {
                return Ok(false);
            }
            let now = self.seen();
            if now == before {
                break;
            }
            before = now;
        }
        // On a thread of its own, since nobody waits for it: what stands back once stands back for good. What came of it
        // is in the log and in the status.
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("gphotosfs-pass".into());
            let pass = thread.spawn_scoped(scope, || {
                daemon::stand_back();
                self.pass(&[]).is_ok()
            })?;
            if pass.join().is_err() {
                tracing::error!("a pass panicked");
            }
            Ok(true)
        })
    }

    fn seen(&self) -> u64 {
        self.work.basis.seen()
    }

    fn pass(&mut self, accept: &[String]) -> anyhow::Result<Report> {
        self.told.passes().running = true;
        // Before the pass: what changes while it looks is looked at again.
        let seen = self.seen();
        let ended = self.pass_and_show(accept);
        self.work.seen = seen;
        let failed = ended.as_ref().err().map(text_of);
        match (&ended, &failed) {
            (Ok(report), _) => log(report),
            (_, Some(why)) => tracing::error!("nothing new is taken in: {why}"),
            _ => {}
        }
        *self.told.passes() = Passes {
            last: pass::now(),
            running: false,
            failed,
        };
        memory::give_back();
        ended
    }

    fn pass_and_show(&mut self, accept: &[String]) -> anyhow::Result<Report> {
        let (config, library) = self.work.basis.load()?;
        let held = self.work.stand.hold();
        let made = held.and_then(|()| {
            let mut catalog = Catalog::open(&library.state_dir)?;
            let outcome = pass::make(
                &config,
                &library,
                &mut catalog,
                accept,
                &Progress::default(),
            )?;
            Ok((Report::of(&catalog, &outcome)?, catalog))
        });
        let shown = made.and_then(|(report, catalog)| {
            self.show(&catalog)?;
            Ok((report, catalog))
        });
        self.work.stand.release();
        let (report, catalog) = shown?;
        catalog.tidy()?;
        Ok(report)
    }

    /// Shows what the catalog holds, where that is something else.
    fn show(&mut self, catalog: &Catalog) -> anyhow::Result<()> {
        let before = &self.work.stand;
        if catalog.image_made_of()? == before.made_of {
            return Ok(());
        }
        let next = serve::plant(&before.settings, Some(before))
            .context("cannot show what was taken in")?;
        let changes = Changes::between(&before.tree, &next.tree);
        let (tree, content) = (Arc::clone(&next.tree), Arc::clone(&next.content));
        self.work
            .shown
            .show(tree, content, next.register(), changes);
        let before = std::mem::replace(&mut self.work.stand, next);
        before.release();
        tracing::info!("shows what was taken in");
        Ok(())
    }
}

fn log(report: &Report) {
    for part in &report.new_parts {
        tracing::info!("took in {part}");
    }
    for line in pass::moved(&report.moved) {
        tracing::info!("{line}");
    }
    for problem in &report.problems {
        tracing::warn!("{problem}");
    }
}
