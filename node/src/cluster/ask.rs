//! What does `foundation cluster` do from its arguments to its exit code?
//!
//! Role       Finds the node's socket, asks once, prints.
//! Outputs    An exit code: 0; 1 when there is no answer, or a ping had none.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use foundation::Node;
use foundation::cluster::desk::{self, Acted, Answer as Told, Question};
use foundation::observe::protocol::{Answer, Operate, Request};

use super::args::ClusterArgs;
use super::{place, show};
use crate::observe::link::{Link, LinkError};

/// What the node itself may take, beside the time that others have.
const OWN_BOUND: Duration = Duration::from_secs(5);

/// Runs the command, and returns its exit code.
#[must_use]
pub fn run(args: &ClusterArgs) -> u8 {
    match told(args) {
        Ok(told) => {
            let text = match args.json {
                true => show::json(&told),
                false => show::text(&told),
            };
            let mut out = io::stdout().lock();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error.to_string()),
                _ => u8::from(is_bad(&told)),
            }
        }
        Err(error) => fail(&error),
    }
}

fn fail(error: &str) -> u8 {
    // Whoever reads our errors may be gone, too.
    drop(writeln!(io::stderr(), "error: {error}"));
    1
}

/// Whether a script should stop here.
fn is_bad(told: &Told) -> bool {
    match told {
        Told::Pinged(pongs) => pongs.iter().any(|pong| pong.round_trip.is_err()),
        Told::Done(Acted::Switched { pending, .. }) => !pending.is_empty(),
        _ => false,
    }
}

fn socket(args: &ClusterArgs) -> Result<PathBuf, String> {
    match (&args.socket, &args.node) {
        (Some(path), _) => Ok(path.clone()),
        (None, Some(name)) => Ok(place::socket(&place::folder()?, name)),
        (None, None) => place::only(&place::folder()?),
    }
}

fn told(args: &ClusterArgs) -> Result<Told, String> {
    let socket = socket(args)?;
    let node = Node::builder().name("operator").workers(1).start();
    let node = node.map_err(|error| error.to_string())?;
    let told = node.block_on(ask(&node, &socket, args));
    // Nothing of it has anything to finish.
    drop(node.shutdown_blocking(Duration::from_millis(500)));
    told
}

async fn ask(node: &Node, socket: &Path, args: &ClusterArgs) -> Result<Told, String> {
    let failed = |error: LinkError| format!("{}: {error}", socket.display());
    let mut link = Link::open(node, socket).await.map_err(failed)?;
    let bound = args.timeout + OWN_BOUND;
    let answer = link.ask(&request(&args.question(), bound)?, bound).await;
    answer_of(answer.map_err(failed)?)
}

/// The question to the cluster of a node, as its agent takes it.
///
/// # Errors
/// What is wrong with it, in words.
pub fn request(question: &Question, bound: Duration) -> Result<Request, String> {
    let question = rmp_serde::to_vec_named(question).map_err(|error| error.to_string())?;
    Ok(Request::Operate(Operate {
        part: desk::PART.to_owned(),
        question,
        bound,
    }))
}

/// What a cluster answers.
///
/// # Errors
/// Why it does not, in words.
pub fn answer_of(answer: Answer) -> Result<Told, String> {
    match answer {
        Answer::Operated(Ok(bytes)) => rmp_serde::from_slice(&bytes)
            .map_err(|error| format!("the node answers in words of another version: {error}")),
        Answer::Operated(Err(why)) | Answer::Refused(why) => Err(why),
        _ => Err("the node answered another question".to_owned()),
    }
}
