//! State machines: an actor whose handlers depend on the state that it is in.
//!
//! Role       What gen_statem is, on top of the server: `machine` decides what comes next, the rest
//!            lets the server do it.
//! Source     otp: gen_statem

pub mod machine;
