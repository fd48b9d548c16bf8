//! Which events about heaps were there?
//!
//! Role       The program's subscriber: keeps the texts of what is told under `foundation::heap`.

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, PoisonError};

use foundation::HEAP;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, dispatcher};

struct Collector(Mutex<Vec<String>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == HEAP
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.push(text);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The events so far about processes whose code is called so.
pub(crate) fn about(code: &str) -> usize {
    // Another test may come first: then its collector stays.
    let _ = tracing::subscriber::set_global_default(Collector(Mutex::default()));
    dispatcher::get_default(|dispatch| {
        let collector: &Collector = dispatch.downcast_ref().expect("the only subscriber");
        let texts = collector.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.iter().filter(|text| text.contains(code)).count()
    })
}
