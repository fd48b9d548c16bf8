//! Which nodes take part, and where is the table?
//!
//! Role       On the first node: enlists the hosts of all that are connected, and founds a new table
//!            whenever the one there was, its second copy, or the router is gone.
//! Inputs     The node's connections; the ends of those it watches.
//! Outputs    Hosts and tables, to the router.
//! Owns       Nothing that is lost with it: a new steward begins a new table.
//! Invariant  A new table begins with everything that is acknowledged: with a copy of the keeper's
//!            ledger, taken in the same moment in which the keeper stops to listen to the old one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foundation::prelude::*;

use super::front::Founding;
use super::host::{HOST, Host};
use super::plan::{Spread, node_name};
use crate::job::probe::Nothing;
use crate::job::router::{ROUTER, Router};
use crate::job::table::TABLE;

/// How often it looks who is connected.
const LOOK: Duration = ms(20);
/// How long a host has to answer.
const PATIENCE: Duration = secs(1);
/// How long a table may take to arrive.
const FOUNDING: Duration = secs(10);

struct Steward {
    me: Process<Nothing>,
    spread: Arc<Spread>,
    router: Option<Ref<Router>>,
    hosts: BTreeMap<u32, Ref<Host>>,
    /// The keeper and the table, while both are there.
    reign: Option<[Pid; 2]>,
    reigns: u64,
}

/// The steward's process.
pub(crate) async fn steward(me: Process<Nothing>, spread: Arc<Spread>) {
    let mut steward = Steward {
        me,
        spread,
        router: None,
        hosts: BTreeMap::new(),
        reign: None,
        reigns: 0,
    };
    loop {
        steward.see_router();
        steward.enlist().await;
        if steward.reign.is_none() {
            steward.found().await;
        }
        while let Ok(Mail::Down(down)) = steward.me.recv().timeout(LOOK).await {
            steward.lose(&down);
        }
    }
}

impl Steward {
    /// A router that is new knows of nobody.
    fn see_router(&mut self) {
        let node = self.me.node();
        let known = self.router.as_ref().map(Ref::pid);
        let found = node.whereis(ROUTER.as_str());
        if found != known {
            self.hosts.clear();
            self.reign = None;
            self.router = found.map(|pid| node.reference(pid));
        }
    }

    async fn enlist(&mut self) {
        let Some(router) = self.router.clone() else {
            return;
        };
        let node = self.me.node();
        for number in 1..=self.spread.nodes {
            let name = node_name(number);
            let host = match number {
                _ if self.hosts.contains_key(&number) => continue,
                1 => node.at(HOST),
                _ if node.peer(&name).is_none() => continue,
                _ => node.remote(&name).at(HOST),
            };
            if let Ok(host) = host.enlist(router.clone()).timeout(PATIENCE).await {
                self.me.monitor(host.pid());
                drop(router.node_up(number, host.clone()));
                self.hosts.insert(number, host);
            }
        }
    }

    /// Founds a table, on a node that does not read if there is one.
    async fn found(&mut self) {
        let (Some(router), Some(keeper)) = (&self.router, self.me.node().at(TABLE).find()) else {
            return;
        };
        let others = self.hosts.iter().find(|(number, _)| **number > 1);
        let Some((&number, host)) = others.or(self.hosts.first_key_value()) else {
            return;
        };
        let node = self.me.node();
        let keeper = node.reference::<crate::job::table::Table>(keeper);
        let Ok((reign, ledger)) = keeper.begin_reign().timeout(FOUNDING).await else {
            return;
        };
        let founding = Founding {
            reign,
            ledger,
            keeper: keeper.clone(),
        };
        if let Ok(Some(front)) = host.found(founding).timeout(FOUNDING).await {
            self.me.monitor(keeper.pid());
            self.me.monitor(front.pid());
            self.reign = Some([keeper.pid(), front.pid()]);
            if self.reigns > 0 {
                self.spread.note(|nodes| nodes.tables_again += 1);
            }
            self.reigns += 1;
            drop(router.front_up(front, number));
        }
    }

    fn lose(&mut self, down: &Down) {
        let Some(pid) = down.pid else {
            return;
        };
        self.hosts.retain(|_, host| host.pid() != pid);
        if self.reign.is_some_and(|reign| reign.contains(&pid)) {
            self.reign = None;
        }
    }
}
