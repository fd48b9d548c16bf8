//! Many calls at once.
//!
//! Role       [`Requests`]: a collection of calls under way, each with a label; [`multicall`]: the
//!            same call to a name on many nodes.
//! Limit      As many as are added; each ends by its own bound.
//! Source     otp: gen_server:reqids_new/0, multi_call/4

use std::future::IntoFuture;
use std::task::Poll;
use std::time::Duration;

use foundation_runtime::{Call, CallError, CallFuture};

use super::refs::{Addressed, Name, Ref, Remote};

/// Calls under way, each with a label.
#[derive(Debug)]
pub struct Requests<L, R> {
    calls: Vec<(L, CallFuture<R>)>,
}

impl<L, R> Default for Requests<L, R> {
    fn default() -> Self {
        Self { calls: Vec::new() }
    }
}

impl<L, R: 'static> Requests<L, R> {
    /// No calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a call. All that were added are sent when the first answer is awaited.
    pub fn add(&mut self, label: L, call: Call<R>) {
        self.calls.push((label, call.into_future()));
    }

    /// How many are not answered yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether all are answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The next answer, in the order in which they come, with its label; `None` when all are in.
    pub async fn next(&mut self) -> Option<(L, Result<R, CallError>)> {
        std::future::poll_fn(|cx| {
            if self.calls.is_empty() {
                return Poll::Ready(None);
            }
            for at in 0..self.calls.len() {
                let call = std::pin::Pin::new(&mut self.calls[at].1);
                if let Poll::Ready(answer) = call.poll(cx) {
                    let (label, _) = self.calls.remove(at);
                    return Poll::Ready(Some((label, answer)));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// What came back from many nodes.
#[derive(Debug)]
pub struct Multicall<R> {
    /// The answers, in the order of the nodes that were asked.
    pub replies: Vec<(Remote, R)>,
    /// The nodes that gave none, and why.
    pub failed: Vec<(Remote, CallError)>,
}

/// Asks whoever has `name` on each of these nodes, all at once, and waits at most `bound`.
///
/// ```ignore
/// let all = multicall([a.remote("b"), a.remote("c")], STATS, secs(1), |stats| stats.get()).await;
/// ```
pub async fn multicall<A: Addressed, R: 'static>(
    nodes: impl IntoIterator<Item = Remote>,
    name: Name<A>,
    bound: Duration,
    call: impl Fn(&Ref<A>) -> Call<R>,
) -> Multicall<R> {
    let nodes: Vec<Remote> = nodes.into_iter().collect();
    let mut requests = Requests::new();
    for (at, node) in nodes.iter().enumerate() {
        requests.add(at, call(&node.at(name.clone())).timeout(bound));
    }
    let mut answers = Vec::new();
    while let Some(answer) = requests.next().await {
        answers.push(answer);
    }
    answers.sort_by_key(|(at, _)| *at);
    let mut result = Multicall {
        replies: Vec::new(),
        failed: Vec::new(),
    };
    for (at, answer) in answers {
        match answer {
            Ok(reply) => result.replies.push((nodes[at].clone(), reply)),
            Err(error) => result.failed.push((nodes[at].clone(), error)),
        }
    }
    result
}
