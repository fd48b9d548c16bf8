//! How is a node observed in a browser?
//!
//! Role       `foundation observe --web`: the same as the terminal shows, as a page.
//! Inputs     Requests of a browser on this machine.
//! Outputs    The page and its parts; events with figures; JSON.
//! Invariant  Without the token of this start nothing is told and nothing is done; a request that
//!            was made for another host, or by another site's page, is refused.

mod guard;
mod routes;
mod source;

use std::future::{IntoFuture, poll_fn};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use foundation::Node;

pub use guard::{Guard, Refusal};

/// Serves the page until a signal comes; the exit code.
///
/// # Errors
/// In words: no node answers, or the address cannot be had.
#[expect(
    clippy::disallowed_methods,
    reason = "the page is served from a socket"
)]
pub async fn serve(node: &Node, socket: &Path, address: SocketAddr) -> Result<u8, String> {
    let source = source::Source::open(node, socket).await?;
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.map_err(|error| format!("{address}: {error}"))?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    let guard = Guard::new(bound, token());
    let mut text = format!("Observing {} at\n\n  {}\n", socket.display(), guard.url());
    if !bound.ip().is_loopback() {
        text += "\nWhoever has that address and reaches it can end processes.\n";
    }
    // Whoever does not read it does not get the address.
    text.push('\n');
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| error.to_string())?;
    let app = routes::routes(source, guard);
    // Streams of events have no end of their own: they are not waited for.
    let mut serving = pin!(axum::serve(listener, app).into_future());
    let mut termination = pin!(node.termination());
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = serving.as_mut().poll(cx) {
            return Poll::Ready(outcome.map(|()| 0).map_err(|error| error.to_string()));
        }
        let signal = termination.as_mut().poll(cx);
        signal.map(|signal| Ok(if signal == "SIGTERM" { 143 } else { 130 }))
    })
    .await
}

/// A word of 128 bits that nobody guesses: of the system's entropy, through a keyed hash.
fn token() -> String {
    format!("{:016x}{:016x}", foundation::seed(), foundation::seed())
}
