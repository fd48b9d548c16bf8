//! What does the command line accept, and what does it say otherwise?
//!
//! Role  Rows of arguments.

use clap::{CommandFactory, Parser};
use foundation_node::cli::{Cli, Command, MAX_CLIENTS, RunArgs};
use foundation_node::input::Source;

fn run(arguments: &str) -> RunArgs {
    let words = std::iter::once("foundation").chain(arguments.split_whitespace());
    let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{arguments}: {error}"));
    match cli.into_command() {
        Command::Run(run) => run,
        other => panic!("{arguments}: {other:?}"),
    }
}

fn refused(arguments: &str, says: &str) {
    let words = std::iter::once("foundation").chain(arguments.split_whitespace());
    let error = Cli::try_parse_from(words).expect_err(arguments);
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains(says), "{arguments}: {error}");
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn bare_means_run() {
    let bare = run("");
    assert_eq!(bare, run("run"));
    assert_eq!(bare.source(), Source::Sample);
    assert_eq!(
        (bare.repeat.get(), bare.max_clients.get(), bare.chaos),
        (1, MAX_CLIENTS, 0.0)
    );
    assert_eq!((bare.workers, bare.seed, bare.simulate), (None, None, None));
    assert_eq!(run("--json access.log"), run("run access.log --json"));
}

#[test]
fn everything_at_once() {
    let args = run("run - --json --chaos 0.5 --repeat 7 --seed 3 --max-clients 9 --workers 2");
    assert_eq!(args.source(), Source::Stdin);
    assert_eq!(
        (args.chaos, args.repeat.get(), args.seed),
        (0.5, 7, Some(3))
    );
    assert_eq!(
        (args.max_clients.get(), args.workers.map(usize::from)),
        (9, Some(2))
    );
    assert!(args.json && !args.plain);
    assert_eq!(run("run --simulate 7").simulate, Some(7));
    assert!(run("--plain --repeat 200").plain);
}

#[test]
fn nonsense_is_refused() {
    refused("run --chaos 1.5", "a probability is between 0 and 1");
    refused("run --chaos=-0.1", "a probability is between 0 and 1");
    refused("run --chaos NaN", "a probability is between 0 and 1");
    refused("run --chaos often", "not a number");
    refused("run --repeat 0", "a whole number from 1 up is needed");
    refused("run --workers 0", "a whole number from 1 up is needed");
    refused("run --max-clients 0", "a whole number from 1 up is needed");
    refused("run --repeat 2.5", "a whole number from 1 up is needed");
    refused("run --simulate 1 --seed 2", "cannot be used with");
    refused("run --plain --chaos 0.1", "cannot be used with");
    refused("run --observe a --plain", "cannot be used with");
    refused("run --observe a --simulate 1", "cannot be used with");
    refused("observe", "required");
    refused("observe a --sort size", "one of recent, reductions");
    refused("observe a --rows 501", "501 is not in 1..=500");
    refused("observe a --json --web", "cannot be used with");
    refused("observe a --web nowhere", "invalid socket address");
    refused("run --config a --workers 2", "cannot be used with");
    refused("cluster", "Usage");
    refused("cluster status --timeout 0", "between 0.001 and 50 seconds");
    refused("cluster status --node a --socket b", "cannot be used with");
    refused("cluster evict", "required");
    refused("run a b", "unexpected argument 'b'");
    refused("run --jsn", "--json");
}

#[test]
fn the_help_is_at_most_100_columns() {
    for command in [
        Cli::command(),
        Cli::command().find_subcommand("run").unwrap().clone(),
        Cli::command().find_subcommand("observe").unwrap().clone(),
        Cli::command().find_subcommand("cluster").unwrap().clone(),
    ] {
        let help = command.term_width(100).render_long_help().to_string();
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{help}"
        );
    }
}
