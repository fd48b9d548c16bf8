//! How do the numbers, the findings and the watchdog look?
//!
//! Role       The panels beside the tree.
//! Inputs     The parts of a snapshot.
//! Outputs    Widgets, drawn into the area they are given.
//! Invariant  Names that come from the log are made harmless before they are drawn.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph, Sparkline};

use super::snapshot::{Found, Snapshot, Throughput};
use crate::figures::{fit, latency, short, thousands};
use crate::job::Nodes;
use crate::log::date::utc;

/// What is there to frame, not to be read.
pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);

/// What carries the product's colour.
pub(super) const ACCENT: Color = Color::Cyan;

/// A panel's frame. The title's first part is its name.
pub(super) fn panel(title: Vec<Span<'_>>) -> Block<'_> {
    let mut line = Line::from(" ");
    for (at, part) in title.into_iter().enumerate() {
        line.push_span(if at == 0 { part.bold() } else { part });
    }
    line.push_span(" ");
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(DIM)
        .title(line)
}

pub(super) fn throughput(frame: &mut Frame<'_>, area: Rect, throughput: &Throughput) {
    let block = panel(vec![Span::raw("Throughput")]).padding(Padding::horizontal(1));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [head, graph, facts] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(4),
    ])
    .areas(inner);
    let rate = Span::styled(short(throughput.rate), Style::new().fg(ACCENT).bold());
    frame.render_widget(Line::from(vec![rate, " lines/s".into()]), head);
    let peak = Line::styled(format!("peak {}", short(throughput.peak_rate)), DIM);
    frame.render_widget(peak.right_aligned(), head);
    let from = throughput.history.len().saturating_sub(graph.width.into());
    let spark = Sparkline::default()
        .data(&throughput.history[from..])
        .style(ACCENT);
    frame.render_widget(spark, graph);
    frame.render_widget(
        Paragraph::new(facts_of(throughput, facts.width.into())),
        facts,
    );
}

fn facts_of(throughput: &Throughput, width: usize) -> Vec<Line<'static>> {
    let crashed = if throughput.crashes > 0 {
        Style::new().red()
    } else {
        Style::new()
    };
    let p99 = throughput.p99.map_or_else(|| "-".to_owned(), latency);
    [
        ("processes", thousands(throughput.processes), Style::new()),
        (
            "at most",
            thousands(throughput.peak_processes),
            Style::new(),
        ),
        (
            "crashed, restarted",
            format!(
                "{}, {}",
                thousands(throughput.crashes),
                thousands(throughput.restarts)
            ),
            crashed,
        ),
        ("p99 of a message", p99, Style::new()),
    ]
    .into_iter()
    .map(|(name, value, style)| {
        let room = width.saturating_sub(name.len());
        Line::from(vec![
            Span::styled(name, DIM),
            Span::styled(format!("{value:>room$}"), style),
        ])
    })
    .collect()
}

pub(super) fn findings(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let counts = format!(
        " · {} bursts · {} storms",
        thousands(snapshot.bursts),
        thousands(snapshot.storms)
    );
    let title = vec![Span::raw("Findings"), Span::raw(counts)];
    let block = panel(title).padding(Padding::horizontal(1));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut lines: Vec<_> = snapshot
        .findings
        .iter()
        .map(|found| finding(found, inner.width.into()))
        .collect();
    if lines.is_empty() {
        lines.push(Line::styled("nothing yet", DIM));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// `▲ 17 May 10:05:40  83.149.9.216         12 requests`
fn finding(found: &Found, width: usize) -> Line<'static> {
    let (sign, colour, start, client, what) = match found {
        Found::Burst {
            start,
            client,
            requests,
        } => (
            "▲ ",
            ACCENT,
            start,
            client,
            format!("{} req", thousands(*requests)),
        ),
        Found::Storm {
            start,
            client,
            responses,
            errors,
        } => {
            let (errors, responses) = (thousands(*errors), thousands(*responses));
            (
                "✖ ",
                Color::Red,
                start,
                client,
                format!("{errors}/{responses} err"),
            )
        }
    };
    let time = utc(*start);
    let (date, clock) = (&time[..6], &time[time.len() - 8..]);
    let room = width.saturating_sub(2 + 17 + 1 + what.len());
    Line::from(vec![
        Span::styled(sign, colour),
        Span::styled(format!("{date} {clock}  "), DIM),
        Span::raw(fit(client, room)),
        Span::raw(" "),
        Span::styled(what, Style::new().add_modifier(Modifier::BOLD)),
    ])
}

/// `nodes  ● n1 576   ● n2 552 table   ✖ n3 down   1 kill, 0 cuts`
pub(super) fn nodes(frame: &mut Frame<'_>, area: Rect, nodes: &Nodes) {
    let mut line = Line::from(Span::styled(" nodes     ", DIM));
    for (number, node) in (1..).zip(&nodes.nodes) {
        let (sign, colour, what) = match node.up {
            true => ("● ", Color::Green, thousands(node.clients)),
            false => ("✖ ", Color::Red, "down".to_owned()),
        };
        line.push_span(Span::styled(sign, colour));
        line.push_span(Span::styled(node.name.clone(), Style::new().bold()));
        line.push_span(format!(" {what}"));
        if nodes.table == Some(number) {
            line.push_span(Span::styled(" table", ACCENT));
        }
        line.push_span("   ");
    }
    let told = format!(
        "killed {}, cut off {}, moved {}",
        thousands(nodes.kills),
        thousands(nodes.partitions),
        thousands(nodes.moved)
    );
    line.push_span(Span::styled(told, DIM));
    frame.render_widget(line, area);
}

/// What the watchdog says, one line each; that it is quiet when it has nothing to say.
pub(super) fn watchdog(frame: &mut Frame<'_>, area: Rect, lines: &[String]) {
    let label = Span::styled(" watchdog  ", DIM);
    if lines.is_empty() {
        let quiet = Span::styled("quiet: no handler holds a scheduler", DIM);
        frame.render_widget(Line::from(vec![label, quiet]), area);
        return;
    }
    let width = usize::from(area.width).saturating_sub(11);
    let said = lines.iter().enumerate().map(|(at, line)| {
        let label = if at == 0 {
            label.clone()
        } else {
            Span::raw("           ")
        };
        Line::from(vec![label, Span::styled(fit(line, width), Color::Yellow)])
    });
    frame.render_widget(Paragraph::new(said.collect::<Vec<_>>()), area);
}
