//! What comes out?
//!
//! Outputs    [`Table`]: figures in rows and columns; [`means`]: those of several seeds as one, with the spread.

use std::fmt::Write as _;

use serde::Serialize;

/// Figures in rows and columns.
#[derive(Serialize)]
pub(crate) struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Option<Figure>>)>,
}

/// A figure, and between what those of several seeds were.
#[derive(Clone, Copy, Serialize)]
struct Figure {
    mean: f64,
    least: f64,
    most: f64,
}

impl Figure {
    fn one(value: f64) -> Self {
        Self {
            mean: value,
            least: value,
            most: value,
        }
    }

    fn text(&self) -> String {
        let Self { mean, least, most } = *self;
        match least < most {
            true => format!("{} ({} to {})", short(mean), short(least), short(most)),
            false => short(mean),
        }
    }
}

fn short(figure: f64) -> String {
    match figure {
        figure if figure.fract() == 0.0 => format!("{figure}"),
        figure if figure.abs() < 0.1 => format!("{figure:.5}"),
        figure => format!("{figure:.2}"),
    }
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
        let figures = figures.into_iter().map(|figure| figure.map(Figure::one));
        self.rows.push((name.to_owned(), figures.collect()));
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("**{}**\n\n| {} |\n", self.title, self.columns.join(" | "));
        let numbers = "---:|".repeat(self.columns.len() - 1);
        let _ = writeln!(text, "|---|{numbers}");
        for (name, figures) in &self.rows {
            let _ = write!(text, "| {name} |");
            for figure in figures {
                let figure = figure.map_or("not in time".into(), |figure| figure.text());
                let _ = write!(text, " {figure} |");
            }
            text.push('\n');
        }
        text
    }
}

/// The tables of several seeds as one, with the means, and between what they are.
pub(crate) fn means(mut runs: Vec<Vec<Table>>) -> Vec<Table> {
    let count = runs.len() as f64;
    let mut first = runs.remove(0);
    for (at, table) in first.iter_mut().enumerate() {
        for (row, (_, figures)) in table.rows.iter_mut().enumerate() {
            for (column, figure) in figures.iter_mut().enumerate() {
                let others = runs.iter().map(|run| run[at].rows[row].1[column]);
                let sum = others.fold(*figure, |sum, other| {
                    let (sum, other) = (sum?, other?);
                    Some(Figure {
                        mean: sum.mean + other.mean,
                        least: sum.least.min(other.least),
                        most: sum.most.max(other.most),
                    })
                });
                *figure = sum.map(|sum| Figure {
                    mean: sum.mean / count,
                    ..sum
                });
            }
        }
    }
    first
}
