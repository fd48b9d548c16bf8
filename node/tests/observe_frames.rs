//! Does the observer's terminal draw anything that a node may say, at any size?
//!
//! Role  Every tab, with nothing, with little and with hostile content, on screens from one cell up.

use std::time::Duration;

use foundation::observe::protocol::{
    Alarm, AlarmKind, Answer, Branch, Circle, Detail, Event, Figures, Hop, Page, PageQuery, Row,
    SchedulerFigures, Sort, Told, Tree, Welcome,
};
use foundation::{Activity, NodeId, Pid, ProcessKind};
use foundation_node::observe::draw::draw;
use foundation_node::observe::view::{Contact, Tab, View};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZES: [(u16, u16); 9] = [
    (1, 1),
    (2, 1),
    (1, 40),
    (20, 5),
    (39, 7),
    (80, 24),
    (81, 16),
    (200, 60),
    (400, 3),
];

fn pid() -> Pid {
    Pid::nobody(NodeId::unconnected("frames"))
}

/// Texts that a terminal must not be given as they are.
fn hostile() -> String {
    let text = "\u{1b}[2J\u{7}\r\n\t\u{202e}evil\u{0}漢字🦀e\u{301}\u{200b}";
    text.repeat(40)
}

fn row(name: &str) -> Row {
    Row {
        pid: pid(),
        name: Some(name.to_owned()),
        code: Some(format!("code of {name}")),
        kind: ProcessKind::Plain,
        parent: Some(pid()),
        activity: Activity::Waiting,
        reductions: u64::MAX,
        rate: Some(f64::MAX),
        messages: Some(u64::MAX),
        memory: Some(u64::MAX),
    }
}

fn figures(name: &str) -> Figures {
    let alarm = |kind| Alarm {
        kind,
        pid: Some(pid()),
        text: format!("trouble of {name}"),
    };
    let scheduler = |index| SchedulerFigures {
        index,
        spare: index % 2 == 1,
        utilisation: Some(if index == 0 { f64::NAN } else { 1.0 }),
        run_queue: u64::MAX,
        polls: u64::MAX,
    };
    Figures {
        at: Duration::MAX,
        processes: u64::MAX,
        processes_peak: u64::MAX,
        spawned: u64::MAX,
        ended: u64::MAX,
        crashed: u64::MAX,
        dead_letters: u64::MAX,
        memory: Some(u64::MAX),
        process_memory: Some(u64::MAX),
        schedulers: (0..70).map(scheduler).collect(),
        shared_queue: u64::MAX,
        circles: vec![
            Circle {
                hops: Vec::new(),
                hidden: 1,
            },
            circle(name, 0),
            circle(name, u64::MAX),
            circle(name, 3),
        ],
        alarms: [AlarmKind::Deadlock, AlarmKind::Stuck, AlarmKind::Crashes]
            .map(alarm)
            .into(),
        skipped: u64::MAX,
        ..Figures::default()
    }
}

fn circle(name: &str, hidden: u64) -> Circle {
    let hop = Hop {
        pid: pid(),
        name: Some(name.to_owned()),
        message: name.to_owned(),
        taken: false,
    };
    Circle {
        hops: vec![hop; 40],
        hidden,
    }
}

fn detail(name: &str) -> Detail {
    Detail {
        row: row(name),
        priority: name.to_owned(),
        trap_exit: true,
        told: Some(Told {
            links: vec![pid(); 200],
            monitors: vec![pid(); 200],
            monitored_by: vec![pid(); 200],
            dictionary: vec![name.to_owned(); 200],
        }),
        state: Some(name.to_owned()),
        log: vec![event(name); 50],
    }
}

fn event(name: &str) -> Event {
    Event {
        at: Duration::MAX,
        text: name.to_owned(),
    }
}

fn filled(name: &str) -> View {
    let mut view = View::new(format!("/run/{name}"));
    view.contact = Contact::Up;
    view.take(Answer::Welcome(Welcome {
        node: name.to_owned(),
        incarnation: u64::MAX,
        os_pid: u32::MAX,
        read_only: false,
    }));
    view.take(Answer::Figures(Box::new(figures(name))));
    let query = PageQuery {
        sort: Sort::Memory,
        skip: u32::MAX,
        rows: u32::MAX,
        code: Some(name.to_owned()),
    };
    view.take(Answer::Page(Page {
        query,
        matched: u64::MAX,
        rows: vec![row(name); 100],
    }));
    let branch = |depth| Branch {
        depth,
        children: u64::MAX,
        row: row(name),
    };
    view.take(Answer::Tree(Tree {
        branches: [0, 1, 2, 500, u32::MAX].map(branch).into(),
        hidden: u64::MAX,
    }));
    view.chosen = Some(pid());
    view.detail = Some(detail(name));
    view.traced = true;
    view.trace = vec![event(name); 500].into();
    view.note = name.to_owned();
    view
}

/// What is on the screen, a line for each row; its cells must hold nothing that moves a cursor.
fn frame(view: &View, (width, height): (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, view)).expect("a frame");
    let buffer = terminal.backend().buffer();
    let line = |y: u16| -> String { (0..width).map(|x| buffer[(x, y)].symbol()).collect() };
    let lines: Vec<String> = (0..height).map(line).collect();
    for line in &lines {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(!line.contains('\u{202e}'), "{line:?}");
    }
    lines
}

#[test]
fn every_tab_at_every_size_whatever_the_node_says() {
    let hostile = hostile();
    let long = "n".repeat(10_000);
    for name in ["", "plain", &hostile, &long] {
        for tab in [Tab::Processes, Tab::Tree, Tab::Circles, Tab::Detail] {
            for at in [0, 1, 99, usize::MAX] {
                let mut view = filled(name);
                (view.tab, view.at) = (tab, at);
                for asked in [None, Some(pid())] {
                    view.asked = asked;
                    for size in SIZES {
                        frame(&view, size);
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_is_known_yet_or_any_more() {
    for contact in [Contact::Connecting, Contact::Up, Contact::Lost(hostile())] {
        for tab in [Tab::Processes, Tab::Tree, Tab::Circles, Tab::Detail] {
            let mut view = View::new("/run/nobody".to_owned());
            view.contact = contact.clone();
            view.tab = tab;
            for size in SIZES {
                frame(&view, size);
            }
        }
    }
}

#[test]
fn what_matters_is_there_on_a_usual_screen() {
    let mut view = filled("shop");
    for row in &mut view.page.as_mut().expect("it is filled").rows {
        row.rate = Some(1234.0);
    }
    let text = frame(&view, (100, 30)).join("\n");
    for part in ["shop", "code of shop", "trouble of shop"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    view.asked = Some(pid());
    let text = frame(&view, (100, 30)).join("\n");
    assert!(
        text.contains(&pid().to_string()) && text.contains('?'),
        "{text}"
    );
    view.asked = None;
    view.tab = Tab::Tree;
    let text = frame(&view, (100, 30)).join("\n");
    assert!(text.contains("Tree") && text.contains("shop"), "{text}");
}
