//! Where does the page get its figures from?
//!
//! Role       One connection to the agent for all browsers: figures of once a second are kept, and
//!            questions are asked one after the other.
//! Inputs     The agent's socket.
//! Outputs    The last figures; answers.
//! Limit      One question waits at a time for each browser's request; each at most [`BOUND`].
//! Invariant  A node that has gone is looked for again; meanwhile the page says so.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Sync, PoisonError};
use std::time::Duration;

use foundation::observe::protocol::{Answer, Request, Welcome};
use foundation::time::timeout_on;
use foundation::{Node, Pid, Process};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::observe::json as show;
use crate::observe::link::{Link, LinkError};

const BOUND: Duration = Duration::from_secs(40);
const EVERY: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(500);
/// How many events of the trace are told.
const TRACE_MAX: usize = 200;

/// What browsers are told.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) node: Node,
    link: Arc<Mutex<Asking>>,
    told: Arc<Sync<Told>>,
    /// The process that a browser wants traced: there is one trace for all of them.
    wanted: Arc<Sync<Option<Pid>>>,
}

/// The connection that questions go through.
struct Asking {
    socket: PathBuf,
    link: Option<Link>,
}

/// The last figures, as an event of the page.
#[derive(Default, Clone)]
pub(super) struct Told {
    /// Which it is.
    pub(super) number: u64,
    pub(super) event: String,
    welcome: Option<Welcome>,
}

/// Nobody writes to the process that listens.
#[derive(Debug, foundation::Message)]
#[message(local)]
enum Nothing {}

impl Source {
    /// Connects, and begins to listen.
    pub(super) async fn open(node: &Node, socket: &Path) -> Result<Self, String> {
        let failed = |error: LinkError| format!("{}: {error}", socket.display());
        let link = Link::open(node, socket).await.map_err(failed)?;
        let listening = Link::open(node, socket).await.map_err(failed)?;
        let source = Self {
            node: node.clone(),
            link: Arc::new(Mutex::new(Asking {
                socket: socket.to_owned(),
                link: Some(link),
            })),
            told: Arc::default(),
            wanted: Arc::default(),
        };
        let (told, socket) = (source.clone(), socket.to_owned());
        node.spawn_fn(move |_: Process<Nothing>| told.listen(socket, listening))
            .map_err(|error| error.to_string())?;
        Ok(source)
    }

    async fn listen(self, socket: PathBuf, mut link: Link) {
        loop {
            let lost = self.hear(&mut link).await;
            self.tell(json!({ "up": false, "why": lost.to_string() }), None);
            link = loop {
                self.node.sleep(RETRY).await;
                match Link::open(&self.node, &socket).await {
                    Ok(link) => break link,
                    Err(error) => {
                        self.tell(json!({ "up": false, "why": error.to_string() }), None);
                    }
                }
            };
        }
    }

    /// Keeps what it hears, until the connection is lost.
    async fn hear(&self, link: &mut Link) -> LinkError {
        if let Err(error) = link.send(&Request::Watch(EVERY)).await {
            return error;
        }
        let welcome = link.welcome.clone();
        let (mut target, mut events) = (None, VecDeque::new());
        loop {
            match link.next().await {
                Ok(Answer::Figures(figures)) => {
                    let event = json!({
                        "up": true,
                        "node": show::welcome(&welcome),
                        "figures": show::figures(&figures),
                        "trace": {
                            "pid": target.map(|pid: Pid| pid.to_string()),
                            "events": events,
                        },
                    });
                    self.tell(event, Some(welcome.clone()));
                }
                Ok(Answer::Traced(traced)) if target == Some(traced.pid) => {
                    let shown = show::traced(&traced);
                    events.extend(shown["events"].as_array().cloned().unwrap_or_default());
                    let surplus = events.len().saturating_sub(TRACE_MAX);
                    events.drain(..surplus);
                }
                Ok(_) => {}
                Err(error) => return error,
            }
            let wanted = *self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if wanted != target {
                (target, events) = (wanted, VecDeque::new());
                if let Err(error) = link.send(&Request::Trace(wanted)).await {
                    return error;
                }
            }
        }
    }

    /// Traces this process from the next figures on, and no other.
    pub(super) fn trace(&self, target: Option<Pid>) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    fn tell(&self, event: Value, welcome: Option<Welcome>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.number += 1;
        told.event = event.to_string();
        told.welcome = welcome;
    }

    /// The last figures.
    pub(super) fn told(&self) -> Told {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    /// The node's incarnation, if it is there.
    pub(super) fn incarnation(&self) -> Option<u64> {
        self.told().welcome.map(|welcome| welcome.incarnation)
    }

    /// The answer to a question.
    pub(super) async fn ask(&self, request: &Request) -> Result<Answer, LinkError> {
        let waiting = timeout_on(&self.node, BOUND, self.link.lock()).await;
        let mut asking = waiting.ok_or(LinkError::Timeout)?;
        // Taken out while it is used: a request that is dropped half-way leaves no half answer.
        let mut link = match asking.link.take() {
            Some(link) => link,
            None => Link::open(&self.node, &asking.socket).await?,
        };
        let answer = match link.ask(request, BOUND).await {
            // The node may have been started again since it was asked last.
            Err(LinkError::Lost) => {
                link = Link::open(&self.node, &asking.socket).await?;
                link.ask(request, BOUND).await?
            }
            answer => answer?,
        };
        asking.link = Some(link);
        Ok(answer)
    }
}
