//! Do these tests ask for more than the rules give?
//!
//! Role       Runs the simulated ones once more, in a world where only what one process sends to
//!            one other keeps its order. That is all that S1 promises.

use std::process::Command;

/// What says in which order things arrive.
const DELIVERY: &str = "FOUNDATION_DELIVERY";

/// S1 and nothing else holds between processes, and every simulated test passes.
#[test]
fn the_rules_need_no_order_but_that_of_pairs() {
    if std::env::var_os(DELIVERY).is_some() {
        return;
    }
    let suite = std::env::current_exe().expect("it runs");
    let mut tests = Command::new(suite);
    tests.args(["::simulated", "--quiet"]);
    let run = tests.env(DELIVERY, "pairwise").output().expect("it starts");
    let said = String::from_utf8_lossy(&run.stdout);
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.success(),
        "with {DELIVERY}=pairwise:\n{said}\n{told}"
    );
    assert!(!said.contains(" 0 passed"), "no test was run:\n{said}");
}
