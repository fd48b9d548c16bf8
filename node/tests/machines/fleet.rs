//! What are five machines of a test?
//!
//! Role       Starts a node on each, harms and mends them as a plan has it, and asks them.
//! Inputs     Numbers of nodes from 0, as in a plan: `n0` is on the first host.
//! Owns       The network, the nodes, and a folder with their files.
//! Invariant  Every wait is bounded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use foundation::cluster::faults::{Fault, Plan};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::namespaces::Network;

const SUBNET: &str = "10.77.0";
/// How long nodes have to come to what is wanted.
const BOUND: Duration = Duration::from_secs(120);
/// A question has two seconds, and the node that is asked five more: who is not back now hangs.
const HANGS: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(100);
/// What a node may come to have in memory.
const RESIDENT_MAX_KIB: u64 = 128 << 10;

pub(crate) struct Fleet {
    network: Network,
    folder: PathBuf,
    nodes: Vec<Option<Child>>,
    /// Who hears nothing of whom.
    cuts: Vec<(usize, usize)>,
    /// How many in a hundred are lost between two.
    losses: BTreeMap<(usize, usize), u32>,
}

/// Ask all nodes, over and over.
pub(crate) struct Callers {
    goes_on: Arc<AtomicBool>,
    counts: Arc<[AtomicU64; 2]>,
    threads: Vec<JoinHandle<()>>,
}

impl Fleet {
    /// All of them, connected to all.
    pub(crate) fn start(count: usize) -> Result<Self, String> {
        let network = Network::new(count, SUBNET)?;
        let folder = std::env::temp_dir().join(format!("fnd-machines-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let mut fleet = Self {
            network,
            folder,
            nodes: Vec::new(),
            cuts: Vec::new(),
            losses: BTreeMap::new(),
        };
        let mut certificates = program(&fleet.folder);
        certificates.args(["cert", "init", "--dir", "keys"]);
        for node in 0..count {
            certificates.args(["--node", &fleet.name(node)]);
        }
        let made = certificates.output().expect("it starts");
        assert!(made.status.success(), "{made:?}");
        for node in 0..count {
            fleet.write(node);
            let started = fleet.launch(node);
            fleet.nodes.push(Some(started));
        }
        fleet.converge();
        Ok(fleet)
    }

    fn name(&self, node: usize) -> String {
        format!("n{node}@{}", self.network.address(node + 1))
    }

    pub(crate) fn socket(&self, node: usize) -> PathBuf {
        self.folder.join(format!("n{node}.sock"))
    }

    fn write(&self, node: usize) {
        let name = self.name(node);
        let [first, second, own] = [0, 1, node].map(|it| self.network.address(it + 1));
        let text = format!(
            "name = \"{name}\"\nseeds = [\"{first}:7000\", \"{second}:7000\"]\n\
             listen = \"{own}:7000\"\nsocket = \"n{node}.sock\"\n[tls]\nca = \"keys/ca.pem\"\n\
             certificate = \"keys/{name}.pem\"\nkey = \"keys/{name}.key\"\n"
        );
        fs::write(self.folder.join(format!("n{node}.toml")), text).expect("there is room");
    }

    fn launch(&self, node: usize) -> Child {
        let mut command = self.network.on(node + 1);
        command.arg(env!("CARGO_BIN_EXE_foundation"));
        command.args(["run", "--config", &format!("n{node}.toml")]);
        let out = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"));
        let out = out.expect("there is room");
        let errors = out.try_clone().expect("there is room");
        command
            .current_dir(&self.folder)
            .env("XDG_STATE_HOME", &self.folder)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors);
        command.spawn().expect("it starts")
    }

    /// Does what a plan says, when it says so.
    pub(crate) fn run(&mut self, plan: &Plan) {
        let begin = Instant::now();
        for (when, fault) in plan.faults() {
            sleep(when.saturating_sub(begin.elapsed()));
            self.fault(*fault);
        }
    }

    fn fault(&mut self, fault: Fault) {
        match fault {
            Fault::Crash(node) => self.kill(node),
            // Nobody is told by the system: its machine is off the network before it ends.
            Fault::PowerOff(node) => {
                let others = (0..self.nodes.len()).filter(|other| *other != node);
                let all: Vec<usize> = others.collect();
                let (hosts, host) = (hosts(&all), [node + 1]);
                let cut = self.network.cut(&host, &hosts);
                cut.expect("it can be cut");
                self.kill(node);
            }
            Fault::Restart(node) => {
                self.rules();
                self.start_again(node);
            }
            Fault::Pause(node) => self.signal(node, Signal::STOP),
            Fault::Resume(node) => self.signal(node, Signal::CONT),
            Fault::Split(count) => {
                for left in 0..count {
                    for right in count..self.nodes.len() {
                        self.cuts.extend([(left, right), (right, left)]);
                    }
                }
                self.rules();
            }
            Fault::Cut(a, b) => {
                self.cuts.extend([(a, b), (b, a)]);
                self.rules();
            }
            Fault::CutOneWay(from, to) => {
                self.cuts.push((from, to));
                self.rules();
            }
            Fault::Link(a, b, link) => {
                let percent = (link.loss() * 100.0) as u32;
                self.losses.insert((a, b), percent);
                self.rules();
            }
            Fault::Heal => {
                self.cuts.clear();
                self.rules();
            }
            // What no machine does on demand.
            _ => {}
        }
    }

    /// Makes the network as it is to be.
    fn rules(&self) {
        let network = &self.network;
        network.heal().expect("rules go");
        for (from, to) in &self.cuts {
            network.cut(&[from + 1], &[to + 1]).expect("it can be cut");
        }
        for ((a, b), percent) in &self.losses {
            for (from, to) in [(a + 1, b + 1), (b + 1, a + 1)] {
                let lossy = network.lossy(to, &[from], *percent);
                lossy.expect("it can lose");
            }
        }
    }

    /// Everybody goes on, and the network is well.
    pub(crate) fn mend(&mut self) {
        self.cuts.clear();
        self.losses.clear();
        self.rules();
        for node in 0..self.nodes.len() {
            match &self.nodes[node] {
                Some(_) => self.signal(node, Signal::CONT),
                None => self.start_again(node),
            }
        }
    }

    pub(crate) fn pid(&self, node: usize) -> u32 {
        self.nodes[node].as_ref().expect("it is there").id()
    }

    fn signal(&self, node: usize, signal: Signal) {
        let child = self.nodes[node].as_ref().expect("it is there");
        kill_process(Pid::from_child(child), signal).expect("it is ours");
    }

    pub(crate) fn kill(&mut self, node: usize) {
        let mut child = self.nodes[node].take().expect("it is there");
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    pub(crate) fn start_again(&mut self, node: usize) {
        self.nodes[node] = Some(self.launch(node));
    }

    pub(crate) fn is_alive(&mut self, node: usize) -> bool {
        let child = self.nodes[node].as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// It may have so many files open.
    pub(crate) fn limit_descriptors(&self, node: usize, most: usize) {
        let limits = [
            format!("--nofile={most}:1024"),
            format!("--pid={}", self.pid(node)),
        ];
        let limited = Command::new("prlimit").args(limits).status();
        assert!(limited.expect("there is such a program").success());
    }

    /// Who belongs to the cluster, as a node has it.
    fn members(&self, node: usize) -> Option<BTreeMap<String, String>> {
        let output = ask(&self.folder, &self.socket(node), "members");
        let told: Value = serde_json::from_slice(&output.stdout).ok()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let row = |member: &Value| (text(&member["name"]), text(&member["status"]));
        Some(told["members"].as_array()?.iter().map(row).collect())
    }

    /// Waits until all are members for all and connected.
    pub(crate) fn converge(&self) {
        let count = self.nodes.len();
        let is_well = |node: usize| {
            let members = self.members(node);
            let are_up = |members: BTreeMap<String, String>| {
                members.len() == count && members.values().all(|it| it == "up" || it == "here")
            };
            let status = ask(&self.folder, &self.socket(node), "status");
            let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
            members.is_some_and(are_up) && status["connected"] == count - 1
        };
        self.eventually("all see all", || (0..count).all(is_well));
    }

    /// Waits until these know that one is lost.
    pub(crate) fn missed(&self, lost: usize, watchers: &[usize]) {
        let name = self.name(lost);
        let knows = |node: &usize| {
            let members = self.members(*node).unwrap_or_default();
            members.get(&name).is_some_and(|status| status == "down")
        };
        self.eventually("the lost one is missed", || watchers.iter().all(knows));
    }

    fn eventually(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + BOUND;
        while !is_so() {
            if until < Instant::now() {
                for node in 0..self.nodes.len() {
                    eprintln!("n{node}: {:?}", self.members(node));
                }
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("not within {BOUND:?}: {what}\n{log}");
            }
            sleep(LOOK);
        }
    }

    pub(crate) fn check_memory(&self) {
        for node in 0..self.nodes.len() {
            let status = fs::read_to_string(format!("/proc/{}/status", self.pid(node)));
            let status = status.expect("it lives");
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let text = line.expect("it is there").trim().trim_end_matches(" kB");
            let resident: u64 = text.parse().expect("it is a number");
            println!("n{node} has {} MiB", resident >> 10);
            assert!(resident < RESIDENT_MAX_KIB, "n{node} has {resident} KiB");
        }
    }

    /// Each node is told to ping all others, over and over.
    pub(crate) fn call(&self) -> Callers {
        let (goes_on, counts) = (Arc::new(AtomicBool::new(true)), Arc::default());
        let caller = |node: usize| {
            let (folder, socket) = (self.folder.clone(), self.socket(node));
            let (goes_on, counts) = (Arc::clone(&goes_on), Arc::clone(&counts));
            spawn(move || {
                while goes_on.load(Ordering::Relaxed) {
                    count(&ask(&folder, &socket, "ping"), &counts);
                    sleep(2 * LOOK);
                }
            })
        };
        Callers {
            threads: (0..self.nodes.len()).map(caller).collect(),
            counts,
            goes_on,
        }
    }
}

impl Callers {
    /// How many were answered, and how many not.
    pub(crate) fn stop(self) -> (u64, u64) {
        self.goes_on.store(false, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("every question came to an end");
        }
        let [answered, failed] = [0, 1].map(|at| self.counts[at].load(Ordering::Relaxed));
        (answered, failed)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Notes a ping of all others.
fn count(output: &Output, [answered, failed]: &[AtomicU64; 2]) {
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let Some(pings) = told["pings"].as_array() else {
        // Nobody to ask.
        failed.fetch_add(1, Ordering::Relaxed);
        return;
    };
    for ping in pings {
        assert!(
            ping["milliseconds"].is_f64() || ping["error"].is_string(),
            "a call has no end: {ping}"
        );
        let counter = match ping["error"].is_string() {
            true => failed,
            false => answered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Asks a node. The question has to come to an end.
fn ask(folder: &Path, socket: &Path, question: &str) -> Output {
    let mut command = program(folder);
    command.args(["cluster", question, "--json", "--timeout", "2", "--socket"]);
    command
        .arg(socket)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let until = Instant::now() + HANGS;
    while child.try_wait().expect("it is ours").is_none() {
        if until < Instant::now() {
            let _ = child.kill();
            panic!("`{question}` has no end");
        }
        sleep(LOOK / 10);
    }
    child.wait_with_output().expect("it is ours")
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundation"));
    command
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder)
        .stdin(Stdio::null());
    command
}

fn hosts(nodes: &[usize]) -> Vec<usize> {
    nodes.iter().map(|node| node + 1).collect()
}
