//! What does `foundation observe` do from its arguments to its exit code?
//!
//! Role       One JSON object, a web page, or the loop of the terminal: look, draw, obey.
//! Inputs     The command line; a terminal's keys; a signal to end.
//! Outputs    An exit code: 0, 1 when no node answers at first, 130 or 143 after a signal.
//! Invariant  Once it has begun, a node that dies is waited for, and the terminal is given back
//!            however it ends.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use foundation::Node;
use foundation::observe::protocol::{Answer, PageQuery, Request};
use foundation::time::timeout_on;
use ratatui::crossterm::event;
use serde_json::{Value, json};

use super::draw::draw;
use super::keys::{Command, command};
use super::link::{Link, LinkError};
use super::view::View;
use super::{json as show, web};
use crate::cli::ObserveArgs;
use crate::screen::Terminal;

/// How long an answer may take: a node of millions rests for long.
const ANSWER_BOUND: Duration = Duration::from_secs(40);
const EVERY: Duration = Duration::from_secs(1);
const FRAME: Duration = Duration::from_millis(50);
const RETRY: Duration = Duration::from_millis(500);
/// How many rows of a tree are printed.
const TREE_ROWS: u32 = 2000;

/// Runs the command, and returns its exit code.
#[must_use]
pub fn run(args: &ObserveArgs) -> u8 {
    let node = match Node::builder().name("observer").workers(1).start() {
        Ok(node) => node,
        Err(error) => return fail(&error.to_string()),
    };
    let outcome = node.block_on(async {
        if args.json {
            let object = once(&node, args).await?;
            let text = serde_json::to_string_pretty(&object).map_err(|error| error.to_string())?;
            return writeln!(io::stdout(), "{text}")
                .map(|()| 0)
                .map_err(|error| error.to_string());
        }
        if let Some(address) = args.web {
            return web::serve(&node, &args.socket, address).await;
        }
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err("there is no terminal here; --json or --web do without".to_owned());
        }
        let link = Link::open(&node, &args.socket).await;
        let link = link.map_err(|error| describe(&args.socket, &error))?;
        let terminal = Terminal::enter().map_err(|error| error.to_string())?;
        Ok(Operator::new(&node, &args.socket, link)
            .watch(terminal)
            .await)
    });
    // Nothing of it has anything to finish.
    drop(node.shutdown_blocking(Duration::from_millis(500)));
    outcome.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &str) -> u8 {
    // Whoever reads our errors may be gone, too.
    drop(writeln!(io::stderr(), "error: {error}"));
    1
}

/// What went wrong at this socket.
#[must_use]
pub(super) fn describe(socket: &Path, error: &LinkError) -> String {
    format!("{}: {error}", socket.display())
}

async fn once(node: &Node, args: &ObserveArgs) -> Result<Value, String> {
    let failed = |error: LinkError| describe(&args.socket, &error);
    let mut link = Link::open(node, &args.socket).await.map_err(failed)?;
    let watch = Request::Watch(Duration::from_millis(100));
    link.ask(&watch, ANSWER_BOUND).await.map_err(failed)?;
    // The second has something to compare with.
    let figures = match timeout_on(node, ANSWER_BOUND, link.next()).await {
        Some(Ok(Answer::Figures(figures))) => show::figures(&figures),
        Some(Err(error)) => return Err(failed(error)),
        _ => return Err(failed(LinkError::Timeout)),
    };
    let stop = Request::Watch(Duration::ZERO);
    link.ask(&stop, ANSWER_BOUND).await.map_err(failed)?;
    let query = PageQuery {
        sort: args.sort,
        skip: 0,
        rows: args.rows,
        code: None,
    };
    let page = link.ask(&Request::Processes(query), ANSWER_BOUND).await;
    let tree = link.ask(&Request::Tree(TREE_ROWS), ANSWER_BOUND).await;
    match (page.map_err(failed)?, tree.map_err(failed)?) {
        (Answer::Page(page), Answer::Tree(tree)) => Ok(json!({
            "node": show::welcome(&link.welcome),
            "figures": figures,
            "processes": show::page(&page),
            "tree": show::tree(&tree),
        })),
        (Answer::Refused(why), _) | (_, Answer::Refused(why)) => Err(why),
        _ => Err("the node answered another question".to_owned()),
    }
}

/// The loop of the terminal.
struct Operator<'a> {
    node: &'a Node,
    socket: &'a Path,
    view: View,
    link: Option<Link>,
    /// Answers that are still to come, beside what comes unasked.
    open: u32,
    /// When the screen's question is asked again, or the node is looked for again.
    again: Duration,
}

impl<'a> Operator<'a> {
    fn new(node: &'a Node, socket: &'a Path, link: Link) -> Self {
        let mut view = View::new(socket.display().to_string());
        view.take(Answer::Welcome(link.welcome.clone()));
        let mut operator = Self {
            node,
            socket,
            view,
            link: Some(link),
            open: 0,
            again: Duration::ZERO,
        };
        operator.again = operator.node.now();
        operator
    }

    async fn watch(mut self, mut terminal: Terminal) -> u8 {
        let mut termination = std::pin::pin!(self.node.termination());
        self.send(Request::Watch(EVERY)).await;
        loop {
            if let Err(error) = self.talk().await {
                self.lost(&error);
            }
            // A terminal that is gone takes no keys either.
            let drawn = match self.view.take_changed() {
                true => terminal.show(|frame| draw(frame, &self.view)),
                false => Ok(()),
            };
            let Ok(keys) = drawn.and_then(|()| keys()) else {
                return 0;
            };
            for key in keys {
                if key == Command::Quit {
                    return 0;
                }
                if let Some(request) = self.view.obey(key) {
                    self.send(request).await;
                }
            }
            let now = Duration::from_millis(1);
            if let Some(signal) = timeout_on(self.node, now, termination.as_mut()).await {
                return if signal == "SIGTERM" { 143 } else { 130 };
            }
        }
    }

    fn lost(&mut self, error: &LinkError) {
        self.link = None;
        self.open = 0;
        self.again = self.node.now() + RETRY;
        self.view.lost(error.to_string());
    }

    async fn send(&mut self, request: Request) {
        let Some(link) = &mut self.link else {
            self.view.say("the node is not there");
            return;
        };
        self.open += u32::from(!matches!(request, Request::Watch(_)));
        if let Err(error) = link.send(&request).await {
            self.lost(&error);
        }
    }

    /// Asks what is due, and takes in what arrives within a frame.
    async fn talk(&mut self) -> Result<(), LinkError> {
        let now = self.node.now();
        if self.link.is_none() {
            self.node.sleep(FRAME).await;
            if now < self.again {
                return Ok(());
            }
            let link = Link::open(self.node, self.socket).await?;
            self.view.take(Answer::Welcome(link.welcome.clone()));
            self.link = Some(link);
            self.again = now;
            self.send(Request::Watch(EVERY)).await;
        }
        if self.open == 0 && self.again <= now {
            self.again = now + EVERY;
            if let Some(request) = self.view.wants() {
                self.send(request).await;
            }
        }
        let until = now + FRAME;
        while let Some(link) = &mut self.link {
            let left = until.saturating_sub(self.node.now());
            let Some(answer) = timeout_on(self.node, left, link.next()).await else {
                break;
            };
            let answer = answer?;
            if !matches!(answer, Answer::Figures(_) | Answer::Traced(_)) {
                self.open = self.open.saturating_sub(1);
            }
            self.view.take(answer);
        }
        Ok(())
    }
}

/// What was pressed since the last frame.
fn keys() -> io::Result<Vec<Command>> {
    let mut commands = Vec::new();
    while event::poll(Duration::ZERO)? {
        commands.extend(command(&event::read()?));
    }
    Ok(commands)
}
