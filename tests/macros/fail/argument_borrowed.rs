//! What if an argument borrows?

use foundation::prelude::*;

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn rename(&mut self, name: &str, rows: &[u8]) {
        let _ = (name, rows);
    }
    #[call]
    fn cow(&self, text: std::borrow::Cow<'_, str>) -> usize {
        text.len()
    }
}

fn main() {}
