//! Who gives the terminal back?
//!
//! Role       Raw mode, the alternate screen and a hidden cursor, for as long as it lives.
//! Inputs     A terminal on the standard output.
//! Outputs    Frames, by [`Terminal::draw`].
//! Owns       The terminal's modes.
//! Invariant  However the owner ends, by return, by error or by panic, the modes are put back.
//!
//! They are put back on drop, not in a panic hook: processes of the job panic on purpose, and none
//! of that may tear down the screen. Only a panic of the thread that owns this unwinds through it.

use std::io::{self, Stdout, stdout};

use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::{Snapshot, draw};

/// A terminal that shows the view.
#[derive(Debug)]
pub struct Terminal {
    // Dropped after `drop` has put the modes back; its own drop only shows the cursor once more.
    screen: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When the standard output is no terminal, or refuses; its modes are as they were.
    pub fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        let entered = execute!(stdout(), EnterAlternateScreen, Hide)
            .and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(stdout())));
        match entered {
            Ok(screen) => Ok(Self { screen }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Shows a snapshot, at the size that the terminal has now.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        self.show(|frame| draw(frame, snapshot))
    }

    /// Shows what `paint` paints, at the size that the terminal has now.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn show(&mut self, paint: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.screen.draw(paint).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Each step is tried even if another fails: a half restored terminal is better than a raw one.
fn restore() {
    let screen = execute!(stdout(), LeaveAlternateScreen, Show);
    let raw = disable_raw_mode();
    // The terminal may be gone, and then there is nothing to put back.
    drop((screen, raw));
}
