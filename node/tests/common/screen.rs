//! What does the program show on a terminal?
//!
//! Role  Runs it under `script`: keys go in, all that was ever written comes out.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs and time"
)]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(60);
/// What ends each frame: the cursor is hidden once more.
const FRAME: &str = "\u{1b}[?25l";

/// The program on a terminal of 120 by 40.
pub(crate) struct Screen {
    script: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Screen {
    /// Runs the program with these arguments; a shell's command may go before it. `None` without
    /// `script`, and that is said.
    pub(crate) fn open(before: &str, arguments: &str) -> Option<Self> {
        let program = env!("CARGO_BIN_EXE_foundation");
        let command = format!("stty rows 40 cols 120; {before} exec {program} {arguments}");
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
        let shown = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let shown = Arc::clone(&shown);
            move || {
                let mut space = [0; 4096];
                while let Ok(read @ 1..) = screen.read(&mut space) {
                    shown.lock().unwrap().extend_from_slice(&space[..read]);
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
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// How many frames were drawn.
    pub(crate) fn frames(&self) -> usize {
        self.text().matches(FRAME).count()
    }

    pub(crate) fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
    }

    /// Waits until this was written.
    pub(crate) fn until(&self, part: &str) {
        self.wait(|text| text.contains(part), part);
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
        (status, String::from_utf8_lossy(&shown).into_owned())
    }
}
