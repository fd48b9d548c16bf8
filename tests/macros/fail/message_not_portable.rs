//! What if a message cannot travel?

use foundation::prelude::*;

#[derive(Message)]
pub struct Opened(std::fs::File);

fn main() {}
