//! What if `#[message]` has a word that nobody knows?

use foundation::prelude::*;

#[derive(Message)]
#[message(remote)]
pub struct Opened;

fn main() {}
