//! The program with ractor alone.
//!
//! Role       A supervisor is an actor that is told of its children's ends, and starts them again by
//!            hand; whoever holds the old reference holds nothing.

use std::collections::HashMap;

use foundation::ractor::lib as ractor;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, call};

use crate::session::{Session, SessionMsg};

pub(crate) struct Keeper;

pub(crate) enum KeeperMsg {
    Visit(&'static str, String),
    Count(&'static str, RpcReplyPort<u64>),
}

#[derive(Default)]
pub(crate) struct Sessions {
    by_name: HashMap<&'static str, ActorRef<SessionMsg>>,
    names: HashMap<ActorId, &'static str>,
}

impl Sessions {
    async fn of(
        &mut self,
        name: &'static str,
        keeper: &ActorRef<KeeperMsg>,
    ) -> Result<ActorRef<SessionMsg>, ActorProcessingErr> {
        if let Some(session) = self.by_name.get(name) {
            return Ok(session.clone());
        }
        let (session, _) = Actor::spawn_linked(None, Session, (), keeper.get_cell()).await?;
        self.names.insert(session.get_id(), name);
        self.by_name.insert(name, session.clone());
        Ok(session)
    }
}

impl Actor for Keeper {
    type Msg = KeeperMsg;
    type State = Sessions;
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<KeeperMsg>,
        (): (),
    ) -> Result<Sessions, ActorProcessingErr> {
        Ok(Sessions::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<KeeperMsg>,
        message: KeeperMsg,
        sessions: &mut Sessions,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            KeeperMsg::Visit(name, path) => {
                sessions
                    .of(name, &myself)
                    .await?
                    .send_message(SessionMsg::Visit(path))?;
            }
            KeeperMsg::Count(name, port) => {
                let session = sessions.of(name, &myself).await?;
                session.send_message(SessionMsg::Count(port))?;
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<KeeperMsg>,
        event: SupervisionEvent,
        sessions: &mut Sessions,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(who, _) = event
            && let Some(name) = sessions.names.remove(&who.get_id())
        {
            sessions.by_name.remove(name);
            sessions.of(name, &myself).await?;
        }
        Ok(())
    }
}

pub(crate) async fn run() -> Vec<u64> {
    let (keeper, task) = Actor::spawn(None, Keeper, ()).await.expect("it starts");
    let visit = |name, path: &str| {
        let sent = keeper.send_message(KeeperMsg::Visit(name, path.to_owned()));
        assert!(sent.is_ok());
    };
    visit("ann", "/");
    visit("ann", "/news");
    visit("bob", "nonsense");
    visit("bob", "/");
    let mut counts = Vec::new();
    for name in ["ann", "bob"] {
        // Of bob's session, the count may be asked of the one that is about to crash.
        let mut count = call!(keeper, |port| KeeperMsg::Count(name, port));
        while count.is_err() {
            count = call!(keeper, |port| KeeperMsg::Count(name, port));
        }
        counts.push(count.expect("it was looked at"));
    }
    keeper.stop(None);
    task.await.expect("it ends");
    counts
}
