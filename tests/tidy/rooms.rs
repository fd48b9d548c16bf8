//! Does anything read a clock, start a thread, draw entropy, or open a socket or file outside its
//! room?
//!
//! Role       What makes two runs differ stays behind one door, so that a simulation can own it.
//! Invariant  The lint twin of this list is `clippy.toml`; this one also sees what is compiled for
//!            other platforms only, and names of types.

use crate::allow::{Exceptions, words_outside};
use crate::source::{Source, none, rust_files};

const RULES: &[(&str, &[&str])] = &[
    (
        "clock",
        &["Instant::now", "SystemTime", "UNIX_EPOCH", "tokio::time"],
    ),
    (
        "thread",
        &[
            "thread::spawn",
            "thread::Builder",
            "thread::scope",
            "thread::sleep",
            "thread::park",
            "thread::current",
            "tokio::spawn",
            "spawn_blocking",
            "tokio::runtime::Builder",
            "Runtime::new",
        ],
    ),
    (
        "entropy",
        &[
            "RandomState",
            "getrandom",
            "rand::",
            "thread_rng",
            "fastrand",
            "from_entropy",
        ],
    ),
    (
        "socket",
        &[
            "TcpStream",
            "TcpListener",
            "TcpSocket",
            "UdpSocket",
            "UnixStream",
            "UnixListener",
            "tokio::net",
            "std::net",
        ],
    ),
    (
        "file",
        &["fs::", "File::open", "File::create", "OpenOptions"],
    ),
    ("ending", &["process::exit", "process::abort"]),
];

fn check(files: &[Source], stale: bool) -> Vec<String> {
    let mut violations = Vec::new();
    for (rule, words) in RULES {
        let mut exceptions = Exceptions::of(rule);
        violations.extend(words_outside(rule, words, files, &mut exceptions));
        if stale {
            violations.extend(exceptions.unneeded());
        }
    }
    violations
}

#[test]
fn every_room_is_closed() {
    none(&check(&rust_files(), true));
}

#[test]
fn every_rule_can_fail() {
    for (rule, words) in RULES {
        for word in *words {
            let text = format!("//! What?\nfn f() {{ x {word} }}\n");
            let planted = check(&[Source::new("actors/src/planted.rs", &text)], false);
            assert!(
                planted
                    .iter()
                    .any(|line| line.contains(&format!(":2: {rule}: `{word}`"))),
                "{rule}, {word}: {planted:?}"
            );
        }
    }
    let comment = Source::new("actors/src/planted.rs", "// Instant::now is not used\n");
    none(&check(&[comment], false));
    let at_home = Source::new("runtime/src/platform/clock.rs", "Instant::now()");
    none(&check(&[at_home], false));
}
