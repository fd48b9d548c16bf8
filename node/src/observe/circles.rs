//! How are processes that wait for each other drawn?
//!
//! Role       The terminal's view of circles: a line for each call, from who waits to whom it asked.
//! Inputs     The circles of the last figures; the row that the operator is at.
//! Outputs    Cells.
//! Invariant  A row is a process, so that it can be opened or killed; killing one breaks its circle.

use foundation::observe::protocol::{Circle, Hop};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::draw::{DIM, marked, window};
use super::view::View;
use crate::figures::{fit, thousands};

/// Draws the circles.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let circles = &view.figures.circles;
    if circles.is_empty() {
        let text = " No processes wait for each other.";
        return frame.render_widget(Line::styled(text, DIM), area);
    }
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let lines: Vec<(bool, String)> = circles.iter().flat_map(lines).collect();
    let mut rows = lines.iter().enumerate().filter(|(_, (row, _))| *row);
    let here = rows.nth(view.at).map(|(line, _)| line);
    let from = window(here.unwrap_or(0), height);
    let shown = lines.iter().enumerate().skip(from).take(height);
    let shown = shown.map(|(line, (row, text))| match row {
        true => marked(fit(text, width), Some(line) == here),
        false => Line::styled(fit(text, width), DIM),
    });
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), area);
}

/// The lines of a circle, and which of them are rows.
fn lines(circle: &Circle) -> Vec<(bool, String)> {
    let last = circle.hops.len().saturating_sub(1);
    let mut lines = Vec::new();
    for (at, hop) in circle.hops.iter().enumerate() {
        let next = match circle.hops.get(at + 1) {
            None if circle.hidden > 0 => "others".to_owned(),
            next => next
                .or(circle.hops.first())
                .map_or_else(String::new, Hop::to_string),
        };
        let mark = match at {
            0 => "╭",
            _ if at == last && circle.hidden == 0 => "╰",
            _ => "│",
        };
        let stage = if hop.taken {
            "is handled"
        } else {
            "in the mailbox"
        };
        let text = format!(" {mark} {hop} -({})-> {next}  · {stage}", hop.message);
        lines.push((true, text));
    }
    if circle.hidden > 0 {
        lines.push((false, format!(" ╰ and {} more", thousands(circle.hidden))));
    }
    lines
}
