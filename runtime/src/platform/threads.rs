//! Threads: started, named, put to sleep and woken here only.
//!
//! Role       The real platform's hands. A [`Sleeper`] is one thread's bed: woken once per
//!            `wake`, however early the wake came.

use std::io;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
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

/// Another thread that waits for this one's core goes first.
pub(crate) fn give_way() {
    thread::yield_now();
}

/// How many threads the machine runs at once. The system is asked once: it reads files to tell, and a world
/// starts thousands of nodes.
pub(crate) fn parallelism() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
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

/// What the system has let a thread do so far, where it tells.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    on_core: Duration,
    /// Ready to run, and waiting for a core; a wait that goes on is not in it yet.
    waited: Duration,
    /// Ready to run or running now, and not blocked.
    ready: bool,
    known: bool,
}

impl Account {
    /// For how much of the last `wall` the thread itself is to blame, since its account was
    /// `before`: a thread that others keep from running is not stuck. One that is ready now may have
    /// been waiting for a core all along, so it answers for what it had of one; one that is blocked,
    /// for all but what it waited.
    pub(crate) fn held_since(&self, before: &Self, wall: Duration) -> Duration {
        match (self.known && before.known, self.ready) {
            (false, _) => wall,
            (true, true) => self.on_core.saturating_sub(before.on_core).min(wall),
            (true, false) => wall.saturating_sub(self.waited.saturating_sub(before.waited)),
        }
    }
}

/// The account of the thread with this system id.
#[cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, reason = "the system tells it by files")
)]
pub(crate) fn account(thread_id: i64) -> Account {
    #[cfg(target_os = "linux")]
    {
        let read = |file: &str| {
            std::fs::read_to_string(format!("/proc/self/task/{thread_id}/{file}")).ok()
        };
        // On a core, waiting for one (both in nanoseconds), and how often it was given one.
        let times = read("schedstat").and_then(|text| {
            let mut words = text.split_whitespace().map(str::parse);
            let nanos = |word: Option<Result<u64, _>>| word?.ok().map(Duration::from_nanos);
            Some((nanos(words.next())?, nanos(words.next())?))
        });
        // The state follows the name, which stands in brackets and may contain any.
        let state = read("stat").and_then(|text| text.rsplit_once(") ")?.1.chars().next());
        match (times, state) {
            (Some((on_core, waited)), Some(state)) => Account {
                on_core,
                waited,
                ready: state == 'R',
                known: true,
            },
            _ => Account::default(),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = thread_id;
        Account::default()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 ms have passed; what is the thread to blame for?
    #[test]
    fn a_thread_answers_for_what_it_did_itself() {
        let ms = Duration::from_millis;
        let before = Account {
            on_core: ms(100),
            waited: ms(50),
            ready: true,
            known: true,
        };
        let rows = [
            // (on core, waited, ready, known), held
            ((110, 50, true, true), 10),  // computed all the time
            ((100, 50, true, true), 0),   // waits for a core, and the account does not know yet
            ((103, 50, true, true), 3),   // was taken off, and still is
            ((103, 57, true, true), 3),   // was taken off, and is back
            ((100, 50, false, true), 10), // sleeps in a handler
            ((101, 56, false, true), 4),  // waited for a core, then slept
            ((0, 0, false, false), 10),   // the system does not tell
        ];
        for ((on_core, waited, ready, known), held) in rows {
            let now = Account {
                on_core: ms(on_core),
                waited: ms(waited),
                ready,
                known,
            };
            assert_eq!(now.held_since(&before, ms(10)), ms(held), "{now:?}");
        }
    }

    /// The system tells of this very thread.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_account_of_a_thread_grows_as_it_runs() {
        let (id, before) = (thread_id(), account(thread_id()));
        assert!(before.known && before.ready);
        let mut sum = 0_u64;
        while account(id).on_core.saturating_sub(before.on_core) < Duration::from_millis(3) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(!account(-1).known);
    }
}
