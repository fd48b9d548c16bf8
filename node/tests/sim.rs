//! Does a simulated cluster do what its plan says, and the same each time?
//!
//! Role  Runs the program, twice where it has to be the same; and rows of plans that are none.

#![allow(
    clippy::disallowed_methods,
    reason = "a test of the program writes files, and runs it"
)]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use foundation::cluster::faults::Plan;
use foundation_node::sim::report::Report;
use serde_json::Value;

/// The program's exit code, output and errors.
fn sim(arguments: &str) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_foundation");
    let output = Command::new(program)
        .arg("sim")
        .args(arguments.split_whitespace())
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn json(arguments: &str) -> Value {
    let (code, out, error) = sim(&format!("{arguments} --json"));
    assert_eq!((code, &*error), (Some(0), ""), "{arguments}: {out}");
    serde_json::from_str(&out).expect("it is JSON")
}

fn plan(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sim-{name}.txt"));
    std::fs::write(&path, text).expect("there is room");
    path
}

#[test]
fn equal_seeds_are_equal_in_two_processes() {
    for seed in [1, 2] {
        let arguments = format!("--nodes 5 --seed {seed}");
        let (mut first, mut again) = (json(&arguments), json(&arguments));
        for run in [&mut first, &mut again] {
            let run = run.as_object_mut().expect("it is an object");
            assert!(run.remove("wall_seconds").is_some_and(|it| it.is_number()));
            assert!(
                run.remove("peak_rss_bytes")
                    .is_some_and(|it| it.is_number())
            );
        }
        assert_eq!(first, again, "seed {seed}");
    }
    assert_ne!(json("--seed 1")["hash"], json("--seed 2")["hash"]);
}

#[test]
fn the_figures_are_those_of_the_plan() {
    let run = json("--nodes 8 --seed 3");
    let number = |name: &str| {
        run[name]
            .as_f64()
            .unwrap_or_else(|| panic!("{name}: {run}"))
    };
    assert_eq!((number("nodes"), number("seed")), (8.0, 3.0));
    assert_eq!(
        (number("connections"), number("full_mesh_connections")),
        (28.0, 28.0)
    );
    assert_eq!(
        (number("lost"), number("doubled"), number("apart")),
        (0.0, 0.0, 0.0)
    );
    assert!(60.0 <= number("virtual_seconds") && number("virtual_seconds") <= 121.0);
    assert!(number("joined_all_s") <= number("views_complete_s"));
    assert!(number("views_complete_s") < 10.0 && number("crash_known_s") < 1.0);
    assert!(0.0 < number("healed_s") && number("healed_s") <= 30.0);
    assert!(500.0 < number("messages") && 10_000.0 < number("bytes"));
    assert!(run["switched_s"].is_null(), "nothing was switched");
}

#[test]
fn every_fault_can_be_planned() {
    let path = plan(
        "all",
        "# all of them\n\
         5s crash n4\n 6s power_off n3 # in silence\n\n\
         8s pause n1\n 10s resume n1\n 11s restart n4\n 12s slow n2 5ms\n 13s clock_rate n2 1.5\n\
         14s clock_jump n2 60s\n 15s split 2\n 25s heal\n 26s cut n0 n1\n 27s cut_one_way n1 n2\n\
         28s link n0 n2 1ms 300ms 0.3\n 35s restart n3\n 40s slow n2 0ms\n 41s heal\n\
         45s switch client-server 2\n",
    );
    let run = json(&format!("--plan {}", path.display()));
    assert!(
        3.0 < run["crash_known_s"].as_f64().expect("there were two"),
        "{run}"
    );
    assert!(
        run["switched_s"].as_f64().expect("there was a switch") < 10.0,
        "{run}"
    );
    assert_eq!((&run["lost"], &run["doubled"]), (&0.into(), &0.into()));
}

#[test]
fn all_come_to_the_overlay_that_a_plan_orders() {
    let path = plan(
        "switch",
        "10s switch hyparview\n45s switch client-server 2\n",
    );
    let run = json(&format!("--nodes 8 --seed 2 --plan {}", path.display()));
    assert!(
        run["switched_s"].as_f64().expect("there were two") < 10.0,
        "{run}"
    );
    assert_eq!(
        (&run["lost"], &run["doubled"], &run["apart"]),
        (&0.into(), &0.into(), &0.into())
    );
    let path = plan("too-soon", "10s switch hyparview\n20s switch mesh\n");
    let (code, _, error) = sim(&format!("--nodes 3 --plan {}", path.display()));
    assert_eq!(code, Some(1));
    assert!(
        error.contains("`switch mesh`: the overlay was switched a short time ago"),
        "{error}"
    );
}

#[test]
fn a_plan_that_is_none_is_refused_with_its_line() {
    let rows = [
        ("10s", "line 1: a fault is missing: `10s crash n1` has one"),
        (
            "\n\nsoon crash n1",
            "line 3: `soon` is no time; 10s, 250ms and 2m are",
        ),
        (
            "10h crash n1",
            "line 1: `10h` is no time; 10s, 250ms and 2m are",
        ),
        (
            "99999999999s heal",
            "line 1: `99999999999s` is no time; 10s, 250ms and 2m are",
        ),
        (
            "60s heal",
            "line 1: 60s is not before the end at 60s; raise `--minutes`",
        ),
        (
            "1s burn n1",
            "line 1: `burn n1` is no fault; `foundation sim --help` has them all",
        ),
        (
            "1s crash",
            "line 1: `crash ` is no fault; `foundation sim --help` has them all",
        ),
        (
            "1s crash n5",
            "line 1: there is no node `n5`: they are n0 to n4",
        ),
        (
            "1s crash a",
            "line 1: there is no node `a`: they are n0 to n4",
        ),
        (
            "1s split 5",
            "line 1: `split 5` leaves a side empty: 1 to 4",
        ),
        (
            "1s clock_rate n1 0",
            "line 1: a rate of 0 is not between 0.1 and 10",
        ),
        (
            "1s clock_rate n1 fast",
            "line 1: `fast` is no number; 0.3 is one",
        ),
        (
            "1s link n0 n1 2ms 1ms 0",
            "line 1: the least latency, 2ms, is above the greatest, 1ms",
        ),
        (
            "1s restart n1",
            "line 1: n1 is not down at 1s; `crash n1` comes first",
        ),
        (
            "2s pause n1\n1s crash n1",
            "line 1: n1 is down at 2s; `restart n1` comes first",
        ),
    ];
    for (text, says) in rows {
        let error = Plan::read(text, 5, Duration::from_secs(60)).expect_err(text);
        assert_eq!(error.to_string(), says, "{text}");
    }
}

#[test]
fn an_overlay_that_is_none_is_refused_with_its_line() {
    let rows = [
        (
            "1s switch client-server 6",
            "line 1: `6` is no number of servers",
        ),
        (
            "1s switch ring",
            "line 1: `switch ring` is no fault; `foundation sim --help` has them all",
        ),
    ];
    for (text, says) in rows {
        let error = Plan::read(text, 5, Duration::from_secs(60)).expect_err(text);
        assert_eq!(error.to_string(), says, "{text}");
    }
}

#[test]
fn the_program_says_what_is_wrong_with_a_plan() {
    let path = plan("bad", "1s crash n9");
    let (code, out, error) = sim(&format!("--plan {}", path.display()));
    assert_eq!((code, &*out), (Some(1), ""));
    assert!(
        error.ends_with("line 1: there is no node `n9`: they are n0 to n4\n"),
        "{error}"
    );
    assert_eq!(sim("--plan /nowhere").0, Some(1));
    assert_eq!(sim("--nodes 1").0, Some(2));
}

/// Two nodes that stay away from each other, a number taken twice: each alone is a failure.
#[test]
fn a_broken_promise_is_named() {
    let good = Report {
        hash: String::new(),
        seed: 0,
        nodes: 2,
        virtual_seconds: 60.0,
        wall_seconds: 0.1,
        messages: 10,
        failed: 0,
        bytes: 1,
        joined_all_s: None,
        views_complete_s: None,
        crash_known_s: None,
        healed_s: None,
        switched_s: None,
        connections: 1,
        full_mesh_connections: 1,
        lost: 0,
        doubled: 0,
        apart: 0,
        promises: None,
        peak_rss_bytes: 0,
    };
    assert!(good.broken(&[]).is_empty());
    let rows = [
        (
            Report {
                lost: 1,
                ..good.clone()
            },
            "never taken",
        ),
        (
            Report {
                doubled: 2,
                ..good.clone()
            },
            "taken twice",
        ),
        (Report { apart: 2, ..good }, "did not find"),
    ];
    for (report, says) in rows {
        let broken = report.broken(&[]);
        assert!(broken.len() == 1 && broken[0].contains(says), "{broken:?}");
    }
}

/// The lines of the plan that is blamed.
fn blamed(error: &str) -> Vec<&str> {
    let (_, blamed) = error
        .split_once("can be left out")
        .expect("something is blamed");
    blamed
        .lines()
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn a_plan_that_breaks_a_promise_is_made_as_short_as_it_can_be() {
    let arguments = "--nodes 3 --seed 10 --random 12 --at-most crash_known_s=1.5";
    let (code, out, error) = sim(arguments);
    assert_eq!(code, Some(1), "{error}");
    assert!(out.contains("foundation sim  3 nodes"), "{out}");
    assert!(error.contains("crash_known_s is "), "{error}");
    let replay = arguments.replace("--seed 10", "--seed 10 --minutes 1");
    assert!(error.contains(&replay), "{error}");
    // A node that is gone in silence, and nothing else, does it.
    let lines = blamed(&error);
    assert!(
        matches!(lines[..], [one] if one.contains("power_off")),
        "{error}"
    );
    let path = plan("blamed", &lines.join("\n"));
    let again = format!(
        "--nodes 3 --seed 10 --at-most crash_known_s=1.5 --plan {}",
        path.display()
    );
    let (code, _, error) = sim(&again);
    assert_eq!((code, blamed(&error)), (Some(1), lines));
    // Who only wants to know is told no more.
    let (code, _, error) = sim(&format!("{arguments} --shrink 0"));
    assert_eq!(code, Some(1));
    assert!(!error.contains("left out"), "{error}");
}

#[test]
fn a_promise_that_makes_no_sense_is_refused() {
    for (promise, what) in [
        ("healed_s", "has no bound"),
        ("healed_s=soon", "is no number"),
        ("peace=1", "there is no figure `peace`"),
    ] {
        let (code, _, error) = sim(&format!("--at-most {promise}"));
        assert_eq!(code, Some(2));
        assert!(error.contains(what), "{error}");
    }
    assert_eq!(sim("--random 5 --plan x").0, Some(2));
}

#[test]
fn many_seeds_hold_and_one_that_does_not_is_shown() {
    let (code, out, error) = sim("--seeds 11 --nodes 3 --random 6");
    assert_eq!((code, &*error), (Some(0), ""), "{out}");
    assert!(out.starts_with("11 seeds from 0 hold: "), "{out}");
    let arguments = "--seeds 3 --seed 5 --nodes 3 --random 6 --overlay mesh --shrink 0";
    let (code, out, error) = sim(&format!("{arguments} --at-most messages=1"));
    assert_eq!((code, &*out), (Some(1), ""));
    assert!(error.contains("at most 1 was promised"), "{error}");
    let replay = "Replay      foundation sim --nodes 3 --seed 5 --minutes 1 --overlay mesh --random 6 \
                  --audit --at-most messages=1";
    assert!(error.contains(replay), "{error}");
    assert_eq!(sim("--seeds 3 --plan x").0, Some(2));
    assert_eq!(sim("--jobs 3").0, Some(2));
}

#[test]
fn an_audit_is_part_of_the_report() {
    let report = json("--nodes 3 --audit");
    assert_eq!(report["promises"], serde_json::json!({}));
    assert_eq!(json("--nodes 3")["promises"], Value::Null);
}
