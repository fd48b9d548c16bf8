//! Which allocator does a program use?
//!
//! Role       [`allocator!`](crate::allocator): one line in a program turns heap accounting on.
//! Absent     A choice for those who do not write it: a library never seizes the allocator.

/// The allocator underneath `foundation::allocator!()`.
#[doc(hidden)]
#[cfg(feature = "mimalloc")]
pub type Underneath = mimalloc::MiMalloc;

/// The allocator underneath `foundation::allocator!()`.
#[doc(hidden)]
#[cfg(not(feature = "mimalloc"))]
pub type Underneath = std::alloc::System;

#[doc(hidden)]
#[cfg(feature = "mimalloc")]
pub const UNDERNEATH: Underneath = mimalloc::MiMalloc;

#[doc(hidden)]
#[cfg(not(feature = "mimalloc"))]
pub const UNDERNEATH: Underneath = std::alloc::System;

/// Installs the accounting allocator: from then on the program knows which process holds how much.
///
/// It is for the program, in `main.rs`, once: a library that installed one would decide for
/// everybody. Underneath is mimalloc with the feature `mimalloc` of this crate (which needs a C
/// compiler), else the system's allocator; or whatever you name.
///
/// ```
/// use foundation::prelude::*;
///
/// foundation::allocator!();
///
/// #[foundation::main]
/// async fn main(node: Node) -> foundation::Result {
///     let memory = node.memory().expect("this program counts");
///     assert!(memory.outside > 0);
///     Ok(())
/// }
/// ```
///
/// Around another allocator: its name if it is a value too, else type and value.
///
/// ```
/// foundation::allocator!(std::alloc::System);
/// # fn main() {}
/// ```
///
/// ```
/// # struct Mine(u8);
/// # unsafe impl std::alloc::GlobalAlloc for Mine {
/// #     unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
/// #         unsafe { std::alloc::System.alloc(layout) }
/// #     }
/// #     unsafe fn dealloc(&self, block: *mut u8, layout: std::alloc::Layout) {
/// #         unsafe { std::alloc::System.dealloc(block, layout) }
/// #     }
/// # }
/// foundation::allocator!(Mine = Mine(7));
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! allocator {
    () => {
        $crate::allocator!($crate::__Underneath = $crate::__UNDERNEATH);
    };
    ($inner:path) => {
        $crate::allocator!($inner = $inner);
    };
    ($kind:ty = $inner:expr) => {
        /// Knows which process holds how much.
        #[global_allocator]
        static FOUNDATION_ALLOCATOR: $crate::heap::Accounting<$kind> =
            $crate::heap::Accounting::new($inner);
    };
}
