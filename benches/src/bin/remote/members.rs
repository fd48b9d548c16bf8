//! How do many nodes live side by side, as processes of the system?
//!
//! Role       Starts them, ours or Erlang's; notes when each sees which others; lets them be killed,
//!            stopped and cut off.
//! Owns       The processes, until it is dropped; they end by themselves when their standard input does.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::erlang::Erlang;
use crate::namespaces::Network;

/// Whose nodes they are.
#[derive(Clone, Copy)]
pub(crate) enum Side<'a> {
    Ours,
    Erlang(&'a Erlang),
}

struct Line {
    member: usize,
    at: Instant,
    text: String,
}

pub(crate) struct Members {
    children: Vec<Child>,
    names: Vec<String>,
    heard: Receiver<Line>,
    seen: Vec<BTreeSet<String>>,
    /// How many times somebody was told that another is lost.
    pub(crate) losses: usize,
    /// When something last changed.
    changed: Instant,
    /// When the first was started.
    pub(crate) begun: Instant,
}

impl Members {
    /// Starts so many, on one machine or on a host of the network each.
    pub(crate) fn start(
        side: Side<'_>,
        count: usize,
        network: Option<&Network>,
    ) -> Result<Self, String> {
        let (tell, heard) = channel();
        let names: Vec<String> = (1..=count)
            .map(|number| name(side, number, network))
            .collect();
        let seed = match network {
            Some(network) => format!("{}:7000", network.address(1)),
            None => format!("127.0.0.1:{}", port()?),
        };
        let mut members = Self {
            children: Vec::new(),
            seen: vec![BTreeSet::new(); count],
            names,
            heard,
            losses: 0,
            changed: Instant::now(),
            begun: Instant::now(),
        };
        for member in 0..count {
            let base = |program: &str| match network {
                None => Command::new(program),
                Some(network) => {
                    let mut command = network.on(member + 1);
                    command.arg(program);
                    command
                }
            };
            let mut command = match side {
                Side::Erlang(erlang) => erlang.member(base, member, &members.names),
                Side::Ours => ours(base, &members.names[member], member, &seed, network)?,
            };
            let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            let mut child = child.map_err(|error| format!("{command:?}: {error}"))?;
            listen(&mut child, member, tell.clone());
            members.children.push(child);
        }
        Ok(members)
    }

    /// Waits until what all see is as wanted, and returns when it came to be so.
    pub(crate) fn until(
        &mut self,
        bound: Duration,
        wanted: impl Fn(&[BTreeSet<String>]) -> bool,
    ) -> Result<Instant, String> {
        let end = Instant::now() + bound;
        while !wanted(&self.seen) {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.heard.recv_timeout(left).map_err(|_| {
                let seen: Vec<usize> = self.seen.iter().map(BTreeSet::len).collect();
                format!("not within {bound:?}: they see {seen:?}")
            })?;
            self.take(&line);
        }
        Ok(self.changed)
    }

    /// Listens for so long.
    pub(crate) fn rest(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(line) = self
            .heard
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            self.take(&line);
        }
    }

    fn take(&mut self, line: &Line) {
        self.changed = line.at;
        match line.text.split_once(' ') {
            Some(("up", name)) => {
                self.seen[line.member].insert(name.to_owned());
            }
            Some(("down", name)) => {
                self.losses += 1;
                self.seen[line.member].remove(name);
            }
            _ => {}
        }
    }

    /// Waits until all see all.
    pub(crate) fn whole(&mut self, bound: Duration) -> Result<Instant, String> {
        let others = self.seen.len() - 1;
        self.until(bound, |seen| seen.iter().all(|it| it.len() == others))
    }

    /// Waits until each of `watchers` has lost each of `lost`.
    pub(crate) fn missed(
        &mut self,
        watchers: &[usize],
        lost: &[usize],
        bound: Duration,
    ) -> Result<Instant, String> {
        let names: Vec<String> = lost
            .iter()
            .map(|member| self.names[*member].clone())
            .collect();
        self.until(bound, |seen| {
            let has_missed = |watcher: &usize| names.iter().all(|it| !seen[*watcher].contains(it));
            watchers.iter().all(has_missed)
        })
    }

    /// Mebibytes that a process has in memory, on average.
    pub(crate) fn resident_mib(&self) -> f64 {
        let kibibytes = |child: &Child| {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
            let status = status.unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let text = line.unwrap_or_default().trim_end_matches("kB").trim();
            text.parse::<f64>().unwrap_or(0.0)
        };
        let all: f64 = self.children.iter().map(kibibytes).sum();
        all / self.children.len() as f64 / 1024.0
    }

    pub(crate) fn signal(&self, member: usize, signal: Signal) -> Result<(), String> {
        let pid = Pid::from_raw(self.children[member].id() as i32);
        kill(pid, signal).map_err(|error| error.to_string())
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

fn name(side: Side<'_>, number: usize, network: Option<&Network>) -> String {
    let host = match network {
        Some(network) => network.address(number),
        None => "127.0.0.1".to_owned(),
    };
    match side {
        Side::Ours => format!("n{number}"),
        Side::Erlang(_) => format!("n{number}x{}@{host}", std::process::id()),
    }
}

fn ours(
    base: impl Fn(&str) -> Command,
    name: &str,
    member: usize,
    seed: &str,
    network: Option<&Network>,
) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let listen = match network {
        Some(network) => format!("{}:7000", network.address(member + 1)),
        None if member == 0 => seed.to_owned(),
        None => "127.0.0.1:0".to_owned(),
    };
    let mut command = base(&program.to_string_lossy());
    command.args(["--member", name, &listen, seed]);
    Ok(command)
}

/// A port that was free a moment ago.
pub(crate) fn port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0");
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address.map_err(|error| error.to_string())?.port())
}

fn listen(child: &mut Child, member: usize, tell: Sender<Line>) {
    let Some(out) = child.stdout.take() else {
        return;
    };
    thread::spawn(move || {
        for text in BufReader::new(out).lines().map_while(Result::ok) {
            let at = Instant::now();
            if tell.send(Line { member, at, text }).is_err() {
                return;
            }
        }
    });
}
