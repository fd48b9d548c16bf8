//! Does `#[derive(Message)]` work on structs, enums and generic types?
#![deny(missing_docs, unused, warnings)]

use foundation::prelude::*;
use serde::{Deserialize, Serialize};

/// Travels.
#[derive(Message, Serialize, Deserialize)]
pub enum Ticket {
    /// One.
    Bought(u32),
    /// The other.
    Returned,
}

/// Stays.
#[derive(Message)]
#[message(local)]
pub struct Opened(pub std::fs::File);

/// Travels if its content does.
#[derive(Message, Serialize, Deserialize)]
#[message(tag = "parcel")]
pub struct Parcel<T> {
    /// Content.
    pub content: T,
}

fn message<M: foundation::__macro::Message>() -> &'static str {
    M::NAME
}

fn main() {
    assert_eq!(message::<Ticket>(), "Ticket");
    assert_eq!(message::<Opened>(), "Opened");
    assert_eq!(message::<Parcel<u8>>(), "Parcel");
}
