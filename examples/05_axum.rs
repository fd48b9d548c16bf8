//! A web server in front of an actor: a node inside a program that has its own tokio runtime.
//!
//! Run:      cargo run --example 05_axum
//! Shows:    a node under `#[tokio::main]`, a `Ref` as axum's state, call errors as status codes,
//!           an orderly end.
//! Expect:   GET /withdraw/30: 200 OK, 70
//!           GET /withdraw/300: 409 Conflict, only 70 left
//!           GET /withdraw/1 when the bank has gone: 503 Service Unavailable, no such process
//! Next:     06_two_nodes

#![allow(
    clippy::disallowed_methods,
    reason = "a web server opens sockets and starts tasks"
)]

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use foundation::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct Bank {
    balance: u64,
}

#[actor]
impl Bank {
    #[call]
    fn withdraw(&mut self, amount: u64) -> Result<u64, u64> {
        self.balance = self.balance.checked_sub(amount).ok_or(self.balance)?;
        Ok(self.balance)
    }
}

// ANCHOR: handler
const BANK: Name<Bank> = Name::new("bank");

async fn withdraw(
    State(bank): State<Ref<Bank>>,
    Path(amount): Path<u64>,
) -> Result<String, (StatusCode, String)> {
    match bank.withdraw(amount).timeout(secs(1)).await {
        Ok(Ok(left)) => Ok(left.to_string()),
        Ok(Err(left)) => Err((StatusCode::CONFLICT, format!("only {left} left"))),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
    }
}
// ANCHOR_END: handler

// ANCHOR: main
#[tokio::main]
async fn main() -> foundation::Result {
    // The node uses the runtime that this code runs in.
    let node = Node::builder().start()?;
    let tree = Supervisor::one_for_one()
        .child(child(|| Bank { balance: 100 }).name(BANK))
        .start(&node)
        .await?;

    let app = Router::new()
        .route("/withdraw/{amount}", get(withdraw))
        .with_state(node.at(BANK)); // by name: it survives the bank's restarts
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let server = tokio::spawn(async { server.await });
    // ANCHOR_END: main

    for path in ["/withdraw/30", "/withdraw/300"] {
        println!("GET {path}: {}", request(address, path).await?);
    }
    node.stop(&tree, Reason::Shutdown, secs(5)).await?;
    let path = "/withdraw/1";
    let answer = request(address, path).await?;
    println!("GET {path} when the bank has gone: {answer}");

    // ANCHOR: end
    let _ = stop.send(());
    server.await??;
    node.shutdown(secs(5)).await?;
    Ok(())
}
// ANCHOR_END: end

/// One request to ourselves: the status and the body.
async fn request(address: std::net::SocketAddr, path: &str) -> foundation::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.lines().next().unwrap_or_default();
    let status = status.trim_start_matches("HTTP/1.1 ");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Ok(format!("{status}, {body}"))
}
