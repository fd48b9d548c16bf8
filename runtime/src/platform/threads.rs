//! Threads: started, named, put to sleep and woken here only.
//!
//! Role       The real platform's hands. A [`Sleeper`] is one thread's bed: woken once per
//!            `wake`, however early the wake came.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Starts a thread called `name`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the room that starts threads"
)]
pub(crate) fn start(
    name: String,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(body)
}

/// How many threads the machine runs at once.
pub(crate) fn parallelism() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Lowers the priority of the thread with this system id, as far as the system lets us: a handler
/// that never returns then takes little from the others. Unix threads keep it for life.
pub(crate) fn demote(thread_id: i64) {
    #[cfg(target_os = "linux")]
    if thread_id > 0 {
        // SAFETY: `setpriority` touches no memory; on Linux a thread id names one thread.
        let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, thread_id as libc::id_t, 19) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = thread_id;
}

/// The system's id of this thread, 0 where there is none that `demote` could use.
pub(crate) fn thread_id() -> i64 {
    #[cfg(target_os = "linux")]
    // SAFETY: `gettid` touches no memory and cannot fail.
    return i64::from(unsafe { libc::gettid() });
    #[cfg(not(target_os = "linux"))]
    return 0;
}

/// How long the thread with this system id was ready to run and did not get a core, so far, where
/// the system tells: a thread that others keep from running is not stuck.
#[cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, reason = "the system tells it by a file")
)]
pub(crate) fn time_starved(thread_id: i64) -> Duration {
    #[cfg(target_os = "linux")]
    {
        // On the CPU, waiting for one (both in nanoseconds), and how often it was given one.
        let path = format!("/proc/self/task/{thread_id}/schedstat");
        let waited = std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.split_whitespace().nth(1)?.parse().ok());
        waited.map_or(Duration::ZERO, Duration::from_nanos)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = thread_id;
        Duration::ZERO
    }
}

/// Where one thread sleeps until it is woken or time is up.
#[derive(Default)]
pub(crate) struct Sleeper {
    woken: Mutex<bool>,
    bell: Condvar,
}

impl Sleeper {
    /// Sleeps until woken, at most `bound`. A wake that came before counts.
    pub(crate) fn sleep(&self, bound: Option<Duration>) {
        let guard = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guard = match bound {
            Some(bound) => {
                self.bell
                    .wait_timeout_while(guard, bound, |woken| !*woken)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .bell
                .wait_while(guard, |woken| !*woken)
                .unwrap_or_else(PoisonError::into_inner),
        };
        *guard = false;
    }

    /// Wakes the sleeper, now or at its next sleep.
    pub(crate) fn wake(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_one();
    }
}
