//! How does the supervision tree look?
//!
//! Role       Draws the branches as a table with guides, one row each.
//! Inputs     The snapshot's branches, parents before children.
//! Outputs    A panel; a dead branch is red, one that catches up is yellow.
//! Invariant  Narrow panels drop columns from the right, never the name or the state.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Padding, Row, Table};

use super::panels::{DIM, panel};
use super::snapshot::{Branch, State};
use crate::figures::{bytes, fit, short, thousands};

/// The columns after the name: title, width, and the text of a row.
const COLUMNS: [Column; 5] = [
    ("children", 9, |branch| thousands(branch.children)),
    ("restarts", 8, |branch| thousands(branch.restarts)),
    ("msg/s", 7, |branch| short(branch.rate)),
    ("mailbox", 8, |branch| thousands(branch.mailbox)),
    ("memory", 8, |branch| {
        branch.memory.map_or_else(|| "-".to_owned(), bytes)
    }),
];

type Column = (&'static str, u16, fn(&Branch) -> String);

const NAME_MIN: u16 = 24;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, branches: &[Branch]) {
    let block = panel(vec![Span::raw("Supervision tree")]).padding(Padding::right(1));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let columns = shown(inner.width);
    let widths = columns.iter().map(|(_, width, _)| *width + 1).sum::<u16>();
    let name_width = usize::from(inner.width.saturating_sub(widths));
    let room = usize::from(inner.height.saturating_sub(1));
    let header = std::iter::once(Line::from("")).chain(
        columns
            .iter()
            .map(|(title, ..)| Line::from(*title).right_aligned()),
    );
    let rows = branches
        .iter()
        .enumerate()
        .take(visible(branches.len(), room))
        .map(|(at, branch)| {
            let name = Line::from(name(branches, at, name_width));
            let figures = columns
                .iter()
                .map(|(.., text)| Line::from(text(branch)).right_aligned());
            let row = std::iter::once(name).chain(figures).map(Cell::from);
            Row::new(row).style(row_style(branch.state))
        });
    let hidden = branches.len() - visible(branches.len(), room);
    let rest = (hidden > 0).then(|| Row::new([format!("  and {hidden} more")]).style(DIM));
    let widths = std::iter::once(Constraint::Fill(1)).chain(
        columns
            .iter()
            .map(|(_, width, _)| Constraint::Length(*width)),
    );
    let table = Table::new(rows.chain(rest), widths).header(Row::new(header).style(DIM));
    frame.render_widget(table, inner);
}

/// Rows that are shown; the last of too many makes room for a line that says so.
fn visible(branches: usize, room: usize) -> usize {
    if branches <= room {
        branches
    } else {
        room.saturating_sub(1)
    }
}

/// The columns that leave the name enough room.
fn shown(width: u16) -> &'static [Column] {
    let mut used = NAME_MIN;
    let fits = COLUMNS.iter().take_while(|(_, width_of_column, _)| {
        used += width_of_column + 1;
        used <= width
    });
    &COLUMNS[..fits.count()]
}

/// The light, the guides, the name.
fn name(branches: &[Branch], at: usize, width: usize) -> Vec<Span<'static>> {
    let branch = &branches[at];
    let (light, style) = match branch.state {
        State::Ok => ("●", Style::new().fg(Color::Green)),
        State::Red => ("✖", Style::new().fg(Color::Red)),
        State::Recovering => ("◐", Style::new().fg(Color::Yellow)),
    };
    let guides = guides(branches, at);
    let room = width.saturating_sub(3 + guides.chars().count());
    vec![
        Span::raw(" "),
        Span::styled(light, style),
        Span::raw(" "),
        Span::styled(guides, DIM),
        Span::raw(fit(&branch.name, room)),
    ]
}

/// `│  ├─ ` and the like: what joins a row to its parent and past its siblings.
fn guides(branches: &[Branch], at: usize) -> String {
    let depth = branches[at].depth;
    let later = &branches[at + 1..];
    // Whether a row of this depth follows before its parent's subtree ends.
    let goes_on = |depth: u16| {
        later
            .iter()
            .find(|branch| branch.depth <= depth)
            .is_some_and(|next| next.depth == depth)
    };
    let mut guides: String = (1..depth)
        .map(|up| if goes_on(up) { "│  " } else { "   " })
        .collect();
    if depth > 0 {
        guides.push_str(if goes_on(depth) { "├─ " } else { "└─ " });
    }
    guides
}

fn row_style(state: State) -> Style {
    match state {
        State::Ok => Style::new(),
        State::Red => Style::new().red().add_modifier(Modifier::BOLD),
        State::Recovering => Style::new().yellow(),
    }
}
