//! What does an account cost each allocation?
//!
//! Role       Allocates and frees by the program's allocator, inside a process, and by the one
//!            underneath it, in the same way.
//! Outputs    Nanoseconds for one allocation and its free, of several sizes.

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::time::Instant;

use foundation::prelude::*;
use foundation::promise;

use crate::row::{Measured, Row};
use crate::{Bench, FOUNDATION_ALLOCATOR};

const SIZES: [usize; 3] = [16, 64, 1000];
/// So many live at a time.
const LIVE: usize = 64;

#[derive(Message)]
#[message(local)]
struct Nothing;

/// The least that a pair took in many rounds.
fn pairs(allocator: &impl GlobalAlloc, size: usize, quick: bool) -> f64 {
    let layout = Layout::from_size_align(size, 8).expect("a layout");
    let rounds = if quick { 2_000 } else { 20_000 };
    let mut best = f64::MAX;
    let mut blocks = [std::ptr::null_mut(); LIVE];
    for _ in 0..9 {
        let start = Instant::now();
        for _ in 0..rounds {
            for block in &mut blocks {
                // SAFETY: the layout is not empty.
                *block = black_box(unsafe { allocator.alloc(layout) });
            }
            for block in blocks {
                // SAFETY: it was just allocated with this layout.
                unsafe { allocator.dealloc(black_box(block), layout) };
            }
        }
        let each = start.elapsed().as_secs_f64() * 1e9 / (rounds * LIVE) as f64;
        best = best.min(each);
    }
    best
}

fn measure(of: impl Fn(usize) -> f64 + Send + 'static) -> Result<Measured, String> {
    let node = Node::builder().workers(1).start();
    let node = node.map_err(|error| error.to_string())?;
    let (reply, measured) = promise(&node);
    let body = move |_: Process<Nothing>| async move {
        let figures = SIZES.map(|size| (size.to_string(), of(size)));
        reply.send(figures);
    };
    node.spawn_fn(body).map_err(|error| error.to_string())?;
    let figures = node.block_on(measured.timeout(secs(600)));
    let figures = figures.map_err(|error| error.to_string())?;
    let add = |measured: Measured, (name, value): (String, f64)| measured.with(&name, value);
    Ok(figures.into_iter().fold(Measured::default(), add))
}

pub(crate) fn on(quick: bool) -> Result<Measured, String> {
    measure(move |size| pairs(&FOUNDATION_ALLOCATOR, size, quick))
}

pub(crate) fn off(quick: bool) -> Result<Measured, String> {
    measure(move |size| pairs(FOUNDATION_ALLOCATOR.inner(), size, quick))
}

pub(crate) fn rows(bench: &Bench) -> Result<Vec<Row>, String> {
    let (on, off) = (
        bench.measure("accounts on")?,
        bench.measure("accounts off")?,
    );
    let row = |size: usize| {
        let size = size.to_string();
        let name = format!("an allocation of {size} bytes and its free");
        Row::new(&name, "ns", on.get(&size), Some(off.get(&size)))
            .note("with an account, against the allocator underneath")
    };
    Ok(SIZES.map(row).into())
}
