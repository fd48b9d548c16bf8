//! What does a frame of another node do here?
//!
//! Role       Reads frames, and gives what they bring to whom it is for.
//! Invariant  A frame that cannot be read does nothing. One that can be is for this node only: it is
//!            never passed on to a third.

use super::Brought;
use super::frame::{Frame, Target};
use super::wire::{self, Ends, WireError};
use crate::envelope::{Caller, EncodedReply, Envelope, Signal};
use crate::node::{Core, GUEST_SLOT, guest};
use crate::process::InfoRequest;
use crate::{CallError, Node, NodeId, Pid};

impl Core {
    /// Takes a frame that came from another node.
    ///
    /// # Errors
    /// [`WireError`]: what is wrong with it; nothing of it was done.
    pub(crate) fn receive(
        &self,
        node: &Node,
        sender: NodeId,
        brought: Brought,
        bytes: &[u8],
    ) -> Result<(), WireError> {
        let receiver = self.id();
        match wire::decode(bytes, Ends { sender, receiver })? {
            Frame::Message { to, message } => {
                let envelope = message.into_envelope(node, brought);
                match to {
                    Target::Pid(pid) if pid.node() == receiver => self.send_unheard(pid, envelope),
                    Target::Pid(_) => drop(envelope),
                    Target::Name(_, name) => self.send_named_unheard(name, envelope),
                }
            }
            Frame::Alias {
                to,
                alias,
                priority,
                message,
            } => {
                let message = message.into_envelope(node, brought);
                let signal = Signal::Alias {
                    alias,
                    message,
                    priority,
                };
                self.signal_arrived(to, signal);
            }
            Frame::Answer { to, id, payload } => self.answer_arrived(to, id, Ok(payload.to_vec())),
            Frame::Failure { to, id, failure } => self.answer_arrived(to, id, Err(failure)),
            Frame::Info { from, to, id } => {
                let caller = Caller::Process {
                    node: node.clone(),
                    pid: from,
                    id,
                };
                self.signal_arrived(to, Signal::Info(InfoRequest { caller }));
            }
            Frame::Whereis { from, id, name } => {
                let found = rmp_serde::to_vec(&self.names().find(name));
                let answer = found.map_err(|error| CallError::Refused(error.to_string().into()));
                self.answer_away(from, id, answer.as_deref().map_err(Clone::clone));
            }
            Frame::Monitor {
                watcher,
                to: Target::Name(_, name),
                id,
            } => self.monitor_of_name_arrived(watcher, name, id),
            Frame::Demonitor { watcher, to, id } if to == guest(receiver) => {
                self.demonitor_of_name_arrived(watcher, id);
            }
            other => {
                if let Some((to, signal)) = other.into_signal() {
                    self.signal_arrived(to, signal);
                }
            }
        }
        Ok(())
    }

    pub(super) fn signal_arrived(&self, to: Pid, signal: Signal) {
        if to.node() != self.id() {
            return;
        }
        if let Signal::Link { from: peer } | Signal::Monitor { watcher: peer, .. } = &signal {
            self.asked_from_away(peer.node(), to);
        }
        self.send_signal(to, signal);
    }

    fn answer_arrived(&self, to: Pid, id: u64, answer: Result<Vec<u8>, CallError>) {
        if to.node() != self.id() {
            return;
        }
        let reply = Envelope::encoded_reply(EncodedReply { id, answer });
        if to.slot() == GUEST_SLOT {
            if let Some(slot) = self.guest(id) {
                slot.put(reply);
            }
            return;
        }
        self.push_reply(to, reply);
    }

    /// A link or monitor from another node is about to be given to a process. It must learn of the
    /// loss of this connection after it, even if there is a new one when it gets to look at either.
    fn asked_from_away(&self, node: NodeId, pid: Pid) {
        if self.living(pid).is_some() {
            self.remember_peer(node, pid);
        }
        // It may have ended meanwhile, and have been forgotten before.
        if self.living(pid).is_none() {
            self.forget_peer(pid);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;
    use crate::Reason;
    use crate::port::{Brought, Carried, Freight, Port};
    use crate::process::Pending;

    #[derive(Default)]
    struct Counts(AtomicUsize);

    impl Port for Counts {
        fn carry(&self, _: Vec<u8>, _: Freight) -> Carried {
            self.0.fetch_add(1, Ordering::Relaxed);
            Carried::Taken
        }

        fn wait(&self, _: Pid, _: &Freight) -> bool {
            false
        }

        fn close(&self, _: NodeId) {}
    }

    #[test]
    fn nothing_is_passed_on_to_a_third_node() {
        let node = Node::builder().name("between").start().expect("started");
        let [peer, third] = ["peer", "third"].map(NodeId::unconnected);
        let port = Arc::new(Counts::default());
        let carried = Arc::clone(&port);
        node.core().connect(third, "third".into(), port);
        let [from, to] = [peer, third].map(|node| Pid::new(node, 1, NonZeroU32::MIN));
        let (watcher, id, link) = (from, 1, true);
        let reason = Reason::Kill;
        let frames: [Frame<'_>; 8] = [
            Frame::Lead {
                from,
                to,
                leader: from,
            },
            Frame::Exit {
                from,
                to,
                reason: reason.clone(),
                link,
            },
            Frame::Link { from, to },
            Frame::Unlink { from, to, id },
            Frame::Monitor {
                watcher,
                to: Target::Pid(to),
                id,
            },
            Frame::Demonitor { watcher, to, id },
            Frame::Down {
                from,
                to,
                id,
                reason,
            },
            Frame::Info { from, to, id },
        ];
        for frame in frames {
            arrive(&node, peer, &frame);
            assert_eq!(carried.0.load(Ordering::Relaxed), 0, "{frame:?}");
        }
        let stopped = node.shutdown_blocking(Duration::from_secs(60));
        stopped.expect("nothing runs");
    }

    #[test]
    fn an_answer_for_another_node_answers_nobody_here() {
        let node = Node::builder().name("asked").start().expect("started");
        let [peer, third] = ["peer", "third"].map(NodeId::unconnected);
        let (mut pending, caller) = Pending::begin(&node, Some(peer));
        let (own, id) = node.core().remote_caller(caller, peer);
        let mut cx = Context::from_waker(Waker::noop());
        let payload = &[1][..];
        let to = guest(third);
        arrive(&node, peer, &Frame::Answer { to, id, payload });
        assert!(pending.poll(&mut cx).is_pending());
        let to = own;
        arrive(&node, peer, &Frame::Answer { to, id, payload });
        assert!(pending.poll(&mut cx).is_ready());
        let stopped = node.shutdown_blocking(Duration::from_secs(60));
        stopped.expect("nothing runs");
    }

    fn arrive(node: &Node, peer: NodeId, frame: &Frame<'_>) {
        let ends = Ends {
            sender: peer,
            receiver: node.id(),
        };
        let mut bytes = Vec::new();
        wire::encode(frame, ends, &mut bytes).expect("it can be written");
        assert_eq!(
            node.core().receive(node, peer, Brought::default(), &bytes),
            Ok(())
        );
    }
}
