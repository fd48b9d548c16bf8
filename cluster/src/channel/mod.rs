//! What may messages between two nodes share, and what not?
//!
//! Role       Channels: ways of their own for some of what goes to another node, and what is asked of
//!            each. The pure parts are here; `connection` carries.
//! Invariant  Over one channel a pair of processes keeps its order, and over two there is none. A
//!            channel that one of the nodes lacks is an error, never another channel.

pub(crate) mod causal;
pub(crate) mod kept;
mod meter;
pub(crate) mod pace;
pub(crate) mod pack;
pub(crate) mod queue;
mod spec;
mod table;
mod width;

pub use meter::ChannelFigures;
pub(crate) use meter::Meter;
pub(crate) use queue::Turn;
pub use spec::{BadChannel, BadValue, Channel, FULL_MAX, LANES_MAX};
pub(crate) use table::Channels;
pub use width::LANES_TUNED;
pub(crate) use width::Width;
