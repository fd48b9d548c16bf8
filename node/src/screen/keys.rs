//! What does this key ask for?
//!
//! Role     Translates key events; nothing else knows which keys there are.
//! Inputs   One event of the terminal.
//! Outputs  A [`Command`], or nothing.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Kill a subtree, and see it come back.
    KillSubtree,
    /// Make one process loop for ever, and see the others go on.
    BlockOne,
    /// Turn chaos on or off.
    ToggleChaos,
    /// Kill a node, and see its clients go on elsewhere.
    KillNode,
    /// Cut a node off for a while.
    Partition,
    /// End in order.
    Quit,
    /// The terminal has another size: draw again.
    Redraw,
}

/// The command of an event, if it has one. Raw mode delivers Ctrl-C as a key: it quits.
#[must_use]
pub fn command(event: &Event) -> Option<Command> {
    match event {
        Event::Key(key) if key.kind == KeyEventKind::Press => of_key(key),
        Event::Resize(..) => Some(Command::Redraw),
        _ => None,
    }
}

fn of_key(key: &KeyEvent) -> Option<Command> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd') if control => Some(Command::Quit),
        _ if control => None,
        KeyCode::Char('k' | 'K') => Some(Command::KillSubtree),
        KeyCode::Char('b' | 'B') => Some(Command::BlockOne),
        KeyCode::Char('c' | 'C') => Some(Command::ToggleChaos),
        KeyCode::Char('x' | 'X') => Some(Command::KillNode),
        KeyCode::Char('p' | 'P') => Some(Command::Partition),
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => Some(Command::Quit),
        _ => None,
    }
}
