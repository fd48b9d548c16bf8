//! Who keeps what comes over a channel, as fast as it is told to?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foundation_actors::Name;
use foundation_macros::actor;
use foundation_runtime::time;

/// The name of the store of a test.
pub(crate) const STORE: Name<Store> = Name::new("store");

/// What keeps what it is told.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) seen: Vec<(u32, u32)>,
    pub(crate) bytes: usize,
    /// How long it takes to keep one.
    pub(crate) pace: Duration,
    pub(crate) most_waiting: Arc<AtomicU64>,
}

#[actor(crate = foundation_actors)]
impl Store {
    #[cast]
    pub(crate) async fn keep(&mut self, sender: u32, number: u32, text: String) {
        let me = foundation_runtime::me().expect("it is a process");
        let waiting = me.info().message_queue_len as u64;
        self.most_waiting.fetch_max(waiting, Ordering::Relaxed);
        self.seen.push((sender, number));
        self.bytes += text.len();
        if !self.pace.is_zero() {
            time::sleep(self.pace).await;
        }
    }

    #[call]
    pub(crate) fn seen(&self) -> Vec<(u32, u32)> {
        self.seen.clone()
    }

    #[call]
    pub(crate) fn echo(&self, text: String) -> String {
        text
    }
}
