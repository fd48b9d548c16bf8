//! In which state is a state machine, and with what data?
//!
//! Role       The operations on state and data of a state machine, both with their types.
//! Invariant  To replace the state is no transition: nothing is entered, no timeout ends, and what is
//!            postponed waits for the next change. It need not be declared by `#[to]` either.
//! Source     otp: sys:get_state/1, sys:replace_state/2; gen_statem, system_get_state/1,
//!            system_replace_state/2

use super::operation::{Asking, inside, put};
use crate::server::Ref;
use crate::statem::Holds;

/// A copy of the state of a state machine of this node, and of its data, the struct: OTP's
/// `{State, Data}`.
///
/// ```ignore
/// let (lock, door) = sys::get_statem(&door).await?;
/// assert!(matches!(lock, Lock::Open));
/// assert_eq!(door.code, 1234);
/// ```
pub fn get_statem<A, S>(target: &Ref<A>) -> Asking<(S, A)>
where
    A: Holds<S> + Clone,
    S: Clone + Send + 'static,
{
    with_statem(target, |state: &S, data: &A| (state.clone(), data.clone()))
}

/// Looks at the state and the data of a state machine of this node, without a copy. `f` runs in its
/// process, between two handlers; when it panics, the caller gets the error and the state machine
/// goes on.
///
/// ```ignore
/// let is_open = sys::with_statem(&door, |lock, _| matches!(lock, Lock::Open)).await?;
/// ```
pub fn with_statem<A, S, T>(
    target: &Ref<A>,
    f: impl FnOnce(&S, &A) -> T + Send + 'static,
) -> Asking<T>
where
    A: Holds<S>,
    T: Send + 'static,
{
    inside(target, |data: &mut A, kept, _| {
        Ok(f(A::held(kept.state_mut()), data))
    })
}

/// Replaces the state and the data of a state machine of this node by what `f` makes of them. It is
/// no transition: nothing is entered, timeouts run on, and what is postponed waits for the next one.
/// When `f` panics, all stays as it was and the caller gets the error.
///
/// ```ignore
/// sys::replace_statem(&door, |_, door| (Lock::Open, Door { code: 4321, ..door.clone() })).await?;
/// ```
pub fn replace_statem<A: Holds<S>, S>(
    target: &Ref<A>,
    f: impl FnOnce(&S, &A) -> (S, A) + Send + 'static,
) -> Asking<()> {
    inside(target, |data: &mut A, kept, _| {
        let (new_state, new_data) = f(A::held(kept.state_mut()), data);
        put(kept.state_mut(), A::hold(new_state));
        put(data, new_data);
        Ok(())
    })
}
