//! Do a hundred programs on one machine become one cluster?
//!
//! Role       Each member is a process of the system, this test's own program started again; they are
//!            connected over loopback. What each sees it prints, and who started it compares.
//! Checks     All see all, and agree about a group that all are in and about global names; then one is
//!            killed, and all others miss it, its place in the group and its name.
//! Run        `cargo test --release -p foundation-cluster --test hundred -- --ignored --nocapture a_hundred`
//!            prints times and memory. A dozen are part of every run of the tests.
//! Invariant  Every wait is bounded. A member ends with its standard input.

#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test that starts programs, and waits for them in real time"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use foundation_actors::Scope;
use foundation_cluster::{Builder, NodeClusterExt, Secret};
use foundation_runtime::{Node, Pid, Process};

const BOUND: Duration = Duration::from_secs(240);
/// How often a member looks around.
const LOOK: Duration = Duration::from_millis(100);
/// One in so many members has a global name.
const NAMED: usize = 10;
const GROUP: &str = "all";
/// What a member is told by its environment: its number, and where the first listens.
const ORDERS: &str = "FOUNDATION_HUNDRED";

/// What a member sees: connected nodes, members of the group, global names that lead somewhere.
type Sight = [usize; 3];

#[derive(Debug, foundation_macros::Message)]
#[message(local, crate = foundation_actors)]
enum Nothing {}

fn idle(node: &Node) -> Pid {
    let body = |mut me: Process<Nothing>| async move {
        loop {
            me.recv().await;
        }
    };
    node.spawn_fn(body).expect("there is room").pid()
}

fn global_name(number: usize) -> String {
    format!("name-{number}")
}

fn see(node: &Node, count: usize) -> Sight {
    let names = (0..count)
        .step_by(NAMED)
        .filter(|number| node.global().whereis(&global_name(*number)).is_some());
    [
        node.peers().len(),
        Scope::of(node).get_members(GROUP).len(),
        names.count(),
    ]
}

/// One member, until its input ends. Without orders there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is started by the others"]
async fn one_member() {
    let Ok(orders) = std::env::var(ORDERS) else {
        return;
    };
    let words: Vec<&str> = orders.split_whitespace().collect();
    let [number, count, listen, seed] = words[..] else {
        panic!("`{orders}` are no orders");
    };
    let number: usize = number.parse().expect("a number");
    let count: usize = count.parse().expect("a number");
    thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let secret = Secret::new([7; 32]).expect("long enough");
    let plan = Builder::new(Node::builder().name(format!("n{number}"))).secret(secret);
    let node = plan.listen(listen).seed(seed).start().await;
    let node = node.expect("it starts");
    let here = idle(&node);
    Scope::of(&node).join(GROUP, here).expect("it is alive");
    let mut is_named = !number.is_multiple_of(NAMED);
    let mut last = None;
    loop {
        if !is_named {
            // While nodes come the others may be asked in vain.
            is_named = node
                .global()
                .register(&global_name(number), here)
                .await
                .is_ok();
        }
        let seen = see(&node, count);
        if last.replace(seen) != Some(seen) {
            let [peers, group, names] = seen;
            println!("\nsees {peers} {group} {names}");
        }
        node.sleep(LOOK).await;
    }
}

struct Members {
    children: Vec<Child>,
    heard: Receiver<(usize, Sight)>,
    seen: Vec<Sight>,
}

impl Members {
    fn start(count: usize) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let seed = listener.local_addr().expect("it is bound");
        drop(listener);
        let (tell, heard) = channel();
        let start = |number: usize| {
            let listen = match number {
                0 => seed.to_string(),
                _ => "127.0.0.1:0".to_owned(),
            };
            let mut child = Command::new(std::env::current_exe().expect("it has a path"))
                .args(["one_member", "--exact", "--ignored", "--nocapture"])
                .env(ORDERS, format!("{number} {count} {listen} {seed}"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("it starts");
            listen_to(&mut child, number, tell.clone());
            child
        };
        Self {
            children: (0..count).map(start).collect(),
            seen: vec![[0; 3]; count],
            heard,
        }
    }

    /// Waits until all but one see this.
    fn see(&mut self, wanted: Sight, but: Option<usize>) {
        let until = Instant::now() + BOUND;
        loop {
            let mut others = self
                .seen
                .iter()
                .enumerate()
                .filter(|(number, _)| Some(*number) != but);
            if others.all(|(_, seen)| *seen == wanted) {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Ok((number, seen)) = self.heard.recv_timeout(left) else {
                panic!("{wanted:?} is wanted, and seen are {:?}", self.seen);
            };
            self.seen[number] = seen;
        }
    }

    fn kill(&mut self, number: usize) {
        self.children[number].kill().expect("it is ours");
    }

    /// Mebibytes in memory, of the one with the most.
    fn resident(&self) -> u64 {
        let of = |child: &Child| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
            let status = status.unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kibibytes = line.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
            kibibytes.unwrap_or(0_u64) >> 10
        };
        self.children.iter().map(of).max().unwrap_or(0)
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}

fn listen_to(child: &mut Child, number: usize, tell: Sender<(usize, Sight)>) {
    let out = BufReader::new(child.stdout.take().expect("it is piped"));
    thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            let Some(text) = line.strip_prefix("sees ") else {
                continue;
            };
            let words: Vec<usize> = text.split(' ').flat_map(str::parse).collect();
            let sight = words.try_into().expect("three numbers");
            if tell.send((number, sight)).is_err() {
                return;
            }
        }
    });
}

fn become_one(count: usize) {
    let begin = Instant::now();
    let mut members = Members::start(count);
    let names = count.div_ceil(NAMED);
    members.see([count - 1, count, names], None);
    println!(
        "{count} programs are one cluster after {:?}",
        begin.elapsed()
    );
    let begin = Instant::now();
    // One with a name.
    let lost = NAMED;
    members.kill(lost);
    members.see([count - 2, count - 1, names - 1], Some(lost));
    println!("all miss one that was killed after {:?}", begin.elapsed());
    println!("a member has up to {} MiB", members.resident());
}

#[test]
fn a_dozen_programs_become_one_cluster() {
    become_one(12);
}

#[test]
#[ignore = "a hundred programs need a machine for themselves"]
fn a_hundred_programs_become_one_cluster() {
    become_one(100);
}
