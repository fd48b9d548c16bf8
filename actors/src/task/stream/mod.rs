//! A task per item of an iterator, some at a time.
//!
//! Role       `machine` decides, `driver` is the stream that performs, `items` is what it keeps of
//!            those under way.
//! Source     elixir: Task.async_stream/5

mod driver;
mod items;
pub mod machine;

pub use driver::{TaskExit, TaskStream};
pub use machine::OnTimeout;
