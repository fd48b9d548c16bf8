//! Servers: a struct in a process, with its methods as messages.
//!
//! Role       What gen_server is, without its callbacks' tuples.
//! Source     otp: gen_server

mod actor;
mod asked;
mod beside;
mod body;
mod cx;
mod init_ack;
mod later;
mod method;
mod node;
mod protocol;
mod refs;
mod requests;
mod start;
mod starter;
mod stop;
mod system;
mod systemic;

pub use actor::{Actor, Cast, Handled, Init, IntoInit, Request};
pub use asked::{Show, ShowDebug, ShowNothing};
pub use beside::Beside;
pub(crate) use body::Server;
pub use cx::Cx;
pub(crate) use cx::{Attached, attached};
pub use init_ack::{InitAck, StartFn};
pub(crate) use method::BoxFuture;
pub(crate) use method::Handler;
pub use method::Method;
pub use node::NodeExt;
pub use protocol::{
    CastTo, Protocol, ProtocolCast, ProtocolRequest, RequestTo, Speaks, tell_apart,
};
pub use refs::{Address, Addressed, Client, Name, ReadyRef, Ref, Remote};
pub use requests::{Multicall, Requests, multicall};
pub use start::Start;
pub(crate) use start::{START_TIMEOUT, await_start};
pub(crate) use starter::{Spawned, Started, Starter};
pub use stop::{StartError, Stop};
pub use system::StopError;
pub(crate) use system::{StopRequest, stop};
