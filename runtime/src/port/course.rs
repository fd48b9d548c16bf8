//! Which way does a message go to another node, when not the usual one?
//!
//! Role       [`SendOptions`]: what a program asks for; [`Course`]: the same, as a node with its
//!            channels understands it; the names of a node's channels.
//! Invariant  A channel that the node does not have is an error before anything is sent. Between
//!            processes of one node a course changes nothing.
//! Limit      [`CHANNELS_MAX`] channels of a node, [`CHANNEL_NAME_MAX`] bytes of a name.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::Node;

/// How many channels a node may have.
pub const CHANNELS_MAX: usize = 64;
/// The most bytes of a channel's name.
pub const CHANNEL_NAME_MAX: usize = 32;

/// The channels that every node has. What is sent without a channel goes over the first.
pub const CHANNELS: [&str; 4] = ["data", "coordination", "gossip", "events"];

/// How a message is to go to another node: over which channel, and what is asked of it there.
///
/// It is given where messages leave: [`Ref::over`] of an actor's reference, [`ProcessRef::over`] of a
/// plain process's. A channel's name alone is enough where nothing else is asked for.
///
/// Between processes of one node it changes nothing.
///
/// ```
/// use foundation_runtime::SendOptions;
/// use std::time::Duration;
/// let readings = SendOptions::channel("gossip").key("boiler").within(Duration::from_millis(50));
/// assert_eq!(format!("{readings:?}"), "SendOptions(gossip, by key, within 50ms)");
/// ```
///
/// [`Ref::over`]: https://docs.rs/foundation
/// [`ProcessRef::over`]: crate::ProcessRef::over
#[derive(Clone, PartialEq, Eq)]
pub struct SendOptions {
    channel: Cow<'static, str>,
    key: Option<u64>,
    within: Option<Duration>,
    acknowledged: bool,
    causal: bool,
}

impl SendOptions {
    /// Over the channel of this name.
    #[must_use]
    pub fn channel(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            channel: name.into(),
            key: None,
            within: None,
            acknowledged: false,
            causal: false,
        }
    }

    /// What has the same key goes over the same lane of the channel, in its order, whoever sends it
    /// to whom; on a monotonic channel a newer message takes the place of an older one with the same
    /// key. Unless set, lanes are by sender and receiver, and messages are newer versions of each
    /// other when they have the same sender, receiver and type.
    #[must_use]
    pub fn key(mut self, key: impl Hash) -> Self {
        // Without keys of its own, so that it is the same on every node and in every run.
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.key = Some(hasher.finish());
        self
    }

    /// A message that has waited this long and has not left is dropped, and counted in the channel's
    /// figures; a call is then over with `Timeout`.
    #[must_use]
    pub fn within(mut self, bound: Duration) -> Self {
        self.within = Some(bound);
        self
    }

    /// A message is kept until the other node has said that it gave it to its process, and sent again
    /// when the connection is lost before that; it is delivered once. It is given up, and counted, when
    /// that node has ended or was started anew, and after the time of [`SendOptions::within`], a
    /// minute unless set. A request is not: its answer says as much, and its loss is an error.
    ///
    /// It says that a process was given it, not that it has handled it.
    #[must_use]
    pub fn acknowledged(mut self) -> Self {
        self.acknowledged = true;
        self
    }

    /// In causal order with all that is so sent over this channel: a message is given to its process after every
    /// other one, to a process of the same node, that came before it. One comes before another when the
    /// same node has sent it earlier, or had been given it, or something that came after it; a node is taken
    /// as a whole, so that it does not matter which of its processes sends. Answers come in this order,
    /// too.
    ///
    /// A message waits on the node it comes to until what it follows is there: at most as long as the
    /// channel says, five seconds unless set, and is then given out all the same, and counted. What was
    /// lost with a connection is not waited for, once that stands again. Nothing that was sent more than a
    /// minute ago is waited for.
    ///
    /// Such messages go over one lane to each node, whatever their keys, and a newer one never takes the
    /// place of an older. Each carries 20 bytes for every message it knows to be on its way: this is for
    /// dozens of nodes that talk so, not for thousands.
    ///
    /// ```
    /// use foundation_runtime::SendOptions;
    /// let notes = SendOptions::channel("events").causal().acknowledged();
    /// assert_eq!(format!("{notes:?}"), "SendOptions(events, acknowledged, causal)");
    /// ```
    #[must_use]
    pub fn causal(mut self) -> Self {
        self.causal = true;
        self
    }
}

impl fmt::Debug for SendOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendOptions({}", self.channel)?;
        if self.key.is_some() {
            f.write_str(", by key")?;
        }
        if let Some(bound) = self.within {
            write!(f, ", within {bound:?}")?;
        }
        if self.acknowledged {
            f.write_str(", acknowledged")?;
        }
        if self.causal {
            f.write_str(", causal")?;
        }
        f.write_str(")")
    }
}

impl From<&'static str> for SendOptions {
    fn from(channel: &'static str) -> Self {
        Self::channel(channel)
    }
}

/// [`SendOptions`] as a node with its channels understands them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Course {
    /// The place of the channel among the node's: 0 for what is sent without one.
    pub channel: u8,
    /// What is sent with the same key keeps its order.
    pub key: Option<u64>,
    /// How long it may wait before it leaves.
    pub within: Option<Duration>,
    /// Whether it is kept until the other node has it.
    pub acknowledged: bool,
    /// Whether it is given to its process after what came before it.
    pub causal: bool,
}

impl Course {
    /// Whether it is that of what is sent without options.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Over this channel, in causal order or not, and nothing else is asked for.
    #[must_use]
    pub fn over(channel: u8, causal: bool) -> Self {
        Self {
            channel,
            causal,
            ..Self::default()
        }
    }
}

/// The node has no channel of this name. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoChannel {
    /// The name that was asked for.
    pub name: Box<str>,
    /// What the node has.
    pub known: Vec<Arc<str>>,
}

impl fmt::Display for NoChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this node has no channel `{}`, only {}: declare it where the node is built",
            self.name,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for NoChannel {}

/// Why a node cannot have such channels.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadChannels {
    /// A name is empty, longer than [`CHANNEL_NAME_MAX`] bytes, or has something else in it than
    /// small letters, digits, `_` and `-`.
    Name(Box<str>),
    /// There are more than [`CHANNELS_MAX`].
    TooMany,
}

impl fmt::Display for BadChannels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(
                f,
                "a channel cannot be called {name:?}: 1 to {CHANNEL_NAME_MAX} small letters, digits, \
                 `_` and `-`"
            ),
            Self::TooMany => write!(f, "a node has at most {CHANNELS_MAX} channels"),
        }
    }
}

impl std::error::Error for BadChannels {}

/// The names of a node's channels, by their places.
#[derive(Clone, Debug)]
pub(crate) struct ChannelNames(Vec<Arc<str>>);

impl Default for ChannelNames {
    fn default() -> Self {
        Self(CHANNELS.map(Arc::from).to_vec())
    }
}

impl ChannelNames {
    /// One more, unless it is there.
    pub(crate) fn add(&mut self, name: Arc<str>) {
        if self.place(&name).is_none() {
            self.0.push(name);
        }
    }

    fn place(&self, name: &str) -> Option<u8> {
        let place = self.0.iter().position(|known| &**known == name)?;
        u8::try_from(place).ok()
    }

    /// The name of the channel at this place, which one of the node's own courses has.
    pub(crate) fn name(&self, place: u8) -> &str {
        self.0.get(usize::from(place)).map_or("", |name| &**name)
    }

    pub(crate) fn check(&self) -> Result<(), BadChannels> {
        let fits = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
        let is_good =
            |name: &str| matches!(name.len(), 1..=CHANNEL_NAME_MAX) && name.chars().all(fits);
        if let Some(name) = self.0.iter().find(|name| !is_good(name)) {
            return Err(BadChannels::Name(name.as_ref().into()));
        }
        match self.0.len() <= CHANNELS_MAX {
            true => Ok(()),
            false => Err(BadChannels::TooMany),
        }
    }
}

impl Node {
    /// The names of the node's channels, in the order of their places.
    #[must_use]
    pub fn channel_names(&self) -> &[Arc<str>] {
        &self.core().channels.0
    }

    /// What these options mean on this node.
    ///
    /// # Errors
    /// [`NoChannel`] when there is no such channel.
    pub fn course(&self, options: &SendOptions) -> Result<Course, NoChannel> {
        let channels = &self.core().channels;
        let Some(channel) = channels.place(&options.channel) else {
            return Err(NoChannel {
                name: options.channel.as_ref().into(),
                known: channels.0.clone(),
            });
        };
        Ok(Course {
            channel,
            key: options.key,
            within: options.within,
            acknowledged: options.acknowledged,
            causal: options.causal,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_channels_are_checked_and_kept_once() {
        let mut names = ChannelNames::default();
        names.add("bulk-2".into());
        names.add("bulk-2".into());
        names.add("gossip".into());
        assert_eq!((names.0.len(), names.place("bulk-2")), (5, Some(4)));
        assert_eq!(names.check(), Ok(()));
        for bad in ["", "Big", "a b", "ä", &"x".repeat(CHANNEL_NAME_MAX + 1)] {
            let mut names = ChannelNames::default();
            names.add(bad.into());
            assert_eq!(names.check(), Err(BadChannels::Name(bad.into())));
        }
        for at in 0..CHANNELS_MAX {
            names.add(format!("c{at}").into());
        }
        assert_eq!(names.check(), Err(BadChannels::TooMany));
    }

    #[test]
    fn a_key_is_the_same_in_every_run() {
        let key = |key: &str| SendOptions::channel("data").key(key).key;
        assert_eq!(key("boiler"), key("boiler"));
        assert_ne!(key("boiler"), key("pump"));
    }
}
