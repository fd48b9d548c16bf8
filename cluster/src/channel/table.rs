//! Which channels does a node have?
//!
//! Role       All channels of a node by their places: those that every node has, and a program's own.
//! Invariant  The first is `data`, which is the connection itself. Places are a node's own: between
//!            nodes channels have their names.

use foundation_runtime::{CHANNELS, Priority};

use super::spec::{BadChannel, BadValue, Channel};

/// The channels of one node.
#[derive(Clone, Debug)]
pub(crate) struct Channels(Vec<Channel>);

impl Default for Channels {
    fn default() -> Self {
        let [data, coordination, gossip, events] = CHANNELS.map(Channel::named);
        Self(vec![
            data,
            coordination.priority(Priority::High),
            gossip.priority(Priority::Low),
            events.priority(Priority::Low).compressed(),
        ])
    }
}

impl Channels {
    /// One more, or another in the place of the one of this name.
    pub(crate) fn declare(&mut self, channel: Channel) {
        match self.place(&channel.name) {
            Some(place) => self.0[usize::from(place)] = channel,
            None => self.0.push(channel),
        }
    }

    /// Puts them in the order of these names; one that was only named is as [`Channel::named`] has it.
    pub(crate) fn ordered(self, names: &[std::sync::Arc<str>]) -> Self {
        let declared = |name: &std::sync::Arc<str>| {
            let found = self.0.iter().find(|channel| channel.name == *name);
            found
                .cloned()
                .unwrap_or_else(|| Channel::named(name.clone()))
        };
        Self(names.iter().map(declared).collect())
    }

    pub(crate) fn check(&self) -> Result<(), BadChannel> {
        let data = Self::default().0.swap_remove(0);
        if self.0[0] != data {
            return Err(BadChannel {
                name: data.name.as_ref().into(),
                what: BadValue::Data,
            });
        }
        self.0.iter().try_for_each(Channel::check)
    }

    pub(crate) fn place(&self, name: &str) -> Option<u8> {
        let place = self.0.iter().position(|channel| &*channel.name == name)?;
        u8::try_from(place).ok()
    }

    pub(crate) fn all(&self) -> &[Channel] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_found_by_name_in_the_order_of_a_nodes_names() {
        let mut channels = Channels::default();
        channels.declare(Channel::named("readings").lanes(3));
        channels.declare(Channel::named("gossip").lanes(2));
        assert_eq!(channels.check(), Ok(()));
        let names = ["data", "events", "readings", "plain"].map(std::sync::Arc::from);
        let channels = channels.ordered(&names);
        let lanes = channels.all().iter().map(|channel| channel.lanes);
        assert_eq!(lanes.collect::<Vec<_>>(), [None, None, Some(3), None]);
        assert_eq!(channels.place("readings"), Some(2));
        assert_eq!(channels.place("gossip"), None);
        assert!(channels.all()[1].is_compressed);
    }

    #[test]
    fn channels_that_cannot_be_are_named() {
        let rows = [
            (Channel::named("data").lanes(2), BadValue::Data),
            (Channel::named("x").lanes(0), BadValue::Lanes(0)),
            (Channel::named("x").lanes(17), BadValue::Lanes(17)),
            (Channel::named("x").credit(0), BadValue::NoCredit),
            (Channel::named("x").hold_at(0), BadValue::Hold(0, 64 << 20)),
            (Channel::named("x").full_at(9), BadValue::Hold(1 << 20, 9)),
            (
                Channel::named("x").full_at(2 << 30),
                BadValue::Full(2 << 30),
            ),
        ];
        for (channel, what) in rows {
            let mut channels = Channels::default();
            let name = channel.name().into();
            channels.declare(channel);
            assert_eq!(channels.check(), Err(BadChannel { name, what }));
        }
    }
}
