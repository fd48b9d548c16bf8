//! What does the program do from its first argument to its exit code?
//!
//! Role       Chooses how the job is done, and prints what it came to.
//! Inputs     The command line.
//! Outputs    A summary or one JSON object on the standard output; errors on the standard error.
//! Invariant  The exit code is 0 when every line was counted; 1 when the input or the job failed; 2
//!            for wrong arguments; 130 and 143 after SIGINT and SIGTERM. A reader of our output who
//!            leaves early is no failure: 0.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

use foundation::Node;

use crate::cli::RunArgs;
use crate::input::Input;
use crate::job::{self, JobError, Setup};
use crate::log::summary::Summary;
use crate::log::{Report, plain};

/// How long processes have to end in order.
const STOP_BOUND: Duration = Duration::from_secs(5);

/// Runs the program.
#[must_use]
pub fn run(args: &RunArgs) -> ExitCode {
    let input = match Input::open(args.source(), args.repeat.get()) {
        Ok(input) => input,
        Err(error) => return fail(&error.to_string()),
    };
    let name = input.source().to_string();
    let outcome = if args.plain {
        run_plain(args, input)
    } else if let Some(seed) = args.simulate {
        job::simulate(input, setup(args, seed)).map_err(|error| error.to_string())
    } else {
        run_supervised(args, input)
    };
    match outcome {
        Ok(report) => print(args, &name, &report),
        Err(error) => fail(&error),
    }
}

fn setup(args: &RunArgs, seed: u64) -> Setup {
    Setup {
        passes: args.repeat.get(),
        chaos: args.chaos,
        seed,
        clients_max: args.max_clients.get(),
    }
}

fn run_plain(args: &RunArgs, mut input: Input) -> Result<Report, String> {
    // A node does nothing here but tell the time.
    let node = Node::builder().workers(1).start().map_err(|error| error.to_string())?;
    let begun = node.now();
    let seconds = || (node.now() - begun).as_secs_f64();
    plain::run(&mut input, args.repeat.get(), seconds).map_err(|error| error.to_string())
}

fn run_supervised(args: &RunArgs, input: Input) -> Result<Report, String> {
    let mut builder = Node::builder().name("foundation");
    if let Some(workers) = args.workers {
        builder = builder.workers(workers.get());
    }
    let node = builder.start().map_err(|error| error.to_string())?;
    let setup = setup(args, args.seed.unwrap_or_else(foundation::seed));
    let report = node.block_on(async {
        let mut underway = job::start(&node, input, setup).await?;
        underway.counted().await?;
        let report = underway.report(0).await?;
        underway.stop(STOP_BOUND).await;
        Ok::<_, JobError>(report)
    });
    if let Err(error) = node.shutdown_blocking(STOP_BOUND) {
        eprintln!("warning: {error}");
    }
    report.map_err(|error| error.to_string())
}

fn print(args: &RunArgs, name: &str, report: &Report) -> ExitCode {
    let text = if args.json {
        report.to_json() + "\n"
    } else {
        let summary = Summary {
            report,
            input: name,
            passes: args.repeat.get(),
        };
        summary.to_string()
    };
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(&error.to_string()),
        _ => ExitCode::SUCCESS,
    }
}

fn fail(error: &str) -> ExitCode {
    // Whoever reads our errors may be gone, too.
    drop(writeln!(io::stderr(), "error: {error}"));
    ExitCode::FAILURE
}
