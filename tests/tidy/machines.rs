//! Are the machines pure?
//!
//! Role       Inputs and `now` in, effects out: no clock, no lock, no task, no order that depends
//!            on a hash. The list of words is the rule.

use crate::source::{Source, has_word, none, rust_files};

/// Folders, and files by their beginning, that hold machines; a driver among them is none.
const MACHINES: &[&str] = &[
    "actors/src/observe/session.rs",
    "actors/src/statem/machine/",
    "actors/src/supervisor/machine/",
    "actors/src/task/stream/machine.rs",
    "cluster/src/channel/",
    "cluster/src/globals/asking.rs",
    "cluster/src/globals/claims.rs",
    "cluster/src/globals/conflict.rs",
    "cluster/src/globals/locks.rs",
    "cluster/src/globals/machine.rs",
    "cluster/src/globals/ops.rs",
    "cluster/src/globals/peer.rs",
    "cluster/src/groups/",
    "cluster/src/discovery/machine.rs",
    "cluster/src/discovery/multicast/beat.rs",
    "cluster/src/discovery/multicast/ledger.rs",
    "cluster/src/discovery/source.rs",
    "cluster/src/handshake/machine.rs",
    "cluster/src/membership/",
    "cluster/src/mesh/machine.rs",
    "cluster/src/overlay/",
    "runtime/src/timer/wheel",
];

/// Whose machines own a generator, made from a seed that they were given.
const SEEDED: &str = "cluster/src/";

const IMPURE: &[&str] = &[
    "Instant",
    "SystemTime",
    "async",
    "await",
    "Future",
    "Waker",
    "tokio",
    "Mutex",
    "RwLock",
    "Condvar",
    "Cell",
    "RefCell",
    "AtomicU64",
    "AtomicUsize",
    "AtomicBool",
    "thread",
    "mpsc",
    "Node",
    "Me",
    "Rng",
    "seed()",
    "RandomState",
    "HashMap",
    "HashSet",
    "tracing",
    "println!",
    "eprintln!",
    "fs::",
    "net::",
    "io::",
    "env::",
    "unsafe",
];

fn check(files: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    let machines = files.iter().filter(|file| {
        MACHINES
            .iter()
            .any(|machine| file.path.starts_with(machine))
            && !file.path.ends_with("/driver.rs")
    });
    for file in machines {
        for (line, word) in file.lines_with(IMPURE) {
            if word == "Rng" && file.path.starts_with(SEEDED) {
                continue;
            }
            // What tells nodes apart is a parameter of a machine.
            let text = file.code.lines().nth(line - 1).unwrap_or_default();
            if !has_word(&text.replace("P::Node", ""), word) {
                continue;
            }
            violations.push(format!("{}:{line}: a machine uses `{word}`", file.path));
        }
    }
    violations
}

#[test]
fn machines_are_pure() {
    let files = rust_files();
    for machine in MACHINES {
        let exists = files.iter().any(|file| file.path.starts_with(machine));
        assert!(exists, "{machine}: no machine is there any more");
    }
    none(&check(&files));
}

#[test]
fn every_rule_can_fail() {
    for word in IMPURE {
        let text = format!("fn f() {{ x::{word} }}");
        let inside = Source::new("actors/src/supervisor/machine/planted.rs", &text);
        assert_eq!(check(&[inside]).len(), 1, "{word}");
        let outside = Source::new("actors/src/supervisor/driver.rs", &text);
        none(&check(&[outside]));
    }
    let seeded = |text| check(&[Source::new("cluster/src/mesh/machine.rs", text)]).len();
    assert_eq!(seeded("fn f(rng: &mut Rng) {}"), 0);
    assert_eq!(seeded("fn f() { Rng::new(runtime::seed()) }"), 1);
    assert_eq!(seeded("fn f<P: Member>(node: P::Node) {}"), 0);
    assert_eq!(seeded("fn f<P: Member>(node: P::Node, own: Node) {}"), 1);
}
