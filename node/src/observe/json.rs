//! How does a script read what an observer sees?
//!
//! Role       The protocol's values as JSON: for `--json` and for the web page.
//! Invariant  A pid is `"<12.3>"`, and never a number that a script would round.

use foundation::Pid;
use foundation::observe::protocol::{Circle, Detail, Figures, Page, Row, Traced, Tree, Welcome};
use serde_json::{Value, json};

fn pids(pids: &[Pid]) -> Value {
    pids.iter().map(ToString::to_string).collect()
}

/// A process in a list.
#[must_use]
pub fn row(row: &Row) -> Value {
    json!({
        "pid": row.pid.to_string(),
        "name": row.name,
        "code": row.code,
        "kind": format!("{:?}", row.kind),
        "parent": row.parent.map(|pid| pid.to_string()),
        "activity": format!("{:?}", row.activity).to_lowercase(),
        "reductions": row.reductions,
        "rate": row.rate,
        "messages": row.messages,
        "memory": row.memory,
    })
}

/// Who is observed.
#[must_use]
pub fn welcome(welcome: &Welcome) -> Value {
    json!({
        "node": welcome.node,
        "incarnation": format!("{:016x}", welcome.incarnation),
        "os_pid": welcome.os_pid,
        "read_only": welcome.read_only,
    })
}

/// Figures of the node.
#[must_use]
pub fn figures(figures: &Figures) -> Value {
    let schedulers = figures.schedulers.iter().map(|scheduler| {
        json!({
            "index": scheduler.index,
            "spare": scheduler.spare,
            "utilisation": scheduler.utilisation,
            "run_queue": scheduler.run_queue,
            "polls": scheduler.polls,
        })
    });
    let alarms = figures.alarms.iter().map(|alarm| {
        json!({
            "kind": format!("{:?}", alarm.kind).to_lowercase(),
            "pid": alarm.pid.map(|pid| pid.to_string()),
            "text": alarm.text,
        })
    });
    let circles = figures.circles.iter().map(circle);
    json!({
        "at": figures.at.as_secs_f64(),
        "processes": figures.processes,
        "processes_peak": figures.processes_peak,
        "spawned": figures.spawned,
        "ended": figures.ended,
        "crashed": figures.crashed,
        "dead_letters": figures.dead_letters,
        "timers": figures.timers,
        "names": figures.names,
        "memory": figures.memory,
        "process_memory": figures.process_memory,
        "schedulers": schedulers.collect::<Value>(),
        "shared_queue": figures.shared_queue,
        "alarms": alarms.collect::<Value>(),
        "circles": circles.collect::<Value>(),
        "skipped": figures.skipped,
        "took": figures.took.as_secs_f64(),
    })
}

/// Processes that wait for each other.
fn circle(circle: &Circle) -> Value {
    let hops = circle.hops.iter().map(|hop| {
        json!({
            "pid": hop.pid.to_string(),
            "name": hop.name,
            "message": hop.message,
            "taken": hop.taken,
        })
    });
    json!({ "hops": hops.collect::<Value>(), "hidden": circle.hidden })
}

/// A list of processes.
#[must_use]
pub fn page(page: &Page) -> Value {
    json!({
        "sort": page.query.sort.name(),
        "skip": page.query.skip,
        "matched": page.matched,
        "rows": page.rows.iter().map(row).collect::<Value>(),
    })
}

/// The forest of processes.
#[must_use]
pub fn tree(tree: &Tree) -> Value {
    let branches = tree.branches.iter().map(|branch| {
        let mut value = row(&branch.row);
        value["depth"] = json!(branch.depth);
        value["children"] = json!(branch.children);
        value
    });
    json!({ "branches": branches.collect::<Value>(), "hidden": tree.hidden })
}

/// One process.
#[must_use]
pub fn detail(detail: &Detail) -> Value {
    let mut value = row(&detail.row);
    value["priority"] = json!(detail.priority);
    value["trap_exit"] = json!(detail.trap_exit);
    value["told"] = json!(detail.told.is_some());
    let told = detail.told.clone().unwrap_or_default();
    value["links"] = pids(&told.links);
    value["monitors"] = pids(&told.monitors);
    value["monitored_by"] = pids(&told.monitored_by);
    value["dictionary"] = json!(told.dictionary);
    value["state"] = json!(detail.state);
    value["log"] = events(&detail.log);
    value
}

fn events(events: &[foundation::observe::protocol::Event]) -> Value {
    let events = events.iter();
    events
        .map(|event| json!({ "at": event.at.as_secs_f64(), "text": event.text }))
        .collect()
}

/// What a traced process did.
#[must_use]
pub fn traced(traced: &Traced) -> Value {
    json!({
        "pid": traced.pid.to_string(),
        "events": events(&traced.events),
        "missed": traced.missed,
        "ended": traced.ended,
    })
}

/// The pid that is written so, on the node of this incarnation.
#[must_use]
pub fn pid(incarnation: u64, text: &str) -> Option<Pid> {
    let inner = text.trim_start_matches('<').trim_end_matches('>');
    let (slot, generation) = inner.split_once('.')?;
    let slot: u32 = slot.parse().ok()?;
    let generation: u32 = generation.parse().ok()?;
    let written = json!({ "node": incarnation, "slot": slot, "generation": generation });
    serde_json::from_value(written).ok()
}
