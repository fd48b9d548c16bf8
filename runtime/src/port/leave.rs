//! How does a signal, a message or an answer leave for another node, and what if it cannot?
//!
//! Role       Makes frames of them.
//! Invariant  What is not sent has its effect here: a call fails, a link exits, a monitor fires.

use super::Unsent;
use super::course::Course;
use super::frame::{Body, CallNumber, Frame, Message, Target};
use super::wire::Unwritten;
use crate::dead_letter::DeadReason;
use crate::envelope::{Caller, CodecError, Envelope, ExitKind, Kind, Signal};
use crate::node::{Core, GUEST_SLOT};
use crate::process::InfoRequest;
use crate::{CallError, NodeId, Pid, Reason};

/// A frame that brings no message.
type Plain<'a> = Frame<'a, &'a [u8]>;

impl Core {
    /// Sends a signal that goes over this connection, if it leaves the node, or else is answered as
    /// one that could not be sent.
    pub(crate) fn send_signal_over(&self, to: Pid, signal: Signal, connection: Option<u32>) {
        match connection {
            None => self.send_signal(to, signal),
            over => self.signal_away(to, signal, over),
        }
    }

    /// Sends a signal to a process of another node.
    #[cold]
    pub(crate) fn signal_away(&self, to: Pid, signal: Signal, over: Option<u32>) {
        let frame: Plain<'_> = match signal {
            Signal::Exit { from, reason, kind } => Frame::Exit {
                from,
                to,
                reason,
                link: kind == ExitKind::Link,
            },
            Signal::Link { from } => return self.link_away(to, from, over),
            Signal::Unlink { from, id } => Frame::Unlink { from, to, id },
            Signal::UnlinkAck { from, id } => Frame::UnlinkAck { from, to, id },
            Signal::Monitor { watcher, id, name } => {
                return self.monitor_away(to, watcher, id, name.as_deref(), over);
            }
            Signal::Demonitor { watcher, id } => Frame::Demonitor { watcher, to, id },
            Signal::Lead { from, leader } => Frame::Lead { from, to, leader },
            Signal::Down { id, from, reason } => {
                self.take_named(to, id);
                Frame::Down {
                    from,
                    to,
                    id,
                    reason,
                }
            }
            Signal::Alias {
                alias,
                message,
                priority,
            } => return self.alias_away(to, alias, message, priority, Course::default()),
            Signal::Info(InfoRequest { caller }) => {
                return self.ask_away(to, caller, |from, id| Frame::Info { from, to, id });
            }
            Signal::Suspend { caller, .. } | Signal::Resume { caller, .. } => {
                // As in OTP, a process of another node cannot be suspended.
                return caller.fail(&CallError::NoProc);
            }
            _ => return,
        };
        // Without a connection the other side learns of its loss instead.
        let _ = self.transmit_over(to.node(), over, Course::default(), &frame);
    }

    fn link_away(&self, to: Pid, from: Pid, over: Option<u32>) {
        self.remember_peer(to.node(), from);
        let frame: Plain<'_> = Frame::Link { from, to };
        if self
            .transmit_over(to.node(), over, Course::default(), &frame)
            .is_err()
        {
            let lost = Signal::Exit {
                from: to,
                reason: Reason::NoConnection,
                kind: ExitKind::Link,
            };
            self.send_signal(from, lost);
        }
    }

    fn monitor_away(&self, to: Pid, watcher: Pid, id: u64, name: Option<&str>, over: Option<u32>) {
        let node = to.node();
        self.remember_peer(node, watcher);
        let target = match name {
            Some(name) if to.slot() == GUEST_SLOT => Target::Name(node, name),
            _ => Target::Pid(to),
        };
        let frame: Plain<'_> = Frame::Monitor {
            watcher,
            to: target,
            id,
        };
        let reason = match self.transmit_over(node, over, Course::default(), &frame) {
            Ok(()) => return,
            Err(Unsent::Unwritten(Unwritten::Name)) => Reason::NoProc,
            Err(_) => Reason::NoConnection,
        };
        let lost = Signal::Down {
            id,
            from: to,
            reason,
        };
        self.send_signal(watcher, lost);
    }

    pub(crate) fn alias_away(
        &self,
        to: Pid,
        alias: u64,
        message: Envelope,
        priority: bool,
        course: Course,
    ) {
        let (from, name, request) = (message.from(), message.name(), message.is_request());
        let sent = self.message_away(to.node(), course, message, |message| Frame::Alias {
            to,
            alias,
            priority,
            message,
        });
        let reason = match sent {
            Ok(()) => return,
            Err(Unsent::NoConnection) => DeadReason::NoConnection,
            Err(Unsent::Full) => DeadReason::Full,
            Err(Unsent::NoChannel(_)) => DeadReason::NoConnection,
            Err(Unsent::Unwritten(_)) => DeadReason::Unknown,
        };
        if !request {
            self.report_dead(Some(to), from, name, reason);
        }
    }

    /// Sends a message or request in the frame that is made for it. Who waits for an answer to it
    /// has been told when it was not sent.
    pub(crate) fn message_away<'a>(
        &self,
        node: NodeId,
        course: Course,
        mut envelope: Envelope,
        frame: impl for<'e> FnOnce(Message<&'e Envelope>) -> Frame<'a, &'e Envelope>,
    ) -> Result<(), Unsent> {
        if !envelope.is_portable() {
            let local = Unwritten::Message(CodecError::Local(envelope.name()));
            envelope.discard(&local.failure());
            return Err(Unsent::Unwritten(local));
        }
        let caller = match envelope.kind() {
            Kind::Call => envelope.way_back(),
            _ => None,
        };
        let caller = caller.map(|caller| self.remote_caller(caller, node));
        let message = Message {
            from: envelope.from(),
            tag: (envelope.header().table.tag)(),
            caller,
            payload: &envelope,
        };
        // Until it is written the way back is in it as well: its own code may panic.
        let sent = self.transmit_over(node, None, course, &frame(message));
        if envelope.kind() == Kind::Call {
            envelope.take_caller();
        }
        if let (Err(unsent), Some((pid, id))) = (&sent, caller) {
            self.fail_call(pid, id, &unsent.failure());
        }
        sent
    }

    /// Asks another node on behalf of a caller of this one.
    pub(crate) fn ask_away<'a>(
        &self,
        to: Pid,
        caller: Caller,
        frame: impl FnOnce(Pid, u64) -> Plain<'a>,
    ) {
        let (pid, id) = self.remote_caller(caller, to.node());
        if let Err(unsent) = self.transmit(to.node(), &frame(pid, id)) {
            self.fail_call(pid, id, &unsent.failure());
        }
    }

    /// Answers a caller of another node. An answer that cannot travel fails the call, and so does
    /// one that panics as it is written.
    pub(crate) fn answer_away(&self, to: Pid, number: u64, answer: Result<impl Body, CallError>) {
        let (id, course) = CallNumber::parts(number);
        let sent = match answer {
            Ok(payload) => {
                let waiting = Waiting(self, to, number);
                let answer = Frame::Answer { to, id, payload };
                let sent = self.transmit_over(to.node(), None, course, &answer);
                std::mem::forget(waiting);
                sent
            }
            Err(failure) => self.fail_away(to, number, failure),
        };
        if let Err(Unsent::Unwritten(why)) = sent {
            // This one is short. Without a connection the caller learns of its loss instead.
            let _ = self.fail_away(to, number, why.failure());
        }
    }

    fn fail_away(&self, to: Pid, number: u64, failure: CallError) -> Result<(), Unsent> {
        let (id, course) = CallNumber::parts(number);
        let frame: Plain<'_> = Frame::Failure { to, id, failure };
        self.transmit_over(to.node(), None, course, &frame)
    }
}

/// A caller of another node, who is told when this is dropped that there is no answer.
struct Waiting<'a>(&'a Core, Pid, u64);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Self(core, to, number) = *self;
        let _ = core.fail_away(to, number, CallError::NoReply);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use serde::{Deserialize, Serialize, Serializer};

    use crate::envelope::{CallPayload, Codec, Envelope, Payload, Tag};
    use crate::node::guest;
    use crate::port::{Course, Frame};
    use crate::process::{Pending, bytes_of};
    use crate::{CallError, Loopback, Node};

    #[derive(Deserialize)]
    struct Mine;

    impl Serialize for Mine {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("boom")
        }
    }

    impl Payload for Mine {
        const NAME: &'static str = "mine";
        const CODEC: Codec<Self> = Codec::portable();
        fn tag() -> Tag {
            Tag::of("tests", "leave", "mine")
        }
    }

    impl CallPayload for Mine {
        type Reply = u64;
        const REPLY_CODEC: Codec<u64> = Codec::portable();
    }

    fn connected() -> ([Node; 2], Loopback) {
        let nodes = ["here", "there"].map(|name| {
            let node = Node::builder().name(name).start();
            node.expect("started")
        });
        let wire = Loopback::connect(&nodes[0], &nodes[1]);
        (nodes, wire)
    }

    fn told(mut pending: Pending) -> Envelope {
        match pending.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it waits for ever"),
        }
    }

    fn stop(nodes: [Node; 2]) {
        for node in nodes {
            let stopped = node.shutdown_blocking(Duration::from_secs(60));
            stopped.expect("nothing runs");
        }
    }

    #[test]
    fn who_waits_is_told_when_a_request_panics_as_it_is_written() {
        let ([here, there], _wire) = connected();
        let (pending, caller) = Pending::begin(&here, Some(there.id()));
        let mut request = Envelope::call(Mine);
        request.set_caller(caller);
        let to = guest(there.id());
        let sent = catch_unwind(AssertUnwindSafe(|| {
            here.core()
                .message_away(there.id(), Course::default(), request, |message| {
                    Frame::Alias {
                        to,
                        alias: 1,
                        priority: false,
                        message,
                    }
                })
        }));
        assert!(sent.is_err());
        let answer = told(pending).take_answer::<u64>();
        assert_eq!(answer, Err(CallError::NoReply));
        stop([here, there]);
    }

    #[test]
    fn who_waits_is_told_when_an_answer_panics_as_it_is_written() {
        let ([here, there], _wire) = connected();
        let (pending, caller) = Pending::begin(&here, Some(there.id()));
        let (to, id) = here.core().remote_caller(caller, there.id());
        let answer = Envelope::message(Mine);
        let sent = catch_unwind(AssertUnwindSafe(|| {
            there.core().answer_away(to, id, Ok(&answer));
        }));
        assert!(sent.is_err());
        assert_eq!(bytes_of(told(pending)), Err(CallError::NoReply));
        stop([here, there]);
    }
}
