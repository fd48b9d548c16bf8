//! What was a process doing when it failed?
//!
//! Role       For its crash report: the message that it handled, who sent it, and, if the code that
//!            handles it keeps them, its arguments.
//! Invariant  While nothing fails it costs a note of two words per message: everything here happens
//!            after a panic.

use std::fmt;

use super::Extra;
use crate::Pid;
use crate::envelope::{Kind, Table};
use crate::platform::current;
use crate::scheduler::Running;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Call,
    Cast,
    Message,
    /// As bytes, whatever it was.
    FromAfar,
    /// As a signal that was put in the mailbox.
    Signal,
}

/// What a process handles.
#[derive(Clone, Debug)]
pub(crate) struct Handling {
    pub(crate) way: Option<Way>,
    pub(crate) what: &'static str,
    pub(crate) arguments: Option<Box<str>>,
    pub(crate) from: Option<Pid>,
}

impl Handling {
    pub(crate) fn of(table: &'static Table, from: Option<Pid>) -> Self {
        let way = match table.kind {
            Kind::Call => Way::Call,
            Kind::Message if table.entry.is_some() => Way::Cast,
            Kind::Encoded => Way::FromAfar,
            Kind::Signal => Way::Signal,
            _ => Way::Message,
        };
        Self {
            way: Some(way),
            what: table.name,
            arguments: None,
            from,
        }
    }
}

/// What a handler was asked. Dropped by a panic of the handler, it tells the crash report.
#[derive(Debug)]
pub struct Asked<'a> {
    what: &'static str,
    arguments: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// From here on until it is dropped a handler runs: its name, and its arguments as text.
    #[must_use = "it says that the handler runs until it is dropped"]
    pub fn new(what: &'static str, arguments: Option<&'a str>) -> Self {
        if arguments.is_some()
            && let Some(running) = current::process().filter(|running| running.is_traced())
        {
            running.trace_asked(what, arguments);
        }
        Self { what, arguments }
    }
}

impl Drop for Asked<'_> {
    #[inline]
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
    }
}

impl Asked<'_> {
    #[cold]
    fn tell(&self) {
        let Some(running) = current::process() else {
            return;
        };
        let handling = Handling {
            way: None,
            what: self.what,
            arguments: self.arguments.map(Into::into),
            from: None,
        };
        running.extra(|extra| {
            extra.failed_in.get_or_insert_with(|| Box::new(handling));
        });
    }
}

/// Keeps what the running process, which has just panicked, was handling.
pub(crate) fn failed(running: &Running) {
    let stamped = running.handling();
    running.extra(|extra| {
        let told = extra.failed_in.take();
        extra.failed_in = match (told, stamped) {
            (Some(told), stamped) => Some(Box::new(merge(*told, stamped, extra))),
            (None, stamped) => stamped.map(Box::new),
        };
    });
}

/// What the handler told, with what is known of the message.
fn merge(told: Handling, stamped: Option<Handling>, extra: &Extra) -> Handling {
    match stamped {
        Some(message) if message.what == told.what => Handling {
            arguments: told.arguments,
            ..message
        },
        Some(message) if message.way == Some(Way::FromAfar) => Handling {
            from: message.from,
            ..told
        },
        _ => {
            // It has waited since: a caller whose right to an answer fell with the handler is known.
            let orphan = extra.orphans.last().map(|call| call.header());
            let orphan = orphan.map(|header| Handling::of(header.table, header.from));
            match orphan.filter(|call| call.what == told.what) {
                Some(call) => Handling {
                    arguments: told.arguments,
                    ..call
                },
                None => told,
            }
        }
    }
}

impl fmt::Display for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.way {
            Some(Way::Call) => "call ",
            Some(Way::Cast) => "cast ",
            Some(Way::Message) => "message ",
            Some(Way::FromAfar | Way::Signal) | None => "",
        })?;
        match (self.way, &self.arguments) {
            (Some(Way::Signal), _) => f.write_str("an exit, a down or a timer"),
            (_, Some(arguments)) => write!(f, "{}({arguments})", self.what),
            (_, None) => f.write_str(self.what),
        }
    }
}
