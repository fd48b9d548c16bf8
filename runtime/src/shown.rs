//! What does a value look like in a report?
//!
//! Role       Its `Debug`, on one line and cut, for people who look for the reason of a crash.
//! Limit      `SHOWN_MAX` bytes: a large value is not formatted beyond that.
//! Invariant  A `Debug` that panics ends nobody: the text says so.

use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::platform::panics;

/// How much of a value a report shows.
pub const SHOWN_MAX: usize = 512;

/// The value as its `Debug` shows it, cut at [`SHOWN_MAX`] bytes.
///
/// ```
/// use foundation_runtime::shown;
/// assert_eq!(shown(&Some("x")), "Some(\"x\")");
/// assert!(shown(&vec![0; 10_000]).ends_with(" ..."));
/// ```
#[must_use]
pub fn shown(value: &dyn fmt::Debug) -> String {
    let mut text = Cut::default();
    text.add(value);
    text.end()
}

/// Named values, as in a call: `amount: 5, note: "x"`. The whole is cut at [`SHOWN_MAX`] bytes.
#[must_use]
pub fn shown_arguments(values: &[(&str, &dyn fmt::Debug)]) -> String {
    let mut text = Cut::default();
    for (nth, (name, value)) in values.iter().enumerate() {
        let comma = if nth == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{name}: ");
        text.add(*value);
    }
    text.end()
}

/// A text that takes no more than it may.
#[derive(Default)]
struct Cut {
    text: String,
    is_full: bool,
}

impl Cut {
    fn add(&mut self, value: &dyn fmt::Debug) {
        if self.is_full {
            return;
        }
        // The program's Debug may panic: that must not hide what it was to describe.
        let written = catch_unwind(AssertUnwindSafe(|| write!(self, "{value:?}")));
        match written {
            Ok(Err(_)) if !self.is_full => self.text.push_str("(its Debug failed)"),
            Ok(_) => {}
            Err(payload) => {
                let reason = panics::reason(payload);
                let _ = write!(self, "(its Debug failed: {reason})");
            }
        }
    }

    fn end(mut self) -> String {
        if self.is_full {
            self.text.push_str(" ...");
        }
        self.text
    }
}

impl Write for Cut {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = SHOWN_MAX - self.text.len().min(SHOWN_MAX);
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        self.text.push_str(&part[..part.floor_char_boundary(room)]);
        self.is_full = true;
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bad(&'static str);

    impl fmt::Debug for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            match self.0 {
                "panics" => panic!("no Debug"),
                "fails" => Err(fmt::Error),
                text => f.write_str(text),
            }
        }
    }

    #[test]
    fn a_value_is_shown_as_far_as_there_is_room() {
        let many = "\u{e4}".repeat(SHOWN_MAX);
        for (value, expected) in [
            (&1 as &dyn fmt::Debug, "1".to_owned()),
            (&Bad("way"), "halfway".to_owned()),
            (&Bad("fails"), "half(its Debug failed)".to_owned()),
            (
                &Bad("panics"),
                "half(its Debug failed: panic: no Debug)".to_owned(),
            ),
            // A quote and 255 of two bytes; one byte is left.
            (&many, format!("\"{} ...", "\u{e4}".repeat(255))),
        ] {
            assert_eq!(shown(value), expected);
        }
    }

    #[test]
    fn arguments_are_shown_by_name() {
        let (bad, long) = (Bad("panics"), "x".repeat(SHOWN_MAX));
        assert_eq!(shown_arguments(&[]), "");
        assert_eq!(
            shown_arguments(&[("a", &1), ("b", &bad), ("c", &"x")]),
            "a: 1, b: half(its Debug failed: panic: no Debug), c: \"x\""
        );
        let text = shown_arguments(&[("a", &long), ("b", &1)]);
        assert_eq!(text.len(), SHOWN_MAX + " ...".len());
    }
}
