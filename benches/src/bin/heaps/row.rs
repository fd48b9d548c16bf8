//! What comes out?
//!
//! Outputs    [`Row`]: one figure; [`Measured`]: what one child found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    pub(crate) other: Option<f64>,
    /// Ours by the other.
    pub(crate) ratio: Option<f64>,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn new(name: &str, unit: &'static str, ours: f64, other: Option<f64>) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            ours,
            other,
            ratio: other.map(|other| ours / other),
            note: String::new(),
        }
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// Figures of one side, by name.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Measured(BTreeMap<String, f64>);

impl Measured {
    pub(crate) fn with(mut self, name: &str, value: f64) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(f64::NAN)
    }
}

pub(crate) fn table(rows: &[Row]) -> String {
    let mut text =
        String::from("| figure | unit | ours | other | ratio | |\n|---|---|---:|---:|---:|---|\n");
    for row in rows {
        let shown = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | {} | {} | {} |",
            row.name,
            row.unit,
            row.ours,
            shown(row.other, 1),
            shown(row.ratio, 3),
            row.note
        );
    }
    text
}
