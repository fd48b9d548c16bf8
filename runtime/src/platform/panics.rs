//! Where did a process panic?
//!
//! Role       A panic of a process is caught and reported by the runtime: the hook notes where it
//!            happened and keeps the default print for panics outside processes, unless they are
//!            looked for.
//! Owns       The one installation of the hook per program, a thread-local note, and whether panics
//!            of the thread are looked for.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

use super::current;
use crate::process::ExitPayload;
use crate::{Crash, Reason, Stack};

static INSTALLED: Once = Once::new();

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static NOTE: RefCell<Option<(Box<str>, Option<Stack>)>> = const { RefCell::new(None) };
}

/// Installs the hook, once per program; the hook that was there handles all other panics.
pub(crate) fn install() {
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if current::process().is_none() && !QUIET.get() {
                return before(info);
            }
            let location = info.location().map(|at| at.to_string().into_boxed_str());
            let stack = Backtrace::capture();
            let taken = stack.status() == BacktraceStatus::Captured;
            let stack = taken.then(|| Stack::taken(stack));
            NOTE.with_borrow_mut(|note| *note = location.map(|location| (location, stack)));
        }));
    });
}

/// Runs `f`, whose panics are looked for, and catches them; they are not printed.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Reason> {
    install();
    let before = QUIET.replace(true);
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(f));
    QUIET.set(before);
    outcome.map_err(reason)
}

/// The exit reason that a caught panic stands for.
#[must_use]
pub fn reason(payload: Box<dyn Any + Send>) -> Reason {
    let payload = match payload.downcast::<ExitPayload>() {
        Ok(exit) => return exit.0,
        Err(payload) => payload,
    };
    let message: Box<str> = if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).into()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.as_str().into()
    } else {
        "a panic whose payload is no text".into()
    };
    // The payload is the program's: its drop may panic too.
    if let Err(second) = panic::catch_unwind(panic::AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    let note = NOTE.with_borrow_mut(Option::take);
    let (location, backtrace) = match note {
        Some((location, backtrace)) => (Some(location), backtrace),
        None => (None, None),
    };
    Reason::Crash(std::sync::Arc::new(Crash {
        message,
        location,
        backtrace,
    }))
}
