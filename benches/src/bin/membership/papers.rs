//! What do the papers on SWIM and Lifeguard measure, and what is it here?
//!
//! Role       Their tables: detection time by the size of the group and by loss, wrong failures by loss
//!            and by the number of slow nodes, and what each part of Lifeguard does.
//! Source     Das, Gupta, Motivala: SWIM (2002), 5; Dadgar, Phillips, Currey: Lifeguard (2017), V

use foundation::cluster::membership::Config;
use foundation_benches::stage::median;

use crate::protocol::{Make, Protocol};
use crate::scenarios::{self, Crashes, Trouble};
use crate::{SPAN, table};

/// Made when they are named.
pub(crate) const SCENARIOS: &[&str] = &["sizes", "loss", "parts"];

const CRASHES: usize = 20;

/// Ours with one part of Lifeguard each.
pub(crate) fn parts() -> Vec<(&'static str, Config)> {
    let (all, none) = (Config::default(), Config::default().without_lifeguard());
    let doubt = Config {
        health_max: all.health_max,
        ..none.clone()
    };
    let suspicion = Config {
        suspicion_max_factor: all.suspicion_max_factor,
        confirmations: all.confirmations,
        ..none.clone()
    };
    let buddy = Config {
        buddy: all.buddy,
        ..none
    };
    vec![
        ("doubt of oneself only", doubt),
        ("suspicion only", suspicion),
        ("suspect told first only", buddy),
    ]
}

/// Is this scenario made with this variant?
pub(crate) fn concerns(scenario: &str, variant: &str) -> bool {
    let is_part = parts().iter().any(|(part, _)| *part == variant);
    match scenario {
        "parts" => !variant.starts_with("foca"),
        "sizes" => !is_part && !variant.starts_with("foca"),
        _ => !is_part,
    }
}

type Rows<'a> = dyn FnMut(&str, &'static str, Option<f64>) + 'a;

/// One of their tables.
pub(crate) fn one<P: Protocol>(
    scenario: &str,
    nodes: usize,
    seed: u64,
    make: &Make<P>,
    row: &mut Rows<'_>,
) {
    match scenario {
        "sizes" => sizes(nodes, seed, make, row),
        "loss" => loss(nodes, seed, make, row),
        _ => slow(nodes, seed, make, row),
    }
}

fn detection(crashes: &Crashes, what: &str, row: &mut Rows<'_>) {
    let interval = Config::default().probe_interval.as_secs_f64();
    let suspected = table::mean(&crashes.suspected) / interval;
    row(
        &format!("first suspects, mean, {what}"),
        "intervals",
        Some(suspected),
    );
    let first = median(crashes.first.iter().copied());
    row(&format!("first knows, median, {what}"), "s", Some(first));
    let all = table::worst(&crashes.all);
    row(&format!("all know, worst, {what}"), "s", all);
}

/// How long a crash is not seen, by the number of nodes, up to the one that was asked for.
fn sizes<P: Protocol>(most: usize, seed: u64, make: &Make<P>, row: &mut Rows<'_>) {
    let well = Trouble { loss: 0.0, slow: 0 };
    let smaller = [10, 30, 100, 300].into_iter().filter(|nodes| *nodes < most);
    for nodes in smaller.chain([most]) {
        // Half of them stay.
        let count = CRASHES.min(nodes / 2);
        let crashes = scenarios::crash_settled(nodes, seed, well, count, make);
        detection(&crashes, &format!("{nodes} nodes"), row);
    }
}

/// How long a crash is not seen, and who is wrongly taken for failed, by the share that is lost.
fn loss<P: Protocol>(nodes: usize, seed: u64, make: &Make<P>, row: &mut Rows<'_>) {
    for loss in [0.0, 0.05, 0.1, 0.2, 0.3] {
        let trouble = Trouble { loss, slow: 0 };
        let what = format!("{} % lost", loss * 100.0);
        let crashes = scenarios::crash_settled(nodes, seed, trouble, CRASHES, make);
        detection(&crashes, &what, row);
        let wrong = scenarios::wrong(nodes, seed, trouble, SPAN, make);
        row(
            &format!("wrong failures in 2 min, {what}"),
            "",
            Some(wrong.all as f64),
        );
    }
}

/// The same, by the number of nodes that are slow.
fn slow<P: Protocol>(nodes: usize, seed: u64, make: &Make<P>, row: &mut Rows<'_>) {
    let most = nodes / 5;
    for slow in [0, 1, 4, 16].into_iter().filter(|slow| *slow <= most) {
        let trouble = Trouble { loss: 0.0, slow };
        let what = format!("{slow} slow");
        let crashes = scenarios::crash_settled(nodes, seed, trouble, CRASHES, make);
        let first = median(crashes.first.iter().copied());
        row(&format!("first knows, median, {what}"), "s", Some(first));
        let wrong = scenarios::wrong(nodes, seed, trouble, SPAN, make);
        row(
            &format!("wrong failures in 2 min, {what}"),
            "",
            Some(wrong.all as f64),
        );
        row(
            &format!("of these, at nodes that are well, {what}"),
            "",
            Some(wrong.at_well as f64),
        );
    }
}
