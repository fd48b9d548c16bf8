//! Is there something in this probe that fits, or will there be?
//!
//! Role       What `assert_receive!` and its kin expand to: a look, or a wait with a bound, by a
//!            matcher that takes or gives back.
//! Outputs    What was taken; or [`Missed`] and [`Unwanted`], which say what there was instead.
//! Invariant  What does not fit stays where it was.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};
use std::time::Duration;

use foundation_runtime::{Mail, Message, Node, time};

use super::probe::Probe;

/// How many entries of a mailbox a failure shows.
const SHOWN_MAX: usize = 20;

/// What a test can listen at: a [`Probe`] for messages of its type, [`Probe::mail`] for everything,
/// [`Probe::letters`] for messages of another type.
pub trait Inbox {
    /// What a pattern is matched with.
    type Item;
    /// Its node, whose clock bounds the waits.
    #[doc(hidden)]
    fn node(&self) -> &Node;
    /// Takes the oldest item that `matcher` takes.
    #[doc(hidden)]
    fn scan<T>(&self, matcher: &mut dyn FnMut(Self::Item) -> Result<T, Self::Item>) -> Option<T>;
    /// Wakes the task when something comes.
    #[doc(hidden)]
    fn watch(&self, cx: &Context<'_>);
    /// Returns when all that lay in its process's inbox before can be seen.
    #[doc(hidden)]
    fn flush(&self) -> impl Future<Output = ()>;
    /// What there is, as text.
    #[doc(hidden)]
    fn shown(&self, show: &dyn Fn(&Self::Item) -> String) -> Vec<String>;
}

/// How an item is taken out of a mail, and put back.
trait View<M, I> {
    fn open(mail: Mail<M>) -> Result<I, Mail<M>>;
    fn close(item: I) -> Mail<M>;
}

struct Own;
struct Whole;
struct Letter;

impl<M> View<M, M> for Own {
    fn open(mail: Mail<M>) -> Result<M, Mail<M>> {
        match mail {
            Mail::Msg(message) => Ok(message),
            other => Err(other),
        }
    }

    fn close(item: M) -> Mail<M> {
        Mail::Msg(item)
    }
}

impl<M> View<M, Mail<M>> for Whole {
    fn open(mail: Mail<M>) -> Result<Mail<M>, Mail<M>> {
        Ok(mail)
    }

    fn close(item: Mail<M>) -> Mail<M> {
        item
    }
}

impl<M, T: Message> View<M, T> for Letter {
    fn open(mail: Mail<M>) -> Result<T, Mail<M>> {
        match mail {
            Mail::Info(info) => info.take::<T>().map_err(Mail::Info),
            other => Err(other),
        }
    }

    fn close(item: T) -> Mail<M> {
        Mail::Info(foundation_runtime::Info::new(
            foundation_runtime::Envelope::plain(item),
        ))
    }
}

fn scan<M: Message, I, V: View<M, I>, T>(
    probe: &Probe<M>,
    matcher: &mut dyn FnMut(I) -> Result<T, I>,
) -> Option<T> {
    let mut state = probe.kept().state();
    for place in 0..state.mails.len() {
        let mail = state.mails.remove(place)?;
        let mail = match V::open(mail) {
            Ok(item) => match matcher(item) {
                Ok(value) => return Some(value),
                Err(item) => V::close(item),
            },
            Err(mail) => mail,
        };
        state.mails.insert(place, mail);
    }
    None
}

fn shown<M: Message, I, V: View<M, I>>(
    probe: &Probe<M>,
    show: &dyn Fn(&I) -> String,
) -> Vec<String> {
    let mut state = probe.kept().state();
    let mut lines = Vec::new();
    for place in 0..state.mails.len() {
        let Some(mail) = state.mails.remove(place) else {
            break;
        };
        let mail = match V::open(mail) {
            Ok(item) => {
                lines.push(show(&item));
                V::close(item)
            }
            Err(mail) => {
                lines.push(plain(&mail));
                mail
            }
        };
        state.mails.insert(place, mail);
    }
    lines
}

/// A mail that the pattern is not about.
fn plain<M: Message>(mail: &Mail<M>) -> String {
    match mail {
        Mail::Exit(exit) => format!("exit of {}: {}", exit.from, exit.reason),
        Mail::Down(down) => match down.pid {
            Some(pid) => format!("down of {pid}: {}", down.reason),
            None => format!("down: {}", down.reason),
        },
        Mail::Info(info) => format!("message {}", info.name()),
        Mail::Timeout(..) => format!("timer with {}", M::NAME),
        _ => format!("message {}", M::NAME),
    }
}

macro_rules! inbox {
    ([$($generics:tt)*] $this:ty, $item:ty, $view:ty, $probe:ident => $at:expr) => {
        impl<$($generics)*> Inbox for $this {
            type Item = $item;

            fn node(&self) -> &Node {
                let $probe = self;
                $at.home()
            }

            fn scan<R>(
                &self,
                matcher: &mut dyn FnMut(Self::Item) -> Result<R, Self::Item>,
            ) -> Option<R> {
                let $probe = self;
                scan::<M, $item, $view, R>($at, matcher)
            }

            fn watch(&self, cx: &Context<'_>) {
                let $probe = self;
                $at.kept().state().wakers.push(cx.waker().clone());
            }

            fn flush(&self) -> impl Future<Output = ()> {
                let $probe = self;
                $at.flush()
            }

            fn shown(&self, show: &dyn Fn(&Self::Item) -> String) -> Vec<String> {
                let $probe = self;
                shown::<M, $item, $view>($at, show)
            }
        }
    };
}

/// Everything that reaches a probe.
#[derive(Debug)]
pub struct Mails<'a, M>(pub(super) &'a Probe<M>);

/// The messages of type `T` that reach a probe of another type.
#[derive(Debug)]
pub struct Letters<'a, M, T>(&'a Probe<M>, PhantomData<fn() -> T>);

impl<'a, M, T> Letters<'a, M, T> {
    pub(super) fn of(probe: &'a Probe<M>) -> Self {
        Self(probe, PhantomData)
    }
}

inbox!([M: Message] Probe<M>, M, Own, probe => probe);
inbox!([M: Message] Mails<'_, M>, Mail<M>, Whole, mails => mails.0);
inbox!([M: Message, T: Message] Letters<'_, M, T>, T, Letter, letters => letters.0);

/// Nothing fitted.
#[derive(Debug)]
pub struct Missed {
    /// How long it was waited.
    bound: Option<Duration>,
    /// What there was instead.
    held: Vec<String>,
}

impl Missed {
    /// What a failed assertion says.
    #[must_use]
    pub fn about(&self, pattern: &str) -> String {
        let when = match self.bound {
            Some(bound) => format!("came within {bound:?}"),
            None => "had come".to_owned(),
        };
        format!("nothing that matches `{pattern}` {when}{self}")
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.held.len() {
            0 => return f.write_str("; the mailbox is empty"),
            1 => f.write_str("; the mailbox holds:")?,
            count => write!(f, "; the mailbox holds these {count}:")?,
        }
        for line in self.held.iter().take(SHOWN_MAX) {
            write!(f, "\n  {line}")?;
        }
        if self.held.len() > SHOWN_MAX {
            write!(f, "\n  and {} more", self.held.len() - SHOWN_MAX)?;
        }
        Ok(())
    }
}

/// Something fitted that was not to come.
#[derive(Debug)]
pub struct Unwanted {
    shown: String,
}

impl Unwanted {
    /// What a failed refutation says.
    #[must_use]
    pub fn about(&self, pattern: &str) -> String {
        format!("a message that matches `{pattern}` came:\n  {}", self.shown)
    }
}

/// Waits until there is something that `matcher` takes, at most `bound`.
///
/// # Errors
/// [`Missed`]: nothing was taken.
pub async fn listen<I: Inbox, T>(
    inbox: &I,
    bound: Duration,
    mut matcher: impl FnMut(I::Item) -> Result<T, I::Item>,
    show: impl Fn(&I::Item) -> String,
) -> Result<T, Missed> {
    let found = std::future::poll_fn(|cx| match inbox.scan(&mut matcher) {
        Some(value) => Poll::Ready(value),
        None => {
            inbox.watch(cx);
            // Something may have come between the look and the waker.
            inbox.scan(&mut matcher).map_or(Poll::Pending, Poll::Ready)
        }
    });
    let found = time::timeout_on(inbox.node(), bound, found).await;
    found.ok_or_else(|| Missed {
        bound: Some(bound),
        held: inbox.shown(&show),
    })
}

/// Takes what is there and fits: all that lay in the inbox when this was called counts.
///
/// # Errors
/// [`Missed`]: nothing was taken.
pub async fn look<I: Inbox, T>(
    inbox: &I,
    mut matcher: impl FnMut(I::Item) -> Result<T, I::Item>,
    show: impl Fn(&I::Item) -> String,
) -> Result<T, Missed> {
    inbox.flush().await;
    inbox.scan(&mut matcher).ok_or_else(|| Missed {
        bound: None,
        held: inbox.shown(&show),
    })
}

/// Sees that nothing fits, or comes that does, for as long as `bound`; without one, now.
///
/// # Errors
/// [`Unwanted`]: something did. It is taken out.
pub async fn refuse<I: Inbox>(
    inbox: &I,
    bound: Option<Duration>,
    mut matcher: impl FnMut(I::Item) -> Result<(), I::Item>,
    show: impl Fn(&I::Item) -> String,
) -> Result<(), Unwanted> {
    let mut text = String::new();
    let matcher = |item: I::Item| {
        text = show(&item);
        matcher(item)
    };
    let found = match bound {
        Some(bound) => listen(inbox, bound, matcher, |_| String::new()).await,
        None => look(inbox, matcher, |_| String::new()).await,
    };
    match found {
        Ok(()) => Err(Unwanted { shown: text }),
        Err(_) => Ok(()),
    }
}
