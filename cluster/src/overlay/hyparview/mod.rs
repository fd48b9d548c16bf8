//! Which few peers is a node connected to, and by whom are they replaced when they fail?
//!
//! Role       HyParView: a small symmetric active view, and a larger passive view in reserve.
//! Absent     Costs of links; detection of failures, which the driver's connections report.
//! Source     paper: HyParView (Leitao, Pereira, Rodrigues 2007)

mod asked;
mod config;
mod event;
mod machine;
mod view;

pub use config::{Config, ConfigError};
pub use event::{Effect, Input, Message, PeerId};
pub use machine::HyParView;
