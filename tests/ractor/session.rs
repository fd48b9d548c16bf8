//! An actor of ractor: what one visitor asked for.
//!
//! Role       The same in both programs, line by line.

use foundation::ractor::lib as ractor;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

pub(crate) struct Session;

pub(crate) enum SessionMsg {
    Visit(String),
    Count(RpcReplyPort<u64>),
}

impl Actor for Session {
    type Msg = SessionMsg;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<SessionMsg>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<SessionMsg>,
        message: SessionMsg,
        visits: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionMsg::Visit(path) => {
                assert!(path.starts_with('/'), "{path} is no path");
                *visits += 1;
            }
            SessionMsg::Count(port) => port.send(*visits)?,
        }
        Ok(())
    }
}
