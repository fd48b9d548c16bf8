//! What can an operator ask of a cluster, and what do nodes tell each other about themselves?
//!
//! Role       A process on each node: nodes ask it for an echo and for their connections; an
//!            operator asks it, through `foundation::observe`, for the cluster as this node sees it.
//! Limit      Each question has a bound, and what a node does not answer within it is said to be
//!            unanswered; a [`Topology`] lists single connections up to [`EDGES_MAX`].

mod driver;
mod gather;
mod switch;
mod words;

pub use driver::PART;
pub(crate) use driver::{Plan, child};
pub use gather::{EDGES_MAX, topology};
pub use words::{
    Acted, Answer, ChannelRow, Dialled, Member, Pong, Question, Status, Topology, Vertex, Wanted,
};
