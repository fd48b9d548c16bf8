//! What is one node of ours among many?
//!
//! Role       The program of a member: prints `up NAME` and `down NAME`, as it is told.
//! Inputs     Its name, where it listens, where the first one does.

use std::io::Write;
use std::process::ExitCode;

use foundation::cluster::NodeEvent;
use foundation::prelude::*;

use crate::ours::plan;

/// Lives until its standard input ends: with its parent.
pub(crate) fn serve(name: &str, listen: &str, seed: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("there are threads");
    let _node = runtime.block_on(async {
        let plan = plan(name).listen(listen).seed(seed);
        let node = plan.start().await.expect("it starts");
        let watcher = node.spawn_fn(news).expect("there is room");
        let cluster = node.cluster();
        cluster.watch(&watcher).await.expect("it has a cluster");
        for peer in cluster.nodes().await.expect("it has a cluster") {
            // Who came before is told of late.
            let _ = watcher.send(NodeEvent::Up(peer.who.name));
        }
        node
    });
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    // Without a goodbye.
    std::process::exit(0)
}

async fn news(mut me: Process<NodeEvent>) {
    loop {
        match me.recv().await {
            Mail::Msg(NodeEvent::Up(name)) => say(format_args!("up {name}")),
            Mail::Msg(NodeEvent::Down(name, _)) => say(format_args!("down {name}")),
            _ => {}
        }
    }
}

/// Whoever reads it may be gone.
fn say(line: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
}
