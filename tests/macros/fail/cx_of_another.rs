//! What if a parameter is called `Cx` and is something else?

use foundation::prelude::*;

mod screen {
    pub struct Cx;
}

pub struct Counter(u64);

#[actor]
impl Counter {
    #[cast]
    fn draw(&mut self, cx: &mut screen::Cx) {
        let _ = cx;
    }
    #[cast]
    async fn marked(&mut self, #[cx] pen: &mut u8) {
        let _ = pen;
    }
}

fn main() {}
