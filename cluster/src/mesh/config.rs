//! How patient is a mesh?
//!
//! Role       Its times and limits, with their defaults, checked once.

use std::fmt;
use std::time::Duration;

/// Times and limits of a full mesh.
///
/// ```
/// use foundation_cluster::mesh::MeshConfig;
/// use std::time::Duration;
/// let config = MeshConfig { silence: Duration::from_secs(10), ..MeshConfig::default() };
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshConfig {
    /// How often it looks around. 500 ms unless set.
    pub tick: Duration,
    /// After how long without a byte a connection is lost. 4 s unless set; at least four ticks. One on which
    /// nothing was sent for a quarter of that gets a heartbeat.
    pub silence: Duration,
    /// How long after a failed dial the next one comes, at first; it doubles. 200 ms unless set. In a full mesh
    /// it does not double for ten minutes where somebody was that has fallen silent: four of these are dialled
    /// every 100 ms, and all when one of them is back.
    pub redial: Duration,
    /// The longest time between two dials. 10 s unless set.
    pub redial_max: Duration,
    /// How long a lost node is dialled before it is forgotten, a seed excepted. 1 h unless set.
    pub forget: Duration,
    /// How many nodes there may be. 1,000 unless set.
    pub peers_max: usize,
    /// How long a connection that the overlay does not need stays after processes last spoke over
    /// it, or a second before any has; in a full mesh all are needed. 10 s unless set.
    pub idle: Duration,
    /// How long after a switch of the overlay this node orders no other one. 30 s unless set.
    pub switch_pause: Duration,
    /// Whether members that cannot dial each other speak through others. [`Relaying::Few`] unless set.
    pub relaying: Relaying,
}

/// When a node is spoken to through others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relaying {
    /// Never: who cannot be dialled is not reached.
    Never,
    /// Where not all are connected to all. In a full mesh who cannot be dialled is not reached, as in OTP.
    #[default]
    Few,
    /// In a full mesh, too.
    Always,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(500),
            silence: Duration::from_secs(4),
            redial: Duration::from_millis(200),
            redial_max: Duration::from_secs(10),
            forget: Duration::from_secs(3600),
            peers_max: 1000,
            idle: Duration::from_secs(10),
            switch_pause: Duration::from_secs(30),
            relaying: Relaying::default(),
        }
    }
}

/// Why a mesh cannot be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadMesh {
    /// A time is zero: its name.
    Zero(&'static str),
    /// A connection would be lost before a few heartbeats could come.
    Silence(Duration, Duration),
    /// The longest time between two dials is shorter than the first.
    Redial(Duration, Duration),
    /// There may be no node at all.
    NoPeers,
}

impl fmt::Display for BadMesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(name) => write!(f, "`{name}` is no time at all"),
            Self::Silence(silence, tick) => write!(
                f,
                "a connection that is lost after {silence:?} needs more than heartbeats each \
                 {tick:?}: the silence is at least four ticks"
            ),
            Self::Redial(first, most) => write!(
                f,
                "the longest time between two dials, {most:?}, is shorter than the first, {first:?}"
            ),
            Self::NoPeers => f.write_str("`peers_max` is 0: no node could connect"),
        }
    }
}

impl std::error::Error for BadMesh {}

impl MeshConfig {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`BadMesh`] names the first value that does not.
    pub fn check(&self) -> Result<(), BadMesh> {
        let times = [
            ("tick", self.tick),
            ("redial", self.redial),
            ("forget", self.forget),
            ("idle", self.idle),
        ];
        if let Some((name, _)) = times.iter().find(|(_, time)| time.is_zero()) {
            return Err(BadMesh::Zero(name));
        }
        if self.silence < self.tick.saturating_mul(4) {
            return Err(BadMesh::Silence(self.silence, self.tick));
        }
        if self.redial_max < self.redial {
            return Err(BadMesh::Redial(self.redial, self.redial_max));
        }
        match self.peers_max {
            0 => Err(BadMesh::NoPeers),
            _ => Ok(()),
        }
    }
}
