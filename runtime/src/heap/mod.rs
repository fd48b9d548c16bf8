//! Who holds how much memory?
//!
//! Role       Heap accounts: the accounting allocator charges each allocation to the process that
//!            makes it, and credits whoever it was charged to when it is freed, wherever that is.
//! Invariant  The sum over all accounts is what the allocator holds. Without the allocator nothing
//!            here runs but a look at a flag where processes begin and end, and figures say
//!            "unavailable".
//! Source     otp: erlang:process_info/2 (memory), erlang:memory/0

mod account;
mod accounting;
mod accounts;
mod arena;
mod chunks;
mod current;
mod figures;
mod group;
mod hand;
mod hand_over;
mod homes;
mod limit;
mod shared_bytes;
mod tag;

pub use accounting::Accounting;
pub use arena::{Arena, ArenaError, ArenaUsage, Compaction, Id, Stored};
pub(crate) use current::{Charged, is_on, of_the_node};
pub(crate) use figures::of_running;
pub use figures::{HeapInfo, NodeMemory};
pub(crate) use figures::{is_large, of_process};
pub use group::{HeapGroup, HeapGroupInfo};
pub use hand::Hand;
pub(crate) use hand::{give_up, lend, take};
pub use hand_over::{Field, HandOver, Owned, Untold};
pub(crate) use homes::{Held, Homes, abandon, close, open};
pub use limit::{HEAP, MaxHeap};
pub(crate) use limit::{Unheeded, ask_again, begin as limit, kills, of as max_heap};
pub use shared_bytes::SharedBytes;
