//! What becomes of a swap: of what the old handler left, of a new one that refuses, of nobody there?
//!
//! Source     otp: gen_event; each row as Erlang/OTP 25 answered when it was asked

use foundation::prelude::*;
use foundation::{AddHandlerError, EventCx, EventHandler, HandlerId, Removal};

use crate::event_rows::{Tick, manager};
use crate::support::{Log, boom};

const OLD: HandlerId<Old> = HandlerId::new("old");
const NEW: HandlerId<New> = HandlerId::new("new");

/// Leaves what its terminate has made of it.
struct Old {
    log: Log,
    left: &'static str,
    refused: bool,
}

/// Says in its init what was left to it, and refuses if it is to.
struct New {
    log: Log,
    got: &'static str,
    refuses: bool,
}

fn successor(log: &Log, refuses: bool) -> impl FnOnce(Option<Old>) -> New + Send + 'static {
    let log = log.clone();
    move |old| New {
        log,
        got: old.map_or("nothing", |old| old.left),
        refuses,
    }
}

impl EventHandler<Tick> for Old {
    fn handle_event(&mut self, event: &Tick, cx: &mut EventCx<Tick>) {
        if matches!(event, Tick::Swap(_)) {
            cx.swap(&NEW, successor(&self.log, self.refused));
        }
    }

    fn terminate(&mut self, _: &Removal, _: &mut EventCx<Tick>) {
        self.log.note("old terminate".to_owned());
        self.left = "left by terminate";
    }
}

impl EventHandler<Tick> for New {
    fn init(&mut self, _: &mut EventCx<Tick>) -> Result<(), Reason> {
        self.log.note(format!("new init {}", self.got));
        if self.refuses { Err(boom()) } else { Ok(()) }
    }

    fn handle_event(&mut self, _: &Tick, _: &mut EventCx<Tick>) {}
}

/// In OTP 25: terminate first, and its value is in the argument of init; a new handler that refuses
/// leaves neither, and the manager lives. `{error, _}` is answered to who asked for the swap; by its
/// own return value nobody is answered. Where the old one is not there, init gets `error` and is asked
/// all the same.
#[foundation::test]
async fn b175_a_swap_in_all_its_ways_as_otp_has_them(node: Node) {
    // By the handler itself, whether the old one is there, whether the new one refuses.
    let rows = [
        (true, true, false),
        (true, true, true),
        (false, true, false),
        (false, true, true),
        (false, false, false),
        (false, false, true),
    ];
    for (itself, there, refuses) in rows {
        let row = format!("itself {itself}, there {there}, refuses {refuses}");
        let log = Log::default();
        let manager = manager(&node).await;
        if there {
            let old = Old {
                log: log.clone(),
                left: "as it was",
                refused: refuses,
            };
            assert_eq!(manager.add_handler(&OLD, old).await, Ok(Ok(())), "{row}");
        }
        if itself {
            let event = Tick::Swap(String::new());
            manager.sync_notify(event).await.expect("answers");
        } else {
            let swapped = manager.swap_handler(&OLD, &NEW, successor(&log, refuses));
            let expected = match refuses {
                true => Err(AddHandlerError::Failed(boom())),
                false => Ok(()),
            };
            assert_eq!(swapped.await, Ok(expected), "{row}");
        }
        let happened: &[&str] = match there {
            true => &["old terminate", "new init left by terminate"],
            false => &["new init nothing"],
        };
        assert_eq!(log.take(), happened, "{row}");
        let present = manager.which_handlers().await.expect("it lives");
        assert_eq!(present.len(), usize::from(!refuses), "{row}");
    }
}
