//! Does the simulated world find what it is there to find, and the same each time?
//!
//! Role       Schedules that cross, exploration with planted races, stepped time, and equal runs.

mod explored;
mod repeated;
mod stepped;
