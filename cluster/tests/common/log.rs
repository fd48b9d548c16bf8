//! What did the cluster log?
//!
//! Role       A subscriber that keeps the lines of the cluster, and waits for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foundation_runtime::World;
use tracing::field::{Field, Visit};
use tracing::span;

const BOUND: Duration = Duration::from_secs(20);

/// All that is logged, one line for each event.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, about: &tracing::Metadata<'_>) -> bool {
        about.target() == "foundation::cluster"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Log {
    /// Waits until a line says this, and forgets all.
    pub(crate) async fn says(&self, what: &str) {
        let world = World::real(1);
        let lines = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = async || lines().iter().any(|line| line.contains(what));
        world.eventually(BOUND, said).await;
        lines().clear();
        let ended = world.node().shutdown(BOUND).await;
        ended.expect("every process yields");
    }
}
