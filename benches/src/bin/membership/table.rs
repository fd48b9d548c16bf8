//! What comes out?
//!
//! Outputs    [`Row`]: one figure of one variant; [`text`]: a table with a column for each variant.

use std::fmt::Write as _;

use serde::Serialize;

/// One figure.
#[derive(Serialize)]
pub(crate) struct Row {
    scenario: String,
    figure: String,
    variant: String,
    /// How many nodes there were, and which seed.
    nodes: usize,
    seed: u64,
    unit: &'static str,
    /// None: it did not come to that within the bound.
    value: Option<f64>,
}

impl Row {
    pub(crate) fn new(
        scenario: &str,
        figure: &str,
        variant: &str,
        (nodes, seed): (usize, u64),
        (unit, value): (&'static str, Option<f64>),
    ) -> Self {
        Self {
            scenario: scenario.to_owned(),
            figure: figure.to_owned(),
            variant: variant.to_owned(),
            nodes,
            seed,
            unit,
            value,
        }
    }
}

/// The figures as lines, the variants as columns, in the order in which they came.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut variants: Vec<&str> = Vec::new();
    let mut figures: Vec<(&str, &str, &str)> = Vec::new();
    for row in rows {
        if !variants.contains(&row.variant.as_str()) {
            variants.push(&row.variant);
        }
        let figure = (row.scenario.as_str(), row.figure.as_str(), row.unit);
        if !figures.contains(&figure) {
            figures.push(figure);
        }
    }
    let mut text = format!("| scenario | figure | {} |\n", variants.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---:|".repeat(variants.len()));
    for (scenario, figure, unit) in figures {
        let _ = write!(text, "| {scenario} | {figure} |");
        for variant in &variants {
            let found = rows.iter().find(|row| {
                row.scenario == scenario && row.figure == figure && row.variant == *variant
            });
            let shown = match found.map(|row| row.value) {
                None => String::new(),
                Some(None) => "not in time".to_owned(),
                Some(Some(value)) if unit.is_empty() => format!("{value}"),
                Some(Some(value)) if value.is_nan() => String::new(),
                Some(Some(value)) if unit == "intervals" => format!("{value:.2}"),
                Some(Some(value)) => format!("{value:.1} {unit}"),
            };
            let _ = write!(text, " {shown} |");
        }
        text.push('\n');
    }
    text
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The greatest, where all are known.
pub(crate) fn worst(values: &[Option<f64>]) -> Option<f64> {
    let all = values.iter().copied().collect::<Option<Vec<f64>>>();
    all.map(|all| all.into_iter().fold(0.0, f64::max))
}
