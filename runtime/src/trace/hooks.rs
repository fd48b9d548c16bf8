//! Where do events come from?
//!
//! Role       What the rest of the runtime calls where something happens to a process that may be
//!            traced; all of it away from the quick ways.
//! Invariant  An event of a process that runs is told after those before it: what it began to handle
//!            is kept back until its arguments are known, and no longer than until the next event.

use super::book::Born;
use super::event::Traced;
use crate::envelope::{Envelope, Header, Kind, Signal};
use crate::node::Core;
use crate::platform::current;
use crate::process::{NAMED, TRACED};
use crate::scheduler::Running;
use crate::{Pid, Reason};

/// A message that a process has begun to handle, until it is told.
pub(crate) struct Taken {
    from: Option<Pid>,
    method: &'static str,
    arguments: Option<Box<str>>,
}

impl Core {
    /// Tells of something that a process of this node, which may be traced, did or had done to it.
    #[cold]
    fn trace(&self, pid: Pid, what: Traced) {
        let runs = current::process();
        let runs =
            runs.filter(|running| std::ptr::eq(running.core(), self) && running.pid() == pid);
        if let Some(running) = runs {
            running.tell_taken();
        }
        self.tracer().tell(self, pid, runs, what);
    }

    /// The running process sends a message to somebody.
    #[cold]
    pub(crate) fn trace_sent(&self, to: Option<Pid>, header: &Header, answer: bool) {
        let running = current::process();
        let running = running.filter(|running| std::ptr::eq(running.core(), self));
        let Some(running) = running.filter(|running| running.is_traced()) else {
            return;
        };
        running.local(|local| {
            if let Some(sent) = local.extra.as_mut().and_then(|extra| extra.sent.as_mut()) {
                *sent += 1;
            }
        });
        let message = header.table.name;
        self.trace(
            running.pid(),
            Traced::Sent {
                to,
                message,
                answer,
            },
        );
    }

    /// Something is about to lie in the mailbox of a traced process.
    #[cold]
    pub(crate) fn trace_received(&self, pid: Pid, envelope: &mut Envelope) {
        let (from, message, answer) = match envelope.kind() {
            Kind::Message | Kind::Call | Kind::Encoded => (envelope.from(), envelope.name(), false),
            Kind::Reply => (envelope.server(), envelope.name(), true),
            Kind::EncodedReply => (None, "answer from another node", true),
            Kind::Signal => match envelope.as_signal() {
                Some(Signal::Down { from, .. }) => (Some(*from), "down", false),
                Some(Signal::Timeout { message, .. }) => (None, message.name(), false),
                Some(Signal::Alias { message, .. }) => (message.from(), message.name(), false),
                _ => return,
            },
        };
        self.trace(
            pid,
            Traced::Received {
                from,
                message,
                answer,
            },
        );
    }

    /// A process has begun, and has not run yet.
    #[cold]
    pub(crate) fn trace_born(&self, by: Option<&Running>, born: &Born<'_>, linked: bool) {
        self.tracer().born(self, by, born);
        let Born {
            pid, parent, code, ..
        } = *born;
        if let Some(running) = by.filter(|running| running.is_traced()) {
            self.trace(running.pid(), Traced::Spawned { child: pid, code });
            if linked {
                self.trace(running.pid(), Traced::Linked { with: pid });
            }
        }
        let block = self.table().find(pid.slot());
        if block.is_none_or(|block| block.state() & TRACED == 0) {
            return;
        }
        self.trace(pid, Traced::Started { parent, code });
        if let Some(by) = parent.filter(|_| linked) {
            self.trace(pid, Traced::GotLinked { by });
        }
        if let Some(name) = born.name {
            self.trace(pid, Traced::Registered { name: name.into() });
        }
    }

    /// A process was given a name, or has lost it.
    #[cold]
    pub(crate) fn trace_name(&self, pid: Pid, name: &str, given: bool) {
        if given {
            self.tracer().named(self, pid, name);
        }
        let name = name.into();
        self.trace(
            pid,
            match given {
                true => Traced::Registered { name },
                false => Traced::Unregistered { name },
            },
        );
    }
}

impl Running {
    /// Something happened to the running process, if it is traced.
    #[inline]
    pub(crate) fn trace(&self, what: impl FnOnce() -> Traced) {
        if self.block().state() & TRACED != 0 {
            self.core().trace(self.pid(), what());
        }
    }

    /// The running process begins to handle a message.
    #[cold]
    pub(crate) fn trace_taken(&self, method: &'static str, from: Option<Pid>) {
        self.tell_taken();
        self.set_taken(Some(Taken {
            from,
            method,
            arguments: None,
        }));
    }

    /// What it handles is called so, and has these arguments.
    #[cold]
    pub(crate) fn trace_asked(&self, method: &'static str, arguments: Option<&str>) {
        if let Some(mut taken) = self.take_taken() {
            taken.method = method;
            taken.arguments = arguments.map(Into::into);
            self.set_taken(Some(taken));
        }
    }

    /// Tells what it has begun to handle, if that was not told yet.
    pub(crate) fn tell_taken(&self) {
        if let Some(taken) = self.take_taken() {
            let what = Traced::Called {
                from: taken.from,
                method: taken.method,
                arguments: taken.arguments,
            };
            let core = self.core();
            core.tracer().tell(core, self.pid(), Some(self), what);
        }
    }

    /// The running, traced process ends. `before` is its state before that.
    #[cold]
    pub(crate) fn trace_exit(&self, before: u64, reason: &Reason) {
        let (core, pid) = (self.core(), self.pid());
        let reason = reason.clone();
        core.trace(pid, Traced::Exited { reason });
        if before & NAMED != 0
            && let Some(name) = core.names().of(pid)
        {
            core.trace(pid, Traced::Unregistered { name });
        }
        core.tracer().forget(core, pid);
    }

    /// Counts what the process sends from now on, or counts no longer.
    pub(crate) fn count_sends(&self, on: bool) {
        self.extra(|extra| extra.sent = on.then_some(0));
        self.core().tracer().count(self, on);
        // From the next turn on it counts: let that be soon.
        self.budget.set(0);
    }
}
