//! Does the first program of the book compile, under the strictest lints a user may have?
#![deny(missing_docs, unreachable_pub, unused, warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use foundation::prelude::*;

/// Counts.
#[derive(Default)]
pub struct Counter {
    n: i64,
}

#[actor]
impl Counter {
    /// How many so far.
    #[call]
    pub fn get(&self) -> i64 {
        self.n
    }

    /// More of them.
    #[cast]
    pub fn add(&mut self, by: i64) {
        self.n += by;
    }
}

/// Calls and casts.
///
/// # Errors
///
/// As the calls and casts.
pub async fn user(counter: Ref<Counter>) -> foundation::Result {
    counter.add(2)?;
    assert_eq!(counter.get().await?, 2);
    Ok(())
}

fn main() {
    let mut counter = Counter { n: 1 };
    counter.add(1);
    assert_eq!(counter.get(), 2);
    let _ = CounterMsg::Add(2);
    let _ = user;
}
