//! State that outlives the futures which borrow it.
//!
//! Role       The one audited place where an async handler's future holds `&mut` to the state of
//!            its process: a panic drops future and state each in its own catch, and between
//!            handlers the state can be shown or replaced.
//! Invariant  While a future is held, nothing else touches the state. The future is dropped first.

use std::cell::UnsafeCell;
use std::marker::PhantomPinned;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

type Held<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A state, and at most one future that borrows it.
pub struct StateCell<S, T = ()> {
    future: Option<Held<T>>,
    state: ManuallyDrop<UnsafeCell<S>>,
    _pinned: PhantomPinned,
}

// SAFETY: the cell hands out the state only through `Pin<&mut Self>`, so `Sync` needs no more than
// what `&mut` gives; it is never shared.
unsafe impl<S: Send, T: Send> Sync for StateCell<S, T> {}

impl<S: Send + 'static, T: 'static> StateCell<S, T> {
    /// A cell around `state`.
    pub fn new(state: S) -> Self {
        Self {
            future: None,
            state: ManuallyDrop::new(UnsafeCell::new(state)),
            _pinned: PhantomPinned,
        }
    }

    /// Whether a future holds the state.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.future.is_some()
    }

    /// The state.
    ///
    /// # Panics
    /// While a future holds it.
    #[inline]
    pub fn state(self: Pin<&mut Self>) -> &mut S {
        assert!(
            self.future.is_none(),
            "the state is held by a handler that waits"
        );
        // SAFETY: no future borrows the state, and `&mut self` is the only way to it. The state is
        // not pinned by this cell's contract: only its address is stable.
        unsafe { &mut *self.get_unchecked_mut().state.get() }
    }

    /// Lets `f` use the state; a future that it returns holds the state until it is done.
    ///
    /// # Panics
    /// While a future holds it.
    #[inline]
    pub fn enter(
        self: Pin<&mut Self>,
        f: impl for<'a> FnOnce(&'a mut S) -> Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
    ) -> bool {
        assert!(
            self.future.is_none(),
            "the state is held by a handler that waits"
        );
        // SAFETY: the cell is pinned, so the state's address is stable until the cell is dropped.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: no future borrows the state. The borrow is made from the `UnsafeCell`, so later
        // `&mut` to the cell itself do not invalidate it.
        let state = unsafe { &mut *this.state.get() };
        let Some(future) = f(state) else { return false };
        // SAFETY: the future may borrow the state for as long as the cell lives: it is kept in
        // this cell, never handed out, and dropped before the state. `T: 'static`, so nothing of
        // the borrow leaves with its output.
        let future = unsafe {
            std::mem::transmute::<Pin<Box<dyn Future<Output = T> + Send + '_>>, Held<T>>(future)
        };
        this.future = Some(future);
        true
    }

    /// Drops the future that holds the state, if there is one, and frees the state.
    pub fn cancel(self: Pin<&mut Self>) {
        // SAFETY: nothing is moved out of the pinned cell but the box, whose content stays put.
        let future = unsafe { self.get_unchecked_mut() }.future.take();
        drop(future);
    }

    /// Polls the future that holds the state, and frees the state when it is done.
    ///
    /// # Panics
    /// When there is none.
    pub fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: nothing is moved out of the pinned cell; the future is pinned in its box.
        let this = unsafe { self.get_unchecked_mut() };
        let future = this
            .future
            .as_mut()
            .expect("a state cell was polled without a future");
        let done = future.as_mut().poll(cx);
        if done.is_ready() {
            this.future = None;
        }
        done
    }
}

impl<S, T> Drop for StateCell<S, T> {
    fn drop(&mut self) {
        let future = self.future.take();
        let first = catch_unwind(AssertUnwindSafe(|| drop(future)));
        // SAFETY: dropped once, here, and after the future that may borrow it.
        let state = unsafe { ManuallyDrop::take(&mut self.state) };
        drop(state);
        if let Err(payload) = first
            && !std::thread::panicking()
        {
            resume_unwind(payload);
        }
    }
}

impl<S, T> std::fmt::Debug for StateCell<S, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateCell")
            .field("held", &self.future.is_some())
            .finish_non_exhaustive()
    }
}
