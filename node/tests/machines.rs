//! Do real nodes on machines that really break keep together, without anybody's help?
//!
//! Role       Five programs, each in a network namespace with an address of its own and TLS between them, under
//!            a plan of faults as the simulation takes it: killed by the system, stopped, cut off one way
//!            and both, packets lost, and file descriptors that run out.
//! Checks     While it lasts every question to a node comes to an end. When it is over all are members for
//!            all and connected to all; their memory is bounded; who is killed is missed by all.
//! Run        `cargo test --release -p foundation-node --test machines -- --ignored --nocapture` for the long one.
//! Limit      Needs Linux, root, `ip` and `nft`; says so where they are missing, and fails where
//!            `FOUNDATION_MACHINES=required`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test of the program writes files, and waits for its processes"
)]

#[path = "machines/fleet.rs"]
mod fleet;
#[path = "common/namespaces.rs"]
mod namespaces;

use std::fs;
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::Duration;

use foundation::cluster::faults::Plan;

use fleet::Fleet;

const NODES: usize = 5;
const HARMED: usize = 4;

/// Unless there is what it needs, says so and returns nothing.
fn fleet() -> Option<Fleet> {
    match Fleet::start(NODES) {
        Ok(fleet) => Some(fleet),
        Err(why) => {
            let is_required = std::env::var("FOUNDATION_MACHINES").is_ok_and(|it| it == "required");
            assert!(!is_required, "there are no machines: {why}");
            eprintln!("NOT TESTED, there are no machines: {why}");
            None
        }
    }
}

/// Runs a plan, and looks whether all is well in the end.
fn withstand(fleet: &mut Fleet, plan: &Plan) {
    print!("{plan}");
    let callers = fleet.call();
    fleet.run(plan);
    fleet.mend();
    fleet.converge();
    let (answered, failed) = callers.stop();
    println!("{answered} calls answered, {failed} failed");
    assert!(0 < answered, "nothing worked");
    fleet.check_memory();
}

/// What is open in a process.
fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// A node that may open nothing more, while another one is killed and comes back.
fn run_out_of_descriptors(fleet: &mut Fleet) {
    let pid = fleet.pid(HARMED);
    fleet.limit_descriptors(HARMED, descriptors(pid) + 4);
    let socket = fleet.socket(HARMED);
    let greedy: Vec<UnixStream> = (0..64)
        .map_while(|_| UnixStream::connect(&socket).ok())
        .collect();
    assert!(16 < greedy.len(), "nobody was in its way");
    fleet.kill(1);
    fleet.missed(1, &[0, 2, 3]);
    fleet.start_again(1);
    // Long enough for some dials that find no descriptor.
    sleep(Duration::from_secs(2));
    assert!(fleet.is_alive(HARMED), "it has ended");
    drop(greedy);
    fleet.limit_descriptors(HARMED, 1024);
    fleet.converge();
}

#[test]
fn five_machines_withstand_what_breaks() {
    let Some(mut fleet) = fleet() else { return };
    let text = "0s crash n4\n1s restart n4\n2s pause n3\n2s link n0 n1 1ms 2ms 0.2\n8s resume n3\n\
                9s cut_one_way n1 n2\n15s heal\n15s split 2\n22s heal\n22s link n0 n1 1ms 2ms 0";
    let plan = Plan::read(text, NODES as u32, Duration::from_secs(30));
    withstand(&mut fleet, &plan.expect("it is one"));
    run_out_of_descriptors(&mut fleet);
    fleet.kill(HARMED);
    fleet.missed(HARMED, &[0, 1, 2, 3]);
}

/// The seeds that `FOUNDATION_SEEDS` counts, two unless it is set, two minutes each.
#[test]
#[ignore = "takes minutes"]
fn five_machines_withstand_whatever_a_seed_makes() {
    let Some(mut fleet) = fleet() else { return };
    let all: Vec<String> = (0..NODES)
        .flat_map(|a| (0..a).map(move |b| format!("60s link n{a} n{b} 1ms 2ms 0.2\n")))
        .collect();
    let text = format!(
        "5s pause n2\n35s resume n2\n36s split 2\n56s heal\n{}",
        all.concat()
    );
    let plan = Plan::read(&text, NODES as u32, Duration::from_secs(90)).expect("it is one");
    withstand(&mut fleet, &plan);
    let seeds = std::env::var("FOUNDATION_SEEDS").ok();
    let seeds = seeds.and_then(|text| text.parse().ok()).unwrap_or(2);
    for seed in 0..seeds {
        println!("seed {seed}");
        let plan = Plan::random(seed, NODES as u32, Duration::from_secs(120), 16);
        withstand(&mut fleet, &plan);
    }
    run_out_of_descriptors(&mut fleet);
}
