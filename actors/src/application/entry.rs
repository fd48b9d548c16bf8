//! What does a program's `main` do around its node?
//!
//! Role       `#[foundation::main]`: a node, the program, and an orderly end: by itself, by a signal, or
//!            because the node has failed.
//! Source     otp: init

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use foundation_runtime::Node;

/// How long an orderly end may take when `main` returns or a signal comes.
const MAIN_BOUND: Duration = Duration::from_secs(10);

/// What ended a program whose `main` had not returned.
enum Ended {
    Signal(&'static str),
    Failed(Arc<str>),
}

/// What `#[foundation::main]` does: a node, the program, and an orderly end, also by signal.
///
/// # Panics
/// When no node can be started.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the end of the program's `main`"
)]
pub fn run_main<F, Fut, R>(main: F) -> R
where
    F: FnOnce(Node) -> Fut,
    Fut: Future<Output = R>,
{
    let node = match Node::builder().print_crashes(true).start() {
        Ok(node) => node,
        Err(error) => {
            eprintln!("error: the node did not start: {error}");
            std::process::exit(1);
        }
    };
    let outcome = node.block_on(async {
        let mut main = pin!(main(node.clone()));
        let mut signal = pin!(node.termination());
        let mut failed = pin!(node.failed());
        poll_fn(|cx| {
            if let Poll::Ready(value) = main.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            if let Poll::Ready(why) = failed.as_mut().poll(cx) {
                return Poll::Ready(Err(Ended::Failed(why)));
            }
            signal.as_mut().poll(cx).map(Ended::Signal).map(Err)
        })
        .await
    });
    if let Err(error) = node.shutdown_blocking(MAIN_BOUND) {
        eprintln!("warning: {error}");
    }
    match outcome {
        Ok(value) => value,
        Err(Ended::Signal(signal)) => {
            eprintln!("ended by {signal}");
            std::process::exit(if signal == "SIGTERM" { 143 } else { 130 });
        }
        Err(Ended::Failed(why)) => {
            eprintln!("error: {why}");
            std::process::exit(1);
        }
    }
}
