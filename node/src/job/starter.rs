//! Who starts a client's process?
//!
//! Role       Asks the supervisor of clients, so that the router need not wait for it.
//! Inputs     [`Start`]s, one after the other.
//! Outputs    The started process, to the router.
//! Owns       Nothing; it is linked with the router, and ends with it.
//! Invariant  A start is tried until it succeeds: the supervisor may be being started again itself,
//!            or may not have noticed yet that a child has ended.

use std::sync::Arc;

use foundation::Mail;
use foundation::prelude::*;

use super::Job;
use super::client::Hello;
use super::router::Router;
use super::tree::CLIENTS;
use super::work::ClientName;

/// A process is wanted for this client.
#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Start {
    pub(crate) index: u32,
    pub(crate) name: ClientName,
}

/// How long to wait before a start is tried again.
const PAUSE: std::time::Duration = ms(1);

pub(crate) async fn start_clients(mut me: Process<Start>, job: Arc<Job>, router: Ref<Router>) {
    let clients = me.node().at(CLIENTS);
    loop {
        let Mail::Msg(Start { index, name }) = me.recv().await else {
            continue;
        };
        let hello = Hello {
            job: Arc::clone(&job),
            name,
            index,
        };
        loop {
            match clients.start_child(hello.clone()).await {
                Ok(Ok(Some(client))) => {
                    drop(router.started(index, client));
                    break;
                }
                _ => foundation::time::sleep(PAUSE).await,
            }
        }
    }
}
