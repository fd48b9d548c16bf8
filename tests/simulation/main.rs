//! Does the simulated world find what it is there to find, and the same each time?
//!
//! Role       Schedules that cross, exploration with planted races, stepped time, equal runs, nodes that go
//!            wrong, and what is to hold at every moment.

mod always;
mod explored;
mod faults;
mod repeated;
mod stepped;
