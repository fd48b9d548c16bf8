//! When does a supervisor give up (B113, B114)?
//!
//! Source     otp: supervisor, "Restart Intensity and Period"

use foundation::prelude::*;

use crate::support::{Cfg, Death, Log, boom, kid, kid_of, pid_of, renewed, stop};

/// B113: it never gives up while no window of period + 1 s holds more than `intensity` restarts.
#[foundation::test]
async fn b113_spread_out_failures_are_borne(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one().intensity(3, secs(1));
    let tree = tree
        .child(kid(&log, "a"))
        .start(&node)
        .await
        .expect("started");
    let mut pid = pid_of(&tree, "a").await;
    let failures = if w.is_simulated() { 40 } else { 5 };
    for _ in 0..failures {
        // Any two seconds hold three of these at most.
        let pause = ms(670 + w.random() % if w.is_simulated() { 700 } else { 30 });
        node.sleep(pause).await;
        kid_of(&tree, "a").await.crash().expect("portable");
        pid = renewed(&w, &tree, "a", pid).await;
    }
    assert_eq!(log.count("init a"), failures + 1);
    assert!(tree.is_alive());
    stop(&tree).await;
}

/// B113, the other side: one more than allowed at once ends it, after so many restarts.
#[foundation::test]
async fn one_restart_too_many_ends_the_supervisor(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one().intensity(3, secs(3600));
    let tree = tree
        .child(kid(&log, "a"))
        .child(kid(&log, "b"))
        .start(&node)
        .await
        .expect("started");
    let death = Death::of(&node, &tree).await;
    let mut pid = pid_of(&tree, "a").await;
    for _ in 0..3 {
        kid_of(&tree, "a").await.crash().expect("portable");
        pid = renewed(&w, &tree, "a", pid).await;
    }
    node.exit(pid, Reason::Kill);
    assert_eq!(death.reason().await, Reason::Shutdown);
    assert_eq!(log.count("init a"), 4);
    assert_eq!(log.count("stop b: shutdown"), 1);
}

/// B114: with an intensity of zero the first failure ends the supervisor; nobody is restarted.
#[foundation::test]
async fn b114_intensity_zero_bears_nothing(node: Node) {
    for tree in [
        Supervisor::one_for_one(),
        Supervisor::one_for_all(),
        Supervisor::rest_for_one(),
    ] {
        let log = Log::default();
        let tree = tree
            .intensity(0, secs(1))
            .child(kid(&log, "a"))
            .child(kid(&log, "b"))
            .start(&node)
            .await
            .expect("started");
        let death = Death::of(&node, &tree).await;
        kid_of(&tree, "a").await.crash().expect("portable");
        assert_eq!(death.reason().await, Reason::Shutdown);
        assert_eq!(log.count("init a") + log.count("init b"), 2);
        assert_eq!(log.count("gone b"), 1);
    }
}

/// otp: one action of a group strategy counts once, however many it restarts.
#[foundation::test]
async fn a_group_restart_counts_once(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_all()
        .intensity(1, secs(3600))
        .child(kid(&log, "a"))
        .child(kid(&log, "b"))
        .child(kid(&log, "c"))
        .start(&node)
        .await
        .expect("started");
    let (c, death) = (pid_of(&tree, "c").await, Death::of(&node, &tree).await);
    kid_of(&tree, "a").await.crash().expect("portable");
    renewed(&w, &tree, "c", c).await;
    assert!(tree.is_alive());
    kid_of(&tree, "a").await.crash().expect("portable");
    assert_eq!(death.reason().await, Reason::Shutdown);
}

/// otp: each attempt of a failing restart counts.
#[foundation::test]
async fn failing_restarts_use_up_the_intensity(node: Node) {
    let log = Log::default();
    let once = Cfg::new(&log, "a").starts(|nth| match nth {
        1 => Ok(()),
        _ => Err(Stop::new(boom())),
    });
    let tree = Supervisor::one_for_one().intensity(4, secs(3600));
    let tree = tree
        .child(once.child())
        .start(&node)
        .await
        .expect("started");
    let death = Death::of(&node, &tree).await;
    kid_of(&tree, "a").await.crash().expect("portable");
    assert_eq!(death.reason().await, Reason::Shutdown);
    assert_eq!(log.count("init a"), 5);
}

/// otp: unless set, one restart in five seconds is borne.
#[foundation::test]
async fn the_default_is_one_restart_in_five_seconds(w: World) {
    let (node, log) = (w.node(), Log::default());
    let tree = Supervisor::one_for_one().child(kid(&log, "a"));
    let tree = tree.start(&node).await.expect("started");
    let (pid, death) = (pid_of(&tree, "a").await, Death::of(&node, &tree).await);
    kid_of(&tree, "a").await.crash().expect("portable");
    let pid = renewed(&w, &tree, "a", pid).await;
    if w.is_simulated() {
        node.sleep(secs(6)).await;
        kid_of(&tree, "a").await.crash().expect("portable");
        renewed(&w, &tree, "a", pid).await;
    }
    kid_of(&tree, "a").await.crash().expect("portable");
    assert_eq!(death.reason().await, Reason::Shutdown);
}
