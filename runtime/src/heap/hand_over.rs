//! Which allocations does a value own?
//!
//! Role       [`HandOver`]: said by types of messages, so that what they own becomes the receiver's.
//!            [`Owned`] is the same as a constant, [`Field`] finds it for whatever type there is.
//! Invariant  A type says less than it owns if it cannot tell, and never more: what is left out stays
//!            charged to whoever made it until it is freed. What is shared belongs to nobody alone,
//!            and stays too.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::sync::Arc;

use super::Hand;
use crate::{MonitorRef, NodeId, Pid, Reason, Secret, Term, TimerRef};

/// A type that knows which allocations its values own.
///
/// Derive it: `#[derive(HandOver)]`. `#[derive(Message)]` does so too, and the arguments of calls and
/// casts need nothing: when accounts are kept, each part of a message whose type has this trait is
/// charged to the process that receives it. What has not stays charged to the sender until it is
/// freed: as correct, and less useful.
///
/// The tables of `HashMap`, `BTreeMap`, `VecDeque` and `LinkedList` cannot be told and stay with
/// their maker; what lies in them goes. `Arc` is shared, and stays.
///
/// ```
/// use foundation_runtime::heap::{Hand, HandOver};
///
/// struct Order {
///     customer: String,
///     lines: Vec<(u32, String)>,
/// }
///
/// // What the derive writes.
/// impl HandOver for Order {
///     const OWNS: bool = true;
///     fn hand_over(&self, hand: &mut Hand<'_>) {
///         self.customer.hand_over(hand);
///         self.lines.hand_over(hand);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "nobody knows which allocations a `{Self}` owns",
    note = "add `#[derive(HandOver)]` to it"
)]
pub trait HandOver {
    /// Whether a value may own any at all: nobody looks at those that do not.
    const OWNS: bool;

    /// Shows each allocation that `self` owns to `hand`: most often by calling this for each field.
    fn hand_over(&self, hand: &mut Hand<'_>);
}

/// What values of a type own, as a constant that a [`Codec`](crate::Codec) carries.
pub struct Owned<M> {
    walk: Option<fn(&M, &mut Hand<'_>)>,
}

impl<M> Owned<M> {
    /// Nothing, or nothing that is known.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { walk: None }
    }

    /// What the type says.
    #[must_use]
    pub const fn by_type() -> Self
    where
        M: HandOver,
    {
        Self {
            walk: if M::OWNS { Some(M::hand_over) } else { None },
        }
    }

    pub(crate) const fn by(walk: fn(&M, &mut Hand<'_>)) -> Self {
        Self { walk: Some(walk) }
    }

    /// Whether there may be something.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        self.walk.is_some()
    }

    /// Goes over it.
    pub fn hand_over(&self, value: &M, hand: &mut Hand<'_>) {
        if let Some(walk) = self.walk {
            walk(value, hand);
        }
    }
}

impl<M> Clone for Owned<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Owned<M> {}

impl<M> std::fmt::Debug for Owned<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let walk = self.walk.map(|_| "..");
        f.debug_tuple("Owned").field(&walk).finish()
    }
}

/// What a value of any type owns, for code that is generated: `Field::<T>::OWNED` is the type's own
/// word if it has [`HandOver`], and else, with [`Untold`] in scope, nothing.
#[derive(Debug)]
pub struct Field<T>(PhantomData<T>);

impl<T: HandOver> Field<T> {
    /// What the type says.
    pub const OWNED: Owned<T> = Owned::by_type();
}

/// What is known of a type that says nothing.
pub trait Untold<T> {
    /// Nothing.
    const OWNED: Owned<T> = Owned::nothing();
}

impl<T> Untold<T> for Field<T> {}

macro_rules! owns_nothing {
    ($($type:ty),* $(,)?) => {$(
        impl HandOver for $type {
            const OWNS: bool = false;
            fn hand_over(&self, _: &mut Hand<'_>) {}
        }
    )*};
}

owns_nothing!(
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    f32,
    f64,
    bool,
    char,
    (),
    str,
    &'static str,
    Pid,
    NodeId,
    MonitorRef,
    TimerRef,
    Reason,
    std::time::Duration,
    core::net::IpAddr,
    core::net::Ipv4Addr,
    core::net::Ipv6Addr,
    core::net::SocketAddr,
    std::num::NonZeroU8,
    std::num::NonZeroU16,
    std::num::NonZeroU32,
    std::num::NonZeroU64,
    std::num::NonZeroUsize,
    std::cmp::Ordering,
);

impl<T: ?Sized> HandOver for Arc<T> {
    const OWNS: bool = false;
    fn hand_over(&self, _: &mut Hand<'_>) {}
}

impl<T: ?Sized> HandOver for PhantomData<T> {
    const OWNS: bool = false;
    fn hand_over(&self, _: &mut Hand<'_>) {}
}

/// Goes over several values of one type.
fn each<'v, T: HandOver + 'v>(values: impl IntoIterator<Item = &'v T>, hand: &mut Hand<'_>) {
    if T::OWNS {
        hand.inside(|hand| values.into_iter().for_each(|value| value.hand_over(hand)));
    }
}

impl HandOver for String {
    const OWNS: bool = true;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        // SAFETY: a string's buffer has its capacity.
        unsafe { hand.block(self.as_ptr(), self.capacity()) };
    }
}

impl<T: HandOver> HandOver for Vec<T> {
    const OWNS: bool = true;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        // No overflow: it is allocated.
        let size = self.capacity() * size_of::<T>();
        // SAFETY: a vector's buffer has its capacity.
        unsafe { hand.block(self.as_ptr().cast(), size) };
        each(self, hand);
    }
}

impl<T: HandOver> HandOver for BinaryHeap<T> {
    const OWNS: bool = true;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        let size = self.capacity() * size_of::<T>();
        // SAFETY: a heap is a vector in another order.
        unsafe { hand.block(self.as_slice().as_ptr().cast(), size) };
        each(self, hand);
    }
}

impl<T: HandOver + ?Sized> HandOver for Box<T> {
    const OWNS: bool = true;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        // SAFETY: a box has the layout of what is in it.
        unsafe { hand.block(std::ptr::from_ref(&**self).cast(), size_of_val(&**self)) };
        hand.inside(|hand| (**self).hand_over(hand));
    }
}

impl<T: HandOver> HandOver for [T] {
    const OWNS: bool = T::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        each(self, hand);
    }
}

impl<T: HandOver, const N: usize> HandOver for [T; N] {
    const OWNS: bool = T::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        each(self, hand);
    }
}

macro_rules! of_elements {
    ($($type:ident<$element:ident $(, $rest:ident)?>),* $(,)?) => {$(
        impl<$element: HandOver $(, $rest)?> HandOver for $type<$element $(, $rest)?> {
            const OWNS: bool = $element::OWNS;
            fn hand_over(&self, hand: &mut Hand<'_>) {
                each(self, hand);
            }
        }
    )*};
}

of_elements!(VecDeque<T>, LinkedList<T>, BTreeSet<T>, HashSet<T, S>);

impl<K: HandOver, V: HandOver, S> HandOver for HashMap<K, V, S> {
    const OWNS: bool = K::OWNS || V::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        each(self.keys(), hand);
        each(self.values(), hand);
    }
}

impl<K: HandOver, V: HandOver> HandOver for BTreeMap<K, V> {
    const OWNS: bool = K::OWNS || V::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        each(self.keys(), hand);
        each(self.values(), hand);
    }
}

impl<T: HandOver> HandOver for Option<T> {
    const OWNS: bool = T::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        if let Some(value) = self {
            value.hand_over(hand);
        }
    }
}

impl<T: HandOver, E: HandOver> HandOver for Result<T, E> {
    const OWNS: bool = T::OWNS || E::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        match self {
            Ok(value) => value.hand_over(hand),
            Err(error) => error.hand_over(hand),
        }
    }
}

impl<T: HandOver> HandOver for Reverse<T> {
    const OWNS: bool = T::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        self.0.hand_over(hand);
    }
}

impl<T: HandOver> HandOver for Secret<T> {
    const OWNS: bool = T::OWNS;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        self.reveal().hand_over(hand);
    }
}

impl HandOver for Term {
    const OWNS: bool = true;
    fn hand_over(&self, hand: &mut Hand<'_>) {
        match self {
            Self::Atom(name) => name.hand_over(hand),
            Self::Binary(bytes) => bytes.hand_over(hand),
            Self::List(terms) | Self::Tuple(terms) => terms.hand_over(hand),
            Self::Map(pairs) => pairs.hand_over(hand),
            Self::Integer(_) | Self::Float(_) | Self::Pid(_) | Self::Reference(..) => {}
        }
    }
}

macro_rules! of_tuples {
    ($(($($part:ident $at:tt),+)),* $(,)?) => {$(
        impl<$($part: HandOver),+> HandOver for ($($part,)+) {
            const OWNS: bool = $($part::OWNS)||+;
            fn hand_over(&self, hand: &mut Hand<'_>) {
                $(self.$at.hand_over(hand);)+
            }
        }
    )*};
}

of_tuples!(
    (A 0),
    (A 0, B 1),
    (A 0, B 1, C 2),
    (A 0, B 1, C 2, D 3),
    (A 0, B 1, C 2, D 3, E 4),
    (A 0, B 1, C 2, D 3, E 4, F 5),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7),
);
