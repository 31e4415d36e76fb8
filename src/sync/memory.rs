//! Memory that a step no longer needs, given back before the next one asks for its own.
//!
//! Why: glibc keeps what threads have freed for threads to come, which may never be. Reading 100,000 sidecars on all
//! processors left 70 MB so, on top of what the fold needs; on a small machine that decides whether a library can be
//! indexed at all.

/// Gives back what is free. Costs milliseconds, so it is for the ends of long steps.
#[allow(unsafe_code)]
pub fn give_back() {
    // Other C libraries do without being asked.
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number, touches nothing that is in use, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
