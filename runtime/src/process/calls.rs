//! Which answers does a process wait for?
//!
//! Role       The calls of one process that are under way, and their answers until they are taken.
//! Invariant  Numbers are not used twice by a process: a late answer finds nothing. Of two answers
//!            the first counts: a server that answered and died before its caller looked did answer.
//! Limit      One entry per call that the process itself has begun and not dropped.

use std::task::Waker;

use crate::NodeId;
use crate::envelope::Envelope;

/// The calls of one process. Most processes make one at a time, so the newest is looked at first.
#[derive(Default)]
pub(crate) struct Calls(Vec<Waiting>);

struct Waiting {
    id: u64,
    reply: Option<Envelope>,
    /// `None` for a call within the node that the process's own waker polls.
    unusual: Option<Box<Unusual>>,
}

#[derive(Default)]
struct Unusual {
    /// The server's node, when it is another one, and the connection to it.
    away: Option<(NodeId, u32)>,
    /// Set when something other than the process's own waker polls the call.
    waker: Option<Waker>,
}

impl Calls {
    /// Notes a call to a server of this node, or of another over this connection.
    #[inline]
    pub(crate) fn begin(&mut self, id: u64, away: Option<(NodeId, u32)>) {
        let unusual = match away {
            None => None,
            away => unusual(away),
        };
        self.0.push(Waiting {
            id,
            reply: None,
            unusual,
        });
    }

    /// Whether it waits for no answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn place(&self, id: u64) -> Option<usize> {
        self.0.iter().rposition(|call| call.id == id)
    }

    /// Keeps an answer for the call that waits for it, and says who is to be woken for it.
    ///
    /// # Errors
    /// The answer, when nobody waits for it.
    #[inline]
    pub(crate) fn answer(&mut self, id: u64, reply: Envelope) -> Result<Option<Waker>, Envelope> {
        match self.0.last_mut() {
            Some(last) if last.id == id && last.unusual.is_none() => {
                keep_first(&mut last.reply, reply).map(|()| None)
            }
            _ => self.answer_unusual(id, reply),
        }
    }

    #[cold]
    fn answer_unusual(&mut self, id: u64, reply: Envelope) -> Result<Option<Waker>, Envelope> {
        let Some(at) = self.place(id) else {
            return Err(reply);
        };
        let call = &mut self.0[at];
        keep_first(&mut call.reply, reply)?;
        Ok(call.unusual.as_mut().and_then(|call| call.waker.take()))
    }

    /// Takes the answer to a call, if it has come, and forgets the call.
    #[inline]
    pub(crate) fn take(&mut self, id: u64) -> Option<Envelope> {
        match self.0.last_mut() {
            Some(last) if last.id == id => {
                let reply = last.reply.take()?;
                self.0.pop();
                Some(reply)
            }
            _ => self.take_older(id),
        }
    }

    #[cold]
    fn take_older(&mut self, id: u64) -> Option<Envelope> {
        let at = self.place(id)?;
        let reply = self.0[at].reply.take()?;
        self.0.swap_remove(at);
        Some(reply)
    }

    /// Notes who polls a call that is under way.
    pub(crate) fn wake_for(&mut self, id: u64, waker: Waker) {
        if let Some(at) = self.place(id) {
            self.0[at].unusual.get_or_insert_default().waker = Some(waker);
        }
    }

    /// Forgets a call: the answer, if it has come after all.
    pub(crate) fn forget(&mut self, id: u64) -> Option<Envelope> {
        let at = self.place(id)?;
        self.0.swap_remove(at).reply
    }

    /// The calls to servers of another node, over this connection or one before it.
    pub(crate) fn over(&self, node: NodeId, connection: u32) -> Vec<u64> {
        let leads = |call: &&Waiting| {
            let away = call.unusual.as_ref().and_then(|unusual| unusual.away);
            away.is_some_and(|(of, over)| of == node && over <= connection)
        };
        self.0.iter().filter(leads).map(|call| call.id).collect()
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

/// Keeps an answer, if there is none yet.
#[inline]
fn keep_first(place: &mut Option<Envelope>, reply: Envelope) -> Result<(), Envelope> {
    if place.is_some() {
        return Err(reply);
    }
    // What is overwritten is `None`.
    std::mem::forget(place.replace(reply));
    Ok(())
}

#[cold]
fn unusual(away: Option<(NodeId, u32)>) -> Option<Box<Unusual>> {
    Some(Box::new(Unusual { away, waker: None }))
}
