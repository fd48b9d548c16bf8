//! What if a message borrows?

use foundation::prelude::*;

#[derive(Message)]
pub struct Line<'a>(&'a str);

fn main() {}
