//! How does the operator watch, and interfere?
//!
//! Role       The loop of the full-screen view: look, draw, and do what the keys say.
//! Inputs     A job that is underway, a terminal, its keys, a signal to end.
//! Outputs    Frames; how the operator left.
//! Invariant  The terminal is given back before anything else is printed.

use std::io;
use std::time::Duration;

use foundation::Node;
use ratatui::crossterm::event;

use crate::job::{Blow, JobError, Underway, Watcher};
use crate::program::Ended;
use crate::screen::{Command, Phase, Terminal, command};

/// How often the view is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// Shows a job until it is left: by the operator, or by a signal.
///
/// # Errors
/// [`JobError`], as the job's.
pub async fn watch(
    node: &Node,
    underway: &mut Underway,
    input: &str,
    mut terminal: Terminal,
) -> Result<Ended, JobError> {
    let mut watcher = Watcher::new(underway, input.to_owned());
    let mut termination = std::pin::pin!(node.termination());
    let mut phase = Phase::Running;
    loop {
        if phase != Phase::Finished && underway.is_counted().await? {
            if phase == Phase::Stopping {
                return Ok(Ended::Orderly);
            }
            phase = Phase::Finished;
        }
        let snapshot = watcher.look(underway, phase).await;
        // A terminal that is gone takes no keys either: the job goes on to its end all the same.
        let keys = terminal.draw(&snapshot).and_then(|()| keys());
        let Ok(keys) = keys else {
            drop(terminal);
            underway.read_no_more();
            return underway.counted().await.map(|()| Ended::Orderly);
        };
        for key in keys {
            match key {
                Command::KillSubtree => underway.kill_clients(),
                Command::BlockOne => underway.block_one().await,
                Command::ToggleChaos => underway.toggle_chaos(),
                Command::KillNode => underway.strike_some(Blow::Kill),
                Command::Partition => underway.strike_some(Blow::Partition),
                Command::Redraw => {}
                Command::Quit if phase == Phase::Running => {
                    phase = Phase::Stopping;
                    underway.read_no_more();
                }
                Command::Quit => return Ok(Ended::Orderly),
            }
        }
        let signal = foundation::time::timeout_on(node, FRAME, termination.as_mut()).await;
        if let Some(signal) = signal {
            return Ok(Ended::Signal(signal));
        }
    }
}

/// What was pressed since the last frame.
fn keys() -> io::Result<Vec<Command>> {
    let mut commands = Vec::new();
    while event::poll(Duration::ZERO)? {
        commands.extend(command(&event::read()?));
    }
    Ok(commands)
}
