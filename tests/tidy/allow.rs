//! Which exceptions are there, and why?
//!
//! Role       The one list of all of them.
//! Invariant  Each has a reason, is needed, and names a file or a folder that exists.

use crate::source::Source;

/// One exception from one rule.
pub(crate) struct Allow {
    pub(crate) rule: &'static str,
    /// A file, or a folder with `/` at its end.
    pub(crate) path: &'static str,
    pub(crate) reason: &'static str,
}

const fn allow(rule: &'static str, path: &'static str, reason: &'static str) -> Allow {
    Allow { rule, path, reason }
}

pub(crate) const ALLOWED: &[Allow] = &[
    // ---- rooms ----
    allow(
        "clock",
        "runtime/src/platform/",
        "the room that reads the clock",
    ),
    allow("clock", "benches/", "a bench measures time"),
    allow(
        "clock",
        "runtime/src/time.rs",
        "outside any process, waits are tokio's",
    ),
    allow(
        "clock",
        "runtime/src/world/harness.rs",
        "a test on real threads is bounded by tokio",
    ),
    allow(
        "clock",
        "runtime/src/world/hosted.rs",
        "a world in another runtime has that one's time",
    ),
    allow(
        "thread",
        "runtime/src/world/hosted.rs",
        "its tests start a tokio runtime",
    ),
    allow(
        "thread",
        "runtime/src/platform/",
        "the room that starts threads",
    ),
    allow(
        "thread",
        "runtime/src/world/sim.rs",
        "only asks which thread it is, to see escapes",
    ),
    allow(
        "thread",
        "runtime/src/world/harness.rs",
        "a test on real threads needs a tokio runtime",
    ),
    allow(
        "thread",
        "runtime/src/node/builder.rs",
        "tokio's own thread under a node without one",
    ),
    allow(
        "thread",
        "node/src/nodes/launcher.rs",
        "the system asks which thread started a node of the job",
    ),
    allow("thread", "benches/", "a bench is a program of its own"),
    allow(
        "entropy",
        "benches/src/bin/membership/peer.rs",
        "foca draws from our seeded generator, through its own trait",
    ),
    allow(
        "entropy",
        "runtime/src/platform/",
        "the room that draws entropy",
    ),
    allow(
        "file",
        "runtime/src/disk/real.rs",
        "the room that opens files: what a node keeps on its machine",
    ),
    allow(
        "file",
        "runtime/tests/disk.rs",
        "a test of the room removes its folder",
    ),
    allow("file", "node/src/input.rs", "the program reads its input"),
    allow(
        "file",
        "node/src/sim/mod.rs",
        "the program reads a plan of faults",
    ),
    allow(
        "file",
        "node/src/cluster/cert.rs",
        "the program makes certificates",
    ),
    allow(
        "socket",
        "node/src/cluster/cert.rs",
        "only tells an IP address from a name",
    ),
    allow(
        "clock",
        "node/src/cluster/cert.rs",
        "a certificate is good from a day on, and until one",
    ),
    allow(
        "file",
        "node/src/cluster/config.rs",
        "the program reads its configuration",
    ),
    allow(
        "file",
        "node/src/cluster/place.rs",
        "looks for the sockets of this user's nodes",
    ),
    allow(
        "socket",
        "node/src/cluster/place.rs",
        "a node lives if its socket answers",
    ),
    allow(
        "file",
        "node/tests/",
        "tests write input for the program, and compare golden files",
    ),
    allow("file", "benches/", "a bench writes its table"),
    allow(
        "file",
        "cluster/src/storage/",
        "the room that opens files: the cluster's secret",
    ),
    allow(
        "file",
        "cluster/tests/",
        "tests look at the file of a secret",
    ),
    allow(
        "socket",
        "cluster/src/transport/",
        "the room that opens sockets",
    ),
    allow(
        "socket",
        "cluster/src/discovery/",
        "the room that asks name servers and speaks on a segment",
    ),
    allow(
        "socket",
        "cluster/src/storage/name_servers.rs",
        "only says where name servers are",
    ),
    allow(
        "socket",
        "cluster/src/cluster/builder.rs",
        "only takes the address of a name server",
    ),
    allow(
        "socket",
        "node/src/cluster/search.rs",
        "only says where name servers and segments are",
    ),
    allow(
        "thread",
        "cluster/tests/discovery_dns.rs",
        "name servers of a test are tasks of tokio's",
    ),
    allow(
        "thread",
        "cluster/tests/hundred.rs",
        "threads listen to the programs that it has started",
    ),
    allow(
        "thread",
        "cluster/tests/sockets.rs",
        "threads keep the machine busy while nodes start",
    ),
    allow(
        "clock",
        "cluster/tests/hundred.rs",
        "bounds its wait for those programs, and prints how long they took",
    ),
    allow(
        "ending",
        "cluster/tests/hundred.rs",
        "such a program ends with whoever started it",
    ),
    allow(
        "socket",
        "benches/",
        "a bench looks for a port that is free, and names addresses",
    ),
    allow(
        "thread",
        "cluster/tests/tls/strangers.rs",
        "whoever is in the middle is a task of tokio's",
    ),
    allow(
        "clock",
        "cluster/tests/tls/strangers.rs",
        "a certificate is good until a day",
    ),
    allow(
        "socket",
        "cluster/src/cluster/listening.rs",
        "looks whether an address is of this machine",
    ),
    allow(
        "socket",
        "cluster/tests/",
        "tests speak to nodes over real sockets",
    ),
    allow("file", "tests/tidy/", "these tests read the source tree"),
    allow(
        "file",
        "tests/examples.rs",
        "starts the examples and reads what they are to print",
    ),
    allow(
        "thread",
        "examples/05_axum.rs",
        "the web server is a task of tokio's",
    ),
    allow(
        "file",
        "tests/macros/",
        "cases about types that cannot travel name a file",
    ),
    allow(
        "socket",
        "examples/05_axum.rs",
        "the example is a web server",
    ),
    allow(
        "ending",
        "actors/src/application/entry.rs",
        "what `#[foundation::main]` does at its end",
    ),
    allow("ending", "benches/", "a bench ends its own program"),
    allow(
        "thread",
        "runtime/models/",
        "loom's threads, which are none",
    ),
    allow(
        "file",
        "runtime/src/platform/threads.rs",
        "asks the system about a thread of ours",
    ),
    allow(
        "file",
        "runtime/src/platform/symbols.rs",
        "names of functions stand in the program's file",
    ),
    allow(
        "thread",
        "node/tests/",
        "tests wait for the program that they have started",
    ),
    allow(
        "file",
        "node/src/memory.rs",
        "the system tells resident memory by a file",
    ),
    allow("ending", "node/src/main.rs", "the program's exit code"),
    allow(
        "clock",
        "node/tests/",
        "tests bound their wait for the program that they have started",
    ),
    allow(
        "socket",
        "actors/src/observe/edge.rs",
        "the door for the operator, opened when a program asks for it",
    ),
    allow(
        "file",
        "actors/src/observe/edge.rs",
        "the socket's file: its directory, mode and end",
    ),
    allow(
        "socket",
        "node/src/observe/link.rs",
        "the operator's end of the agent's socket",
    ),
    allow(
        "socket",
        "node/src/observe/web/",
        "the observer's page is served from a socket, on loopback",
    ),
    allow(
        "socket",
        "node/tests/",
        "tests speak with the program's sockets as strangers do",
    ),
    allow("file", "fuzz/", "a fuzzer's seeds and corpus are files"),
    allow("thread", "fuzz/tests/", "a replay has a stack of its own"),
    // ---- statics ----
    allow(
        "static",
        "fuzz/src/",
        "an allocator that counts; the target that a fuzzer runs",
    ),
    allow(
        "static",
        "runtime/src/platform/",
        "the current-process slot, the panic hook, and what the machine has",
    ),
    allow(
        "static",
        "benches/src/lib.rs",
        "a program chooses its allocator",
    ),
    allow(
        "static",
        "benches/murmer/src/main.rs",
        "a program chooses its allocator",
    ),
    allow(
        "static",
        "node/src/main.rs",
        "a program chooses its allocator",
    ),
    allow(
        "static",
        "tests/conformance/memory.rs",
        "an allocator that counts, for one test",
    ),
    allow(
        "static",
        "node/tests/observe_web.rs",
        "one browser at a time has the machine",
    ),
    allow(
        "static",
        "runtime/src/heap/",
        "the accounts outlive processes and nodes, as what is charged to them does",
    ),
    allow(
        "static",
        "src/allocator.rs",
        "what `foundation::allocator!()` writes in a program",
    ),
    // ---- unsafe ----
    allow("unsafe", "fuzz/src/limit.rs", "an allocator that counts"),
    allow(
        "unsafe",
        "runtime/src/heap/",
        "a global allocator, and the accounts behind it",
    ),
    allow(
        "unsafe",
        "benches/src/bin/heaps/accounting.rs",
        "asks two allocators for memory, one inside the other",
    ),
    allow(
        "unsafe",
        "tests/heap_walk/counting.rs",
        "an allocator that counts, for one test",
    ),
    allow(
        "unsafe",
        "runtime/src/envelope/",
        "type-erased messages in one allocation",
    ),
    allow(
        "unsafe",
        "runtime/src/node/deliver.rs",
        "hands envelopes to a lock-free inbox",
    ),
    allow(
        "unsafe",
        "runtime/src/platform/",
        "the current-process pointer; thread priorities",
    ),
    allow(
        "unsafe",
        "runtime/src/process/",
        "process blocks, inbox, queue and state cell",
    ),
    allow(
        "unsafe",
        "runtime/src/scheduler/",
        "the process that a worker holds",
    ),
    allow(
        "unsafe",
        "runtime/models/",
        "models of the lock-free files use them as they are",
    ),
    allow(
        "unsafe",
        "tests/conformance/memory.rs",
        "an allocator that counts, for one test",
    ),
    // ---- size ----
    allow(
        "file length",
        "actors/tests/supervisor_machine.rs",
        "one table of rows, and one walk",
    ),
    allow(
        "file length",
        "actors/tests/pg_machine.rs",
        "one table of rows, and one walk",
    ),
    allow(
        "function length",
        "actors/tests/pg_machine.rs",
        "one table of rows, in their order",
    ),
    allow(
        "file length",
        "runtime/tests/wheel.rs",
        "one table of rows, and one walk",
    ),
    allow(
        "function length",
        "tests/conformance/churn.rs",
        "one scene of churn, told from its beginning to its end",
    ),
];

/// The rule's exceptions, and which of them were needed so far.
pub(crate) struct Exceptions {
    entries: Vec<(&'static Allow, bool)>,
}

impl Exceptions {
    pub(crate) fn of(rule: &str) -> Self {
        let of_rule = ALLOWED.iter().filter(|allow| allow.rule == rule);
        Self {
            entries: of_rule.map(|allow| (allow, false)).collect(),
        }
    }

    /// Whether this file is excepted; the entry counts as needed.
    pub(crate) fn covers(&mut self, path: &str) -> bool {
        let mut found = false;
        for (allow, needed) in &mut self.entries {
            if covers(allow.path, path) {
                (*needed, found) = (true, true);
            }
        }
        found
    }

    /// Entries that nothing needed.
    pub(crate) fn unneeded(&self) -> Vec<String> {
        let idle = self.entries.iter().filter(|(_, needed)| !needed);
        idle.map(|(allow, _)| {
            format!(
                "{}: nothing there needs `{}` any more",
                allow.path, allow.rule
            )
        })
        .collect()
    }
}

fn covers(allowed: &str, path: &str) -> bool {
    match allowed.ends_with('/') {
        true => path.starts_with(allowed),
        false => path == allowed,
    }
}

/// The violations of a rule that is a list of words which may stand in some rooms only.
pub(crate) fn words_outside(
    rule: &'static str,
    words: &[&'static str],
    files: &[Source],
    exceptions: &mut Exceptions,
) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        let found = file.lines_with(words);
        if found.is_empty() || exceptions.covers(&file.path) {
            continue;
        }
        for (line, word) in found {
            violations.push(format!("{}:{line}: {rule}: `{word}`", file.path));
        }
    }
    violations
}

#[test]
fn every_exception_has_a_reason() {
    for allow in ALLOWED {
        assert!(10 < allow.reason.len(), "{}: why?", allow.path);
        let path = crate::source::root().join(allow.path);
        assert!(path.exists(), "{} does not exist", allow.path);
    }
}

#[test]
fn every_rule_can_fail() {
    let mut exceptions = Exceptions::of("unsafe");
    assert!(exceptions.covers("runtime/src/process/inbox.rs"));
    assert!(!exceptions.covers("runtime/src/processes.rs"));
    assert!(!exceptions.covers("actors/src/lib.rs"));
    let unneeded = exceptions.unneeded();
    assert!(
        unneeded
            .iter()
            .any(|line| line.starts_with("runtime/src/scheduler/"))
    );
    assert!(
        !unneeded
            .iter()
            .any(|line| line.starts_with("runtime/src/process/"))
    );
}
