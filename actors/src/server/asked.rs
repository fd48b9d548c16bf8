//! How do reports know what a handler was asked?
//!
//! Role       What `#[actor]` puts around handlers: a future that says whose it is when it panics,
//!            and arguments as text, as far as they can be shown.
//! Invariant  A plain handler of an actor that shows no arguments has nothing around it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use foundation_runtime::Asked;
use pin_project_lite::pin_project;

pin_project! {
    /// A handler that waits, with its name and its arguments.
    pub(super) struct Asking<F> {
        #[pin]
        future: F,
        what: &'static str,
        arguments: Option<Box<str>>,
    }
}

impl<F: Future> Future for Asking<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _asked = Asked::new(this.what, this.arguments.as_deref());
        this.future.poll(cx)
    }
}

impl<F> Asking<F> {
    pub(super) fn new(what: &'static str, arguments: Option<String>, future: F) -> Self {
        Self {
            future,
            what,
            arguments: arguments.map(Into::into),
        }
    }
}

/// A value that is shown by its `Debug` if it has one: `(&Show(&value)).text()`.
///
/// Both traits below have that method. Rust takes the first that fits, and that of [`ShowDebug`]
/// needs one reference less.
pub struct Show<'a, T>(pub &'a T);

/// Shows a value that has a `Debug`.
pub trait ShowDebug {
    /// What is shown.
    fn text(&self) -> &dyn fmt::Debug;
}

/// Shows that a value has none.
pub trait ShowNothing {
    /// What is shown.
    fn text(&self) -> &dyn fmt::Debug;
}

impl<T: fmt::Debug> ShowDebug for Show<'_, T> {
    fn text(&self) -> &dyn fmt::Debug {
        self.0
    }
}

impl<T> ShowNothing for &Show<'_, T> {
    fn text(&self) -> &dyn fmt::Debug {
        &Nothing
    }
}

struct Nothing;

impl fmt::Debug for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl<T> fmt::Debug for Show<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Show(..)")
    }
}
