//! Is what reached nobody seen, by whoever wants to see it?
//!
//! Role  Streams of dead letters: what they say, what they keep, what they lose.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use foundation::DeadReason;
use foundation::prelude::*;

struct Bell;

#[actor]
impl Bell {
    #[cast]
    fn ring(&mut self, _times: u32) {}
}

/// A reference to a process that has ended.
async fn dead(node: &Node) -> Ref<Bell> {
    let bell = node.spawn(Bell).expect("spawned");
    node.stop(&bell, Reason::Normal, secs(5))
        .await
        .expect("stopped");
    bell
}

#[foundation::test(seeds = 50)]
async fn each_stream_sees_what_comes_after_it_was_made(w: World) {
    let node = w.node();
    let bell = dead(&node).await;
    bell.ring(0).expect("local");
    let mut early = node.dead_letters(10);
    bell.ring(1).expect("local");
    let mut late = node.dead_letters(10);
    node.at(Name::<Bell>::new("nobody")).ring(2).expect("local");
    let letter = early.next().await;
    assert_eq!(
        (letter.to, letter.message),
        (Some(bell.pid()), "Bell::ring")
    );
    assert_eq!(letter.reason, DeadReason::NoProc);
    for stream in [&mut early, &mut late] {
        let letter = stream.next().await;
        assert_eq!((letter.to, letter.reason), (None, DeadReason::NoName));
        assert_eq!(stream.try_next(), None);
        assert_eq!(stream.lost(), 0);
    }
    assert_eq!(node.dead_letter_count(DeadReason::NoProc), 2);
    assert_eq!(node.dead_letter_count(DeadReason::NoName), 1);
}

/// Nobody reads: the newest are kept, and the others counted.
#[foundation::test(seeds = 50)]
async fn a_stream_keeps_the_newest(w: World) {
    let node = w.node();
    let mut few = node.dead_letters(2);
    let bells = [dead(&node).await, dead(&node).await, dead(&node).await];
    for bell in &bells {
        bell.ring(1).expect("local");
    }
    for bell in &bells[1..] {
        assert_eq!(few.next().await.to, Some(bell.pid()));
    }
    assert_eq!((few.try_next(), few.lost()), (None, 1));
}

/// Wakes by making a dead letter itself.
struct Echo(Ref<Bell>);

impl Wake for Echo {
    fn wake(self: Arc<Self>) {
        self.0.ring(1).expect("local");
    }
}

#[test]
fn a_waker_may_make_a_dead_letter() {
    let node = Node::builder().workers(1).start().expect("started");
    let bell = node.block_on(dead(&node));
    let (here, ringing) = (node.clone(), bell.clone());
    let work = move || {
        let mut stream = here.dead_letters(10);
        let waker = Waker::from(Arc::new(Echo(ringing.clone())));
        {
            let next = std::pin::pin!(stream.next());
            assert!(next.poll(&mut Context::from_waker(&waker)).is_pending());
        }
        ringing.ring(1).expect("local");
        (stream.try_next().is_some(), stream.try_next().is_some())
    };
    // On a thread of its own: it would hang.
    let task = Task::spawn_nolink(&node, async move { foundation::dirty_io(work).await });
    let mut task = task.expect("spawned");
    let both = node.block_on(task.join(secs(20))).expect("in time");
    assert_eq!(both.expect("a thread"), (true, true));
    node.shutdown_blocking(secs(5)).expect("stopped");
}
