//! The runtime's lock-free files, compiled against loom's atomics.
//!
//! Role       Runs the very files of `runtime/src` (by path) under every interleaving that loom
//!            finds; the models are in `tests` below.
//! Invariant  Each model has been seen failing on a planted bug; the bug is named beside it.

#![allow(dead_code, missing_docs)]

/// What the files import as `crate::platform`.
mod platform {
    pub(crate) mod sync {
        pub(crate) use loom::sync::Mutex;
        pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

        /// Small, so that a model can fill it.
        pub(crate) const RING: usize = 2;
    }
}

#[path = "../../src/scheduler/idle.rs"]
mod idle;
#[path = "../../src/process/inbox.rs"]
mod inbox;
#[path = "../../src/scheduler/ring.rs"]
mod ring;
#[path = "../../src/timer/wheel/mod.rs"]
mod wheel;

#[cfg(test)]
mod tests {
    use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use super::idle::Idle;
    use super::inbox::{CLOSED, Inbox, Linked, Pushed, SCHEDULED};
    use super::ring::Ring;
    use super::wheel::Wheel;

    /// An envelope: a link, whom it is for, and what it says.
    #[repr(align(8))]
    struct Node {
        next: *mut Node,
        generation: u64,
        value: usize,
    }

    // SAFETY: `next` is the node's own field, and nodes are aligned to 8 bytes.
    unsafe impl Linked for Node {
        unsafe fn set_next(this: *mut Self, next: *mut Self) {
            // SAFETY: by contract.
            unsafe { (*this).next = next };
        }
    }

    fn node(generation: u64, value: usize) -> *mut Node {
        Box::into_raw(Box::new(Node {
            next: std::ptr::null_mut(),
            generation,
            value,
        }))
    }

    /// Takes a stack apart, oldest first.
    fn drain(mut stack: *mut Node) -> Vec<(u64, usize)> {
        let mut values = Vec::new();
        while !stack.is_null() {
            // SAFETY: the stack was taken, so it is ours.
            let node = unsafe { Box::from_raw(stack) };
            values.push((node.generation, node.value));
            stack = node.next;
        }
        values.reverse();
        values
    }

    fn push(inbox: &Inbox, node: *mut Node) -> Pushed {
        // SAFETY: the node is ours.
        let pushed = unsafe { inbox.push(node) };
        if pushed == Pushed::Closed {
            // SAFETY: a refused push leaves it ours.
            drop(unsafe { Box::from_raw(node) });
        }
        pushed
    }

    /// Two senders, one process: all arrives, each sender's in order, and whoever finds it idle
    /// wakes it, so that nothing lies in a parked inbox. Seen red: `park` with a plain store; `push`
    /// that never says `Wake`.
    #[test]
    fn inbox_loses_nothing_and_sleeps_only_when_empty() {
        // Three preemptions find all that was planted; without a bound it takes minutes.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let inbox = Arc::new(Inbox::new(SCHEDULED));
            let wakes = Arc::new(AtomicUsize::new(0));
            let senders: Vec<_> = [10, 20]
                .into_iter()
                .map(|base| {
                    let (inbox, wakes) = (Arc::clone(&inbox), Arc::clone(&wakes));
                    thread::spawn(move || {
                        for value in [base, base + 1] {
                            if push(&inbox, node(0, value)) == Pushed::Wake {
                                wakes.fetch_add(1, Ordering::AcqRel);
                            }
                        }
                    })
                })
                .collect();
            let mut got = drain(inbox.take());
            let parked = inbox.park();
            for sender in senders {
                sender.join().expect("a sender does not panic");
            }
            let woken = wakes.load(Ordering::Acquire);
            if parked {
                let left = 4 - got.len();
                assert_eq!(woken, usize::from(left > 0), "parked, {left} left");
            } else {
                assert_eq!(woken, 0, "woken while it ran");
            }
            if !parked || woken == 1 {
                got.extend(drain(inbox.take()));
            }
            let of = |base: usize| -> Vec<usize> {
                let near = |value: &usize| *value / 10 == base / 10;
                got.iter().map(|(_, value)| *value).filter(near).collect()
            };
            assert_eq!((of(10), of(20)), (vec![10, 11], vec![20, 21]));
        });
    }

    /// A send against an exit: the envelope is refused, or among those that the dying process
    /// finds. Seen red: `close` that reads and then stores.
    #[test]
    fn exit_against_send_loses_nothing() {
        loom::model(|| {
            let inbox = Arc::new(Inbox::new(SCHEDULED));
            let sender = {
                let inbox = Arc::clone(&inbox);
                thread::spawn(move || push(&inbox, node(0, 1)))
            };
            let found = drain(inbox.close()).len();
            let pushed = sender.join().expect("the sender does not panic");
            assert_eq!(found, usize::from(pushed != Pushed::Closed));
        });
    }

    /// A link signal against an exit: the linker looks whether the other is alive, and then pushes.
    /// It learns that nobody was there, or the dying process finds the signal and tells it. Seen
    /// red: an exit that forgets what `close` found.
    #[test]
    fn link_against_exit_is_always_answered() {
        loom::model(|| {
            let inbox = Arc::new(Inbox::new(SCHEDULED));
            let alive = Arc::new(AtomicU64::new(1));
            let linker = {
                let (inbox, alive) = (Arc::clone(&inbox), Arc::clone(&alive));
                thread::spawn(move || {
                    let seen = alive.load(Ordering::Acquire) == 1;
                    !seen || push(&inbox, node(0, 1)) == Pushed::Closed
                })
            };
            alive.store(0, Ordering::Release);
            let told_by_the_dying = !drain(inbox.close()).is_empty();
            let told_at_once = linker.join().expect("the linker does not panic");
            assert!(told_at_once != told_by_the_dying, "told twice or never");
        });
    }

    /// A slot changes its tenant while a sender holds the old pid: the new tenant never takes the
    /// envelope for its own. Seen red: a sender that does not write the generation on the envelope.
    #[test]
    fn a_stale_sender_never_reaches_the_next_tenant() {
        loom::model(|| {
            let inbox = Arc::new(Inbox::new(SCHEDULED));
            let generation = Arc::new(AtomicU64::new(1));
            let sender = {
                let (inbox, generation) = (Arc::clone(&inbox), Arc::clone(&generation));
                thread::spawn(move || {
                    generation.load(Ordering::Acquire) == 1
                        && push(&inbox, node(1, 7)) != Pushed::Closed
                })
            };
            let mut found = drain(inbox.close());
            generation.store(2, Ordering::Release);
            inbox.open();
            let mut second = drain(inbox.take());
            let parked = inbox.park();
            let delivered = sender.join().expect("the sender does not panic");
            second.extend(drain(if parked { inbox.close() } else { inbox.take() }));
            assert!(
                second.iter().all(|(of, _)| *of == 1),
                "taken for the new tenant's own"
            );
            found.extend(second);
            assert_eq!(found.len(), usize::from(delivered));
            let _ = CLOSED;
        });
    }

    /// The owner pushes past the end of its ring and pops while a thief steals: every entry is had
    /// once. Seen red: `pop` without the exchange; `steal` that publishes before it has claimed.
    #[test]
    fn every_run_queue_entry_is_had_once() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            let thief = {
                let ring = Arc::clone(&ring);
                thread::spawn(move || {
                    let own = Ring::new();
                    let mut had: Vec<u32> = ring.steal(&own).into_iter().collect();
                    while let Some(entry) = own.pop() {
                        had.push(entry);
                    }
                    had
                })
            };
            let mut had = Vec::new();
            for entry in 1..=3 {
                ring.push(entry, |batch| had.extend_from_slice(batch));
            }
            had.extend(ring.pop());
            had.extend(thief.join().expect("the thief does not panic"));
            while let Some(entry) = ring.pop() {
                had.push(entry);
            }
            had.sort_unstable();
            assert_eq!(had, [1, 2, 3]);
        });
    }

    /// Work is pushed while a worker goes to sleep: it sees the work, or is picked to be woken.
    /// Seen red: an announcement after the last look for work.
    #[test]
    fn no_wake_is_lost() {
        loom::model(|| {
            let idle = Arc::new(Idle::default());
            let work = Arc::new(AtomicUsize::new(0));
            let producer = {
                let (idle, work) = (Arc::clone(&idle), Arc::clone(&work));
                thread::spawn(move || {
                    work.store(1, Ordering::SeqCst);
                    idle.pick()
                })
            };
            idle.announce(0);
            let saw_work = work.load(Ordering::SeqCst) == 1;
            let picked = producer.join().expect("the producer does not panic");
            assert!(saw_work || picked == Some(0), "asleep beside work");
        });
    }

    /// A timer is cancelled while it fires: exactly one of the two has it. Seen red: a cancel that
    /// looks and takes under two locks.
    #[test]
    fn cancel_against_fire_has_one_winner() {
        loom::model(|| {
            let wheel = Arc::new(Mutex::new(Wheel::new(0)));
            let key = wheel.lock().expect("not poisoned").insert(5, 'a');
            let fire = {
                let wheel = Arc::clone(&wheel);
                thread::spawn(move || {
                    let mut due = Vec::new();
                    wheel.lock().expect("not poisoned").advance(10, &mut due);
                    due.len()
                })
            };
            let cancelled = wheel.lock().expect("not poisoned").cancel(key).is_some();
            let fired = fire.join().expect("the driver does not panic");
            assert_eq!(fired + usize::from(cancelled), 1);
        });
    }
}
