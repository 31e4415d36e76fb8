//! What a service manager is told, where one listens (sd_notify(3)): that an index is still being made, that the mount
//! answers, that it ends.
//!
//! Nobody depends on being heard. What cannot be sent is logged, and the mount goes on.

use sd_notify::NotifyState;
use std::time::Duration;

/// How often a service that starts says that it lives.
pub(super) const EVERY: Duration = Duration::from_secs(10);

/// For how long each time counts. Shorter than a few times [`EVERY`], and a machine under load loses its mount.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether anybody listens.
pub(super) fn is_heard() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| !socket.is_empty())
}

/// Still starting; whoever waits is to wait longer.
pub(super) fn starting(status: &str) {
    let more = u32::try_from(PATIENCE.as_micros()).unwrap_or(u32::MAX);
    tell(status, NotifyState::ExtendTimeoutUsec(more));
}

/// The mount answers.
pub(super) fn ready(status: &str) {
    tell(status, NotifyState::Ready);
}

/// The mount ends, as it was asked to, or because it was taken away.
pub(super) fn stopping() {
    tell("unmounting", NotifyState::Stopping);
}

fn tell(status: &str, state: NotifyState<'_>) {
    // A line break would begin another message.
    let status: String = status
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    let states = [state, NotifyState::Status(&status)];
    if let Err(error) = sd_notify::notify(&states) {
        tracing::warn!("the service manager cannot be told: {error}");
    }
}
