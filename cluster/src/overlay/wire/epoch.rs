//! What does a switch look like in bytes?
//!
//! Role       An epoch with all figures of its overlay.
//! Invariant  Figures that are out of their bounds are refused: no node takes part in such an overlay.

use std::time::Duration;

use super::{Reader, Unreadable, Writer, protocol};
use crate::handshake::NAME_BYTES_MAX;
use crate::overlay::{Epoch, Overlay, client_server, hyparview};

mod kind {
    pub(super) const FULL_MESH: u8 = 1;
    pub(super) const HYPARVIEW: u8 = 2;
    pub(super) const CLIENT_SERVER: u8 = 3;
}

impl Epoch {
    /// The bytes of it, to be sent as one frame.
    ///
    /// ```
    /// use foundation_cluster::overlay::{Epoch, Overlay, PeerId, client_server};
    /// let star = Overlay::ClientServer(client_server::Config::new(["s1"]));
    /// let epoch = Epoch::first(Overlay::FullMesh).next(PeerId(7), star);
    /// assert_eq!(Epoch::decode(&epoch.encode()), Ok(epoch));
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self.overlay {
            Overlay::FullMesh => kind::FULL_MESH,
            Overlay::HyParView(_) => kind::HYPARVIEW,
            Overlay::ClientServer(_) => kind::CLIENT_SERVER,
        };
        let mut writer = Writer::begin(protocol::EPOCH, kind);
        writer.u64(self.number);
        writer.peer(self.by);
        match &self.overlay {
            Overlay::FullMesh => {}
            Overlay::HyParView(config) => put_view(&mut writer, config),
            Overlay::ClientServer(config) => writer.list(&config.servers, |writer, name| {
                writer.bytes(name.as_bytes());
            }),
        }
        writer.finish()
    }

    /// What was written.
    ///
    /// # Errors
    /// [`Unreadable`]: the bytes are none, or a figure in them is out of its bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (kind, mut reader) = Reader::begin(bytes, protocol::EPOCH)?;
        let (number, by) = (reader.u64()?, reader.peer()?);
        let overlay = match kind {
            kind::FULL_MESH => Overlay::FullMesh,
            kind::HYPARVIEW => Overlay::HyParView(view(&mut reader)?),
            kind::CLIENT_SERVER => {
                let servers = reader.list(|reader| reader.text(NAME_BYTES_MAX))?;
                Overlay::ClientServer(client_server::Config { servers })
            }
            other => return Err(Unreadable::Kind(other)),
        };
        reader.end()?;
        overlay.check().map_err(|_| Unreadable::Figure)?;
        Ok(Self {
            number,
            by,
            overlay,
        })
    }
}

fn put_view(writer: &mut Writer, config: &hyparview::Config) {
    let counts = [
        config.active_max,
        config.passive_max,
        config.shuffle_active,
        config.shuffle_passive,
        config.unbiased,
        config.optimise_scan,
    ];
    counts
        .iter()
        .for_each(|count| writer.u64(u64::try_from(*count).unwrap_or(u64::MAX)));
    writer.u8(config.active_walk);
    writer.u8(config.passive_walk);
    for time in [config.answer_timeout, config.cost_age_max] {
        writer.u64(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}

fn view(reader: &mut Reader<'_>) -> Result<hyparview::Config, Unreadable> {
    let count = |reader: &mut Reader<'_>| {
        let count = reader.u64()?;
        usize::try_from(count).map_err(|_| Unreadable::Figure)
    };
    let time = |reader: &mut Reader<'_>| reader.u64().map(Duration::from_nanos);
    Ok(hyparview::Config {
        active_max: count(reader)?,
        passive_max: count(reader)?,
        shuffle_active: count(reader)?,
        shuffle_passive: count(reader)?,
        unbiased: count(reader)?,
        optimise_scan: count(reader)?,
        active_walk: reader.u8()?,
        passive_walk: reader.u8()?,
        answer_timeout: time(reader)?,
        cost_age_max: time(reader)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::PeerId;

    fn epochs() -> [Epoch; 3] {
        let overlays = [
            Overlay::FullMesh,
            Overlay::HyParView(hyparview::Config {
                active_max: 7,
                passive_max: 40,
                active_walk: 5,
                passive_walk: 2,
                shuffle_active: 4,
                shuffle_passive: 6,
                answer_timeout: Duration::from_millis(1500),
                unbiased: 2,
                optimise_scan: 3,
                cost_age_max: Duration::from_secs(9),
            }),
            Overlay::ClientServer(client_server::Config::new(["s1", "s2"])),
        ];
        overlays.map(|overlay| Epoch::first(Overlay::FullMesh).next(PeerId(9), overlay))
    }

    #[test]
    fn all_that_is_cut_short_is_refused() {
        for epoch in epochs() {
            let bytes = epoch.encode();
            assert_eq!(Epoch::decode(&bytes), Ok(epoch));
            for end in 0..bytes.len() {
                let error = Epoch::decode(&bytes[..end]);
                assert_eq!(error, Err(Unreadable::Short), "{end} bytes");
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert_eq!(Epoch::decode(&longer), Err(Unreadable::Trailing));
        }
    }

    #[test]
    fn an_overlay_that_cannot_be_is_refused() {
        let narrow = hyparview::Config {
            active_max: 1,
            ..hyparview::Config::default()
        };
        let rows = [
            Overlay::HyParView(narrow),
            Overlay::ClientServer(client_server::Config { servers: vec![] }),
        ];
        for overlay in rows {
            let epoch = Epoch::first(Overlay::FullMesh).next(PeerId(9), overlay);
            assert_eq!(Epoch::decode(&epoch.encode()), Err(Unreadable::Figure));
        }
    }
}
