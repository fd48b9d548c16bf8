//! Where was the code when it panicked, or did not come back?
//!
//! Role       The stack of a panic, or of a handler that is stuck: taken when it happens, put into
//!            words when somebody reads it.
//! Invariant  To take it costs microseconds. To find the names of its functions, which may take a
//!            tenth of a second, is left to whoever prints it, compares it or sends it away.

use std::backtrace::Backtrace;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::platform::symbols;

/// The stack at a panic, or of a handler that does not come back.
///
/// Printed, it shows the program's own functions: those between the panic and the scheduler. With
/// `{:#}` it shows all.
#[derive(Clone)]
pub struct Stack(Arc<Inner>);

enum Inner {
    Taken(Backtrace),
    /// Of another thread: return addresses.
    Seen(Vec<usize>),
    /// On another node, or before.
    Told(Box<str>),
}

impl Stack {
    pub(crate) fn taken(stack: Backtrace) -> Self {
        Self(Arc::new(Inner::Taken(stack)))
    }

    /// What another thread wrote down; `None` when it is nothing.
    pub(crate) fn seen(addresses: Vec<usize>) -> Option<Self> {
        let some = !addresses.is_empty();
        some.then(|| Self(Arc::new(Inner::Seen(addresses))))
    }

    /// What another node told.
    pub(crate) fn told(text: &str) -> Self {
        Self(Arc::new(Inner::Told(text.into())))
    }

    pub(crate) fn text(&self) -> String {
        match &*self.0 {
            Inner::Taken(stack) => stack.to_string(),
            Inner::Seen(addresses) => symbols::text(addresses),
            Inner::Told(text) => text.to_string(),
        }
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let text = if f.alternate() { &text } else { own(&text) };
        f.write_str(text.trim_end())
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stack(..)")
    }
}

impl Serialize for Stack {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Stack {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Box::deserialize(from)?;
        Ok(Self(Arc::new(Inner::Told(text))))
    }
}

/// What std puts on the stack when code panics.
const PANIC: [&str; 4] = [
    "std::panicking::",
    "core::panicking::",
    "rust_begin_unwind",
    "__rustc::",
];
/// What the process was called by.
const SCHEDULER: &str = "foundation_runtime::scheduler::";

/// The frames between the panic and the scheduler; all, when they are not where they should be.
fn own(text: &str) -> &str {
    let scheduler = frames(text).find(|(_, name)| name.contains(SCHEDULER));
    let text = &text[..scheduler.map_or(text.len(), |(at, _)| at)];
    let is_panic = |name: &str| PANIC.iter().any(|panic| name.contains(panic));
    let last = frames(text).filter(|(_, name)| is_panic(name)).last();
    let begin = last.and_then(|(last, _)| frames(text).find(|(at, _)| *at > last));
    &text[begin.map_or(0, |(at, _)| at)..]
}

/// Where each frame begins, and its function: a line such as `  12: app::main`.
fn frames(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len(), line)
    });
    lines.filter_map(|(at, line)| {
        let (number, name) = line.trim_start().split_once(": ")?;
        let counts = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        counts.then_some((at, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "   0: std::backtrace_rs::trace
   1: std::panicking::panic_with_hook
             at /rustc/std.rs:1:1
   2: core::panicking::panic_fmt
   3: app::Bank::withdraw
             at ./src/main.rs:9:5
   4: foundation_actors::server::method::run_call
   5: foundation_runtime::scheduler::slice::poll::{closure}
   6: std::panicking::catch_unwind::do_call
   7: start_thread
";

    fn stack(text: &str) -> Stack {
        Stack(Arc::new(Inner::Told(text.into())))
    }

    #[test]
    fn a_stack_shows_what_is_the_programs() {
        assert_eq!(
            stack(WHOLE).to_string(),
            "   3: app::Bank::withdraw
             at ./src/main.rs:9:5
   4: foundation_actors::server::method::run_call"
        );
        assert_eq!(format!("{:#}", stack(WHOLE)), WHOLE.trim_end());
    }

    #[test]
    fn a_stack_of_an_unknown_form_is_shown_as_it_is() {
        for text in ["nobody knows", "   0: app::main\n   1: start_thread"] {
            assert_eq!(stack(text).to_string(), text);
        }
    }
}
