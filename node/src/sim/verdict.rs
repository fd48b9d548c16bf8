//! What is wrong in a cluster that is whole again?
//!
//! Role       Compares what the nodes believe with each other and with the books, in the end.

use std::collections::BTreeSet;
use std::time::Duration;

use foundation::Scope;
use foundation::cluster::NodeClusterExt as _;
use foundation::prelude::*;

use super::audit::Audit;
use super::clerk::{CHIEF, GROUPS, SURE};

/// How long what is news may take to all nodes when nothing is wrong.
const SPREAD_BOUND: Duration = secs(30);
/// How long a process that is never done may take to come round.
const STANDS: Duration = secs(15);
/// How many messages to one node may be under way at once.
const UNHEARD_MAX: u64 = 6;
/// How long a start may be under way: its bound, and what its node adds to that.
const STARTED: Duration = secs(10);
/// How long the news of an end may take.
const LINK_BOUND: Duration = secs(1);
/// How long all of it has to go well.
const QUIET: Duration = secs(8);
/// How long after that what is under way may take: more than any call.
const UNDER_WAY: Duration = secs(6);

/// Lets all be well for a while, looks, and adds to the books what is wrong.
pub(super) async fn reach(world: &World, up: &[&Node], audit: &Audit) {
    // Losses that nobody has noticed yet are no surprise.
    world.sleep(UNDER_WAY).await;
    audit.rest(true);
    world.sleep(QUIET).await;
    audit.rest(false);
    world.sleep(UNDER_WAY).await;
    audit.look_at_due();
    let end = world.now() + SPREAD_BOUND;
    let mut wrong = differences(up);
    // What is joined and registered goes on: at some moment all agree.
    while !wrong.is_empty() && world.now() < end {
        world.sleep(ms(50)).await;
        let now = differences(up);
        wrong.retain(|what| now.contains(what));
    }
    let unheard = unheard(up).await;
    note(audit, wrong, unheard);
    // The news of an end may be on its way.
    let mut apart = self::apart(up, audit);
    world.sleep(LINK_BOUND).await;
    apart.retain(|ends| self::apart(up, audit).contains(ends));
    look_at_books(up, audit, &apart);
}

fn note(audit: &Audit, wrong: BTreeSet<&'static str>, unheard: Option<String>) {
    let mut books = audit.books();
    if let Some(example) = unheard {
        books.broke("messages that came were not acknowledged", example);
    }
    for what in wrong {
        books.broke(what, format!("for {SPREAD_BOUND:?}"));
    }
}

/// Of which messages more are waited for than can be under way.
async fn unheard(up: &[&Node]) -> Option<String> {
    for node in up {
        // A node that gives no account in time is found out otherwise.
        for peer in node.cluster().nodes().await.unwrap_or_default() {
            let sure = peer.channels.iter().find(|channel| channel.channel == SURE);
            if let Some(sure) = sure.filter(|sure| sure.unheard > UNHEARD_MAX) {
                let (from, to, count) = (node.name(), &peer.who.name, sure.unheard);
                return Some(format!("{from} has heard nothing of {count} to {to}"));
            }
        }
    }
    None
}

/// In what the nodes differ at this moment.
fn differences(up: &[&Node]) -> BTreeSet<&'static str> {
    let mut wrong = BTreeSet::new();
    for group in GROUPS {
        let sorted = |mut pids: Vec<Pid>| {
            pids.sort_unstable();
            pids
        };
        let local = up
            .iter()
            .map(|node| Scope::of(node).get_local_members(group));
        let members = sorted(local.flatten().collect());
        let all = up
            .iter()
            .map(|node| sorted(Scope::of(node).get_members(group)));
        if all.into_iter().any(|seen| seen != members) {
            wrong.insert("a group was not the same on all nodes");
        }
    }
    let mut names: Vec<String> = up
        .iter()
        .map(|node| format!("of {}", node.name()))
        .collect();
    names.push(CHIEF.to_owned());
    for name in &names {
        let found: BTreeSet<Option<Pid>> =
            up.iter().map(|node| node.global().whereis(name)).collect();
        let holder = found.first().copied().flatten();
        let lives = holder.is_none_or(|pid| lives(up, pid));
        let is_held = holder.is_some() || name == CHIEF;
        if found.len() != 1 || !lives || !is_held {
            wrong.insert("a global name led to different or dead processes");
        }
    }
    wrong
}

fn on<'a>(up: &[&'a Node], pid: Pid) -> Option<&'a Node> {
    let mut found = up.iter().filter(|node| node.id() == pid.node());
    found.next().copied()
}

fn lives(up: &[&Node], pid: Pid) -> bool {
    on(up, pid).is_some_and(|node| node.processes().contains(&pid))
}

/// Of which links only one end lives.
fn apart(up: &[&Node], audit: &Audit) -> BTreeSet<(Pid, Pid)> {
    let books = audit.books();
    let linked = books
        .started
        .iter()
        .filter(|(_, (_, is_linked))| *is_linked);
    let ends = linked.map(|(worker, (starter, _))| (*starter, *worker));
    ends.filter(|(starter, worker)| lives(up, *starter) != lives(up, *worker))
        .collect()
}

fn look_at_books(up: &[&Node], audit: &Audit, apart: &BTreeSet<(Pid, Pid)>) {
    let mut books = audit.books();
    let mut broken: Vec<(&'static str, String)> = Vec::new();
    let both = |from: Pid, to: Pid| on(up, from).is_some() && on(up, to).is_some();
    for (letter @ (from, to, _), sent) in &books.sure_sent {
        let is_over = on(up, *from).is_some_and(|node| UNDER_WAY + *sent < node.now());
        if is_over && both(*from, *to) && !books.sure.contains_key(letter) {
            let example = format!("{letter:?}, sent at {sent:?}");
            broken.push(("an acknowledged message was lost", example));
        }
    }
    for (letter, _) in books.sure.iter().filter(|(_, times)| **times > 1) {
        let what = "an acknowledged message was taken twice";
        broken.push((what, format!("{letter:?}")));
    }
    for ((watcher, whom), was_told) in &books.watches {
        if on(up, *watcher).is_some() && on(up, *whom).is_none() && !*was_told {
            let what = "a monitor was not told of a loss";
            broken.push((what, format!("{watcher} of {whom}")));
        }
    }
    for ((caller, number), begun) in &books.calls {
        if on(up, *caller).is_some_and(|node| secs(5) + *begun < node.now()) {
            let what = "a call or a watch of an end was never answered";
            broken.push((what, format!("{number} of {caller}, begun at {begun:?}")));
        }
    }
    for (starter, worker) in apart {
        let what = "a process outlived the one that it was linked with";
        let (here, there) = (lives(up, *starter), lives(up, *worker));
        let example = format!("{starter} lives: {here}, and {worker}: {there}");
        broken.push((what, example));
    }
    for (worker, born) in &books.born {
        let is_over = on(up, *worker).is_some_and(|node| STARTED + *born < node.now());
        if is_over && !books.started.contains_key(worker) && lives(up, *worker) {
            broken.push(("a start that failed left a process", worker.to_string()));
        }
    }
    for (process, last) in &books.turns {
        if on(up, *process).is_some_and(|node| STANDS + *last < node.now()) {
            let what = "a process did not go on though nothing was wrong";
            broken.push((what, format!("{process} since {last:?}")));
        }
    }
    for (what, example) in broken {
        books.broke(what, example);
    }
}
