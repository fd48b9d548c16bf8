//! What comes of a call or a cast (B142-B148, B222)?
//!
//! Source     otp: gen_server:call/3, cast/2, reply/2

use foundation::prelude::*;
use foundation::{DeadReason, promise, time};

use crate::scene::Scene;
use crate::support::{Death, LONG, Log, Word, boom, inside};

#[derive(Default)]
struct Desk {
    kept: Vec<ReplyTo<u32>>,
    clerk: Option<ReplyTo<u32>>,
    sum: u32,
}

const DESK: Name<Desk> = Name::new("desk");

type Job = Box<dyn FnOnce(&mut Desk, &mut Cx<Desk>) + Send>;

#[actor]
impl Desk {
    #[call]
    fn add(&mut self, by: u32) -> u32 {
        self.sum += by;
        self.sum
    }

    /// The early return of a value.
    #[call]
    fn half(&self, of: u32) -> Result<u32, String> {
        if of % 2 == 1 {
            return Err(format!("{of} is odd"));
        }
        Ok(of / 2)
    }

    #[call]
    fn keep(&mut self, from: ReplyTo<u32>) {
        self.kept.push(from);
    }

    #[call]
    fn forget(&mut self, from: ReplyTo<u32>) {
        drop(from);
    }

    #[call]
    fn hand_on(&mut self, to: Pid, from: ReplyTo<u32>, cx: &mut Cx<Self>) {
        cx.send(to, Slip(from)).expect("local");
    }

    /// Answers, and goes on working.
    #[call]
    async fn early(&mut self, from: ReplyTo<u32>) {
        from.send(self.sum);
        std::future::pending::<()>().await;
    }

    #[call]
    async fn ask_itself(&mut self, by_name: bool, cx: &mut Cx<Self>) -> Result<u32, CallError> {
        match by_name {
            true => cx.node().at(DESK).add(1).await,
            false => cx.self_ref().add(1).await,
        }
    }

    #[call]
    async fn never(&mut self) {
        std::future::pending::<()>().await;
    }

    #[cast]
    fn answer_all(&mut self, with: u32) {
        for from in self.kept.drain(..) {
            from.send(with);
        }
    }

    #[cast]
    fn end(&mut self, reason: Reason, cx: &mut Cx<Self>) {
        cx.stop(reason);
    }

    #[call(local)]
    fn perform(&mut self, job: Job, cx: &mut Cx<Self>) {
        job(self, cx);
        drop(self.clerk.take());
    }
}

#[derive(Message)]
#[message(local)]
struct Slip(ReplyTo<u32>);

/// A desk there, as it is seen from here.
fn desk(s: &Scene) -> Ref<Desk> {
    let (here, there) = s.nodes();
    let desk = there.spawn(Desk::default()).expect("spawned");
    here.reference(desk.pid())
}

/// Whoever has the desk's name there, as it is seen from here.
fn desk_at(s: &Scene) -> Ref<Desk> {
    let (here, there) = s.nodes();
    match s.is_apart() {
        true => here.remote(there.name()).at(DESK),
        false => here.at(DESK),
    }
}

/// B142: a call returns what the handler returned, in order, to processes and to others.
#[foundation::test]
pub(crate) async fn b142_a_call_returns_the_reply(s: Scene) {
    let (here, _) = s.nodes();
    let desk = desk(&s);
    assert_eq!(desk.add(2).await, Ok(2));
    let other = desk.clone();
    inside(&here, async move |_| {
        assert_eq!(other.add(3).await, Ok(5));
        assert_eq!(other.add(1).or_exit().await, 6);
    })
    .await;
    assert_eq!(desk.add(0).await, Ok(6));
}

/// The exit reason of a process that makes this call with `or_exit`.
async fn exit_of(node: &Node, desk: &Ref<Desk>) -> Reason {
    let desk = desk.clone();
    let caller = async move |mut me: Process<Word>| {
        me.recv().await;
        desk.keep().or_exit().await;
        unreachable!("the call fails")
    };
    let caller = node.spawn_fn(caller).expect("spawned");
    let death = Death::of(node, &caller).await;
    caller.send(Word::Go).expect("local");
    death.reason().await
}

/// B144: when the server dies in a call the caller gets its reason, whether the request was being
/// handled, put aside, or still unread; with `or_exit` the caller dies of it.
#[foundation::test]
pub(crate) async fn b144_a_server_that_dies_in_a_call(s: Scene) {
    let (here, there) = s.nodes();
    let w = s.world.clone();
    let down = |reason| Err::<(), _>(CallError::Down(reason));
    // Being handled.
    let busy = desk(&s);
    let (asked, next) = (busy.clone(), busy.clone());
    let asking = Task::spawn_nolink(&here, async move { asked.never().await });
    let mut asking = asking.expect("spawned");
    w.eventually(LONG, async || {
        let info = here
            .info(&busy, LONG)
            .await
            .expect("answers")
            .expect("alive");
        info.reductions > 0
    })
    .await;
    // Still unread.
    let waiting = Task::spawn_nolink(&here, async move { next.never().await });
    let mut waiting = waiting.expect("spawned");
    crate::support::until_queued(&w, &here, busy.pid(), 1).await;
    there.exit(&busy, boom());
    assert_eq!(asking.join(LONG).await, Ok(down(boom())));
    assert_eq!(waiting.join(LONG).await, Ok(down(boom())));
    // Put aside.
    let keeper = desk(&s);
    let asked = keeper.clone();
    let asking = Task::spawn_nolink(&here, async move { asked.keep().await });
    let mut asking = asking.expect("spawned");
    assert!(asking.join(ms(10)).await.is_err());
    keeper.end(boom()).expect("portable");
    let answer = asking.join(LONG).await;
    assert_eq!(answer, Ok(Err(CallError::Down(boom()))));
    // With `or_exit`.
    let keeper = desk(&s);
    let asked = keeper.clone();
    let ending = Task::spawn_nolink(&here, async move { exit_of(asked.node(), &asked).await });
    let mut ending = ending.expect("spawned");
    assert!(ending.join(ms(10)).await.is_err());
    keeper.end(boom()).expect("portable");
    assert_eq!(ending.join(LONG).await, Ok(boom()));
}

/// B145: a call to nobody fails with noproc, by pid and by name; with `or_exit` the caller dies of
/// it.
#[foundation::test]
pub(crate) async fn b145_a_call_to_nobody_is_noproc(s: Scene) {
    let (here, there) = s.nodes();
    let gone = desk(&s);
    let death = Death::of(&here, &gone).await;
    gone.end(Reason::Normal).expect("portable");
    death.reason().await;
    assert_eq!(gone.add(1).await, Err(CallError::NoProc));
    assert_eq!(desk_at(&s).add(1).await, Err(CallError::NoProc));
    assert_eq!(exit_of(&here, &gone).await, Reason::NoProc);
    assert_eq!(exit_of(&here, &desk_at(&s)).await, Reason::NoProc);
    assert_eq!(there.dead_letter_count(DeadReason::NoProc), 0);
}

/// B146: a server that calls itself is told so at once, by pid and by name; it lives on.
#[foundation::test]
async fn b146_a_call_to_itself_does_not_deadlock(node: Node) {
    let desk = node.spawn(Desk::default()).expect("spawned");
    node.register("desk", &desk).expect("free");
    let begun = node.now();
    for by_name in [false, true] {
        let answer = desk.ask_itself(by_name).await;
        assert_eq!(answer, Ok(Err(CallError::CallingSelf)));
    }
    assert!(node.now() - begun < secs(5), "it waited");
    assert_eq!(desk.add(0).await, Ok(0));
}

/// B147: a request whose handler does not answer can be answered by another process.
#[foundation::test]
pub(crate) async fn b147_another_process_may_answer(s: Scene) {
    let (here, there) = s.nodes();
    let desk = desk(&s);
    let clerk = async move |mut me: Process<Slip>| {
        while let Mail::Msg(Slip(from)) = me.recv().await {
            from.send(7);
        }
    };
    let clerk = there.spawn_fn(clerk).expect("spawned");
    assert_eq!(desk.hand_on(clerk.pid()).await, Ok(7));
    let (desk, clerk) = (desk.clone(), clerk.pid());
    inside(&here, async move |_| {
        assert_eq!(desk.hand_on(clerk).await, Ok(7))
    })
    .await;
}

/// otp: a reply can be sent before the handler is done.
#[foundation::test]
pub(crate) async fn a_reply_may_come_before_the_handler_returns(s: Scene) {
    let (_, there) = s.nodes();
    let desk = desk(&s);
    desk.add(3).await.expect("answers");
    assert_eq!(desk.early().await, Ok(3));
    // The handler still runs: the next request waits.
    assert_eq!(desk.add(1).timeout(ms(20)).await, Err(CallError::Timeout));
    // Its end is nothing to the caller that was answered.
    there.exit(&desk, Reason::Kill);
}

/// B148: a cast to nobody is fine, by pid and by name; it becomes a dead letter.
#[foundation::test]
pub(crate) async fn b148_a_cast_to_nobody_is_ok(s: Scene) {
    let (here, there) = s.nodes();
    let gone = desk(&s);
    let death = Death::of(&here, &gone).await;
    there.exit(&gone, Reason::Kill);
    death.reason().await;
    assert_eq!(gone.answer_all(1), Ok(()));
    assert_eq!(desk_at(&s).answer_all(1), Ok(()));
    // What was cast has arrived when what came behind it is answered.
    assert_eq!(here.info(&gone, LONG).await, Ok(None));
    assert_eq!(there.dead_letter_count(DeadReason::NoProc), 1);
    assert_eq!(there.dead_letter_count(DeadReason::NoName), 1);
}

/// B222: the early return of a value is the return value (what a throw is in OTP).
#[foundation::test]
pub(crate) async fn b222_an_early_return_is_the_answer(s: Scene) {
    let (here, _) = s.nodes();
    let desk = desk(&s);
    assert_eq!(desk.half(3).await, Ok(Err("3 is odd".to_owned())));
    assert_eq!(desk.half(4).await, Ok(Ok(2)));
    assert!(here.info(&desk, LONG).await.expect("answers").is_some());
}

/// otp: when the node of a server is lost, whoever waits for an answer from there is told.
pub(crate) async fn a_lost_node_fails_the_calls_to_it(s: Scene) {
    let (here, _) = s.nodes();
    let desk = desk(&s);
    let asked = desk.clone();
    let asking = Task::spawn_nolink(&here, async move { asked.keep().await });
    let mut asking = asking.expect("spawned");
    assert!(asking.join(ms(10)).await.is_err());
    s.cut().await;
    let lost = Err(CallError::NoConnection);
    assert_eq!(asking.join(LONG).await, Ok(lost.clone()));
    assert_eq!(desk.add(1).await, lost);
    assert_eq!(exit_of(&here, &desk).await, Reason::NoConnection);
}

/// otp: a timeout does not disturb the server, and a late reply is dropped: the next call
/// gets its own answer.
#[foundation::test]
pub(crate) async fn a_late_reply_is_dropped(s: Scene) {
    let (here, _) = s.nodes();
    let desk = desk(&s);
    let server = desk.clone();
    inside(&here, async move |mut me| {
        for _ in 0..3 {
            let late = server.keep().timeout(ms(5)).await;
            assert_eq!(late, Err(CallError::Timeout));
            server.answer_all(99).expect("portable");
            assert_eq!(server.add(0).await, Ok(0));
        }
        let mail = me.receive(Ok::<Mail<Word>, _>).timeout(ms(0)).await;
        assert!(mail.is_err(), "{mail:?}");
        assert_eq!(me.info().message_queue_len, 0);
    })
    .await;
    // From outside any process, too.
    assert_eq!(desk.keep().timeout(ms(5)).await, Err(CallError::Timeout));
    desk.answer_all(99).expect("portable");
    assert_eq!(desk.add(1).await, Ok(1));
}

/// otp: a reply that is there when time is up is still returned.
#[foundation::test]
pub(crate) async fn a_reply_that_is_queued_at_the_timeout_is_returned(s: Scene) {
    let (here, _) = s.nodes();
    let desk = desk(&s);
    inside(&here, async move |me| {
        let mut call = std::pin::pin!(desk.add(4).timeout(ms(5)).into_future());
        // Sent, and not waited for: time runs out while this process does something else.
        let sent = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
        // On real threads the server may be that fast.
        let early = match sent.await {
            std::task::Poll::Ready(answer) => Some(answer),
            std::task::Poll::Pending => None,
        };
        me.node().sleep(ms(50)).await;
        let answer = match early {
            Some(answer) => answer,
            None => call.await,
        };
        assert_eq!(answer, Ok(4));
    })
    .await;
}

/// otp: a request whose reply right was dropped ends with NoReply; the server lives.
#[foundation::test]
pub(crate) async fn a_dropped_reply_right_is_no_reply(s: Scene) {
    let (here, there) = s.nodes();
    let desk = desk(&s);
    assert_eq!(desk.forget().await, Err(CallError::NoReply));
    // Kept first, and dropped by another handler.
    let (asked, log) = (desk.clone(), Log::default());
    let asking = Task::spawn_nolink(&here, async move { asked.keep().await });
    let mut asking = asking.expect("spawned");
    assert!(asking.join(ms(10)).await.is_err());
    let drop_all = |desk: &mut Desk, _: &mut Cx<Desk>| desk.kept.clear();
    let home = there.reference::<Desk>(desk.pid());
    home.perform(Box::new(drop_all)).await.expect("alive");
    assert_eq!(asking.join(LONG).await, Ok(Err(CallError::NoReply)));
    assert_eq!(log.take(), [""; 0]);
    assert_eq!(desk.add(0).await, Ok(0));
}

/// otp: a reply right that lives in another process: when the server dies the caller learns
/// that, when that process drops it the caller learns its end.
#[foundation::test]
pub(crate) async fn a_reply_right_that_was_handed_on(s: Scene) {
    let (here, there) = s.nodes();
    for server_dies in [true, false] {
        let desk = desk(&s);
        let (reply, got_it) = promise(&there);
        let clerk = async move |mut me: Process<Slip>| {
            let slip = me.recv().await;
            reply.send(());
            std::future::pending::<()>().await;
            drop(slip);
        };
        let clerk = there.spawn_fn(clerk).expect("spawned");
        let (asked, to) = (desk.clone(), clerk.pid());
        let asking = Task::spawn_nolink(&here, async move { asked.hand_on(to).await });
        let mut asking = asking.expect("spawned");
        got_it.timeout(LONG).await.expect("the clerk has it");
        let dying = if server_dies { desk.pid() } else { to };
        there.exit(dying, boom());
        let answer = asking.join(LONG).await;
        assert_eq!(answer, Ok(Err(CallError::Down(boom()))), "{server_dies}");
        there.exit(to, Reason::Kill);
    }
}

/// otp: requests are handled one after the other, also when a handler waits.
#[foundation::test]
pub(crate) async fn handlers_never_overlap(s: Scene) {
    let (here, there) = s.nodes();
    #[derive(Default)]
    struct Turnstile {
        inside: u32,
        most: u32,
    }

    #[actor]
    impl Turnstile {
        #[call]
        async fn pass(&mut self) -> u32 {
            self.inside += 1;
            self.most = self.most.max(self.inside);
            for _ in 0..3 {
                time::yield_now().await;
            }
            self.inside -= 1;
            self.most
        }
    }

    let turnstile = there.spawn(Turnstile::default()).expect("spawned");
    let turnstile = here.reference::<Turnstile>(turnstile.pid());
    let mut all = foundation::Requests::new();
    for n in 0..20 {
        all.add(n, turnstile.pass());
    }
    while let Some((_, most)) = all.next().await {
        assert_eq!(most, Ok(1));
    }
}

/// API: several calls share one deadline, and what the first has used the second does not have.
#[foundation::test]
pub(crate) async fn calls_share_a_deadline(s: Scene) {
    let (w, (node, _)) = (s.world.clone(), s.nodes());
    let desk = desk(&s);
    let begun = node.now();
    let deadline = begun + ms(40);
    assert_eq!(desk.add(1).deadline(deadline).await, Ok(1));
    assert_eq!(
        desk.keep().deadline(deadline).await,
        Err(CallError::Timeout)
    );
    assert!(node.now() >= deadline, "it waited until then");
    let late = node.now();
    assert_eq!(
        desk.keep().deadline(deadline).await,
        Err(CallError::Timeout)
    );
    if w.is_simulated() {
        assert_eq!(node.now(), late, "it did not wait any more");
    }
}

/// API: a deadline is a moment, and does not move when the call is awaited later.
#[foundation::test]
pub(crate) async fn a_deadline_stays_where_it_is(s: Scene) {
    let (w, (node, _)) = (s.world.clone(), s.nodes());
    let desk = desk(&s);
    let deadline = node.now() + ms(60);
    let calls = [desk.keep(), desk.keep(), desk.keep()].map(|call| call.deadline(deadline));
    for call in calls {
        assert_eq!(call.await, Err(CallError::Timeout));
        assert!(node.now() >= deadline, "it waited until then");
    }
    if w.is_simulated() {
        assert!(node.now() < deadline + ms(5), "and all by then");
    }
    let from = inside(&node, {
        let (node, desk) = (node.clone(), desk.clone());
        async move |_| {
            let deadline = node.now() + ms(60);
            let call = desk.keep().deadline(deadline);
            time::sleep(ms(40)).await;
            (call.await, node.now() - deadline)
        }
    })
    .await;
    assert_eq!(from.0, Err(CallError::Timeout));
    if w.is_simulated() {
        assert!(from.1 < ms(5), "in a process, too: {:?}", from.1);
    }
}
