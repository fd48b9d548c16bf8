//! How is an access log read, counted and judged?
//!
//! Role     The job itself, free of processes: what the plain loop and the supervised tree share.
//! Inputs   Lines of the combined log format.
//! Outputs  A [`Report`].
//! Owns     Nothing; the parts own their maps.

pub mod date;
pub mod finding;
pub mod line;
pub mod plain;
pub mod report;
mod sorted;
pub mod summary;
pub mod tally;

pub use finding::{Burst, Finding, Findings, Minutes, Storm, Windows};
pub use line::{Field, LINE_BYTES_MAX, Line, Malformed, client_of, is_blank, parse};
pub use report::{Report, Run};
pub use tally::{Tally, Totals};
