//! Files that outlive a node, on a disk that a test can break.
//!
//! A node has a [`Disk`]: a folder of its machine, given by [`NodeBuilder::disk`], or in a simulated
//! [`World`] a disk of the machine of its name, which goes on when the node is halted, and is there
//! for the next node of that name. The same code runs on both.
//!
//! What a disk promises is what disks promise: **what was written is there after a crash of the program;
//! after a loss of power only what was synced is**, [`DiskFile::sync`] for what is in a file and
//! [`Disk::sync_names`] for which files there are. In a simulated world [`SimDisk::lose_power`] puts that to the
//! test: what was not synced is kept, lost or torn, as the seed has it.
//!
//! ```
//! use foundation_runtime::World;
//! # use foundation_runtime::disk::DiskError;
//! let (kept, _) = World::simulate(7, |world| async move {
//!     let node = world.start("a");
//!     let file = node.disk().open("ledger").await?;
//!     file.write_at(0, "ten").await?;
//!     file.sync().await?;
//!     node.disk().sync_names().await?;
//!     file.write_at(3, ", not synced").await?;
//!     world.halt(&node);
//!     world.disk("a").lose_power();
//!     let again = world.start("a");
//!     let file = again.disk().open("ledger").await?;
//!     file.read_at(0, 3).await
//! })?;
//! assert_eq!(kept?, b"ten");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Role       The room of files: what a node keeps on its machine.
//! Invariant  Nothing is promised by a simulated disk that a real one does not promise, and nothing is
//!            lost by it that a real one keeps.
//! Limit      [`READ_MAX`] bytes of one read, [`FILE_MAX`] of a file, [`CAPACITY`](SimDisk::set_capacity) of a simulated disk.
//!
//! [`NodeBuilder::disk`]: crate::NodeBuilder::disk
//! [`World`]: crate::World

mod error;
mod handle;
mod name;
mod real;
mod simulated;

pub use error::DiskError;
pub use handle::{Disk, DiskFile};
pub(crate) use real::Folder;
pub(crate) use simulated::Disks;
pub use simulated::{DiskSpeed, SimDisk};

/// The most bytes of one read.
pub const READ_MAX: usize = 64 << 20;
/// The most bytes of a file.
pub const FILE_MAX: u64 = 1 << 40;
