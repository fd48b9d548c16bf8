//! Slots change tenants: what was meant for one never reaches the next.
//!
//! Source     otp: erts, "Processes", pids and their reuse

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::prelude::*;
use foundation::{ProcessRef, SpawnError};

use crate::support::{Note, Puppet, boom, run, times};

/// Senders, exit signals and monitors keep using the addresses of processes that end all the time;
/// each process is sent its own number only. The table is small, so that slots are used again.
#[foundation::test]
async fn a_stale_pid_never_reaches_a_new_tenant(w: World) {
    let node = w.start_with(Node::builder().name("small").max_processes(64));
    let rounds = times(&w, 5000, 100);
    let wrong = Arc::new(AtomicU64::new(0));
    let born = Arc::new(AtomicU64::new(0));
    let spawner = {
        let (node, wrong, born) = (node.clone(), Arc::clone(&wrong), Arc::clone(&born));
        move |mut me: Process<Note>| async move {
            let mut old: Vec<(ProcessRef<Note>, u64)> = Vec::new();
            for round in 0..rounds {
                let (number, wrong) = (born.fetch_add(1, Ordering::SeqCst), Arc::clone(&wrong));
                let tenant = node.spawn_fn(move |mut me: Process<Note>| async move {
                    // Ends with the second message, or by a signal that is meant for it.
                    for _ in 0..2 {
                        match me.recv().await {
                            Mail::Msg(Note(n)) if n == number => {}
                            _ => {
                                wrong.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                    Reason::Normal
                });
                match tenant {
                    Ok(tenant) => old.push((tenant, number)),
                    Err(SpawnError::SystemLimit) => foundation::time::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
                let at = (round.wrapping_mul(0x9e37_79b9) >> 7) as usize;
                for (tenant, number) in old.iter().rev().skip(at % 5).take(3) {
                    tenant.send(Note(*number)).expect("local");
                }
                if let Some((tenant, _)) = old.get(at % old.len().max(1)) {
                    match round % 4 {
                        0 => me.exit(tenant, boom()),
                        1 => drop(me.monitor(tenant)),
                        2 => drop(me.link(tenant)),
                        _ => {}
                    }
                }
                if old.len() > 200 {
                    old.drain(..100);
                }
                if round % 8 == 0 {
                    foundation::time::yield_now().await;
                }
            }
            for (tenant, number) in &old {
                tenant.send(Note(*number)).expect("local");
                tenant.send(Note(*number)).expect("local");
            }
            // The downs of those watched, and exits: each of a process of ours.
            let rest = me.receive(|mail: Mail<Note>| match mail {
                Mail::Down(down) if down.pid.is_some() => Err::<(), _>(Mail::Down(down)),
                other => Err(other),
            });
            assert!(rest.timeout(std::time::Duration::ZERO).await.is_err());
        }
    };
    let trapping = SpawnOptions::new().trap_exit();
    let ends: Vec<_> = (0..3)
        .map(|_| {
            node.spawn_fn_with(&trapping, spawner.clone())
                .expect("spawned")
                .0
        })
        .collect();
    for end in &ends {
        node.down(end).await;
    }
    assert_eq!(wrong.load(Ordering::SeqCst), 0);
    assert!(born.load(Ordering::SeqCst) >= rounds);
}

/// A pid of a dead process stays dead, however often its slot is used again.
#[foundation::test]
async fn a_dead_pid_stays_dead(w: World) {
    let node = w.node();
    let dead = Puppet::dead(&node).await;
    let pid = dead.pid();
    run(&node, move |me: Process<Note>| async move {
        let node = me.node();
        for _ in 0..200 {
            let tenant = Puppet::start(&node);
            assert!(!node.is_alive(pid) && tenant.pid() != pid);
            assert!(me.link(pid).is_err());
            me.exit(pid, Reason::Kill);
            assert!(tenant.is_alive());
            node.exit(&tenant, Reason::Kill);
            node.down(&tenant).await;
        }
    })
    .await;
}
