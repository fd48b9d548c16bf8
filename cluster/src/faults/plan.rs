//! Which faults come when?
//!
//! Role       Faults with their times, as values and as a text of one fault a line, which is what
//!            `foundation sim --plan` reads.
//! Outputs    A [`Plan`] in order of time, or a [`BadPlan`] with the line and what to do about it.
//! Invariant  In a plan a node that is down is not harmed again, and only such a node is restarted.
//! Limit      [`FAULTS_MAX`] faults.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::overlay::client_server::SERVERS_MAX;
use crate::transport::simulated::Link;

/// The most faults of a plan.
pub const FAULTS_MAX: usize = 10_000;

/// Something that goes wrong, or is mended. Nodes are numbers: 2 is the one that a plan calls `n2`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Killed: the others are told.
    Crash(usize),
    /// Gone in silence, and with it what its disk had not synced.
    PowerOff(usize),
    /// A new one in the place of one that is down.
    Restart(usize),
    /// Nothing of it runs.
    Pause(usize),
    /// It goes on.
    Resume(usize),
    /// Each turn takes so long.
    Slow(usize, Duration),
    /// Its disk takes so long until it begins with something.
    SlowDisk(usize, Duration),
    /// Its clock goes so many times as fast.
    ClockRate(usize, f64),
    /// Its clock jumps ahead.
    ClockJump(usize, Duration),
    /// The first so many nodes on one side.
    Split(usize),
    /// Nothing passes between the two.
    Cut(usize, usize),
    /// Nothing passes from the first to the second.
    CutOneWay(usize, usize),
    /// The link between two is so.
    Link(usize, usize, Link),
    /// Everything that was cut passes.
    Heal,
    /// The first node that is up orders this overlay. That is no fault, but what faults may meet.
    Switch(Shape),
}

/// An overlay, as a plan has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// All nodes are connected to all.
    FullMesh,
    /// Each is connected to a few.
    HyParView,
    /// All are connected to the first so many.
    ClientServer(usize),
}

/// Faults in order of time.
///
/// ```
/// use foundation_cluster::faults::{Fault, Plan};
/// use std::time::Duration;
/// let text = "10s crash n2  # and\n12s restart n2";
/// let plan = Plan::read(text, 3, Duration::from_secs(60))?;
/// assert_eq!(plan.faults()[0], (Duration::from_secs(10), Fault::Crash(2)));
/// assert_eq!(plan.to_string(), "10s crash n2\n12s restart n2\n");
/// # Ok::<(), foundation_cluster::faults::BadPlan>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    faults: Vec<(Duration, Fault)>,
}

/// Why a text is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPlan {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for BadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for BadPlan {}

impl Plan {
    /// These faults, in order of time: those that a plan cannot have are left out. A node that is down
    /// is not harmed again, and only such a node is restarted.
    #[must_use]
    pub fn new(faults: impl IntoIterator<Item = (Duration, Fault)>) -> Self {
        let mut faults: Vec<(Duration, Fault)> = faults.into_iter().collect();
        faults.sort_by_key(|(when, _)| *when);
        let mut down = BTreeSet::new();
        faults.retain(|(_, fault)| place(*fault, &mut down).is_ok());
        Self { faults }
    }

    /// The faults, and when each comes.
    #[must_use]
    pub fn faults(&self) -> &[(Duration, Fault)] {
        &self.faults
    }

    /// The plan that comes with the program: the last node crashes and is started again, then the
    /// cluster is parted into halves, and heals.
    #[must_use]
    pub fn shipped(nodes: u32, length: Duration) -> Self {
        let last = nodes as usize - 1;
        let faults = [
            (20, Fault::Crash(last)),
            (30, Fault::Restart(last)),
            (45, Fault::Split(nodes as usize / 2)),
            (65, Fault::Heal),
        ];
        let faults = faults.map(|(percent, fault)| (length * percent / 100, fault));
        Self {
            faults: faults.to_vec(),
        }
    }

    /// Reads a plan for so many nodes and so long a run.
    ///
    /// # Errors
    /// [`BadPlan`] names the first line that makes no sense.
    pub fn read(text: &str, nodes: u32, length: Duration) -> Result<Self, BadPlan> {
        let mut faults = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line_number = at + 1;
            let bad = |what| BadPlan {
                line: line_number,
                what,
            };
            let line = line.split('#').next().unwrap_or("");
            let words: Vec<&str> = line.split_whitespace().collect();
            let [when, verb, rest @ ..] = &words[..] else {
                match words.is_empty() {
                    true => continue,
                    false => return Err(bad("a fault is missing: `10s crash n1` has one".into())),
                }
            };
            let when = duration(when).map_err(bad)?;
            if length <= when {
                let end = length.as_secs();
                let what = format!("{when:?} is not before the end at {end}s; raise `--minutes`");
                return Err(bad(what));
            }
            let fault = fault(verb, rest, nodes as usize).map_err(bad)?;
            if faults.len() == FAULTS_MAX {
                return Err(bad(format!("these are more than {FAULTS_MAX} faults")));
            }
            faults.push((line_number, when, fault));
        }
        faults.sort_by_key(|(_, when, _)| *when);
        check_order(&faults)?;
        let faults = faults.into_iter().map(|(_, when, fault)| (when, fault));
        Ok(Self {
            faults: faults.collect(),
        })
    }
}

/// Whether each node is there when something happens to it.
fn check_order(faults: &[(usize, Duration, Fault)]) -> Result<(), BadPlan> {
    let mut down = BTreeSet::new();
    for (line, when, fault) in faults {
        place(*fault, &mut down).map_err(|misplaced| {
            let what = match misplaced {
                Misplaced::IsUp(node) => {
                    format!("n{node} is not down at {when:?}; `crash n{node}` comes first")
                }
                Misplaced::IsDown(node) => {
                    format!("n{node} is down at {when:?}; `restart n{node}` comes first")
                }
            };
            BadPlan { line: *line, what }
        })?;
    }
    Ok(())
}

/// Why a fault has no place where it is.
enum Misplaced {
    IsUp(usize),
    IsDown(usize),
}

/// Notes a fault that comes after those before it.
fn place(fault: Fault, down: &mut BTreeSet<usize>) -> Result<(), Misplaced> {
    match fault {
        Fault::Restart(node) => match down.remove(&node) {
            true => Ok(()),
            false => Err(Misplaced::IsUp(node)),
        },
        Fault::Crash(node)
        | Fault::PowerOff(node)
        | Fault::Pause(node)
        | Fault::Resume(node)
        | Fault::Slow(node, _)
        | Fault::SlowDisk(node, _)
        | Fault::ClockRate(node, _)
        | Fault::ClockJump(node, _)
            if down.contains(&node) =>
        {
            Err(Misplaced::IsDown(node))
        }
        Fault::Crash(node) | Fault::PowerOff(node) => {
            down.insert(node);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A time as a plan has it: whole milliseconds.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis if millis % 1000 == 0 => write!(f, "{}s", millis / 1000),
            millis => write!(f, "{millis}ms"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Crash(node) => write!(f, "crash n{node}"),
            Self::PowerOff(node) => write!(f, "power_off n{node}"),
            Self::Restart(node) => write!(f, "restart n{node}"),
            Self::Pause(node) => write!(f, "pause n{node}"),
            Self::Resume(node) => write!(f, "resume n{node}"),
            Self::Slow(node, turn) => write!(f, "slow n{node} {}", Time(turn)),
            Self::SlowDisk(node, each) => write!(f, "slow_disk n{node} {}", Time(each)),
            Self::ClockRate(node, rate) => write!(f, "clock_rate n{node} {rate}"),
            Self::ClockJump(node, ahead) => write!(f, "clock_jump n{node} {}", Time(ahead)),
            Self::Split(count) => write!(f, "split {count}"),
            Self::Cut(a, b) => write!(f, "cut n{a} n{b}"),
            Self::CutOneWay(a, b) => write!(f, "cut_one_way n{a} n{b}"),
            Self::Link(a, b, link) => {
                let (least, most) = link.latency();
                let (least, most, loss) = (Time(least), Time(most), link.loss());
                write!(f, "link n{a} n{b} {least} {most} {loss}")
            }
            Self::Heal => f.write_str("heal"),
            Self::Switch(Shape::FullMesh) => f.write_str("switch mesh"),
            Self::Switch(Shape::HyParView) => f.write_str("switch hyparview"),
            Self::Switch(Shape::ClientServer(count)) => write!(f, "switch client-server {count}"),
        }
    }
}

/// As [`Plan::read`] reads it: one fault a line.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut faults = self.faults.iter();
        faults.try_for_each(|(when, fault)| writeln!(f, "{} {fault}", Time(*when)))
    }
}

fn fault(verb: &str, words: &[&str], nodes: usize) -> Result<Fault, String> {
    let node = |word: &str| node(word, nodes);
    Ok(match (verb, words) {
        ("crash", [n]) => Fault::Crash(node(n)?),
        ("power_off", [n]) => Fault::PowerOff(node(n)?),
        ("restart", [n]) => Fault::Restart(node(n)?),
        ("pause", [n]) => Fault::Pause(node(n)?),
        ("resume", [n]) => Fault::Resume(node(n)?),
        ("slow", [n, turn]) => Fault::Slow(node(n)?, duration(turn)?),
        ("slow_disk", [n, each]) => Fault::SlowDisk(node(n)?, duration(each)?),
        ("clock_rate", [n, rate]) => {
            let rate = number(rate)?;
            if !(0.1..=10.0).contains(&rate) {
                return Err(format!("a rate of {rate} is not between 0.1 and 10"));
            }
            Fault::ClockRate(node(n)?, rate)
        }
        ("clock_jump", [n, ahead]) => Fault::ClockJump(node(n)?, duration(ahead)?),
        ("split", [count]) => match count.parse() {
            Ok(count) if 0 < count && count < nodes => Fault::Split(count),
            _ => {
                return Err(format!(
                    "`split {count}` leaves a side empty: 1 to {}",
                    nodes - 1
                ));
            }
        },
        ("cut", [a, b]) => Fault::Cut(node(a)?, node(b)?),
        ("cut_one_way", [a, b]) => Fault::CutOneWay(node(a)?, node(b)?),
        ("link", [a, b, least, most, loss]) => {
            let link = Link::new(duration(least)?, duration(most)?, number(loss)?);
            Fault::Link(node(a)?, node(b)?, link.map_err(|error| error.to_string())?)
        }
        ("heal", []) => Fault::Heal,
        ("switch", ["mesh"]) => Fault::Switch(Shape::FullMesh),
        ("switch", ["hyparview"]) => Fault::Switch(Shape::HyParView),
        ("switch", ["client-server", count]) => match count.parse() {
            Ok(count) if 0 < count && count <= nodes.min(SERVERS_MAX) => {
                Fault::Switch(Shape::ClientServer(count))
            }
            _ => return Err(format!("`{count}` is no number of servers")),
        },
        _ => {
            let words = words.join(" ");
            return Err(format!(
                "`{verb} {words}` is no fault; `foundation sim --help` has them all"
            ));
        }
    })
}

fn node(word: &str, nodes: usize) -> Result<usize, String> {
    let number = word
        .strip_prefix('n')
        .and_then(|number| number.parse().ok());
    let known = number.filter(|number| *number < nodes);
    known.ok_or_else(|| format!("there is no node `{word}`: they are n0 to n{}", nodes - 1))
}

fn number(word: &str) -> Result<f64, String> {
    word.parse()
        .map_err(|_| format!("`{word}` is no number; 0.3 is one"))
}

fn duration(word: &str) -> Result<Duration, String> {
    let bad = || format!("`{word}` is no time; 10s, 250ms and 2m are");
    let digits = word.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let (number, unit) = word.split_at(digits);
    let number: u32 = number.parse().map_err(|_| bad())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number.into())),
        "s" => Ok(Duration::from_secs(number.into())),
        "m" => Ok(Duration::from_secs(60 * u64::from(number))),
        _ => Err(bad()),
    }
}
