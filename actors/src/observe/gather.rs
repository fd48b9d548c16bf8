//! What does the node look like to this observer now?
//!
//! Role       Looks through the node's public windows, and puts what it sees into the protocol's
//!            values.
//! Inputs     A node; requests.
//! Outputs    Answers.
//! Owns       What the last look saw, for rates.
//! Limit      Processes are asked with a bound of [`PATIENCE`], and only those whose behaviour
//!            answers; a table of more than `SMALL` is gone through on the pool for computations.
//! Invariant  No process waits for an observer, and a plain process gets no message from it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use foundation_runtime::{
    By, CallError, CrashReports, Load, Node, Pid, ProcessFacts, ProcessKind, Query, Reason,
    Sampler, Trace, TraceStream, dirty_cpu,
};

use super::protocol::{
    Alarm, AlarmKind, Answer, Circle, Detail, EVENTS_MAX, Event, Figures, OPERATE_MAX, Operate,
    Page, PageQuery, RANK_MAX, ROWS_MAX, Request, Row, SchedulerFigures, Sort, TEXT_MAX, Told,
    Traced, Welcome,
};
use super::{circles, tree};
use crate::sys::{self, LogEvent};
use crate::{Name, NodeExt, Operable, Operation};

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_millis(300);
/// A table this small is gone through in place.
const SMALL: usize = 2000;
const ALARMS_MAX: usize = 32;
/// So many of those that are stuck at most: there is room for others.
const STUCK_MAX: usize = 10;
/// So many of those who crashed are named.
const CRASHES_MAX: usize = 5;
const LIST_MAX: usize = 200;
/// The most events a second that a traced process is charged with.
const TRACE_RATE: u32 = 1000;

/// One observer's eyes.
pub(super) struct Eyes {
    node: Node,
    load: Load,
    crashed: u64,
    crashes: CrashReports,
    sampler: Sampler,
    /// When lists were looked at last, and what they showed.
    listed: Duration,
    rows: BTreeMap<Pid, (Duration, u64)>,
    /// The process that is traced, and what it did that was not told yet.
    trace: Option<(Pid, TraceStream)>,
}

impl Eyes {
    pub(super) fn new(node: Node) -> Self {
        let (load, crashed, listed) = (node.load(), node.stats().crashed, node.now());
        let crashes = node.capture_last_crashes(CRASHES_MAX);
        Self {
            node,
            load,
            crashed,
            crashes,
            sampler: Sampler::new(),
            listed,
            rows: BTreeMap::new(),
            trace: None,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.node.now()
    }

    pub(super) fn welcome(&self, read_only: bool) -> Answer {
        Answer::Welcome(Welcome {
            node: self.node.name().to_owned(),
            incarnation: self.node.id().as_u64(),
            os_pid: std::process::id(),
            read_only,
        })
    }

    /// The answer to a request.
    pub(super) async fn gather(&mut self, request: Request, read_only: bool) -> Answer {
        match request {
            Request::Processes(query) => self.page(query).await,
            Request::Tree(rows) => {
                let shown = on_pool(&self.node, move |node| tree::gather(node, rows as usize));
                shown.await.map_or_else(Answer::Refused, Answer::Tree)
            }
            Request::Process(pid) => Answer::Process(self.detail(pid).await.map(Box::new)),
            Request::Trace(target) => self.trace(target),
            Request::Kill(pid) => {
                let alive = self.node.is_alive(pid);
                if alive {
                    tracing::warn!(target: "foundation::observe", %pid, "killed by an observer");
                    self.node.exit(pid, Reason::Kill);
                }
                Answer::Killed(alive)
            }
            Request::Operate(operate) => operated(&self.node, operate, read_only).await,
            Request::Watch(_) => Answer::Refused("a watch is not gathered".to_owned()),
        }
    }

    pub(super) async fn figures(&mut self, skipped: u64) -> Figures {
        let begun = self.node.now();
        let stats = self.node.stats();
        let load = self.node.load();
        let memory = self.node.memory();
        let mut alarms = self.stuck();
        alarms.truncate(STUCK_MAX);
        let circles = self.circles().await;
        alarms.extend(circles.iter().map(circles::alarm));
        // Once told it is told: there must be room for it.
        alarms.extend(self.crashes(stats.crashed));
        alarms.extend(self.mailboxes());
        alarms.truncate(ALARMS_MAX);
        for alarm in &mut alarms {
            alarm.text = cut(std::mem::take(&mut alarm.text));
        }
        let schedulers = schedulers(&self.load, &load);
        let figures = Figures {
            at: load.at,
            processes: stats.processes as u64,
            processes_peak: stats.processes_peak as u64,
            spawned: stats.spawned,
            ended: stats.ended,
            crashed: stats.crashed,
            dead_letters: stats.dead_letters,
            timers: stats.timers as u64,
            names: stats.names as u64,
            memory: memory.map(|memory| memory.total),
            process_memory: memory.map(|memory| memory.processes),
            schedulers,
            shared_queue: (load.shared_queue + load.urgent_queue + load.low_queue) as u64,
            alarms,
            circles,
            skipped,
            took: self.node.now().saturating_sub(begun),
        };
        self.load = load;
        figures
    }

    fn stuck(&self) -> Vec<Alarm> {
        let stuck = self.node.stuck().into_iter().rev();
        stuck
            .filter(|stuck| !stuck.returned)
            .map(|stuck| {
                let name = stuck.name.as_ref().unwrap_or(&stuck.code);
                let message = stuck.message.map(|name| format!(" in {name}"));
                let (message, held) = (message.unwrap_or_default(), stuck.held.as_secs_f64());
                Alarm {
                    kind: AlarmKind::Stuck,
                    pid: Some(stuck.pid),
                    text: format!("{name} has held a scheduler for {held:.2} s{message}"),
                }
            })
            .collect()
    }

    /// Who waits for each other. It takes a look at each process.
    async fn circles(&self) -> Vec<Circle> {
        let found = on_pool(&self.node, Node::deadlocks).await;
        found.map_or_else(|_| Vec::new(), |found| circles::tell(&self.node, &found))
    }

    /// How many crashed since the last look, and who they were, the last first.
    fn crashes(&mut self, crashed: u64) -> Vec<Alarm> {
        let count = crashed.saturating_sub(self.crashed);
        self.crashed = crashed;
        let alarm = |pid, text| Alarm {
            kind: AlarmKind::Crashes,
            pid,
            text,
        };
        let reports = self.crashes.take_all().into_iter().rev();
        let who = reports.take(CRASHES_MAX).map(|report| {
            let name = report.name.as_ref().unwrap_or(&report.process);
            let text = format!("{name} crashed: {}", report.reason);
            alarm(Some(report.pid), text)
        });
        let who: Vec<Alarm> = who.collect();
        let others = count.saturating_sub(who.len() as u64);
        let more =
            (others > 0).then(|| alarm(None, format!("{others} more crashed since the last look")));
        who.into_iter().chain(more).collect()
    }

    fn mailboxes(&self) -> Vec<Alarm> {
        let alarms = self.node.mailboxes_in_alarm().into_iter();
        alarms
            .map(|alarm| {
                let name = alarm.name.as_deref().unwrap_or(alarm.initial_call);
                Alarm {
                    kind: AlarmKind::Mailbox,
                    pid: Some(alarm.pid),
                    text: format!("{name} had {} messages waiting", alarm.length),
                }
            })
            .collect()
    }

    async fn page(&mut self, mut query: PageQuery) -> Answer {
        query.skip = query.skip.min(RANK_MAX);
        query.rows = query.rows.min(ROWS_MAX);
        let (skip, rows) = (query.skip as usize, query.rows as usize);
        let mut wanted = Query::new().limit(skip + rows);
        if let Some(part) = query.code.as_ref().filter(|part| !part.is_empty()) {
            wanted = wanted.code(part.clone());
        }
        let sort = query.sort;
        let mut sampler = std::mem::take(&mut self.sampler);
        let looked = on_pool(&self.node, move |node| {
            let snapshot = match sort {
                Sort::Recent => node.snapshot_since(&mut sampler, &wanted),
                Sort::Reductions => node.snapshot(&wanted.top(skip + rows, By::Reductions)),
                Sort::Messages => node.snapshot(&wanted.top(skip + rows, By::Messages)),
                Sort::Memory => largest(node, wanted, skip + rows),
            };
            (snapshot, sampler)
        });
        let (snapshot, sampler) = match looked.await {
            Ok(looked) => looked,
            Err(why) => return Answer::Refused(why),
        };
        self.sampler = sampler;
        self.listed = snapshot.at;
        let before = std::mem::take(&mut self.rows);
        let shown = snapshot.processes.into_iter().skip(skip).take(rows);
        let mut list = Vec::new();
        for facts in shown {
            let seen = before.get(&facts.pid);
            let rate = seen.and_then(|seen| rate(*seen, snapshot.at, facts.reductions));
            self.rows.insert(facts.pid, (snapshot.at, facts.reductions));
            list.push(Row { rate, ..row(facts) });
        }
        Answer::Page(Page {
            query,
            matched: snapshot.matched as u64,
            rows: list,
        })
    }

    async fn detail(&mut self, pid: Pid) -> Option<Detail> {
        let facts = self.node.facts(pid)?;
        let told = self.node.info(pid, PATIENCE).await.ok().flatten();
        let (mut state, mut log) = (None, Vec::new());
        if told.is_some() && answers_system(facts.kind) {
            let status = sys::get_status(&(&self.node, pid)).timeout(PATIENCE).await;
            if let Ok(status) = status {
                state = status.shown.map(cut);
                let surplus = status.log.len().saturating_sub(EVENTS_MAX);
                log = status.log[surplus..].iter().map(event).collect();
            }
        }
        let priority = format!("{:?}", facts.priority).to_lowercase();
        let trap_exit = facts.trap_exit;
        let mut row = row(facts);
        if let Some(info) = &told {
            row.memory = info.memory;
            row.messages = Some(info.message_queue_len as u64);
            row.reductions = info.reductions;
            row.code.get_or_insert_with(|| info.initial_call.clone());
        }
        let told = told.map(|mut info| {
            [&mut info.links, &mut info.monitors, &mut info.monitored_by]
                .into_iter()
                .for_each(|list| list.truncate(LIST_MAX));
            info.dictionary.truncate(LIST_MAX);
            Told {
                links: info.links,
                monitors: info.monitors,
                monitored_by: info.monitored_by,
                dictionary: info.dictionary,
            }
        });
        Some(Detail {
            row,
            priority,
            trap_exit,
            told,
            state,
            log,
        })
    }

    fn trace(&mut self, target: Option<Pid>) -> Answer {
        self.trace = None;
        let Some(pid) = target else {
            return Answer::Done;
        };
        if !self.node.is_alive(pid) {
            return Answer::Refused("there is no such process".to_owned());
        }
        let trace = Trace::new().process(pid).everything();
        match self.node.trace(trace.capacity(EVENTS_MAX).rate(TRACE_RATE)) {
            Ok(stream) => {
                self.trace = Some((pid, stream));
                Answer::Done
            }
            Err(error) => Answer::Refused(error.to_string()),
        }
    }

    /// What the traced process did since this was called last.
    pub(super) fn traced(&mut self) -> Option<Traced> {
        let (pid, stream) = self.trace.as_mut()?;
        let mut traced = Traced {
            pid: *pid,
            events: Vec::new(),
            missed: 0,
            ended: None,
        };
        while let Some(event) = stream.try_next() {
            match event.what {
                foundation_runtime::Traced::Lost { count } => traced.missed += count,
                what => {
                    let text = cut(what.to_string());
                    traced.events.push(Event { at: event.at, text });
                }
            }
            if traced.events.len() == EVENTS_MAX {
                break;
            }
        }
        if traced.events.is_empty() && !self.node.is_alive(*pid) {
            traced.ended = Some("the process has ended".to_owned());
            self.trace = None;
        }
        Some(traced)
    }

    /// Traces nobody any more.
    pub(super) fn untrace(&mut self) {
        self.trace = None;
    }
}

/// Looks in place at a small table, and on the pool at a large one.
async fn on_pool<T: Send + 'static>(
    node: &Node,
    look: impl FnOnce(&Node) -> T + Send + 'static,
) -> Result<T, String> {
    if node.stats().processes <= SMALL {
        return Ok(look(node));
    }
    let node = node.clone();
    let looked = dirty_cpu(move || look(&node)).await;
    looked.map_err(|error| format!("the node is too busy to be looked at: {error}"))
}

/// The processes that hold the most memory: all are looked at, page by page.
fn largest(node: &Node, query: Query, count: usize) -> foundation_runtime::Snapshot {
    const PAGE: usize = 5000;
    let mut query = query.limit(PAGE);
    let mut kept: Vec<ProcessFacts> = Vec::new();
    let mut matched = 0;
    loop {
        let mut page = node.snapshot(&query);
        matched += page.processes.len();
        kept.append(&mut page.processes);
        kept.sort_by_key(|facts| std::cmp::Reverse(facts.memory));
        kept.truncate(count);
        match page.next {
            Some(next) => query = query.after(next),
            None => {
                page.processes = kept;
                page.matched = matched;
                return page;
            }
        }
    }
}

/// Whether such a process answers the system: a question to another would lie unread.
fn answers_system(kind: ProcessKind) -> bool {
    !matches!(kind, ProcessKind::Plain | ProcessKind::Task)
}

fn rate((then, before): (Duration, u64), now: Duration, reductions: u64) -> Option<f64> {
    let passed = now.saturating_sub(then).as_secs_f64();
    (passed > 0.0).then(|| reductions.saturating_sub(before) as f64 / passed)
}

pub(super) fn row(facts: ProcessFacts) -> Row {
    let label = facts.label.map(String::from);
    Row {
        pid: facts.pid,
        name: facts.name.map(|name| name.to_string()).or(label).map(cut),
        code: facts.code.map(str::to_owned),
        kind: facts.kind,
        parent: facts.parent,
        activity: facts.activity,
        reductions: facts.reductions,
        rate: None,
        messages: facts.message_queue_len.map(|count| count as u64),
        memory: facts.memory,
    }
}

fn schedulers(before: &Load, now: &Load) -> Vec<SchedulerFigures> {
    let shares = now.utilisation_since(before);
    let both = now.schedulers.iter().zip(shares);
    both.map(|(scheduler, utilisation)| SchedulerFigures {
        index: scheduler.index as u64,
        spare: scheduler.spare,
        utilisation,
        run_queue: scheduler.run_queue as u64,
        polls: scheduler.polls,
    })
    .collect()
}

fn event(event: &LogEvent) -> Event {
    Event {
        at: event.at,
        text: event.what.to_string(),
    }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// What a part of the node answers.
fn operated(node: &Node, operate: Operate, read_only: bool) -> Operating {
    let operation = Operation {
        question: operate.question,
        may_change: !read_only,
    };
    let part = operate.part;
    let asked = node.at(Name::<dyn Operable>::dynamic(part.clone()));
    let call = asked.operate(operation);
    let call = call.timeout(operate.bound.min(OPERATE_MAX));
    Box::pin(async move {
        match call.await {
            Ok(answer) => Answer::Operated(answer),
            Err(CallError::NoProc) => {
                Answer::Operated(Err(format!("this node has no part `{part}`")))
            }
            Err(error) => Answer::Operated(Err(format!("`{part}` did not answer: {error}"))),
        }
    })
}

/// The compiler does not see of a plain one that it may move between threads.
type Operating = Pin<Box<dyn Future<Output = Answer> + Send>>;
