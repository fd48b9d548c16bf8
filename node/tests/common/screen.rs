//! What does the program show on a terminal?
//!
//! Role  Runs it under `script`: keys go in; what comes out is kept, and drawn, because a program that
//!       writes only what has changed never writes a text that shares letters with the one before.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs and time"
)]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const ROWS: NonZeroU16 = NonZeroU16::new(40).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(120).unwrap();
const BOUND: Duration = Duration::from_secs(60);
/// What ends each frame: the cursor is hidden once more.
const FRAME: &str = "\u{1b}[?25l";

/// What was written, and what a terminal shows of it.
struct Shown {
    written: Vec<u8>,
    terminal: vt100::Parser,
}

impl Shown {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }
}

/// The program on a terminal.
pub(crate) struct Screen {
    script: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<Shown>>,
    reader: JoinHandle<()>,
}

impl Screen {
    /// Runs the program with these arguments; a shell's command may go before it. `None` without
    /// `script`, and that is said.
    pub(crate) fn open(before: &str, arguments: &str) -> Option<Self> {
        let program = env!("CARGO_BIN_EXE_foundation");
        let command =
            format!("stty rows {ROWS} cols {COLUMNS}; {before} exec {program} {arguments}");
        let script = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut script) = script else {
            eprintln!("SKIPPED: `script` of util-linux is not installed");
            return None;
        };
        let keys = script.stdin.take().unwrap();
        let mut screen = script.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(Shown {
            written: Vec::new(),
            terminal: vt100::Parser::new(ROWS, COLUMNS, 0),
        }));
        let reader = std::thread::spawn({
            let shown = Arc::clone(&shown);
            move || {
                let mut space = [0; 4096];
                while let Ok(read @ 1..) = screen.read(&mut space) {
                    let mut shown = shown.lock().unwrap();
                    shown.written.extend_from_slice(&space[..read]);
                    shown.terminal.process(&space[..read]);
                }
            }
        });
        Some(Self {
            script,
            keys,
            shown,
            reader,
        })
    }

    pub(crate) fn text(&self) -> String {
        self.shown.lock().unwrap().text()
    }

    /// How many frames were drawn.
    pub(crate) fn frames(&self) -> usize {
        self.text().matches(FRAME).count()
    }

    pub(crate) fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
    }

    /// Waits until this is shown, or was written.
    pub(crate) fn until(&self, part: &str) {
        let is_shown = || {
            let shown = self.shown.lock().unwrap();
            shown.terminal.screen().contents().contains(part)
        };
        self.wait(|text| text.contains(part) || is_shown(), part);
    }

    /// Waits until what was written is so.
    pub(crate) fn wait(&self, so: impl Fn(&str) -> bool, what: &str) {
        let begun = Instant::now();
        while !so(&self.text()) {
            let text = self.text();
            assert!(begun.elapsed() < BOUND, "{what:?} is missing:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end: how, and all that was written.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = self.script.wait().unwrap();
        self.reader.join().unwrap();
        let shown = self.shown.lock().unwrap();
        (status, shown.text())
    }
}
