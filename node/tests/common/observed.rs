//! What is observed, and by whom?
//!
//! Role  Real jobs with an agent, and observers that say what a test likes.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of real programs, files and time"
)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use foundation::observe::frame::{ANSWER_MAX, ASK_MAX, Decoder, encode, greeting};
use foundation::observe::protocol::{Answer, PageQuery, Request, Sort};

pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// A directory of the test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("obs-{name}"));
    let _ = fs::remove_dir_all(&path);
    foundation::observe::private_directory(&path).unwrap()
}

/// A job that is observed, for as long as this lives.
pub(crate) struct Job(Child);

impl Job {
    pub(crate) fn start(socket: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
        command.args(["run", "--json", "--repeat", "100000", "--observe"]);
        command
            .arg(socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let job = Self(command.spawn().unwrap());
        eventually(|| UnixStream::connect(socket).is_ok());
        job
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn eventually(mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < BOUND, "it did not come to pass");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A bare observer, that says what the test likes.
pub(crate) struct Bare {
    pub(crate) stream: UnixStream,
    arrived: Decoder,
}

impl Bare {
    pub(crate) fn silent(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        let arrived = Decoder::new(ANSWER_MAX);
        Self { stream, arrived }
    }

    pub(crate) fn greeted(socket: &Path) -> Self {
        let mut bare = Self::silent(socket);
        bare.stream.write_all(&greeting()).unwrap();
        bare.hear_greeting();
        assert!(matches!(bare.next(), Some(Answer::Welcome(_))));
        bare
    }

    pub(crate) fn hear_greeting(&mut self) {
        while !self.arrived.greeted().unwrap() {
            assert!(self.read(), "it hung up without a greeting");
        }
    }

    pub(crate) fn read(&mut self) -> bool {
        let mut space = [0; 4096];
        match self.stream.read(&mut space) {
            Ok(read) => {
                self.arrived.push(&space[..read]);
                read > 0
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    pub(crate) fn next(&mut self) -> Option<Answer> {
        loop {
            if let Some(answer) = self.arrived.take().unwrap() {
                return Some(answer);
            }
            if !self.read() {
                return None;
            }
        }
    }

    pub(crate) fn say(&mut self, request: &Request) {
        let frame = encode(request, ASK_MAX).unwrap();
        self.stream.write_all(&frame).unwrap();
    }
}

pub(crate) fn busiest(rows: u32) -> Request {
    Request::Processes(PageQuery {
        sort: Sort::Reductions,
        skip: 0,
        rows,
        code: None,
    })
}

/// What the program says that looks once.
pub(crate) fn observe(socket: &Path, more: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
    command.arg("observe").arg(socket).args(more);
    command.stdin(Stdio::null()).output().unwrap()
}
