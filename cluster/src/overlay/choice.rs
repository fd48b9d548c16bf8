//! Which overlay does a node take part in?
//!
//! Role       The choice, as a program makes it.

use std::fmt;

use super::client_server;
use super::hyparview;

/// Who of a cluster is connected to whom.
///
/// ```
/// use foundation_cluster::overlay::{Overlay, client_server, hyparview};
/// let wider = hyparview::Config { active_max: 7, ..hyparview::Config::default() };
/// assert_eq!(Overlay::HyParView(wider).to_string(), "hyparview");
/// let star = client_server::Config::new(["s1", "s2"]);
/// assert_eq!(Overlay::ClientServer(star).to_string(), "client-server");
/// assert_eq!(Overlay::default(), Overlay::FullMesh);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlay {
    /// Everybody is connected to everybody: the shortest way, for up to some hundred nodes.
    #[default]
    FullMesh,
    /// Each node is connected to a few, and to others for as long as processes of the two speak
    /// to each other.
    HyParView(hyparview::Config),
    /// Some nodes are servers, connected to all. The others are connected to these, and to each other for
    /// as long as processes of the two speak to each other.
    ClientServer(client_server::Config),
}

/// Why an overlay cannot be so. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverlayError {
    /// A figure of HyParView is out of its bounds.
    HyParView(hyparview::ConfigError),
    /// The servers of a client-server overlay cannot be these.
    ClientServer(client_server::ConfigError),
}

impl fmt::Display for OverlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HyParView(error) => error.fmt(f),
            Self::ClientServer(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OverlayError {}

impl Overlay {
    /// Whether its figures are in their bounds.
    ///
    /// # Errors
    /// [`OverlayError`] names the first that is not.
    pub fn check(&self) -> Result<(), OverlayError> {
        match self {
            Self::FullMesh => Ok(()),
            Self::HyParView(config) => config.check().map_err(OverlayError::HyParView),
            Self::ClientServer(config) => config.check().map_err(OverlayError::ClientServer),
        }
    }
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FullMesh => "full mesh",
            Self::HyParView(_) => "hyparview",
            Self::ClientServer(_) => "client-server",
        })
    }
}
