//! State machines: an actor whose handlers depend on the state that it is in.
//!
//! Role       What gen_statem is, on top of the server: `machine` decides what comes next, `kept`
//!            drives it, and the rest is what a program sees.
//! Source     otp: gen_statem

mod actor;
mod context;
mod kept;
pub mod machine;
mod states;
mod timer;
mod wishes;

pub use actor::{Accepts, At, Holds, IntoStart, Statem, arrived, begin};
pub use context::{In, Lend};
pub use kept::Kept;
pub use states::{
    Anywhere, Ending, Enter, First, MayInsert, MayMove, MayPostpone, MayWait, Starting, State,
    States, To,
};
pub use wishes::Step;
