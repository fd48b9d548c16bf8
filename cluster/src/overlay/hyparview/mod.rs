//! Which few peers is a node connected to, and by whom are they replaced when they fail?
//!
//! Role       HyParView: a small symmetric active view, and a larger passive view in reserve.
//!            `optimising` changes neighbours for cheaper ones, as X-BOT does.
//! Absent     Measuring what a link costs, and detecting failures: the driver's connections report
//!            both.
//! Source     paper: HyParView (Leitao, Pereira, Rodrigues 2007)
//!            paper: X-BOT (Leitao, Marques, Pereira, Rodrigues 2009)

mod asked;
mod config;
mod costs;
mod event;
mod exchange;
mod machine;
mod optimising;
mod view;

pub use config::{Config, ConfigError};
pub use event::{Effect, Input, Message, PeerId};
pub use machine::HyParView;
