//! How is a socket of the machine opened?
//!
//! Role       TCP, as small frames like it: without Nagle's delay, and with an end that is noticed.
//! Invariant  Nothing beyond reach is listened at or dialled, whoever told the address: a peer, too.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;

use foundation_runtime::Node;

use super::KNOCK;
use super::address::{BadAddress, Reach};
use super::net::{self, TcpListener, TcpStream};

/// How many dials to one address are under way: an answer may take so many intervals.
const KNOCKS_OPEN: usize = 9;

pub(super) async fn listen(address: &str, reach: Reach) -> io::Result<TcpListener> {
    net::bind(&within(address, reach).await?).await
}

pub(super) async fn dial(address: &str, reach: Reach) -> io::Result<TcpStream> {
    connect(within(address, reach).await?).await
}

async fn connect(to: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let stream = net::connect(&to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Dials anew at short intervals, however long the system waits before it asks again. What was dialled before
/// goes on meanwhile: the first that is connected, or refused, counts.
pub(super) async fn knock(node: &Node, address: &str, reach: Reach) -> io::Result<TcpStream> {
    let to = within(address, reach).await?;
    let mut open = VecDeque::from([Box::pin(connect(to.clone()))]);
    let mut pause = Box::pin(node.sleep(KNOCK));
    poll_fn(|cx| {
        loop {
            for dial in &mut open {
                if let Poll::Ready(dialled) = dial.as_mut().poll(cx) {
                    return Poll::Ready(dialled);
                }
            }
            if pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // The first is asked again by the system, wherever the answer takes long.
            if open.len() == KNOCKS_OPEN {
                open.remove(1);
            }
            open.push_back(Box::pin(connect(to.clone())));
            pause = Box::pin(node.sleep(KNOCK));
        }
    })
    .await
}

/// What an address stands for, if any of it is within reach.
async fn within(address: &str, reach: Reach) -> io::Result<Vec<SocketAddr>> {
    let mut within = net::lookup(address).await?;
    within.retain(|found| reach.has(found.ip()));
    match within.is_empty() {
        true => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            BadAddress::Beyond.to_string(),
        )),
        false => Ok(within),
    }
}

pub(super) async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Box<str>)> {
    let (stream, from) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, from.to_string().into()))
}

#[cfg(all(test, not(feature = "turmoil")))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_machine_is_not_dialled_without_tls() {
        let dialled = dial("192.0.2.1:9", Reach::Machine).await;
        let error = dialled.expect_err("it is not of this machine");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let listened = listen("0.0.0.0:0", Reach::Machine).await;
        let error = listened.expect_err("it is not of this machine alone");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        for reach in [Reach::Machine, Reach::Network] {
            let listener = listen("127.0.0.1:0", reach).await.expect("a port is free");
            let address = listener.local_addr().expect("it is bound").to_string();
            dial(&address, reach).await.expect("it listens");
        }
        listen("0.0.0.0:0", Reach::Network)
            .await
            .expect("a port is free");
    }
}
