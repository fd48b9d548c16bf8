//! What will be read soon?
//!
//! Role       Asks the processor to fetch memory before it is needed. A hint: it reads nothing.

/// Fetches what `start` points to, about a cache line of it.
#[inline]
pub(crate) fn prefetch<T>(start: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = start.cast::<i8>();
        // SAFETY: a prefetch has no effect but on the cache, wherever it points. Small allocations
        // often straddle two lines.
        unsafe {
            _mm_prefetch(start, _MM_HINT_T0);
            _mm_prefetch(start.wrapping_add(48), _MM_HINT_T0);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = start;
}
