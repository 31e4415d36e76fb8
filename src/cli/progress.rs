//! How far indexing has come: a bar on a terminal, a line a minute elsewhere.

use super::notify;
use crate::sync::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often a terminal is drawn.
const DRAW: Duration = Duration::from_millis(100);
/// How often a line is written elsewhere.
const LINE: Duration = Duration::from_secs(60);
const STYLE: &str =
    "indexing {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {msg} {eta} left";

/// Does `work`, showing `progress` beside it, also to a service manager where this process is its service.
pub(super) fn show<T>(
    progress: &Progress,
    quiet: bool,
    service: bool,
    work: impl FnOnce() -> T,
) -> anyhow::Result<T> {
    let service = service && notify::is_heard();
    if quiet && !service {
        return Ok(work());
    }
    let (done, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("gphotosfs-bar".into())
            .spawn_scoped(scope, move || {
                if service {
                    notices(progress, quiet, &ended);
                } else if std::io::stderr().is_terminal() {
                    bar(progress, &ended);
                } else {
                    lines(progress, &ended);
                }
            })?;
        let result = work();
        drop(done);
        Ok(result)
    })
}

fn counts(progress: &Progress) -> (u64, u64, u64) {
    let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    (
        get(&progress.done),
        get(&progress.total),
        get(&progress.files),
    )
}

fn bar(progress: &Progress, ended: &mpsc::Receiver<()>) {
    let bar = ProgressBar::new(0);
    // The template is a constant; should it ever be wrong, the default bar does.
    if let Ok(style) = ProgressStyle::with_template(STYLE) {
        bar.set_style(style);
    }
    while ended.recv_timeout(DRAW) == Err(RecvTimeoutError::Timeout) {
        let (done, total, files) = counts(progress);
        if total > 0 {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(format!("{files} files"));
        }
    }
    bar.finish_and_clear();
}

fn lines(progress: &Progress, ended: &mpsc::Receiver<()>) {
    let begin = Instant::now();
    while ended.recv_timeout(LINE) == Err(RecvTimeoutError::Timeout) {
        super::tell(&line(progress, begin));
    }
}

/// The same for a service manager, which must hear more often, and for its journal.
fn notices(progress: &Progress, quiet: bool, ended: &mpsc::Receiver<()>) {
    let begin = Instant::now();
    let mut told = begin;
    notify::starting("indexing");
    while ended.recv_timeout(notify::EVERY) == Err(RecvTimeoutError::Timeout) {
        let line = line(progress, begin);
        notify::starting(&line);
        if !quiet && told.elapsed() >= LINE {
            super::tell(&line);
            told = Instant::now();
        }
    }
}

fn line(progress: &Progress, begin: Instant) -> String {
    let (done, total, files) = counts(progress);
    let seconds = begin.elapsed().as_secs().max(1);
    let rate = done / seconds;
    let left = total.saturating_sub(done).checked_div(rate).unwrap_or(0);
    let mib = |bytes: u64| bytes >> 20;
    format!(
        "indexing: {} of {} MiB, {files} files, {} MiB/s, {left} s left",
        mib(done),
        mib(total),
        mib(rate)
    )
}
