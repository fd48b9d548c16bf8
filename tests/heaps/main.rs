//! Who is charged for what, in a program that counts?
//!
//! Role       Heap accounts as a user sees them, on both platforms.

mod accounts;
mod arena;
mod events;
mod group;
mod hand_over;
mod limit;
mod queue;
mod remains;
mod shared;

foundation::allocator!();
