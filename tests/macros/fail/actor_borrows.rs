//! What if the actor borrows?

use foundation::prelude::*;

pub struct Reader<'a>(&'a str);

#[actor]
impl<'a> Reader<'a> {
    #[call]
    fn len(&self) -> usize {
        self.0.len()
    }
}

pub struct Writer<'a>(&'a str);

#[actor]
impl Writer<'_> {
    #[call]
    fn len(&self) -> usize {
        self.0.len()
    }
}

fn main() {}
