//! Which news are passed on, and how often?
//!
//! Role       The members of whom there are news. What is passed on least comes first.
//! Owns       One entry for each member of whom there are news: what was said of it before is not
//!            news any more.
//! Source     SWIM (2002), 4.1, "Infection-Style Dissemination"

use std::collections::{BTreeMap, BTreeSet};

/// Of whom the news are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Own,
    Member(usize),
}

#[derive(Debug, Default)]
pub(super) struct Rumours {
    /// How often it was passed on, then the newest first.
    order: BTreeSet<(usize, u64, About)>,
    entries: BTreeMap<About, (usize, u64)>,
    /// Counts down.
    next: u64,
}

impl Rumours {
    /// There are news.
    pub(super) fn tell(&mut self, about: About) {
        self.drop(about);
        self.next = self.next.wrapping_sub(1);
        self.entries.insert(about, (0, self.next));
        self.order.insert((0, self.next, about));
    }

    /// They are no news any more.
    pub(super) fn drop(&mut self, about: About) {
        if let Some((times, number)) = self.entries.remove(&about) {
            self.order.remove(&(times, number, about));
        }
    }

    /// They were passed on; after `max` times they are forgotten.
    pub(super) fn told(&mut self, about: About, max: usize) {
        let Some((times, number)) = self.entries.get_mut(&about) else {
            return;
        };
        self.order.remove(&(*times, *number, about));
        *times += 1;
        if *times < max {
            self.order.insert((*times, *number, about));
        } else {
            self.entries.remove(&about);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = About> {
        self.order.iter().map(|(_, _, about)| *about)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::About::{Member, Own};
    use super::Rumours;

    #[test]
    fn least_told_first() {
        let mut rumours = Rumours::default();
        rumours.tell(Member(1));
        rumours.tell(Member(2));
        rumours.tell(Own);
        assert_eq!(
            rumours.iter().collect::<Vec<_>>(),
            [Own, Member(2), Member(1)]
        );
        rumours.told(Own, 2);
        assert_eq!(
            rumours.iter().collect::<Vec<_>>(),
            [Member(2), Member(1), Own]
        );
        rumours.told(Own, 2);
        assert!(!rumours.iter().any(|about| about == Own));
        rumours.told(Member(2), 2);
        rumours.tell(Member(2));
        assert_eq!(rumours.iter().next(), Some(Member(2)));
        rumours.drop(Member(2));
        assert_eq!(rumours.len(), 1);
    }
}
