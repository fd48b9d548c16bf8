//! Calls and what becomes of them: an answer, an error of the program's own, or none at all.
//!
//! Run:      cargo run --example 04_calls_and_errors
//! Shows:    results as data, `CallError`, bounds, an answer given later, `or_exit`.
//! Expect:   5 left
//!           not enough
//!           no answer in time
//!           answered later: 5
//!           the server ended before it answered: panic: the bank has fallen
//!           no such process
//! Next:     05_axum

use std::collections::BTreeMap;

use foundation::prelude::*;
use serde::{Deserialize, Serialize};

// ANCHOR: bank
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Broke;

struct Bank {
    balance: u64,
    pending: BTreeMap<u32, ReplyTo<u64>>,
}

#[actor]
impl Bank {
    /// What a handler returns is data, an `Err` too: the bank lives on.
    #[call]
    fn withdraw(&mut self, amount: u64) -> Result<u64, Broke> {
        self.balance = self.balance.checked_sub(amount).ok_or(Broke)?;
        Ok(self.balance)
    }

    /// Answered later: the right to answer is put aside.
    #[call]
    fn slow(&mut self, key: u32, from: ReplyTo<u64>) {
        self.pending.insert(key, from);
    }

    #[call]
    fn waiting(&self) -> usize {
        self.pending.len()
    }

    #[cast]
    fn release(&mut self, key: u32) {
        if let Some(from) = self.pending.remove(&key) {
            from.send(self.balance);
        }
    }

    /// Dying is a panic, or `cx.stop(reason)`.
    #[cast]
    fn fall(&mut self) {
        panic!("the bank has fallen");
    }
}
// ANCHOR_END: bank

#[foundation::main]
async fn main(node: Node) -> foundation::Result {
    let bank = node.spawn(Bank {
        balance: 10,
        pending: BTreeMap::new(),
    })?;

    // ANCHOR: outcomes
    for amount in [5, 50] {
        match bank.withdraw(amount).timeout(ms(200)).await {
            Ok(Ok(left)) => println!("{left} left"),
            Ok(Err(Broke)) => println!("not enough"),
            Err(CallError::Timeout) => println!("the bank may still do it"),
            Err(CallError::NoProc) => println!("there is no bank"),
            Err(error) => return Err(error.into()),
        }
    }
    // ANCHOR_END: outcomes

    // ANCHOR: later
    match bank.slow(1).timeout(ms(20)).await {
        Err(error @ CallError::Timeout) => println!("{error}"),
        other => println!("unexpected: {other:?}"),
    }

    let mut asking = {
        let bank = bank.clone();
        Task::spawn_nolink(&node, async move { bank.slow(2).or_exit().await })?
    };
    let answer = loop {
        bank.release(2)?; // does nothing until the request is there
        match asking.join(ms(1)).await {
            Err(foundation::TaskError::Timeout) => {}
            ended => break ended?,
        }
    };
    println!("answered later: {answer}");
    // ANCHOR_END: later

    // ANCHOR: down
    let mut waiting = {
        let bank = bank.clone();
        Task::spawn_nolink(&node, async move { bank.slow(3).await })?
    };
    while bank.waiting().await? < 2 {
        node.sleep(ms(1)).await; // requests 1 and 3 are not answered
    }
    bank.fall()?;
    match waiting.join(secs(5)).await? {
        Err(CallError::Down(Reason::Crash(crash))) => {
            println!(
                "the server ended before it answered: panic: {}",
                crash.message
            );
        }
        other => println!("unexpected: {other:?}"),
    }
    if let Err(error) = bank.withdraw(1).await {
        println!("{error}");
    }
    // ANCHOR_END: down
    Ok(())
}
