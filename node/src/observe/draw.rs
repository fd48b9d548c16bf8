//! How is an observed node laid out on a terminal of any size?
//!
//! Role       The frame: who and figures above, the tab between, alarms and keys below.
//! Inputs     A frame and a [`View`].
//! Outputs    Cells; the same view at the same size is the same frame.
//! Invariant  Texts of the observed node are made harmless before they are drawn; no size panics.

use foundation::ProcessKind;
use foundation::observe::protocol::{Branch, Detail, Row, Sort};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph, Sparkline};

use unicode_width::UnicodeWidthStr;

use super::circles;
use super::view::{Contact, Tab, View};
use crate::figures::{bytes, clock, fit, short, thousands};

pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);
const ACCENT: Color = Color::Cyan;
const ALARMS: u16 = 4;
/// The columns of the figures in a list, and of an activity.
const NUMBERS: usize = 9;

/// Draws a moment of an observed node.
pub fn draw(frame: &mut Frame<'_>, view: &View) {
    let area = frame.area();
    let alarms = (view.figures.alarms.len() as u16)
        .min(ALARMS)
        .min(area.height / 6);
    let spacious = u16::from(area.height > 15);
    let [head, load, body, trouble, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(4 * spacious),
        Constraint::Fill(1),
        Constraint::Length(alarms),
        Constraint::Length(u16::from(area.height > 1)),
    ])
    .areas(area);
    draw_head(frame, head, view);
    draw_load(frame, load, view);
    let title = match view.tab {
        Tab::Processes => list_title(view),
        Tab::Tree => "Tree".to_owned(),
        Tab::Circles => format!("Circles of calls · {}", view.figures.circles.len()),
        Tab::Detail => view.chosen.map_or_else(String::new, |pid| pid.to_string()),
    };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(DIM)
        .title(Line::from(vec![" ".into(), title.bold(), " ".into()]));
    let inner = block.inner(body);
    frame.render_widget(block, body);
    match view.tab {
        Tab::Processes => draw_list(frame, inner, view),
        Tab::Tree => draw_tree(frame, inner, view),
        Tab::Circles => circles::draw(frame, inner, view),
        Tab::Detail => draw_detail(frame, inner, view),
    }
    draw_alarms(frame, trouble, view);
    draw_keys(frame, keys, view);
}

fn list_title(view: &View) -> String {
    let Some(page) = &view.page else {
        return "Processes".to_owned();
    };
    let (first, shown) = (u64::from(page.query.skip), page.rows.len() as u64);
    format!(
        "Processes by {} · {}-{} of {}",
        page.query.sort.name(),
        thousands((first + 1).min(first + shown)),
        thousands(first + shown),
        thousands(page.matched)
    )
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let (word, colour) = match &view.contact {
        Contact::Up => ("● live".to_owned(), Color::Green),
        Contact::Connecting => ("◐ connecting".to_owned(), Color::Yellow),
        Contact::Lost(why) => {
            let why = fit(why, why.width().min(area.width.into()));
            (format!("✖ {}, trying again", why.trim_end()), Color::Red)
        }
    };
    let name = view.welcome.as_ref().map_or_else(
        || view.socket.clone(),
        |welcome| format!("{} · process {}", welcome.node, welcome.os_pid),
    );
    let right = format!("{word}  {} ", clock(view.figures.at));
    let room = usize::from(area.width).saturating_sub(right.chars().count() + 10);
    let left = Line::from(vec![
        Span::styled(" observe ", Style::new().fg(Color::Black).bg(ACCENT).bold()),
        format!(" {}", fit(&name, name.chars().count().min(room))).into(),
    ]);
    frame.render_widget(left, area);
    let right = Line::styled(right, Style::new().fg(colour).bold());
    frame.render_widget(right.right_aligned(), area);
}

fn draw_load(frame: &mut Frame<'_>, area: Rect, view: &View) {
    if area.height < 4 {
        return;
    }
    let figures = &view.figures;
    let [left, right] =
        Layout::horizontal([Constraint::Length(36), Constraint::Fill(1)]).areas(area);
    let memory = figures.memory.map_or_else(|| "not kept".to_owned(), bytes);
    let lines = vec![
        Line::from(vec![
            " processes ".fg(Color::DarkGray),
            thousands(figures.processes).bold(),
            format!("  peak {}", short(figures.processes_peak as f64)).into(),
        ]),
        Line::from(format!(
            " spawned {}  crashed {}",
            short(figures.spawned as f64),
            short(figures.crashed as f64)
        )),
        Line::from(format!(
            " timers {}  dead letters {}",
            short(figures.timers as f64),
            short(figures.dead_letters as f64)
        )),
        Line::from(format!(" memory {memory}")),
    ];
    frame.render_widget(Paragraph::new(lines), left);
    let [graph, each] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(right);
    let from = view.loads.len().saturating_sub(graph.width.into());
    let loads: Vec<u64> = view.loads.iter().skip(from).copied().collect();
    let spark = Sparkline::default().data(&loads).max(100).style(ACCENT);
    frame.render_widget(spark, graph);
    let mut shares = Vec::new();
    for scheduler in &figures.schedulers {
        let share = scheduler
            .utilisation
            .filter(|share| share.is_finite())
            .map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let spare = if scheduler.spare { "*" } else { "" };
        shares.push(format!(
            "{}{spare}: {share} ({})",
            scheduler.index, scheduler.run_queue
        ));
    }
    let line = format!("schedulers {}", shares.join("  "));
    frame.render_widget(Line::styled(line, DIM), each);
}

fn number(figure: Option<u64>) -> String {
    figure.map_or_else(|| "–".to_owned(), |figure| short(figure as f64))
}

fn cells(row: &Row) -> String {
    let rate = row.rate.map_or_else(|| "–".to_owned(), short);
    let memory = row.memory.map_or_else(|| "–".to_owned(), bytes);
    format!(
        "{:>NUMBERS$} {rate:>NUMBERS$} {:>NUMBERS$} {memory:>NUMBERS$}  {:<11}",
        short(row.reductions as f64),
        number(row.messages),
        format!("{:?}", row.activity).to_lowercase(),
    )
}

fn called(row: &Row) -> String {
    let code = row.code.as_deref().unwrap_or("(running)");
    let code = code.trim_end_matches("::{{closure}}");
    match &row.name {
        Some(name) => format!("{name}  ({code})"),
        None => code.to_owned(),
    }
}

fn header(sort: Sort, width: usize) -> Line<'static> {
    let mark = |of: Sort, name: &str| {
        let arrow = if of == sort { "▼" } else { "" };
        format!("{:>NUMBERS$}", format!("{name}{arrow}"))
    };
    let text = format!(
        " {} {} {} {}  {:<11}",
        mark(Sort::Reductions, "reds"),
        mark(Sort::Recent, "reds/s"),
        mark(Sort::Messages, "mailbox"),
        mark(Sort::Memory, "memory"),
        "doing"
    );
    let room = width.saturating_sub(text.chars().count() + 14);
    Line::styled(format!(" {:<12} {}{text}", "pid", fit("what", room)), DIM)
}

/// The part of a list around the row that the operator is at.
pub(super) fn window(at: usize, height: usize) -> usize {
    at.saturating_sub(height.saturating_sub(1))
}

fn draw_list(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let width = usize::from(area.width);
    let Some(page) = &view.page else { return };
    let height = usize::from(area.height).saturating_sub(1);
    let mut lines = vec![header(page.query.sort, width)];
    let from = window(view.at, height);
    for (at, row) in page.rows.iter().enumerate().skip(from).take(height) {
        let cells = cells(row);
        let room = width.saturating_sub(cells.chars().count() + 15);
        let pid = row.pid.to_string();
        let text = format!(" {pid:<12} {} {cells}", fit(&called(row), room));
        lines.push(marked(text, at == view.at));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

pub(super) fn marked(text: String, here: bool) -> Line<'static> {
    match here {
        true => Line::styled(text, Style::new().add_modifier(Modifier::REVERSED)),
        false => Line::from(text),
    }
}

fn draw_tree(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let Some(tree) = &view.tree else { return };
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let mut lines = Vec::new();
    let from = window(view.at, height);
    for (at, branch) in tree.branches.iter().enumerate().skip(from).take(height) {
        lines.push(marked(branch_line(branch, width), at == view.at));
    }
    if lines.len() < height && tree.hidden > 0 {
        let more = format!("   and {} more", thousands(tree.hidden));
        lines.push(Line::styled(more, DIM));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn branch_line(branch: &Branch, width: usize) -> String {
    let mark = match branch.row.kind {
        ProcessKind::Supervisor => "◆",
        ProcessKind::Application => "■",
        _ => "·",
    };
    let indent = "  ".repeat(branch.depth.min(40) as usize);
    let children = match branch.children {
        0 => String::new(),
        count => format!("  {} children", thousands(count)),
    };
    let name = format!("{indent}{mark} {}{children}", called(&branch.row));
    let right = format!(
        "{} {:<12}",
        number(branch.row.messages),
        branch.row.pid.to_string()
    );
    let room = width.saturating_sub(right.chars().count() + 2);
    format!(" {} {right}", fit(&name, room))
}

fn draw_detail(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let Some(detail) = &view.detail else {
        let text = "This process has ended, or has not been seen yet.";
        return frame.render_widget(Line::styled(text, DIM), area);
    };
    let [left, right] = match area.width > 90 {
        true => Layout::horizontal([Constraint::Percentage(55), Constraint::Fill(1)]).areas(area),
        false => Layout::vertical([Constraint::Percentage(60), Constraint::Fill(1)]).areas(area),
    };
    let width = usize::from(left.width);
    let lines = facts(detail)
        .into_iter()
        .flat_map(|(key, value)| {
            value
                .lines()
                .enumerate()
                .map(|(at, part)| {
                    let key = if at == 0 { key } else { "" };
                    let value = fit(part, width.saturating_sub(16));
                    Line::from(vec![
                        Span::styled(format!(" {key:<13} "), DIM),
                        value.into(),
                    ])
                })
                .collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    frame.render_widget(Paragraph::new(lines), left);
    draw_trace(frame, right, view, detail);
}

fn facts(detail: &Detail) -> Vec<(&'static str, String)> {
    let row = &detail.row;
    let list = |pids: &[foundation::Pid]| {
        let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
        if pids.is_empty() {
            "none".to_owned()
        } else {
            pids.join(" ")
        }
    };
    let told = detail.told.clone().unwrap_or_default();
    let mut facts = vec![
        ("process", called(row)),
        (
            "kind",
            format!("{:?}, priority {}", row.kind, detail.priority),
        ),
        ("doing", format!("{:?}", row.activity).to_lowercase()),
        ("reductions", thousands(row.reductions)),
        ("mailbox", number(row.messages)),
        (
            "memory",
            row.memory.map_or_else(|| "not kept".to_owned(), bytes),
        ),
        (
            "parent",
            row.parent
                .map_or_else(|| "none".to_owned(), |pid| pid.to_string()),
        ),
        (
            "traps exits",
            if detail.trap_exit { "yes" } else { "no" }.to_owned(),
        ),
    ];
    match &detail.told {
        Some(_) => facts.extend([
            ("links", list(&told.links)),
            ("monitors", list(&told.monitors)),
            ("monitored by", list(&told.monitored_by)),
        ]),
        None => facts.push(("links", "it did not come to answer".to_owned())),
    }
    if !told.dictionary.is_empty() {
        facts.push(("dictionary", told.dictionary.join(" ")));
    }
    let hidden = "not shown: `#[actor(debug)]` allows it";
    facts.push((
        "state",
        detail.state.clone().unwrap_or_else(|| hidden.to_owned()),
    ));
    facts
}

fn draw_trace(frame: &mut Frame<'_>, area: Rect, view: &View, detail: &Detail) {
    let events: Vec<_> = match view.traced || !view.trace.is_empty() {
        true => view.trace.iter().collect(),
        false => detail.log.iter().collect(),
    };
    let head = if view.traced {
        "Trace (live)"
    } else {
        "Last messages (l: trace)"
    };
    let mut lines = vec![Line::styled(head, Style::new().bold())];
    let height = usize::from(area.height).saturating_sub(1);
    for event in &events[events.len().saturating_sub(height)..] {
        let text = format!("{:>9.3} {}", event.at.as_secs_f64(), event.text);
        lines.push(Line::from(fit(&text, area.width.into())));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_alarms(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let width = usize::from(area.width);
    let lines = view.figures.alarms.iter().take(area.height.into());
    let lines: Vec<Line<'_>> = lines
        .map(|alarm| {
            let pid = alarm.pid.map_or_else(String::new, |pid| format!("{pid} "));
            let text = fit(&format!(" ▲ {pid}{}", alarm.text), width);
            Line::styled(text, Style::new().fg(Color::Yellow))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_keys(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let width = usize::from(area.width);
    let line = if let Some(pid) = view.asked {
        let text = format!(" Kill {pid}? y: yes, any other key: no");
        Line::styled(
            fit(&text, width),
            Style::new().fg(Color::White).bg(Color::Red).bold(),
        )
    } else if !view.note.is_empty() {
        Line::styled(
            fit(&format!(" {}", view.note), width),
            Style::new().fg(Color::Yellow),
        )
    } else {
        let keys = match view.tab {
            Tab::Detail => " l trace  k kill  esc back  p list  t tree  c circles  q quit",
            _ => " ↑↓ row  enter open  s sort  n/b page  p list  t tree  c circles  k kill  q quit",
        };
        Line::styled(fit(keys, width), DIM)
    };
    frame.render_widget(line, area);
}
