//! The queue a process reads: what was fetched and not yet handled, oldest first.
//!
//! Role       The second stage of the inbox. Only the process itself touches it, so selective
//!            receive may take from the middle.
//! Owns       Its envelopes, in a circular list: one pointer, to the newest, whose next is the
//!            oldest.

use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use crate::envelope::{Envelope, Header};

pub(crate) struct Queue(*mut Header);

impl Queue {
    pub(crate) const fn new() -> Self {
        Self(ptr::null_mut())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_null()
    }

    /// Adds at the new end: whether there was another one.
    #[inline]
    pub(crate) fn push(&mut self, envelope: Envelope) -> bool {
        let raw = envelope.into_raw().as_ptr();
        let newest = std::mem::replace(&mut self.0, raw);
        // SAFETY: the queue owns its envelopes, and `raw` is owned now.
        unsafe {
            if newest.is_null() {
                (*raw).next = raw;
                return false;
            }
            (*raw).next = (*newest).next;
            (*newest).next = raw;
        }
        true
    }

    /// Puts up to `portion` of a stack, whose newest is `stack`, in front of all others; returns the
    /// rest of it. `look` sees each of them.
    ///
    /// # Safety
    /// The stack is valid, and the queue's from here on.
    #[inline]
    pub(crate) unsafe fn prepend_stack(
        &mut self,
        mut stack: *mut Header,
        portion: usize,
        mut look: impl FnMut(NonNull<Header>),
    ) -> *mut Header {
        for _ in 0..portion {
            let Some(raw) = NonNull::new(stack) else {
                break;
            };
            // SAFETY: by contract.
            unsafe {
                look(raw);
                stack = (*raw.as_ptr()).next;
                self.push_front(Envelope::from_raw(raw));
            }
        }
        stack
    }

    /// The header of the oldest.
    #[inline]
    pub(crate) fn oldest(&self) -> Option<&Header> {
        // SAFETY: the queue owns its envelopes; the list is circular.
        unsafe { self.0.as_ref()?.next.as_ref() }
    }

    /// Takes the oldest.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Envelope> {
        let newest = NonNull::new(self.0)?;
        // SAFETY: the queue owns its envelopes; the list is circular.
        unsafe {
            let oldest = (*newest.as_ptr()).next;
            if oldest == newest.as_ptr() {
                self.0 = ptr::null_mut();
            } else {
                (*newest.as_ptr()).next = (*oldest).next;
            }
            (*oldest).next = ptr::null_mut();
            Some(Envelope::from_raw(NonNull::new_unchecked(oldest)))
        }
    }

    /// Puts an envelope back in front of all others.
    #[inline]
    pub(crate) fn push_front(&mut self, envelope: Envelope) {
        let newest = self.0;
        self.push(envelope);
        if !newest.is_null() {
            // In a circle, the last pushed stands before the oldest: it is the front already.
            self.0 = newest;
        }
    }

    /// Takes the envelope after `before` (null: the oldest).
    ///
    /// `before` is in this queue: the caller has just got it from `insert_after` and removed
    /// nothing since.
    pub(crate) fn take_after(&mut self, before: *mut Header) -> Option<Envelope> {
        let Some(before) = NonNull::new(before) else {
            return self.pop();
        };
        if before.as_ptr() == self.0 {
            return None;
        }
        // SAFETY: `before` is in the queue and is not the newest, so another one follows it.
        unsafe {
            let taken = (*before.as_ptr()).next;
            (*before.as_ptr()).next = (*taken).next;
            if taken == self.0 {
                self.0 = before.as_ptr();
            }
            (*taken).next = ptr::null_mut();
            Some(Envelope::from_raw(NonNull::new_unchecked(taken)))
        }
    }

    /// Puts an envelope after `before` (null: in front), and returns its place.
    pub(crate) fn insert_after(&mut self, before: *mut Header, envelope: Envelope) -> *mut Header {
        let Some(before) = NonNull::new(before) else {
            self.push_front(envelope);
            // SAFETY: the queue is not empty; the newest's next is the oldest.
            return unsafe { (*self.0).next };
        };
        let raw = envelope.into_raw().as_ptr();
        // SAFETY: `before` is in the queue.
        unsafe {
            (*raw).next = (*before.as_ptr()).next;
            (*before.as_ptr()).next = raw;
        }
        if before.as_ptr() == self.0 {
            self.0 = raw;
        }
        raw
    }

    /// Takes the oldest envelope that `wanted` names.
    pub(crate) fn take_first(&mut self, wanted: impl Fn(&Envelope) -> bool) -> Option<Envelope> {
        let mut kept = Self::new();
        let mut found = None;
        while let Some(envelope) = self.pop() {
            if wanted(&envelope) {
                found = Some(envelope);
                break;
            }
            kept.push(envelope);
        }
        kept.append(self);
        std::mem::swap(self, &mut kept);
        found
    }

    /// Takes everything that `unwanted` names, and drops it.
    pub(crate) fn discard_if(&mut self, mut unwanted: impl FnMut(&Envelope) -> bool) -> usize {
        let mut kept = Self::new();
        let mut count = 0;
        while let Some(envelope) = self.pop() {
            if unwanted(&envelope) {
                count += 1;
            } else {
                kept.push(envelope);
            }
        }
        std::mem::swap(self, &mut kept);
        count
    }

    /// Shows each envelope, oldest first. `look` leaves in place what it is shown.
    pub(crate) fn for_each(&mut self, mut look: impl FnMut(&mut Envelope)) {
        let Some(newest) = NonNull::new(self.0) else {
            return;
        };
        // SAFETY: the queue owns its envelopes; the list is circular.
        let mut at = unsafe { newest.as_ref() }.next;
        while let Some(raw) = NonNull::new(at) {
            // SAFETY: as above.
            let next = unsafe { raw.as_ref() }.next;
            at = if raw == newest { ptr::null_mut() } else { next };
            // SAFETY: as above; it stays the queue's.
            look(&mut ManuallyDrop::new(unsafe { Envelope::from_raw(raw) }));
        }
    }

    /// How many envelopes wait, counted up to `most`.
    pub(crate) fn messages_up_to(&self, most: usize) -> usize {
        let Some(newest) = NonNull::new(self.0) else {
            return 0;
        };
        if most == 0 {
            return 0;
        }
        let mut count = 1;
        // SAFETY: the queue owns its envelopes; the list is circular.
        unsafe {
            let mut at = (*newest.as_ptr()).next;
            while at != newest.as_ptr() && count < most {
                count += 1;
                at = (*at).next;
            }
        }
        count
    }

    /// The last of those at the front that are `so`; null when the oldest is not.
    pub(crate) fn last_of_front(&self, so: impl Fn(&Header) -> bool) -> *mut Header {
        let mut last = ptr::null_mut();
        let Some(newest) = NonNull::new(self.0) else {
            return last;
        };
        // SAFETY: the queue owns its envelopes; the list is circular.
        unsafe {
            let mut at = (*newest.as_ptr()).next;
            while so(&*at) {
                last = at;
                if at == newest.as_ptr() {
                    break;
                }
                at = (*at).next;
            }
        }
        last
    }

    /// The headers of all, oldest first.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &Header> {
        let newest = NonNull::new(self.0);
        // SAFETY: the queue owns its envelopes; the list is circular, and ends where it began.
        let oldest = newest.map(|newest| unsafe { &*newest.as_ref().next });
        std::iter::successors(oldest, move |at| {
            let last = std::ptr::eq(*at, self.0);
            // SAFETY: as above.
            (!last).then(|| unsafe { &*at.next })
        })
    }

    /// The oldest.
    pub(crate) fn first(&self) -> Option<&Header> {
        let newest = NonNull::new(self.0)?;
        // SAFETY: the queue owns its envelopes; the newest's next is the oldest.
        unsafe { Some(&*(*newest.as_ptr()).next) }
    }

    /// Moves all of `other` to the new end.
    pub(crate) fn append(&mut self, other: &mut Self) {
        if other.0.is_null() {
            return;
        }
        if !self.0.is_null() {
            // SAFETY: both queues own their envelopes; two circles become one.
            unsafe { std::mem::swap(&mut (*self.0).next, &mut (*other.0).next) };
        }
        self.0 = std::mem::replace(&mut other.0, ptr::null_mut());
    }
}

// SAFETY: a queue owns its envelopes, which are `Send`.
unsafe impl Send for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        while let Some(envelope) = self.pop() {
            drop(envelope);
        }
    }
}
