//! Other nodes: who they are, how they are reached, and what holds them together.
//!
//! Role       Above `actors`, below the services. Programs use the facade crate `foundation`.
//! Invariant  What decides is a [`Machine`]: pure, told the time, seeded. Only `transport` and
//!            `discovery` open sockets, only `storage` opens files.

#![forbid(unsafe_code)]

mod broadcast;
pub mod channel;
mod cluster;
mod connection;
pub mod desk;
pub mod discovery;
pub mod faults;
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz {
    //! What a fuzzer calls.
    pub use crate::connection::fuzz::{connection, connection_seeds};
    pub use crate::handshake::fuzz::{handshake, handshake_seeds};
    pub use crate::membership::fuzz::{membership, membership_seeds};
}
pub mod globals;
pub mod groups;
pub mod handshake;
pub mod machine;
pub mod membership;
pub mod mesh;
pub mod model;
pub mod overlay;
mod relay;
mod secret;
mod storage;
#[cfg(feature = "tls")]
mod tls;
pub mod transport;

pub use cluster::{
    AskError, Builder, BuilderExt, Cluster, NodeClusterExt, StartError, SwitchError,
    WorldClusterExt,
};
pub use connection::{BadFrame, FRAME_BYTES_MAX};
pub use globals::{Global, GlobalError, GlobalNameConflict, OnConflict};
pub use machine::{Effects, Machine, Tick};
pub use mesh::{NodeEvent, Peer};
pub use secret::{BadSecret, SECRET_BYTES_MIN, Secret};
pub use storage::{SecretFileError, default_secret_file, state_folder};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use transport::simulated::SimNetwork;
