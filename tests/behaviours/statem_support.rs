//! What do the tests of state machines work with?
//!
//! Role       [`Bot`]: a state machine that notes what happens to it, with the state, and does what
//!            it is told in whatever state.

use std::time::Duration;

use foundation::prelude::*;
use foundation::statem::{Ending, Enter, Starting};

use crate::support::Log;

/// From `Idle` and `Busy` to anywhere, from `Over` nowhere.
#[states]
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    #[to(Busy, Over)]
    Idle,
    #[to(Idle, Over)]
    Busy { jobs: u32 },
    #[to()]
    Over,
}

pub(crate) struct Bot {
    pub(crate) log: Log,
    /// Done at the next entry, and taken back then.
    pub(crate) on_enter: Option<EnterJob>,
}

pub(crate) type Job = Box<dyn FnOnce(&mut Bot, &mut In<Bot>) + Send>;
pub(crate) type EnterJob = Box<dyn FnOnce(&mut Bot, &mut In<Bot, Enter>) + Send>;
pub(crate) type StartJob = Box<dyn FnOnce(&mut In<Bot, Starting>) -> Result<(), Stop> + Send>;

#[statem(Mode, debug)]
impl Bot {
    #[init]
    fn init(log: Log, job: StartJob, cx: &mut In<Self, Starting>) -> Result<(Self, Mode), Stop> {
        job(cx)?;
        let on_enter = None;
        Ok((Self { log, on_enter }, Mode::Idle))
    }

    #[enter]
    fn entered(&mut self, before: Option<&Mode>, now: &Mode, cx: &mut In<Self, Enter>) {
        let before = before.map_or("none", foundation::statem::States::name);
        self.note(now, format!("enter after {before}"));
        if let Some(job) = self.on_enter.take() {
            job(self, cx);
        }
    }

    /// Does something, in whatever state.
    #[cast(local)]
    pub(crate) fn perform(&mut self, job: Job, cx: &mut In<Self>) {
        job(self, cx);
    }

    /// Notes a word.
    #[cast]
    pub(crate) fn say(&mut self, word: String, now: &Mode) {
        self.note(now, word);
    }

    /// Notes a word, but not while it idles.
    #[cast(postpone in Idle)]
    pub(crate) fn later(&mut self, word: String, now: &Mode) {
        self.note(now, word);
    }

    /// What it was asked, but not while it idles.
    #[call(postpone in Idle)]
    pub(crate) fn answer(&mut self, word: String, now: &Mode) -> String {
        self.note(now, &word);
        word
    }

    /// Answers, and ends.
    #[call]
    pub(crate) fn quit(&mut self, number: u32, from: ReplyTo<u32>, cx: &mut In<Self>) {
        from.send(number);
        cx.stop(Reason::Normal);
    }

    /// Handles this for so long; in the end timeouts are changed, and the state.
    #[call]
    pub(crate) async fn nap(&mut self, long: Duration, changes: bool, cx: &mut In<Self>) {
        cx.node().sleep(long).await;
        if changes {
            cx.cancel_timeout("a");
            cx.timeout("b", ms(5), own("new"));
            cx.goto(Busy { jobs: 0 });
        }
    }

    /// Panics while it waits.
    #[cast]
    pub(crate) async fn fall_later(&mut self) {
        foundation::time::yield_now().await;
        panic!("fell");
    }

    /// Which state it is in.
    #[call]
    pub(crate) fn mode(&self, now: &Mode) -> String {
        format!("{now:?}")
    }

    /// How many jobs it is busy with.
    #[call(in Busy)]
    pub(crate) fn jobs(&self, busy: &Busy) -> u32 {
        busy.jobs
    }

    /// What it tells itself.
    #[internal]
    fn own(&mut self, word: String, now: &Mode) {
        self.note(now, word);
    }

    /// What it does by itself.
    #[internal]
    fn act(&mut self, job: Job, cx: &mut In<Self>) {
        job(self, cx);
    }

    #[info]
    fn info(&mut self, info: Info, now: &Mode) {
        self.note(now, format!("info {}", info.name()));
    }

    #[exit]
    fn exit(&mut self, exit: Exit, now: &Mode) {
        self.note(now, format!("exit {}", exit.reason));
    }

    #[down]
    fn down(&mut self, down: Down, now: &Mode) {
        self.note(now, format!("down {}", down.reason));
    }

    #[terminate]
    fn bye(&mut self, why: &Reason, now: &Mode, _cx: &mut In<Self, Ending>) {
        self.note(now, format!("bye {why}"));
    }

    fn note(&self, now: &Mode, what: impl std::fmt::Display) {
        let now = foundation::statem::States::name(now);
        self.log.note(format!("{now}: {what}"));
    }
}

impl std::fmt::Debug for Bot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bot")
    }
}

/// A bot that idles; its log has nothing in it.
pub(crate) async fn bot(node: &Node, log: &Log) -> Ref<Bot> {
    let bot = bot_with(node, log, |_| Ok(())).await.expect("it starts");
    bot.mode().await.expect("it is there");
    log.take();
    bot
}

/// A bot whose init does this.
pub(crate) async fn bot_with(
    node: &Node,
    log: &Log,
    job: impl FnOnce(&mut In<Bot, Starting>) -> Result<(), Stop> + Send + 'static,
) -> Result<Ref<Bot>, StartError> {
    node.start::<Bot>((log.clone(), Box::new(job))).await
}

/// Tells it what to do.
pub(crate) fn told(bot: &Ref<Bot>, job: impl FnOnce(&mut Bot, &mut In<Bot>) + Send + 'static) {
    bot.perform(Box::new(job)).expect("it is on this node");
}

/// What it tells itself.
pub(crate) fn own(word: &str) -> BotMsg {
    BotMsg::Own(word.to_owned())
}
