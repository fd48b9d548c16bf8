//! How does a node of a cluster live?
//!
//! Role       Starts it from its file, opens its socket, prints who comes and goes, until it is told
//!            to end: by a signal, or because it leaves.
//! Invariant  It says goodbye before it ends, so that others need not find out by themselves.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use foundation::cluster::{Builder, NodeEvent};
use foundation::observe;
use foundation::prelude::*;

use super::config::Config;
use super::place;
use crate::cli::RunArgs;

/// How long the others have to take the goodbye.
const LEAVE_BOUND: Duration = Duration::from_secs(2);
/// How long an operator's answer may be on its way.
const ANSWER_BOUND: Duration = Duration::from_millis(300);
const STOP_BOUND: Duration = Duration::from_secs(5);

/// The node that the command line's configuration describes, and where its socket is to be.
///
/// # Errors
/// What is wrong, in words.
pub fn builder(args: &RunArgs) -> Result<Option<(Builder, PathBuf)>, String> {
    let Some(path) = &args.config else {
        return Ok(None);
    };
    let config = Config::read(path).map_err(|error| error.to_string())?;
    let socket = match (&args.observe, &config.socket) {
        (Some(path), _) | (None, Some(path)) => path.clone(),
        (None, None) => {
            let folder = place::folder()?;
            let made = observe::private_directory(&folder);
            made.map_err(|error| format!("{}: {error}", folder.display()))?;
            place::socket(&folder, &config.name)
        }
    };
    Ok(Some((config.builder(), socket)))
}

/// Runs a node until it leaves or is told to end, and returns the exit code.
pub fn serve(builder: Builder, socket: &Path) -> u8 {
    let node = match builder.start_blocking() {
        Ok(node) => node,
        Err(error) => return fail(&error.to_string()),
    };
    let lived = node.block_on(live(&node, socket));
    // What did not end in time ends with the program.
    let _ = node.shutdown_blocking(STOP_BOUND);
    lived.unwrap_or_else(|error| fail(&error))
}

async fn live(node: &Node, socket: &Path) -> Result<u8, String> {
    observe::serve(node, socket).map_err(|error| error.to_string())?;
    let cluster = node.cluster();
    let own = cluster.own().await.map_err(|error| error.to_string())?;
    say(format_args!("{} listens at {}", own.name, own.address));
    say(format_args!("its socket is {}", socket.display()));
    let news = node.spawn_fn(news).map_err(|error| error.to_string())?;
    let watched = cluster.watch(&news).await;
    watched.map_err(|error| error.to_string())?;
    for peer in cluster.nodes().await.map_err(|error| error.to_string())? {
        // Who came before is told of late; the process lives as long as the node.
        let _ = news.send(NodeEvent::Up(peer.who.name));
    }
    let mut left = pin!(node.down(&news));
    let mut signal = pin!(node.termination());
    let ended = std::future::poll_fn(|cx| {
        if left.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        signal.as_mut().poll(cx).map(Some)
    })
    .await;
    match ended {
        None => {
            // Whoever told it to leave is to be answered before the socket goes.
            let _ = cluster.leave(LEAVE_BOUND).await;
            node.sleep(ANSWER_BOUND).await;
            say(format_args!("{} has left the cluster", own.name));
            Ok(0)
        }
        Some(signal) => {
            // Others find out by the closed connections if it does not work.
            let _ = cluster.leave(LEAVE_BOUND).await;
            Ok(if signal == "SIGTERM" { 143 } else { 130 })
        }
    }
}

/// Prints who comes and goes, until this node leaves.
async fn news(mut me: Process<NodeEvent>) {
    let mut up = BTreeSet::new();
    loop {
        match me.recv().await {
            Mail::Msg(NodeEvent::Up(name)) if up.contains(&name) => {}
            Mail::Msg(NodeEvent::Up(name)) => {
                say(format_args!("{name} is up"));
                up.insert(name);
            }
            Mail::Msg(NodeEvent::Down(name, why)) => {
                up.remove(&name);
                say(format_args!("{name} is down: {why}"));
            }
            Mail::Msg(NodeEvent::Switched(epoch)) => {
                say(format_args!(
                    "the cluster's overlay is {} now",
                    epoch.overlay
                ));
            }
            Mail::Msg(NodeEvent::Leaving) => return,
            _ => {}
        }
    }
}

/// Whoever reads it may be gone: the node goes on.
fn say(line: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

fn fail(error: &str) -> u8 {
    drop(writeln!(io::stderr(), "error: {error}"));
    1
}
