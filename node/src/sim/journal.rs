//! Is what was synced still there when a machine comes back?
//!
//! Role       On each node a process that writes numbers into a journal, syncs now and then, and begins a new
//!            one; the next node of its name reads what is there.
//! Outputs    The [`Disks`] of the audit: what there must be.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::disk::{Disk, DiskError, DiskFile};
use foundation::prelude::*;

use super::audit::Audit;

/// A number, and the same with all bits turned over.
const RECORD_BYTES: usize = 16;
/// After so many records a new journal begins.
const RECORDS_MAX: u64 = 40;
const JOURNAL: &str = "journal/now";
const NEXT: &str = "journal/next";

/// What there must be on the disks.
#[derive(Debug, Default)]
pub(super) struct Disks(BTreeMap<String, Kept>);

#[derive(Debug, Default)]
struct Kept {
    written: u64,
    synced: u64,
}

impl Disks {
    /// A node is gone, and perhaps its power.
    pub(super) fn lost(&mut self, node: &str, power: bool) {
        if let Some(kept) = self.0.get_mut(node)
            && power
        {
            kept.written = kept.synced;
        }
    }
}

/// Nobody sends any.
#[derive(Debug, Message)]
#[message(local)]
enum Tick {}

/// Starts it on a node, which has looked at its disk then.
pub(super) async fn start(node: &Node, audit: &Arc<Audit>) -> Result<(), String> {
    let last = last(&node.disk())
        .await
        .map_err(|error| error.to_string())?;
    let mut books = audit.books();
    let kept = books.disks.0.entry(node.name().to_owned()).or_default();
    let (written, synced) = (kept.written, kept.synced);
    // What was written before a crash is there, and not safe yet.
    (kept.written, kept.synced) = (last, synced.min(last));
    if last < synced {
        let example = format!("{} has {last} of {synced}", node.name());
        books.broke("what was synced was not there after a crash", example);
    } else if last < written {
        let example = format!("{} has {last} of {written}", node.name());
        books.broke(
            "what was written was not there although the power stayed",
            example,
        );
    }
    drop(books);
    let audit = Arc::clone(audit);
    let writer = node.spawn_fn(move |me: Process<Tick>| write(me, last, audit));
    writer.map(drop).map_err(|error| error.to_string())
}

/// The last number of the journal, before the first record that is none.
async fn last(disk: &Disk) -> Result<u64, DiskError> {
    let journal = disk.open(JOURNAL).await?;
    let length = journal.len().await?.try_into().unwrap_or(usize::MAX);
    let bytes = journal.read_at(0, length).await?;
    let numbers = bytes.chunks_exact(RECORD_BYTES).map_while(number);
    Ok(numbers.last().unwrap_or(0))
}

fn record(number: u64) -> Vec<u8> {
    [number.to_be_bytes(), (!number).to_be_bytes()].concat()
}

fn number(record: &[u8]) -> Option<u64> {
    let (number, check) = record.split_first_chunk()?;
    let number = u64::from_be_bytes(*number);
    (*check == (!number).to_be_bytes()).then_some(number)
}

/// Goes on with a journal of its own until the disk fails, which it does with the node alone.
async fn write(me: Process<Tick>, last: u64, audit: Arc<Audit>) {
    if let Err(error) = go_on(&me, last, &audit).await {
        let example = format!("{}: {error}", me.node().name());
        audit
            .books()
            .broke("a disk failed though nobody broke it", example);
    }
}

async fn go_on(me: &Process<Tick>, mut last: u64, audit: &Audit) -> Result<(), DiskError> {
    let node = me.node();
    let disk = node.disk();
    let name = node.name().to_owned();
    let note = |written: u64, synced: Option<u64>| {
        let mut books = audit.books();
        let kept = books.disks.0.entry(name.clone()).or_default();
        kept.written = written;
        kept.synced = synced.unwrap_or(kept.synced);
    };
    loop {
        let journal = begin(&disk, last).await?;
        note(last, Some(last));
        for at in 1..RECORDS_MAX {
            node.sleep(ms(50 + node.random() % 200)).await;
            last += 1;
            let offset = at * RECORD_BYTES as u64;
            journal.write_at(offset, record(last)).await?;
            note(last, None);
            if node.random().is_multiple_of(4) {
                journal.sync().await?;
                note(last, Some(last));
            }
        }
    }
}

/// A new journal in the place of the one before: whatever happens, one of the two is there.
async fn begin(disk: &Disk, last: u64) -> Result<DiskFile, DiskError> {
    let next = disk.open(NEXT).await?;
    next.set_len(0).await?;
    next.write_at(0, record(last)).await?;
    next.sync().await?;
    disk.rename(NEXT, JOURNAL).await?;
    disk.sync_names().await?;
    Ok(next)
}
