//! What comes out?
//!
//! Outputs    [`Table`]: figures in rows and columns; [`means`]: those of several seeds as one.

use std::fmt::Write as _;

use serde::Serialize;

/// Figures in rows and columns.
#[derive(Serialize)]
pub(crate) struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Table {
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
        }
    }

    /// None: it did not come to that within the bound.
    pub(crate) fn row(&mut self, name: &str, figures: Vec<Option<f64>>) {
        assert!(figures.len() + 1 == self.columns.len(), "{name} is short");
        self.rows.push((name.to_owned(), figures));
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("**{}**\n\n| {} |\n", self.title, self.columns.join(" | "));
        let numbers = "---:|".repeat(self.columns.len() - 1);
        let _ = writeln!(text, "|---|{numbers}");
        for (name, figures) in &self.rows {
            let _ = write!(text, "| {name} |");
            for figure in figures {
                let _ = match figure {
                    None => write!(text, " not in time |"),
                    Some(figure) if figure.fract() == 0.0 => write!(text, " {figure} |"),
                    Some(figure) if figure.abs() < 0.1 => write!(text, " {figure:.5} |"),
                    Some(figure) => write!(text, " {figure:.2} |"),
                };
            }
            text.push('\n');
        }
        text
    }
}

/// The tables of several seeds as one, with the means.
pub(crate) fn means(mut runs: Vec<Vec<Table>>) -> Vec<Table> {
    let count = runs.len() as f64;
    let mut first = runs.remove(0);
    for (at, table) in first.iter_mut().enumerate() {
        for (row, (_, figures)) in table.rows.iter_mut().enumerate() {
            for (column, figure) in figures.iter_mut().enumerate() {
                let others = runs.iter().map(|run| run[at].rows[row].1[column]);
                let sum = others.fold(*figure, |sum, other| Some(sum? + other?));
                *figure = sum.map(|sum| sum / count);
            }
        }
    }
    first
}
