//! How is a cluster shown?
//!
//! Role       Text in columns for people, JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use foundation::cluster::channel::ChannelFigures;
use foundation::cluster::desk::{Acted, Answer, ChannelRow, Member, Pong, Status, Topology};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

/// For people.
pub(super) fn text(told: &Answer) -> String {
    match told {
        Answer::Status(status) => status_text(status),
        Answer::Members(members) => members_text(members),
        Answer::Topology(topology) => topology_text(topology),
        Answer::Channels(rows) => channels_text(rows),
        Answer::Pinged(pongs) => pongs_text(pongs),
        Answer::Done(Acted::Left { untold: 0 }) => "it has left the cluster\n".to_owned(),
        Answer::Done(Acted::Left { untold }) => {
            format!("it leaves the cluster; {untold} nodes were not told in time\n")
        }
        Answer::Done(Acted::Evicted { name }) => format!("{name} is evicted\n"),
        Answer::Done(Acted::Switched {
            overlay,
            agreed,
            pending,
            ..
        }) => switched_text(overlay, *agreed, pending),
        other => format!("{other:?}\n"),
    }
}

/// For programs.
pub(super) fn json(told: &Answer) -> String {
    // What was made of names and numbers has a text.
    serde_json::to_string_pretty(&value(told)).unwrap_or_default() + "\n"
}

/// As one value.
#[must_use]
pub fn value(told: &Answer) -> Value {
    match told {
        Answer::Status(status) => json!({
            "node": status.node,
            "incarnation": format!("{:016x}", status.incarnation),
            "cluster": status.cluster,
            "address": status.address,
            "overlay": status.overlay,
            "epoch": status.epoch,
            "uptime_seconds": status.uptime.as_secs_f64(),
            "connected": status.connected,
            "queued_bytes": status.queued_bytes,
            "dialled": status.dialled,
        }),
        Answer::Members(members) => {
            let member = |member: &Member| {
                json!({
                    "name": member.name,
                    "status": member.status,
                    "address": member.address,
                    "incarnation": format!("{:016x}", member.incarnation),
                })
            };
            json!({ "members": members.iter().map(member).collect::<Vec<_>>() })
        }
        Answer::Topology(topology) => json!(topology),
        Answer::Channels(rows) => json!({ "channels": rows }),
        Answer::Pinged(pongs) => {
            let pong = |pong: &Pong| match &pong.round_trip {
                Ok(took) => json!({ "name": pong.name, "milliseconds": millis(*took) }),
                Err(error) => json!({ "name": pong.name, "error": error }),
            };
            json!({ "pings": pongs.iter().map(pong).collect::<Vec<_>>() })
        }
        Answer::Done(Acted::Left { untold }) => json!({ "left": true, "untold": untold }),
        Answer::Done(Acted::Evicted { name }) => json!({ "evicted": name }),
        Answer::Done(Acted::Switched {
            overlay,
            epoch,
            agreed,
            pending,
        }) => json!({ "overlay": overlay, "epoch": epoch, "agreed": agreed, "pending": pending }),
        _ => Value::Null,
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn status_text(status: &Status) -> String {
    let mut rows = vec![
        ["address".to_owned(), status.address.clone()],
        ["overlay".to_owned(), status.overlay.clone()],
        ["up for".to_owned(), lasted(status.uptime)],
        ["connected".to_owned(), nodes(status.connected)],
        [
            "waiting".to_owned(),
            format!("{} bytes", status.queued_bytes),
        ],
    ];
    for dialled in &status.dialled {
        let why = dialled.refusal.as_deref().unwrap_or("being dialled");
        rows.push([
            "not there".to_owned(),
            format!("{}: {why}", dialled.address),
        ]);
    }
    let title = format!("{} in the cluster `{}`\n", status.node, status.cluster);
    columns(&rows).lines().fold(title, |mut all, line| {
        // Writing to a text can't fail.
        let _ = writeln!(all, "  {line}");
        all
    })
}

fn switched_text(overlay: &str, agreed: u64, pending: &[String]) -> String {
    let mut text = format!("{overlay}: {} have it\n", nodes(agreed));
    if !pending.is_empty() {
        // Writing to a text can't fail.
        let _ = writeln!(text, "not heard of yet: {}", pending.join(" "));
    }
    text
}

fn nodes(count: u64) -> String {
    match count {
        1 => "1 other node".to_owned(),
        count => format!("{count} other nodes"),
    }
}

fn lasted(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn members_text(members: &[Member]) -> String {
    let head = ["NAME", "STATUS", "ADDRESS", "INCARNATION"].map(str::to_owned);
    let row = |member: &Member| {
        [
            member.name.clone(),
            member.status.clone(),
            member.address.clone(),
            format!("{:016x}", member.incarnation),
        ]
    };
    columns(
        &[head]
            .into_iter()
            .chain(members.iter().map(row))
            .collect::<Vec<_>>(),
    )
}

fn channels_text(rows: &[ChannelRow]) -> String {
    let head = [
        "PEER",
        "CHANNEL",
        "WAITING BYTES",
        "SENT FRAMES",
        "WIRE BYTES",
        "WAIT P99",
        "DROPPED",
    ];
    let head = head.map(str::to_owned);
    let row = |row: &ChannelRow| {
        let of = row.figures.as_ref();
        [
            row.peer.clone(),
            row.channel.clone(),
            row.queued_bytes.to_string(),
            row.sent_frames.to_string(),
            of.map_or("-".to_owned(), |of| of.wire_bytes.to_string()),
            of.map_or("-".to_owned(), |of| {
                format!("{:.3} ms", millis(of.wait_p99))
            }),
            of.map_or("-".to_owned(), dropped),
        ]
    };
    columns(
        &[head]
            .into_iter()
            .chain(rows.iter().map(row))
            .collect::<Vec<_>>(),
    )
}

/// How many messages were not sent, and why.
fn dropped(of: &ChannelFigures) -> String {
    let counts = [
        (of.superseded, "superseded"),
        (of.expired, "expired"),
        (of.refused, "refused"),
        (of.unsent, "unsent"),
        (of.unacknowledged, "unacknowledged"),
        (of.disordered, "out of causal order"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let texts: Vec<String> = counts
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
    match texts.is_empty() {
        true => "0".to_owned(),
        false => texts.join(", "),
    }
}

fn pongs_text(pongs: &[Pong]) -> String {
    let row = |pong: &Pong| match &pong.round_trip {
        Ok(took) => [pong.name.clone(), format!("{:.3} ms", millis(*took))],
        Err(error) => [pong.name.clone(), format!("no answer: {error}")],
    };
    match pongs {
        [] => "no other node is connected\n".to_owned(),
        pongs => columns(&pongs.iter().map(row).collect::<Vec<_>>()),
    }
}

fn topology_text(topology: &Topology) -> String {
    let others = topology.nodes.len().saturating_sub(1);
    let head = ["NODE", "CONNECTED", "TO"].map(str::to_owned);
    let rows = topology.nodes.iter().map(|node| {
        let degree = match node.answered {
            true => format!("{} of {others}", node.degree),
            false => "no answer".to_owned(),
        };
        [node.name.clone(), degree, node.peers.join(" ")]
    });
    let mut text = columns(&[head].into_iter().chain(rows).collect::<Vec<_>>());
    let links: u64 = topology.nodes.iter().map(|node| node.degree).sum();
    let all = others * topology.nodes.len() / 2;
    // Writing to a text can't fail.
    let _ = match topology.missing {
        _ if topology.overlay != "full mesh" => writeln!(
            text,
            "{}: {} connections are kept; a full mesh has {all}",
            topology.overlay,
            links / 2
        ),
        0 => writeln!(text, "{}: no connection is missing", topology.overlay),
        1 => writeln!(text, "{}: 1 connection is missing", topology.overlay),
        missing => writeln!(
            text,
            "{}: {missing} connections are missing",
            topology.overlay
        ),
    };
    for (one, other) in &topology.one_sided {
        let _ = writeln!(
            text,
            "{one} says that it is connected to {other}, which says it is not"
        );
    }
    text
}

/// Each column as wide as its widest cell.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.width() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
