//! What does the view look like, at every size?
//!
//! Role  Frames compared as text, and a sweep of sizes that must not panic.

#![allow(clippy::disallowed_methods, reason = "golden files")]

use std::time::Duration;

use foundation_node::job::{NodeState, Nodes};
use foundation_node::screen::{
    Branch, Command, Found, Ledger, Phase, Snapshot, State, Throughput, command, draw,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::style::Color;

fn branch(name: &str, depth: u16, state: State, children: u64) -> Branch {
    Branch {
        name: name.to_owned(),
        depth,
        state,
        children,
        restarts: children / 400,
        rate: children as f64 * 1_234.5,
        mailbox: children * 2,
        memory: Some(384 * (children + 1)),
    }
}

fn snapshot() -> Snapshot {
    Snapshot {
        input: "access.log".to_owned(),
        pass: 37,
        passes: 200,
        progress: Some(0.185),
        elapsed: Duration::from_secs(83),
        phase: Phase::Running,
        seed: 42,
        chaos: Some(0.001),
        tree: vec![
            branch("job", 0, State::Ok, 4),
            branch("router", 1, State::Ok, 0),
            branch("clients", 1, State::Recovering, 1_753),
            branch("66.249.73.135", 2, State::Red, 0),
            branch("46.105.14.53", 2, State::Ok, 0),
            branch("table", 1, State::Ok, 0),
        ],
        nodes: None,
        throughput: Throughput {
            rate: 2_412_345.0,
            peak_rate: 2_612_345.0,
            history: (0..100).map(|at| at % 17 + 3).collect(),
            processes: 1_760,
            peak_processes: 1_761,
            crashes: 12,
            restarts: 11,
            p99: Some(Duration::from_micros(431)),
        },
        findings: vec![
            Found::Burst {
                start: 1_431_867_920,
                client: "111.199.235.239".to_owned(),
                requests: 10,
            },
            Found::Storm {
                start: 1_432_015_500,
                client: "2001:db8:85a3:8d3:1319:8a2e:370:7348\u{1b}[2J".to_owned(),
                responses: 25,
                errors: 14,
            },
        ],
        bursts: 40,
        storms: 3,
        watchdog: vec!["<0.17.1> client 75.97.9.59 has held scheduler 1 for 2.41 s".to_owned()],
        ledger: Ledger {
            read: 370_000,
            counted: 369_720,
            malformed: 37,
            waiting: 243,
            lost: 0,
            doubled: 0,
        },
    }
}

fn terminal(width: u16, height: u16, snapshot: &Snapshot) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, snapshot)).unwrap();
    terminal
}

fn rows(width: u16, height: u16, snapshot: &Snapshot) -> Vec<String> {
    let terminal = terminal(width, height, snapshot);
    let cells = terminal.backend().buffer().content().chunks(width.into());
    cells
        .map(|row| row.iter().map(|cell| cell.symbol()).collect())
        .collect()
}

fn check(width: u16, height: u16, snapshot: &Snapshot, golden: &str) {
    let rows = rows(width, height, snapshot);
    let frame: String = rows
        .iter()
        .map(|row| row.trim_end().to_owned() + "\n")
        .collect();
    let path = format!("{}/tests/golden/{golden}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &frame).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(
        frame == expected,
        "{golden} differs; UPDATE_GOLDEN=1 renews it. Got:\n{frame}"
    );
}

#[test]
fn frames() {
    let running = snapshot();
    check(80, 24, &running, "screen_80x24.txt");
    check(120, 40, &running, "screen_120x40.txt");
    check(20, 5, &running, "screen_20x5.txt");
    let finished = Snapshot {
        phase: Phase::Finished,
        progress: Some(1.0),
        chaos: None,
        watchdog: Vec::new(),
        findings: Vec::new(),
        ledger: Ledger {
            read: 10,
            counted: 9,
            malformed: 1,
            ..Ledger::default()
        },
        ..running
    };
    check(80, 24, &finished, "screen_finished.txt");
}

#[test]
fn nodes_are_shown_with_their_keys() {
    let node = |name: &str, up, clients| NodeState {
        name: name.to_owned(),
        up,
        clients,
    };
    let nodes = Nodes {
        nodes: vec![
            node("n1", true, 576),
            node("n2", false, 0),
            node("n3", true, 1177),
        ],
        table: Some(3),
        kills: 1,
        ..Nodes::default()
    };
    let spread = Snapshot {
        nodes: Some(nodes),
        ..snapshot()
    };
    check(120, 40, &spread, "screen_nodes.txt");
    for height in 0..20 {
        terminal(80, height, &spread);
    }
}

#[test]
fn no_size_panics() {
    let mut snapshots = vec![snapshot(), snapshot(), snapshot()];
    snapshots[1].tree.clear();
    snapshots[1].watchdog = vec!["x".repeat(500); 20];
    snapshots[1].progress = Some(f64::NAN);
    snapshots[1].phase = Phase::Stopping;
    snapshots[2].tree = (0..200)
        .map(|at| branch("deep", at % 90, State::Ok, u64::MAX / 400))
        .collect();
    snapshots[2].tree[0].rate = f64::INFINITY;
    snapshots[2].ledger.read = u64::MAX;
    snapshots[2].progress = None;
    snapshots[2].phase = Phase::Paused;
    for snapshot in &snapshots {
        for width in (0..14).chain([20, 30, 60, 67, 68, 80, 200]) {
            for height in (0..17).chain([20, 24, 40]) {
                terminal(width, height, snapshot);
            }
        }
    }
}

#[test]
fn a_dead_branch_is_red_and_one_that_comes_back_is_yellow() {
    let terminal = terminal(80, 24, &snapshot());
    let buffer = terminal.backend().buffer();
    let row_of = |name: &str| {
        let row = buffer.content().chunks(80).position(|row| {
            row.iter()
                .map(|cell| cell.symbol())
                .collect::<String>()
                .contains(name)
        });
        row.unwrap() as u16
    };
    assert_eq!(buffer[(2, row_of("66.249.73.135"))].fg, Color::Red);
    assert_eq!(buffer[(2, row_of("clients"))].fg, Color::Yellow);
    assert_eq!(buffer[(2, row_of("router"))].fg, Color::Green);
}

#[test]
fn an_unbalanced_ledger_is_shown_as_such() {
    let mut wrong = snapshot();
    wrong.ledger.lost = 1;
    assert!(rows(80, 24, &wrong)[22].contains("✖"));
    assert!(rows(80, 24, &snapshot())[22].contains("✔"));
}

#[test]
fn no_control_character_of_a_log_is_drawn() {
    let all = rows(120, 40, &snapshot()).concat();
    assert!(!all.contains('\u{1b}'));
}

#[test]
fn keys() {
    fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Command> {
        command(&Event::Key(KeyEvent::new(code, modifiers)))
    }
    let plain = KeyModifiers::NONE;
    assert_eq!(press(KeyCode::Char('k'), plain), Some(Command::KillSubtree));
    assert_eq!(
        press(KeyCode::Char('K'), KeyModifiers::SHIFT),
        Some(Command::KillSubtree)
    );
    assert_eq!(press(KeyCode::Char('b'), plain), Some(Command::BlockOne));
    assert_eq!(press(KeyCode::Char('c'), plain), Some(Command::ToggleChaos));
    assert_eq!(press(KeyCode::Char('q'), plain), Some(Command::Quit));
    assert_eq!(press(KeyCode::Esc, plain), Some(Command::Quit));
    assert_eq!(
        press(KeyCode::Char('c'), KeyModifiers::CONTROL),
        Some(Command::Quit)
    );
    assert_eq!(press(KeyCode::Char('k'), KeyModifiers::CONTROL), None);
    assert_eq!(press(KeyCode::Char('x'), plain), Some(Command::KillNode));
    assert_eq!(press(KeyCode::Char('p'), plain), Some(Command::Partition));
    assert_eq!(press(KeyCode::Char('z'), plain), None);
    assert_eq!(command(&Event::Resize(80, 24)), Some(Command::Redraw));
    assert_eq!(command(&Event::FocusLost), None);
    let released = KeyEvent::new_with_kind(KeyCode::Char('q'), plain, KeyEventKind::Release);
    assert_eq!(command(&Event::Key(released)), None);
}
