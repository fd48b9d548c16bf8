//! How good is the way between two hosts?
//!
//! Role       Latency and loss, as TCP shows them: what is lost is sent again, and comes late.

use std::fmt;
use std::time::Duration;

use foundation_runtime::Rng;

/// The first wait before a lost portion is sent again; it doubles up to [`RETRY_MAX`].
const RETRY: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(8);
const LOSS_MAX: f64 = 0.9;

/// The quality of a way from one host to another.
///
/// ```
/// use foundation_cluster::transport::simulated::Link;
/// use std::time::Duration;
/// let ms = Duration::from_millis;
/// assert!(Link::new(ms(1), ms(5), 0.05).is_ok());
/// let error = Link::new(ms(5), ms(1), 0.0).unwrap_err();
/// assert_eq!(error.to_string(), "the least latency, 5ms, is above the greatest, 1ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    least: Duration,
    most: Duration,
    loss: f64,
    /// How many bytes pass in a second, of all streams together; `None` for any number.
    rate: Option<u64>,
    /// How many bytes of one stream pass in a second.
    stream_rate: Option<u64>,
}

/// Why there is no such link.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BadLink {
    /// The least latency is above the greatest.
    Latency(Duration, Duration),
    /// Nothing would ever pass.
    Rate,
    /// A loss is a share from 0 to 0.9: above it nothing gets through.
    Loss(f64),
}

impl fmt::Display for BadLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(least, most) => {
                write!(
                    f,
                    "the least latency, {least:?}, is above the greatest, {most:?}"
                )
            }
            Self::Rate => f.write_str("at a rate of 0 nothing would ever pass"),
            Self::Loss(loss) => write!(f, "a loss of {loss} is not between 0 and {LOSS_MAX}"),
        }
    }
}

impl std::error::Error for BadLink {}

impl Default for Link {
    /// A switch in one building: 0.2 to 1 ms, and nothing is lost.
    fn default() -> Self {
        Self {
            least: Duration::from_micros(200),
            most: Duration::from_millis(1),
            loss: 0.0,
            rate: None,
            stream_rate: None,
        }
    }
}

impl Link {
    /// A link with a latency between two bounds, and this share of what is sent lost.
    ///
    /// # Errors
    /// [`BadLink`] says which value cannot be.
    pub fn new(least: Duration, most: Duration, loss: f64) -> Result<Self, BadLink> {
        if most < least {
            return Err(BadLink::Latency(least, most));
        }
        if !(0.0..=LOSS_MAX).contains(&loss) {
            return Err(BadLink::Loss(loss));
        }
        Ok(Self {
            least,
            most,
            loss,
            rate: None,
            stream_rate: None,
        })
    }

    /// The same, over which so many bytes pass in a second: what comes faster waits in one line with
    /// what all streams from that host to the other have sent before.
    ///
    /// # Errors
    /// [`BadLink::Rate`] for zero.
    pub fn rate(self, bytes: u64) -> Result<Self, BadLink> {
        match bytes {
            0 => Err(BadLink::Rate),
            bytes => Ok(Self {
                rate: Some(bytes),
                ..self
            }),
        }
    }

    /// The same, over which so many bytes of each stream pass in a second, whatever the others do: as clouds limit
    /// single connections.
    ///
    /// # Errors
    /// [`BadLink::Rate`] for zero.
    ///
    /// ```
    /// use foundation_cluster::transport::simulated::Link;
    /// let link = Link::default().stream_rate(1_000_000)?;
    /// assert!(link.stream_rate(0).is_err());
    /// # Ok::<(), foundation_cluster::transport::simulated::BadLink>(())
    /// ```
    pub fn stream_rate(self, bytes: u64) -> Result<Self, BadLink> {
        match bytes {
            0 => Err(BadLink::Rate),
            bytes => Ok(Self {
                stream_rate: Some(bytes),
                ..self
            }),
        }
    }

    /// The least and the greatest latency.
    #[must_use]
    pub fn latency(&self) -> (Duration, Duration) {
        (self.least, self.most)
    }

    /// The share of what is sent that is lost.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// How long so many bytes take to get into the way, for what others have sent too, and for those of their own
    /// stream alone.
    pub(super) fn takes(&self, bytes: usize) -> [Duration; 2] {
        let nanos = |rate: u64| bytes as u64 * 1_000_000_000 / rate;
        [self.rate, self.stream_rate].map(|rate| Duration::from_nanos(rate.map_or(0, nanos)))
    }

    /// How long the next portion takes, and how often it is lost before it comes through.
    pub(super) fn passage(&self, rng: &mut Rng) -> (Duration, u32) {
        let span = self.most.saturating_sub(self.least).as_nanos() as usize;
        let mut takes = self.least + Duration::from_nanos(rng.below(span + 1) as u64);
        let mut lost = 0;
        while self.loss > 0.0 && rng.chance(self.loss) {
            takes += retry(lost);
            lost += 1;
        }
        (takes, lost)
    }
}

/// How long TCP waits before it sends again what was lost so often already.
pub(super) fn retry(lost: u32) -> Duration {
    RETRY.saturating_mul(1 << lost.min(10)).min(RETRY_MAX)
}
