//! What becomes of a suspended process (B220)?
//!
//! Source     otp: erlang:suspend_process/1, resume_process/1

use foundation::prelude::*;
use foundation::{ProcessRef, SuspendError, promise};

use crate::support::{Death, LONG, Log, Word, boom, inside};

/// A process that notes every word it reads.
fn reader(node: &Node, log: &Log) -> ProcessRef<Word> {
    let log = log.clone();
    let reader = async move |mut me: Process<Word>| {
        loop {
            if let Mail::Msg(word) = me.recv().await {
                log.note(format!("{word:?}"));
            }
        }
    };
    node.spawn_fn(reader).expect("spawned")
}

/// A process that suspends another, says so, and lives until it is told to end.
async fn suspender(node: &Node, target: Pid) -> ProcessRef<Word> {
    let (reply, suspended) = promise(node);
    let suspender = async move |mut me: Process<Word>| {
        reply.send(me.suspend(target, LONG).await);
        loop {
            if let Mail::Msg(Word::End(reason)) = me.recv().await {
                return reason;
            }
        }
    };
    let suspender = node.spawn_fn(suspender).expect("spawned");
    let outcome = suspended.timeout(LONG).await.expect("it answers");
    assert_eq!(outcome, Ok(()));
    suspender
}

/// B220: an exit signal ends a suspended process at once; the end of its suspender resumes it; a
/// resume by another is refused.
#[foundation::test]
async fn b220_a_suspended_process(w: World) {
    let (node, log) = (w.node(), Log::default());
    // It dies at once.
    let target = reader(&node, &log);
    let death = Death::of(&node, &target).await;
    let _by = suspender(&node, target.pid()).await;
    target.send(Word::Go).expect("local");
    node.exit(&target, boom());
    assert_eq!(death.reason().await, boom());
    assert_eq!(log.take(), [""; 0]);
    // Its suspender dies.
    let target = reader(&node, &log);
    let by = suspender(&node, target.pid()).await;
    target.send(Word::Go).expect("local");
    let info = node
        .info(&target, LONG)
        .await
        .expect("answers")
        .expect("alive");
    assert_eq!(
        (info.message_queue_len, info.suspended_by),
        (1, vec![by.pid()])
    );
    // Somebody else may not resume it.
    let pid = target.pid();
    inside(&node, async move |me| {
        let refused = me.resume(pid, LONG).await;
        assert_eq!(refused, Err(SuspendError::NotSuspended));
    })
    .await;
    let info = node
        .info(&target, LONG)
        .await
        .expect("answers")
        .expect("alive");
    assert_eq!(info.message_queue_len, 1);
    assert_eq!(log.take(), [""; 0]);
    by.send(Word::End(Reason::Normal)).expect("local");
    log.until(&w, "Go").await;
    assert!(target.is_alive());
}
