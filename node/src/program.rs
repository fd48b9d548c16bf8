//! What does the program do from its first argument to its exit code?
//!
//! Role       Chooses how the job is done, and prints what it came to.
//! Inputs     The command line.
//! Outputs    A summary or one JSON object on the standard output; errors on the standard error.
//! Invariant  The exit code is 0 when every line that was read is counted; 1 when the input or the
//!            job failed; 2 for wrong arguments; 130 and 143 after SIGINT and SIGTERM. A reader of
//!            our output who leaves early is no failure: 0.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use foundation::Node;
use foundation::cluster::{Builder, NodeClusterExt as _};

use crate::cli::RunArgs;
use crate::cluster;
use crate::console;
use crate::input::{Input, Source};
use crate::job::{self, JobError, Mishap, Setup, Underway};
use crate::log::summary::Summary;
use crate::log::{Report, plain};
use crate::memory;
use crate::nodes::{self, Fleet};
use crate::screen::Terminal;

/// How long processes have to end in order.
const STOP_BOUND: Duration = Duration::from_secs(5);
/// The same when a handler is known never to come back.
const STUCK_BOUND: Duration = Duration::from_millis(500);
/// How long other nodes have to take the goodbye.
const LEAVE_BOUND: Duration = Duration::from_secs(2);
/// After a signal, what has been read is still counted, for so long.
const SIGNAL_BOUND: Duration = Duration::from_secs(3);

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All was counted, or the operator wanted no more.
    Orderly,
    /// The operating system asked for it, by this signal.
    Signal(&'static str),
}

impl Ended {
    fn code(self) -> u8 {
        match self {
            Self::Orderly => 0,
            Self::Signal("SIGTERM") => 143,
            Self::Signal(_) => 130,
        }
    }
}

/// Runs the program, and returns its exit code.
#[must_use]
pub fn run(args: &RunArgs) -> u8 {
    let member = match cluster::builder(args) {
        Ok(member) => member,
        Err(error) => return fail(&error),
    };
    let member = match (member, &args.input) {
        (Some((builder, socket)), None) => return cluster::serve(builder, &socket),
        (member, _) => member,
    };
    let mishaps = match args.mishaps() {
        Ok(mishaps) => mishaps,
        Err(error) => {
            fail(&error);
            return 2;
        }
    };
    let input = match Input::open(args.source(), args.repeat.get()) {
        Ok(input) => input,
        Err(error) => return fail(&error.to_string()),
    };
    let name = input.source().to_string();
    let outcome = if args.plain {
        run_plain(args, input).map(|report| (report, Ended::Orderly))
    } else if let Some(seed) = args.simulate {
        let report = match args.nodes {
            Some(n) => nodes::simulate(input, setup(args, seed), n, &mishaps),
            None => job::simulate(input, setup(args, seed)),
        };
        report
            .map(|report| (report, Ended::Orderly))
            .map_err(|error| error.to_string())
    } else {
        run_supervised(args, member, input, &name, &mishaps)
    };
    match outcome {
        Ok((report, ended)) => print(args, &name, &report).max(ended.code()),
        Err(error) => fail(&error),
    }
}

fn setup(args: &RunArgs, seed: u64) -> Setup {
    Setup {
        passes: args.repeat.get(),
        chaos: args.chaos,
        seed,
        clients_max: args.max_clients.get(),
        paced: false,
        simulated: false,
    }
}

fn run_plain(args: &RunArgs, mut input: Input) -> Result<Report, String> {
    // A node does nothing here but tell the time.
    let node = Node::builder()
        .workers(1)
        .start()
        .map_err(|error| error.to_string())?;
    let begun = node.now();
    let seconds = || (node.now() - begun).as_secs_f64();
    plain::run(&mut input, args.repeat.get(), seconds).map_err(|error| error.to_string())
}

/// The node that does the job: one for itself, or one of a cluster.
fn start(
    args: &RunArgs,
    member: Option<(Builder, PathBuf)>,
    secret: Option<[u8; 32]>,
) -> Result<Node, String> {
    let (node, observe) = match member {
        Some((builder, socket)) => {
            let node = builder
                .start_blocking()
                .map_err(|error| error.to_string())?;
            (node, Some(socket))
        }
        None => {
            let mut builder = Node::builder().name(match secret {
                Some(_) => "n1",
                None => "foundation",
            });
            if let Some(workers) = args.workers {
                builder = builder.workers(workers.get());
            }
            let node = match secret {
                Some(secret) => nodes::first(builder, secret)?,
                None => builder.start().map_err(|error| error.to_string())?,
            };
            (node, args.observe.clone())
        }
    };
    if let Some(path) = observe {
        foundation::observe::serve(&node, path).map_err(|error| error.to_string())?;
    }
    Ok(node)
}

fn run_supervised(
    args: &RunArgs,
    member: Option<(Builder, PathBuf)>,
    input: Input,
    name: &str,
    mishaps: &[Mishap],
) -> Result<(Report, Ended), String> {
    let before = memory::resident().unwrap_or(0);
    let secret = args.nodes.map(|_| Fleet::secret());
    let node = start(args, member, secret)?;
    let screen = if args.json || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        None
    } else {
        Terminal::enter().ok()
    };
    let mut setup = setup(args, args.seed.unwrap_or_else(foundation::seed));
    // The sample is over in the blink of an eye, and it is there to be watched.
    setup.paced = screen.is_some() && args.source() == Source::Sample && setup.passes == 1;
    let outcome = node.block_on(async {
        let fleet = match (args.nodes, secret) {
            (Some(nodes), Some(secret)) => {
                let fleet = nodes::others(&node, args, nodes, secret, screen.is_some()).await;
                Some((nodes, fleet?))
            }
            _ => None,
        };
        let mut underway = match &fleet {
            None => job::start(&node, input, setup).await?,
            Some((nodes, fleet)) => {
                let blows = fleet.blows();
                job::start_spread(&node, input, setup, *nodes, blows, mishaps).await?
            }
        };
        let ended = match screen {
            Some(screen) => console::watch(&node, &mut underway, name, screen).await?,
            None => wait(&node, &mut underway).await?,
        };
        if ended != Ended::Orderly {
            underway.read_no_more();
            let counted = underway.counted();
            if let Some(outcome) = foundation::time::timeout_on(&node, SIGNAL_BOUND, counted).await
            {
                outcome?;
            }
        }
        let grown = memory::resident_peak().unwrap_or(0).saturating_sub(before);
        let report = underway.report(grown).await?;
        underway.stop(stop_bound(&node)).await;
        if args.config.is_some() {
            // Others find out by the closed connections if it does not work.
            let _ = node.cluster().leave(LEAVE_BOUND).await;
        }
        Ok::<_, JobError>((report, ended))
    });
    if let Err(error) = node.shutdown_blocking(stop_bound(&node)) {
        say(&format!("warning: {error}"));
    }
    outcome.map_err(|error| error.to_string())
}

/// Waits until all is counted, or a signal comes.
async fn wait(node: &Node, underway: &mut Underway) -> Result<Ended, JobError> {
    let mut counted = pin!(underway.counted());
    let mut signal = pin!(node.termination());
    std::future::poll_fn(|cx| {
        if let Poll::Ready(outcome) = counted.as_mut().poll(cx) {
            return Poll::Ready(outcome.map(|()| Ended::Orderly));
        }
        signal
            .as_mut()
            .poll(cx)
            .map(|signal| Ok(Ended::Signal(signal)))
    })
    .await
}

fn stop_bound(node: &Node) -> Duration {
    match node.stuck().iter().any(|stuck| !stuck.returned) {
        true => STUCK_BOUND,
        false => STOP_BOUND,
    }
}

fn print(args: &RunArgs, name: &str, report: &Report) -> u8 {
    let text = if args.json {
        report.to_json() + "\n"
    } else {
        let summary = Summary {
            report,
            input: name,
            passes: args.repeat.get(),
        };
        format!("{summary}{}", epilogue(args, report))
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(&error.to_string()),
        _ => 0,
    }
}

/// How to see the same again, and how to begin with a program of one's own.
fn epilogue(args: &RunArgs, report: &Report) -> String {
    let mut command = "foundation run".to_owned();
    if let Some(input) = &args.input {
        command.push(' ');
        command.push_str(&quoted(&input.to_string_lossy()));
    }
    // Writing to a text can't fail.
    let mut option = |text: std::fmt::Arguments<'_>| _ = write!(command, " {text}");
    if args.repeat.get() > 1 {
        option(format_args!("--repeat {}", args.repeat));
    }
    if args.max_clients.get() != crate::cli::MAX_CLIENTS {
        option(format_args!("--max-clients {}", args.max_clients));
    }
    if args.chaos > 0.0 {
        option(format_args!("--chaos {}", args.chaos));
    }
    if let Some(nodes) = args.nodes {
        option(format_args!("--nodes {nodes}"));
    }
    for (node, line) in &args.kill {
        option(format_args!("--kill {node}@{line}"));
    }
    for (node, line) in &args.partition {
        option(format_args!("--partition {node}@{line}"));
    }
    match args.simulate {
        Some(seed) => option(format_args!("--simulate {seed}")),
        None if args.plain => option(format_args!("--plain")),
        None => option(format_args!("--seed {}", report.run.seed)),
    }
    format!("\n  Replay      {command}\n\n  A program of your own begins like this:\n\n{COUNTER}")
}

/// The first program of the book.
const COUNTER: &str = include_str!("counter.txt");

/// An argument as a shell reads it.
fn quoted(argument: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+,:@%".contains(char);
    if argument.chars().all(plain) && !argument.is_empty() {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

fn fail(error: &str) -> u8 {
    say(&format!("error: {error}"));
    1
}

/// Whoever reads our errors may be gone, too: nothing is to be done about that.
fn say(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
