//! How is a snapshot laid out on a terminal of any size?
//!
//! Role       The frame: header and progress above, panels between, ledger and keys below.
//! Inputs     A frame and a [`Snapshot`].
//! Outputs    Cells; the same snapshot at the same size is the same frame.
//! Invariant  The ledger and the keys stay, however small the terminal; panels go first.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

use super::panels::{self, ACCENT, DIM};
use super::snapshot::{Ledger, Phase, Snapshot};
use super::tree;
use crate::figures::{clock, fit, short, thousands};

/// So many lines of the watchdog are shown: as many as processes may be blocked at once.
const WATCHDOG_LINES: usize = 8;
/// Below this height, panels would show nothing but frames.
const PANELS_HEIGHT: u16 = 10;
/// A panel with numbers, a graph and its frame.
const LOWER_HEIGHT: u16 = 9;
const THROUGHPUT_WIDTH: u16 = 34;

/// How the ledger's numbers are written, the clearest first.
const LEDGER_FIGURES: [fn(u64) -> String; 3] = [
    thousands,
    |number| number.to_string(),
    |number| short(number as f64),
];

/// Draws a moment of a run.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot) {
    let area = frame.area();
    let spare = area.height.saturating_sub(PANELS_HEIGHT + 3);
    let watchdog_height = snapshot.watchdog.len().clamp(1, WATCHDOG_LINES) as u16;
    let nodes_height = u16::from(snapshot.nodes.is_some() && spare > 0);
    let [head, progress, panels, nodes, watchdog, ledger, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(area.height > 4)),
        Constraint::Fill(1),
        Constraint::Length(nodes_height),
        Constraint::Length(watchdog_height.min(spare - nodes_height)),
        Constraint::Length(u16::from(area.height > 2)),
        Constraint::Length(u16::from(area.height > 1)),
    ])
    .areas(area);
    draw_head(frame, head, snapshot);
    draw_progress(frame, progress, snapshot);
    draw_panels(frame, panels, snapshot);
    if let Some(shown) = &snapshot.nodes {
        panels::nodes(frame, nodes, shown);
    }
    panels::watchdog(frame, watchdog, &snapshot.watchdog);
    frame.render_widget(ledger_line(&snapshot.ledger, ledger.width.into()), ledger);
    draw_keys(frame, keys, snapshot);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let (word, colour) = match snapshot.phase {
        Phase::Running => ("● running", Color::Green),
        Phase::Paused => ("◐ paused", Color::Yellow),
        Phase::Stopping => ("◐ stopping", Color::Yellow),
        Phase::Finished => ("✔ finished", Color::Green),
    };
    let elapsed = clock(snapshot.elapsed);
    let right = Line::from(vec![
        Span::styled(word, Style::new().fg(colour).bold()),
        format!("  {elapsed} ").into(),
    ]);
    let passes = format!(
        "pass {} of {}",
        thousands(snapshot.pass.into()),
        snapshot.passes
    );
    let room = usize::from(area.width).saturating_sub(right.width() + 2);
    let name = fit(
        &snapshot.input,
        snapshot.input.chars().count().min(room.saturating_sub(32)),
    );
    let left = Line::from(vec![
        Span::styled(
            " foundation ",
            Style::new().fg(Color::Black).bg(ACCENT).bold(),
        ),
        format!(" {name}").into(),
        Span::styled(format!("  {passes}"), DIM),
    ]);
    // On a narrow terminal the phase counts, and the rest goes.
    if left.width() <= room {
        frame.render_widget(left, area);
    } else if room >= 12 {
        frame.render_widget(Line::from(left.spans[0].clone()), area);
    }
    frame.render_widget(right.right_aligned(), area);
}

/// A thin bar over the whole width; a dotted one when the end is not known.
fn draw_progress(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let width = usize::from(area.width);
    let line = match snapshot.progress {
        None => Line::styled("╌".repeat(width), DIM),
        Some(progress) => {
            let done = (progress.clamp(0.0, 1.0) * width as f64) as usize;
            let (done, open) = ("━".repeat(done), "─".repeat(width - done));
            Line::from(vec![Span::styled(done, ACCENT), Span::styled(open, DIM)])
        }
    };
    frame.render_widget(line, area);
}

fn draw_panels(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    if area.height < PANELS_HEIGHT / 2 {
        return;
    }
    let needs = snapshot.tree.len() as u16 + 3;
    if area.height < PANELS_HEIGHT + 3 {
        tree::draw(frame, area, &snapshot.tree);
        return;
    }
    // The tree gets what it needs and leaves the lower panels at least their height.
    let upper = needs.min(area.height - LOWER_HEIGHT.min(area.height / 2));
    let [upper, lower] =
        Layout::vertical([Constraint::Length(upper), Constraint::Fill(1)]).areas(area);
    tree::draw(frame, upper, &snapshot.tree);
    if lower.width < THROUGHPUT_WIDTH * 2 {
        panels::findings(frame, lower, snapshot);
        return;
    }
    let [left, right] =
        Layout::horizontal([Constraint::Length(THROUGHPUT_WIDTH), Constraint::Fill(1)])
            .areas(lower);
    panels::throughput(frame, left, &snapshot.throughput);
    panels::findings(frame, right, snapshot);
}

/// `read = counted + malformed, lost 0, doubled 0`, as exact as the width allows.
fn ledger_line(ledger: &Ledger, width: usize) -> Line<'static> {
    let good = Style::new()
        .fg(if ledger.balances() {
            Color::Green
        } else {
            Color::Red
        })
        .bold();
    let mark = if ledger.balances() { " ✔ " } else { " ✖ " };
    let outcome = format!("lost {}, doubled {}", ledger.lost, ledger.doubled);
    let form = |number: fn(u64) -> String| {
        let (read, counted) = (number(ledger.read), number(ledger.counted));
        let open = match ledger.waiting {
            0 => String::new(),
            waiting => format!(" + open {}", number(waiting)),
        };
        let malformed = number(ledger.malformed);
        format!("read {read} = counted {counted} + malformed {malformed}{open}, {outcome}")
    };
    let forms = LEDGER_FIGURES.map(form);
    let form = forms
        .into_iter()
        .find(|form| form.chars().count() + 3 <= width);
    Line::from(vec![
        Span::styled(mark, good),
        form.unwrap_or(outcome).into(),
    ])
}

fn draw_keys(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let keys = match snapshot.phase {
        Phase::Finished => &[("q", "leave")][..],
        Phase::Stopping => &[("q", "leave at once")][..],
        Phase::Running | Phase::Paused if snapshot.nodes.is_some() => &[
            ("x", "kill node"),
            ("p", "partition"),
            ("k", "kill subtree"),
            ("c", "chaos"),
            ("q", "quit"),
        ][..],
        Phase::Running | Phase::Paused => &[
            ("k", "kill subtree"),
            ("b", "block one"),
            ("c", "chaos"),
            ("q", "quit"),
        ][..],
    };
    let key = |key| Span::styled(format!(" {key} "), Style::new().reversed());
    let long: Line<'_> = keys
        .iter()
        .flat_map(|&(k, what)| [" ".into(), key(k), format!(" {what} ").into()])
        .collect();
    let brief: Line<'_> = keys
        .iter()
        .flat_map(|&(k, _)| [" ".into(), key(k)])
        .collect();
    let room = usize::from(area.width);
    let help = if long.width() <= room { long } else { brief };
    let (chaos, style) = match snapshot.chaos {
        Some(chance) => (format!("chaos {chance} "), Style::new().fg(Color::Red)),
        None => ("chaos off ".to_owned(), DIM),
    };
    // Chaos matters more than the seed, and the keys more than both.
    let forms = [format!("{chaos}· seed {} ", snapshot.seed), chaos];
    let fits = forms
        .into_iter()
        .find(|form| help.width() + form.chars().count() < room);
    frame.render_widget(help, area);
    if let Some(form) = fits {
        let columns = form.chars().count() as u16;
        let area = Rect {
            x: area.right() - columns,
            width: columns,
            ..area
        };
        frame.render_widget(Line::styled(form, style), area);
    }
}
