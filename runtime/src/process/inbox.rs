//! Where senders meet a process: one word that is both the mailbox and the right to run it.
//!
//! Role       Many senders push, one runner takes. The word holds the newest envelope (a stack
//!            linked through the envelopes) and three bits.
//! Invariant  `SCHEDULED` is set exactly while the process stands in one run queue or runs: who
//!            sets it must enqueue, who holds it is the only one to take. `CLOSED` is final for
//!            this tenant of the slot. `NOTIFIED`: a waker or timer asks for a poll.
//!
//! ```text
//!            push, notify: enqueue
//!   idle ───────────────────────────▶ SCHEDULED ──┐ take, push
//!     ▲                                  │  ▲     │
//!     └────────── park (nothing came) ───┘  └─────┘
//!                                        └── close ──▶ CLOSED ── open ──▶ SCHEDULED (next tenant)
//! ```

use crate::platform::sync::{AtomicUsize, Ordering};

pub(crate) const SCHEDULED: usize = 1;
pub(crate) const NOTIFIED: usize = 2;
pub(crate) const CLOSED: usize = 4;
const BITS: usize = SCHEDULED | NOTIFIED | CLOSED;

/// What lies in an inbox: a node of its stack.
///
/// # Safety
/// `set_next` stores a pointer that nothing else touches while the node is in the inbox, and pointers
/// to nodes are aligned to 8 bytes or more.
pub(crate) unsafe trait Linked {
    /// # Safety
    /// `this` is valid and owned by the caller.
    unsafe fn set_next(this: *mut Self, next: *mut Self);
}

/// What a push found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Delivered; the process was idle and the caller must enqueue it.
    Wake,
    /// Delivered; somebody else runs it or will.
    Busy,
    /// Not delivered: the process has ended.
    Closed,
}

pub(crate) struct Inbox(AtomicUsize);

impl Inbox {
    #[allow(dead_code, reason = "slots begin as zeros; the models make inboxes")]
    pub(crate) fn new(word: usize) -> Self {
        Self(AtomicUsize::new(word))
    }

    /// Adds `node`.
    ///
    /// # Safety
    /// `node` is valid and owned by the caller, who gives it up unless `Closed` is returned.
    #[inline]
    pub(crate) unsafe fn push<N: Linked>(&self, node: *mut N) -> Pushed {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Pushed::Closed;
            }
            // SAFETY: `node` is ours until the exchange below succeeds.
            unsafe { N::set_next(node, (word & !BITS) as *mut N) };
            let new = node as usize | SCHEDULED | (word & NOTIFIED);
            // AcqRel: release pairs with the acquire in `take` (the node's content); acquire pairs
            // with the release in `park`, so that a waker sees what the runner left behind.
            match self
                .0
                .compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) if word & SCHEDULED == 0 => return Pushed::Wake,
                Ok(_) => return Pushed::Busy,
                Err(now) => word = now,
            }
        }
    }

    /// Asks for a poll without a message. `Closed` when there is nobody to poll.
    #[inline]
    pub(crate) fn notify(&self) -> Pushed {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Pushed::Closed;
            }
            let new = word | SCHEDULED | NOTIFIED;
            match self
                .0
                .compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) if word & SCHEDULED == 0 => return Pushed::Wake,
                Ok(_) => return Pushed::Busy,
                Err(now) => word = now,
            }
        }
    }

    /// Whether something arrived since the last take.
    #[inline]
    pub(crate) fn has_arrivals(&self) -> bool {
        self.0.load(Ordering::Relaxed) & !(SCHEDULED | CLOSED) != 0
    }

    /// Whether nothing lies in it and nobody runs or is to run its process.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.0.load(Ordering::Acquire), 0 | CLOSED)
    }

    /// Takes all that arrived, newest first, and keeps the right to run.
    ///
    /// Only the holder of `SCHEDULED` may call this.
    #[inline]
    pub(crate) fn take<N: Linked>(&self) -> *mut N {
        // Acquire pairs with the release in `push`.
        let word = self.0.swap(SCHEDULED, Ordering::Acquire);
        debug_assert!(
            word & SCHEDULED != 0,
            "an inbox was taken by somebody who does not run it"
        );
        (word & !BITS) as *mut N
    }

    /// Takes the right to run an idle process in whose inbox nothing lies; whoever has it calls
    /// [`Inbox::park`], and enqueues the process if that says so.
    #[inline]
    pub(crate) fn hold(&self) -> bool {
        // Acquire pairs with the release in `park`: what the last runner left behind is seen.
        self.0
            .compare_exchange(0, SCHEDULED, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Gives up the right to run, unless something arrived meanwhile.
    #[inline]
    pub(crate) fn park(&self) -> bool {
        // Release pairs with the acquire in `push` and `notify`.
        self.0
            .compare_exchange(SCHEDULED, 0, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Ends deliveries for this tenant and takes what had arrived, newest first.
    pub(crate) fn close<N: Linked>(&self) -> *mut N {
        let word = self.0.swap(CLOSED, Ordering::AcqRel);
        (word & !BITS) as *mut N
    }

    /// Opens the inbox for the next tenant, scheduled.
    ///
    /// Only the owner of a free slot may call this.
    pub(crate) fn open(&self) {
        self.0.store(SCHEDULED, Ordering::Release);
    }
}
