//! Which overlay does a node take part in?
//!
//! Role       The choice, as a program makes it.

use super::hyparview;

/// Who of a cluster is connected to whom.
///
/// ```
/// use foundation_cluster::overlay::{Overlay, hyparview};
/// let wider = hyparview::Config { active_max: 7, ..hyparview::Config::default() };
/// assert_eq!(Overlay::HyParView(wider).to_string(), "hyparview");
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
}

impl Overlay {
    /// Whether its figures are in their bounds.
    ///
    /// # Errors
    /// [`ConfigError`](hyparview::ConfigError) names the first that is not.
    pub fn check(&self) -> Result<(), hyparview::ConfigError> {
        match self {
            Self::FullMesh => Ok(()),
            Self::HyParView(config) => config.check(),
        }
    }
}

impl std::fmt::Display for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FullMesh => "full mesh",
            Self::HyParView(_) => "hyparview",
        })
    }
}
