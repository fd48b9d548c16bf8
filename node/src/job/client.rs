//! What did one client ask for?
//!
//! Role       The process of one client: counts its lines, see [`Counting`], and delivers what that
//!            came to.
//! Inputs     [`Work`] from the router; before the first, its [`Past`] from the table.
//! Outputs    [`Delta`](super::work::Delta)s to the table.
//! Owns       Its watermark and windows. What it has counted and not delivered dies with it.
//! Invariant  A line it can't parse ends it, with the line's number as the reason: letting it crash
//!            is cheaper than defending every step. The line is not tried again.

use std::sync::Arc;

use foundation::prelude::*;

use super::Job;
use super::counting::Counting;
use super::router::ROUTER;
use super::table::{TABLE, Table};
use super::work::{ClientName, Mark, Past, Work};

/// How long the table is waited for at a time, when it is being started again.
const PATIENCE: std::time::Duration = ms(1);

/// What a client's process is started with.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) job: Arc<Job>,
    pub(crate) name: ClientName,
    /// What the router calls it.
    pub(crate) index: u32,
}

/// The process of one client.
pub(crate) struct Client {
    job: Arc<Job>,
    counting: Counting,
    table: Option<Ref<Table>>,
}

/// Why a client's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It could not parse this line.
    Malformed(Mark),
    /// Chaos struck at this line.
    Chaos(Mark),
    /// It failed otherwise: killed, or with its supervisor.
    Crashed,
    /// It was asked to.
    Retired,
}

#[actor]
impl Client {
    #[init]
    fn init(hello: Hello, cx: &mut Cx<Self>) -> Self {
        cx.continue_with(ClientMsg::Recall);
        Self {
            job: hello.job,
            counting: Counting {
                name: hello.name,
                index: hello.index,
                past: Past::default(),
            },
            table: None,
        }
    }

    /// Asks the table where to begin. Work waits in the mailbox meanwhile.
    #[continue_with]
    async fn recall(&mut self, cx: &mut Cx<Self>) {
        loop {
            let table = cx.node().at(TABLE);
            if let Some(pid) = table.find() {
                // This table for good: when it ends, the clients end with it.
                let table: Ref<Table> = cx.node().reference(pid);
                if let Ok(past) = table.recall(self.counting.name.clone()).await {
                    self.counting.past = past;
                    self.table = Some(table);
                    return;
                }
            }
            foundation::time::sleep(PATIENCE).await;
        }
    }

    #[cast(local)]
    pub(crate) fn work(&mut self, work: Work, cx: &mut Cx<Self>) {
        let dice = self.job.chaos.dice();
        let table = &self.table;
        let fresh = self.counting.count_work(&work, dice, |delta| {
            if let Some(table) = table {
                // A table that has ended takes this process with it: nothing to be done here.
                drop(table.count(delta));
            }
        });
        if !fresh {
            // Counted before, but the acknowledgement died with a table.
            let acks = vec![(self.counting.index, self.counting.past.mark)];
            drop(cx.node().at(ROUTER).acked(acks));
        }
    }

    #[cast]
    pub(crate) fn retire(&mut self, cx: &mut Cx<Self>) {
        cx.stop(Reason::Normal);
    }
}

const MALFORMED: &str = "malformed_line";
const CHAOS: &str = "chaos";

impl End {
    /// The exit reason that says so.
    pub(crate) fn into_reason(self) -> Reason {
        let numbered = |kind, mark: Mark| {
            let line = i64::try_from(mark.line).unwrap_or(i64::MAX);
            Reason::other(Term::tuple([
                Term::atom(kind),
                mark.pass.into(),
                line.into(),
            ]))
        };
        match self {
            Self::Malformed(mark) => numbered(MALFORMED, mark),
            Self::Chaos(mark) => numbered(CHAOS, mark),
            Self::Crashed => Reason::Killed,
            Self::Retired => Reason::Normal,
        }
    }

    /// What an exit reason says.
    pub(crate) fn of(reason: &Reason) -> Self {
        let Reason::Other(term) = reason else {
            return match reason {
                orderly if orderly.is_orderly() => Self::Retired,
                _ => Self::Crashed,
            };
        };
        let Term::Tuple(parts) = &**term else {
            return Self::Crashed;
        };
        let [Term::Atom(kind), Term::Integer(pass), Term::Integer(line)] = &parts[..] else {
            return Self::Crashed;
        };
        let (Ok(pass), Ok(line)) = ((*pass).try_into(), (*line).try_into()) else {
            return Self::Crashed;
        };
        match &**kind {
            MALFORMED => Self::Malformed(Mark { pass, line }),
            CHAOS => Self::Chaos(Mark { pass, line }),
            _ => Self::Crashed,
        }
    }
}
