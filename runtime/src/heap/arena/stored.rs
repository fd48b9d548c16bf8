//! What can lie in an arena?

use std::alloc::Layout;
use std::ptr::NonNull;

/// What can be copied into an [`Arena`](super::Arena): `Copy` values that can be sent, slices of them,
/// and texts.
///
/// # Safety
/// A value is its bytes: a copy of them is a value of its own that needs no drop. `view` gives back
/// what lies in as many bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot lie in an arena",
    note = "a value in an arena is `Copy`, or a slice of such, or a `str`: it has no destructor",
    note = "texts and lists go in by themselves, and a value keeps their `Id`"
)]
pub unsafe trait Stored: Send + 'static {
    /// The value at `at`, of `bytes` bytes.
    ///
    /// # Safety
    /// One lies there, nobody changes it for `'a`.
    #[doc(hidden)]
    unsafe fn view<'a>(at: NonNull<u8>, bytes: usize) -> &'a Self;

    /// The same, to be changed.
    ///
    /// # Safety
    /// As for `view`, and nobody else looks at it for `'a`.
    #[doc(hidden)]
    unsafe fn view_mut<'a>(at: NonNull<u8>, bytes: usize) -> &'a mut Self;
}

// SAFETY: `Copy`.
unsafe impl<T: Copy + Send + 'static> Stored for T {
    unsafe fn view<'a>(at: NonNull<u8>, _: usize) -> &'a Self {
        // SAFETY: by contract.
        unsafe { at.cast::<T>().as_ref() }
    }

    unsafe fn view_mut<'a>(at: NonNull<u8>, _: usize) -> &'a mut Self {
        // SAFETY: by contract.
        unsafe { at.cast::<T>().as_mut() }
    }
}

/// How many values of a type have this size; of a type without a size, none are told apart.
fn count<T>(bytes: usize) -> usize {
    const {
        assert!(
            size_of::<T>() != 0,
            "values without a size cannot be counted"
        )
    };
    bytes / Layout::new::<T>().size()
}

// SAFETY: `Copy`, one after the other.
unsafe impl<T: Copy + Send + 'static> Stored for [T] {
    unsafe fn view<'a>(at: NonNull<u8>, bytes: usize) -> &'a Self {
        // SAFETY: by contract.
        unsafe { NonNull::slice_from_raw_parts(at.cast::<T>(), count::<T>(bytes)).as_ref() }
    }

    unsafe fn view_mut<'a>(at: NonNull<u8>, bytes: usize) -> &'a mut Self {
        // SAFETY: by contract.
        unsafe { NonNull::slice_from_raw_parts(at.cast::<T>(), count::<T>(bytes)).as_mut() }
    }
}

// SAFETY: bytes that are UTF-8, and stay so: `&mut str` keeps them.
unsafe impl Stored for str {
    unsafe fn view<'a>(at: NonNull<u8>, bytes: usize) -> &'a Self {
        // SAFETY: by contract a text lies there.
        unsafe { std::str::from_utf8_unchecked(<[u8]>::view(at, bytes)) }
    }

    unsafe fn view_mut<'a>(at: NonNull<u8>, bytes: usize) -> &'a mut Self {
        // SAFETY: by contract a text lies there.
        unsafe { std::str::from_utf8_unchecked_mut(<[u8]>::view_mut(at, bytes)) }
    }
}
