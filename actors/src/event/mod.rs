//! Event managers: processes that show each event to any number of handlers.
//!
//! Role       What gen_event is, with typed events and handlers that are values. Reading order:
//!            `handler` (what a user writes), `id`, `roster` (who is there, pure), `desk` (what can
//!            be done with them), `driver` (the process), `client` (what others may ask).
//! Source     otp: gen_event

mod client;
mod desk;
mod driver;
mod error;
mod handler;
mod id;
mod roster;

pub use client::{EventManager, EventManagerBuilder};
pub use error::{AddHandlerError, HandlerCallError, RemoveHandlerError};
pub use handler::{EventCx, EventExit, EventHandler, HandleCall, HandlerExit, Removal};
pub use id::{HandlerId, HandlerKey};
