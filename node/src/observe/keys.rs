//! What does this key ask the observer for?
//!
//! Role     Translates key events of `foundation observe`.
//! Inputs   One event of the terminal.
//! Outputs  A [`Command`], or nothing.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// More rows.
    NextPage,
    /// The rows before.
    PreviousPage,
    /// The next order.
    Sort,
    /// The list of processes.
    Processes,
    /// The tree.
    Tree,
    /// The circles of calls.
    Circles,
    /// The process of this row.
    Open,
    /// To the list.
    Back,
    /// What the process does, or no more.
    Trace,
    /// To be asked whether to kill.
    Kill,
    /// The answer to that question.
    Yes,
    /// To leave.
    Quit,
    /// Another key, or another size.
    Other,
}

/// The command of an event, if it has one. Raw mode delivers Ctrl-C as a key: it quits.
#[must_use]
pub fn command(event: &Event) -> Option<Command> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(of_key(key)),
        Event::Resize(..) => Some(Command::Other),
        _ => None,
    }
}

fn of_key(key: &KeyEvent) -> Command {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Command::Quit,
            _ => Command::Other,
        };
    }
    match key.code {
        KeyCode::Up => Command::Up,
        KeyCode::Down => Command::Down,
        KeyCode::PageDown | KeyCode::Char('n') => Command::NextPage,
        KeyCode::PageUp | KeyCode::Char('b') => Command::PreviousPage,
        KeyCode::Char('s') => Command::Sort,
        KeyCode::Char('p') => Command::Processes,
        KeyCode::Char('t') => Command::Tree,
        KeyCode::Char('c') => Command::Circles,
        KeyCode::Enter => Command::Open,
        KeyCode::Esc | KeyCode::Backspace => Command::Back,
        KeyCode::Char('l') => Command::Trace,
        KeyCode::Char('k') => Command::Kill,
        KeyCode::Char('y') => Command::Yes,
        KeyCode::Char('q') => Command::Quit,
        _ => Command::Other,
    }
}
