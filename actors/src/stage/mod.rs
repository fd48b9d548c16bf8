//! How do items flow between processes no faster than they are wanted?
//!
//! Role       Stages: a process that makes or passes on items, and subscriptions, streams of what a
//!            stage delivers. Who consumes asks for more; nobody sends what was not asked for.
//! Source     elixir: GenStage

mod builder;
mod client;
mod consumers;
pub mod dispatch;
mod driver;
mod source;
mod subscription;

pub use builder::{Stage, StageBuilder, StageError, StartStage, stage_child};
pub use client::{PushError, StageClient};
pub use consumers::ConsumerSupervisor;
pub use dispatch::{Limits, Overflow, Standing, SubscribeError};
pub use source::{Produced, Producer};
pub use subscription::{Cancel, Ended, Subscribe, Subscription};
