//! What does the observer's terminal show?
//!
//! Role       The state behind the frames: what the node told last, which tab and row the operator
//!            is at, what they were asked.
//! Inputs     Answers; commands of the keys.
//! Outputs    Requests that are to be sent.
//! Limit      [`HISTORY_MAX`] figures, [`TRACE_MAX`] traced events.
//! Invariant  Nothing is killed without a yes to the question. What leaves everything as it was
//!            asks for no frame.

use std::collections::VecDeque;

use foundation::Pid;
use foundation::observe::protocol::{
    Answer, Detail, Event, Figures, Page, PageQuery, Request, Sort, Traced, Tree, Welcome,
};

use super::keys::Command;

/// How many figures are kept for graphs.
pub const HISTORY_MAX: usize = 240;
/// How many events of a trace are kept.
pub const TRACE_MAX: usize = 500;
/// How many rows are asked for at once.
pub const ROWS: u32 = 100;
const TREE_ROWS: u32 = 2000;

/// What fills the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// Processes.
    #[default]
    Processes,
    /// Who started whom.
    Tree,
    /// Who waits for each other.
    Circles,
    /// One process.
    Detail,
}

/// Whether the node answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Contact {
    /// Not yet.
    #[default]
    Connecting,
    /// It does.
    Up,
    /// It does not, for this reason; it is tried again.
    Lost(String),
}

/// Everything that a frame shows.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Where the agent is.
    pub socket: String,
    /// Whether the node answers.
    pub contact: Contact,
    /// Who is observed.
    pub welcome: Option<Welcome>,
    /// The last figures.
    pub figures: Figures,
    /// The load of all schedulers together, in percent, the latest last.
    pub loads: VecDeque<u64>,
    /// What fills the screen.
    pub tab: Tab,
    /// The order of the list.
    pub sort: Sort,
    /// How many rows are left out at the front.
    pub skip: u32,
    /// The list.
    pub page: Option<Page>,
    /// The forest.
    pub tree: Option<Tree>,
    /// The row that the operator is at, in the list, the forest or the circles.
    pub at: usize,
    /// The process that was chosen.
    pub chosen: Option<Pid>,
    /// What it is; `None` when it has ended.
    pub detail: Option<Detail>,
    /// Whether it is traced.
    pub traced: bool,
    /// What it did.
    pub trace: VecDeque<Event>,
    /// The process that the operator is asked about.
    pub asked: Option<Pid>,
    /// What there is to say.
    pub note: String,
    /// Whether any of this differs from what was drawn last.
    changed: bool,
}

impl View {
    /// A view of the node behind this socket.
    #[must_use]
    pub fn new(socket: String) -> Self {
        Self {
            socket,
            changed: true,
            ..Self::default()
        }
    }

    /// Whether a frame drawn now may differ from the last one for which this was asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The node does not answer, for this reason.
    pub fn lost(&mut self, why: String) {
        put(&mut self.changed, &mut self.contact, Contact::Lost(why));
    }

    /// There is this to say.
    pub fn say(&mut self, note: impl Into<String>) {
        put(&mut self.changed, &mut self.note, note.into());
    }

    /// Takes in what the node told.
    pub fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Welcome(welcome) => self.welcome(welcome),
            Answer::Figures(figures) => self.figures(*figures),
            Answer::Page(page) => {
                let at = self.at.min(page.rows.len().saturating_sub(1));
                put(&mut self.changed, &mut self.at, at);
                put(&mut self.changed, &mut self.page, Some(page));
            }
            Answer::Tree(tree) => put(&mut self.changed, &mut self.tree, Some(tree)),
            Answer::Process(detail) => {
                if detail.is_none() {
                    self.say("that process has ended");
                }
                let detail = detail.map(|detail| *detail);
                put(&mut self.changed, &mut self.detail, detail);
            }
            Answer::Traced(traced) if Some(traced.pid) == self.chosen => self.traced(traced),
            Answer::Killed(true) => self.say("killed"),
            Answer::Killed(false) => self.say("it had ended already"),
            Answer::Refused(why) => {
                put(&mut self.changed, &mut self.traced, false);
                self.say(format!("refused: {why}"));
            }
            _ => {}
        }
    }

    /// Figures have a clock: no two are the same.
    fn figures(&mut self, figures: Figures) {
        let shares = figures.schedulers.iter().filter_map(|one| one.utilisation);
        let (count, sum) = shares.fold((0_u32, 0.0), |(n, sum), one| (n + 1, sum + one));
        if self.loads.len() == HISTORY_MAX {
            self.loads.pop_front();
        }
        if count > 0 {
            let percent = sum / f64::from(count) * 100.0;
            self.loads.push_back(percent.round() as u64);
        }
        self.figures = figures;
        if self.tab == Tab::Circles {
            self.at = self.at.min(self.rows().saturating_sub(1));
        }
        self.changed = true;
    }

    fn traced(&mut self, traced: Traced) {
        self.changed |= !traced.events.is_empty();
        self.trace.extend(traced.events);
        let surplus = self.trace.len().saturating_sub(TRACE_MAX);
        self.trace.drain(..surplus);
        if let Some(why) = traced.ended {
            self.say(format!("the trace has ended: {why}"));
            put(&mut self.changed, &mut self.traced, false);
        }
    }

    fn welcome(&mut self, welcome: Welcome) {
        self.changed = true;
        self.contact = Contact::Up;
        let before = self.welcome.replace(welcome);
        if before.is_some() && before != self.welcome {
            self.note = "the node is back, in another life".to_owned();
            (self.page, self.tree, self.detail) = (None, None, None);
            (self.chosen, self.asked, self.traced) = (None, None, false);
            self.figures.circles.clear();
            self.loads.clear();
            self.trace.clear();
            if self.tab == Tab::Detail {
                self.tab = Tab::Processes;
            }
        }
    }

    /// The question whose answer fills the screen.
    #[must_use]
    pub fn wants(&self) -> Option<Request> {
        match self.tab {
            Tab::Processes => Some(Request::Processes(PageQuery {
                sort: self.sort,
                skip: self.skip,
                rows: ROWS,
                code: None,
            })),
            Tab::Tree => Some(Request::Tree(TREE_ROWS)),
            // They come with the figures.
            Tab::Circles => None,
            Tab::Detail => self.chosen.map(Request::Process),
        }
    }

    /// The process of the row that the operator is at.
    #[must_use]
    pub fn current(&self) -> Option<Pid> {
        match self.tab {
            Tab::Processes => self.page.as_ref()?.rows.get(self.at).map(|row| row.pid),
            Tab::Tree => {
                let branches = &self.tree.as_ref()?.branches;
                branches.get(self.at).map(|branch| branch.row.pid)
            }
            Tab::Circles => {
                let mut hops = self.figures.circles.iter().flat_map(|circle| &circle.hops);
                hops.nth(self.at).map(|hop| hop.pid)
            }
            Tab::Detail => self.chosen,
        }
    }

    fn rows(&self) -> usize {
        match self.tab {
            Tab::Processes => self.page.as_ref().map_or(0, |page| page.rows.len()),
            Tab::Tree => self.tree.as_ref().map_or(0, |tree| tree.branches.len()),
            Tab::Circles => {
                let circles = self.figures.circles.iter();
                circles.map(|circle| circle.hops.len()).sum()
            }
            Tab::Detail => 0,
        }
    }

    /// Does what a key asks for, or another size of the screen; a request that is to be sent at
    /// once, if it needs one.
    pub fn obey(&mut self, command: Command) -> Option<Request> {
        self.changed = true;
        if let Some(pid) = self.asked.take() {
            return match command {
                Command::Yes => Some(Request::Kill(pid)),
                _ => {
                    self.note = "not killed".to_owned();
                    None
                }
            };
        }
        self.note.clear();
        match command {
            Command::Up => self.at = self.at.saturating_sub(1),
            Command::Down => self.at = (self.at + 1).min(self.rows().saturating_sub(1)),
            Command::NextPage | Command::PreviousPage => return self.turn(command),
            Command::Sort => {
                let at = Sort::ALL.iter().position(|sort| *sort == self.sort);
                self.sort = Sort::ALL[at.map_or(0, |at| at + 1) % Sort::ALL.len()];
                (self.skip, self.at) = (0, 0);
                return self.wants();
            }
            Command::Processes => return self.go(Tab::Processes),
            Command::Tree => return self.go(Tab::Tree),
            Command::Circles => return self.go(Tab::Circles),
            Command::Open => {
                self.chosen = self.current();
                if self.chosen.is_some() {
                    self.detail = None;
                    self.trace.clear();
                    self.traced = false;
                    return self.go(Tab::Detail);
                }
            }
            Command::Back if self.tab == Tab::Detail => {
                self.tab = Tab::Processes;
                if std::mem::take(&mut self.traced) {
                    return Some(Request::Trace(None));
                }
                return self.wants();
            }
            Command::Trace if self.tab == Tab::Detail => {
                self.traced = !self.traced;
                return Some(Request::Trace(self.chosen.filter(|_| self.traced)));
            }
            Command::Kill => {
                if self
                    .welcome
                    .as_ref()
                    .is_some_and(|welcome| welcome.read_only)
                {
                    self.note = "this node may only be looked at".to_owned();
                } else {
                    self.asked = self.current();
                }
            }
            _ => {}
        }
        None
    }

    /// The next page or the one before: of the list the node is asked, all else is here.
    fn turn(&mut self, command: Command) -> Option<Request> {
        let forward = command == Command::NextPage;
        if self.tab != Tab::Processes {
            let last = self.rows().saturating_sub(1);
            self.at = match forward {
                true => (self.at + 20).min(last),
                false => self.at.saturating_sub(20),
            };
            return None;
        }
        let matched = self.page.as_ref().map_or(0, |page| page.matched);
        if !forward {
            self.skip = self.skip.saturating_sub(ROWS);
        } else if u64::from(self.skip + ROWS) < matched {
            self.skip += ROWS;
        } else {
            return None;
        }
        self.at = 0;
        self.wants()
    }

    fn go(&mut self, tab: Tab) -> Option<Request> {
        if self.tab != tab {
            self.at = 0;
        }
        self.tab = tab;
        self.wants()
    }
}

/// Puts a value in its place, and notes whether it is another one than before.
fn put<T: PartialEq>(changed: &mut bool, place: &mut T, value: T) {
    *changed |= *place != value;
    *place = value;
}
