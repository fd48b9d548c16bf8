//! When should a cluster have another overlay?
//!
//! Role       The rules by which one node of a cluster orders a switch: by the number of members, by how long
//!            answers take, by how often connections are busy, by how many nodes were lost.
//! Invariant  What it orders it does not take back at once: bounds of sizes are left only when they are
//!            passed by a fifth, and sizes do not undo for a while what load has done.

use std::fmt;
use std::time::Duration;

use super::choice::{Overlay, OverlayError};
use super::client_server;
use super::hyparview;

/// Rules for switching by itself. Of all nodes of a cluster the one with the smallest number decides, so
/// that there is one order at a time; all have the same rules.
///
/// ```
/// use foundation_cluster::overlay::{Overlay, Policy, Seen};
/// let policy = Policy::default();
/// let seen = |members| Seen { members, ..Seen::default() };
/// assert_eq!(policy.wants(&Overlay::FullMesh, &seen(50)), None);
/// let wanted = policy.wants(&Overlay::FullMesh, &seen(500)).expect("a mesh is too much for these");
/// assert_eq!(wanted.to_string(), "hyparview");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Up to so many nodes all are connected to all. Default 100.
    pub mesh_max: usize,
    /// Up to so many HyParView is used; beyond, there are servers, if any are named. Default 1,000.
    pub view_max: usize,
    /// HyParView with these figures.
    pub view: hyparview::Config,
    /// The names of the servers. Default none.
    pub servers: Vec<Box<str>>,
    /// HyParView gives way to a full mesh of not more than `mesh_max` nodes when an answer takes longer
    /// than this. Default 100 ms.
    pub slow: Duration,
    /// So large a share of the time somebody may wait for a busy connection; above it servers are used, if
    /// any are named. Default 0.8.
    pub busy_max: f64,
    /// A full mesh gives way to HyParView when more nodes than this were lost between two looks.
    /// Default 5.
    pub losses_max: usize,
    /// How often the node looks. Default 30 s.
    pub interval: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mesh_max: 100,
            view_max: 1000,
            view: hyparview::Config::default(),
            servers: Vec::new(),
            slow: Duration::from_millis(100),
            busy_max: 0.8,
            losses_max: 5,
            interval: Duration::from_secs(30),
        }
    }
}

/// What a node has seen since it last looked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// How many members there are, itself among them.
    pub members: usize,
    /// How long an answer takes that is asked for at once, there and back.
    pub round_trip: Option<Duration>,
    /// The share of the time in which somebody waited for a busy connection, 0 to 1.
    pub busy: f64,
    /// How many connections broke.
    pub losses: usize,
    /// Whether there was a switch for one of these a short time ago: then the number of members alone
    /// changes nothing.
    pub is_troubled: bool,
}

/// Why rules cannot be so.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PolicyError {
    /// `view_max` is below `mesh_max`.
    Sizes,
    /// `slow` or `interval` is no time at all.
    Time,
    /// `busy_max` is no share.
    Busy,
    /// One of the overlays cannot be so.
    Overlay(OverlayError),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sizes => f.write_str("`view_max` is below `mesh_max`"),
            Self::Time => f.write_str("`slow` or `interval` is no time at all"),
            Self::Busy => f.write_str("`busy_max` is not between 0 and 1"),
            Self::Overlay(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// Whether these rules make sense.
    ///
    /// # Errors
    /// [`PolicyError`] names the first that does not.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.view_max < self.mesh_max {
            return Err(PolicyError::Sizes);
        }
        if self.slow.is_zero() || self.interval.is_zero() {
            return Err(PolicyError::Time);
        }
        if !(0.0..=1.0).contains(&self.busy_max) {
            return Err(PolicyError::Busy);
        }
        let overlays = [Some(self.few()), self.star()];
        let mut overlays = overlays.iter().flatten();
        let checked = overlays.try_for_each(Overlay::check);
        checked.map_err(PolicyError::Overlay)
    }

    /// The overlay to order, if there is a better one than this.
    #[must_use]
    pub fn wants(&self, now: &Overlay, seen: &Seen) -> Option<Overlay> {
        let by_size = || self.by_size(now, seen).filter(|_| !seen.is_troubled);
        let wanted = self.by_load(now, seen).or_else(by_size);
        wanted.filter(|wanted| wanted != now)
    }

    /// The same, for what it has seen but the number of members.
    pub(crate) fn by_load(&self, now: &Overlay, seen: &Seen) -> Option<Overlay> {
        let is_slow = seen.round_trip.is_some_and(|time| self.slow < time);
        let is_busy = self.busy_max < seen.busy;
        match now {
            Overlay::HyParView(_) if is_slow && seen.members <= self.mesh_max => {
                Some(Overlay::FullMesh)
            }
            Overlay::FullMesh if self.losses_max < seen.losses && self.is_worth(seen) => {
                Some(self.few())
            }
            Overlay::FullMesh | Overlay::HyParView(_) if is_busy && self.is_worth(seen) => {
                self.star()
            }
            _ => None,
        }
    }

    /// In a smaller cluster a full mesh costs less than any change.
    fn is_worth(&self, seen: &Seen) -> bool {
        self.mesh_max / 5 < seen.members
    }

    fn by_size(&self, now: &Overlay, seen: &Seen) -> Option<Overlay> {
        let (above, below) = (|max: usize| max + max / 5, |max: usize| max - max / 5);
        let members = seen.members;
        let star = || self.star().unwrap_or_else(|| self.few());
        match now {
            Overlay::FullMesh if above(self.view_max) < members => Some(star()),
            Overlay::FullMesh if above(self.mesh_max) < members => Some(self.few()),
            Overlay::HyParView(_) if above(self.view_max) < members => Some(star()),
            Overlay::HyParView(_) | Overlay::ClientServer(_) if members <= below(self.mesh_max) => {
                Some(Overlay::FullMesh)
            }
            Overlay::ClientServer(_) if members <= below(self.view_max) => Some(self.few()),
            _ => None,
        }
    }

    fn few(&self) -> Overlay {
        Overlay::HyParView(self.view.clone())
    }

    fn star(&self) -> Option<Overlay> {
        let servers = self.servers.iter().cloned();
        let star = || Overlay::ClientServer(client_server::Config::new(servers));
        (!self.servers.is_empty()).then(star)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            servers: vec!["s1".into()],
            ..Policy::default()
        }
    }

    fn seen(members: usize) -> Seen {
        Seen {
            members,
            ..Seen::default()
        }
    }

    fn wants(policy: &Policy, now: &Overlay, seen: Seen) -> Option<String> {
        policy.wants(now, &seen).map(|overlay| overlay.to_string())
    }

    #[test]
    fn sizes_have_bounds_that_are_passed_by_a_fifth() {
        let policy = policy();
        let (mesh, few) = (Overlay::FullMesh, policy.few());
        let star = policy.star().expect("it has a server");
        let rows = [
            (&mesh, 1, None),
            (&mesh, 120, None),
            (&mesh, 121, Some("hyparview")),
            (&mesh, 1201, Some("client-server")),
            (&few, 81, None),
            (&few, 80, Some("full mesh")),
            (&few, 1200, None),
            (&few, 1201, Some("client-server")),
            (&star, 801, None),
            (&star, 800, Some("hyparview")),
            (&star, 80, Some("full mesh")),
        ];
        for (now, members, expected) in rows {
            let wanted = wants(&policy, now, seen(members));
            assert_eq!(wanted.as_deref(), expected, "{now} of {members}");
            let troubled = Seen {
                is_troubled: true,
                ..seen(members)
            };
            assert_eq!(wants(&policy, now, troubled), None, "{now} of {members}");
        }
        let nobody = Policy::default();
        assert_eq!(
            wants(&nobody, &few, seen(5000)),
            None,
            "there are no servers"
        );
        assert_eq!(
            wants(&nobody, &mesh, seen(5000)).as_deref(),
            Some("hyparview")
        );
    }

    #[test]
    fn what_is_slow_busy_or_breaks_is_changed() {
        let policy = policy();
        let (mesh, few) = (Overlay::FullMesh, policy.few());
        let slow = |members| Seen {
            round_trip: Some(Duration::from_millis(101)),
            ..seen(members)
        };
        let busy = |members| Seen {
            busy: 0.81,
            ..seen(members)
        };
        let breaking = |members| Seen {
            losses: 6,
            ..seen(members)
        };
        let rows = [
            (&few, slow(100), Some("full mesh")),
            (&few, slow(101), None),
            (&mesh, slow(100), None),
            (&mesh, busy(21), Some("client-server")),
            (&few, busy(90), Some("client-server")),
            (&mesh, busy(20), None),
            (&mesh, breaking(21), Some("hyparview")),
            (&mesh, breaking(20), None),
            (&few, breaking(90), None),
        ];
        for (now, seen, expected) in rows {
            let wanted = wants(&policy, now, seen);
            assert_eq!(wanted.as_deref(), expected, "{now} with {seen:?}");
        }
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let rows = [
            (
                Policy {
                    view_max: 99,
                    ..policy()
                },
                PolicyError::Sizes,
            ),
            (
                Policy {
                    interval: Duration::ZERO,
                    ..policy()
                },
                PolicyError::Time,
            ),
            (
                Policy {
                    busy_max: 1.1,
                    ..policy()
                },
                PolicyError::Busy,
            ),
            (
                Policy {
                    servers: vec!["".into()],
                    ..policy()
                },
                PolicyError::Overlay(OverlayError::ClientServer(client_server::ConfigError::Name)),
            ),
        ];
        for (policy, error) in rows {
            assert_eq!(policy.check(), Err(error));
        }
        assert_eq!(policy().check(), Ok(()));
    }
}
