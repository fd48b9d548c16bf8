//! What is kept in the order in which it came, and found again by its number?
//!
//! Role       The holders of one key, and the keys of one process: mostly one, sometimes many.
//! Owns       No allocation of its own for one value.
//! Invariant  Numbers rise; taking one away costs the logarithm of how many there are.

use std::collections::BTreeMap;

/// Values by number, lowest first.
#[derive(Debug)]
pub(super) enum Ordered<T> {
    One(u64, T),
    Many(BTreeMap<u64, T>),
}

impl<T> Ordered<T> {
    pub(super) fn insert(&mut self, number: u64, value: T) {
        if let Self::Many(values) = self {
            values.insert(number, value);
            return;
        }
        let Self::One(first, only) = std::mem::replace(self, Self::Many(BTreeMap::new())) else {
            unreachable!("it was not many")
        };
        *self = Self::Many(BTreeMap::from([(first, only), (number, value)]));
    }

    /// Takes one value away, if it is there.
    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        match self {
            Self::One(own, _) if *own == number => match std::mem::replace(self, Self::none()) {
                Self::One(_, value) => Some(value),
                Self::Many(_) => unreachable!("it was one"),
            },
            Self::One(..) => None,
            Self::Many(values) => values.remove(&number),
        }
    }

    fn none() -> Self {
        Self::Many(BTreeMap::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Many(values) if values.is_empty())
    }

    pub(super) fn first(&self) -> Option<&T> {
        self.iter().next().map(|(_, value)| value)
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        match self {
            Self::One(own, value) => (*own == number).then_some(value),
            Self::Many(values) => values.get(&number),
        }
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        match self {
            Self::One(own, value) => (*own == number).then_some(value),
            Self::Many(values) => values.get_mut(&number),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let (one, many) = match self {
            Self::One(number, value) => (Some((*number, value)), None),
            Self::Many(values) => (None, Some(values)),
        };
        let many = many
            .into_iter()
            .flatten()
            .map(|(number, value)| (*number, value));
        one.into_iter().chain(many)
    }
}

#[cfg(test)]
mod tests {
    use super::Ordered;

    #[test]
    fn values_stay_in_order_whatever_is_taken() {
        let mut values = Ordered::One(3, 'c');
        values.insert(5, 'e');
        values.insert(9, 'i');
        let seen =
            |values: &Ordered<char>| values.iter().map(|(_, value)| *value).collect::<String>();
        assert_eq!(seen(&values), "cei");
        assert_eq!(values.remove(5), Some('e'));
        assert_eq!(values.remove(5), None);
        assert_eq!(
            (seen(&values), values.first()),
            ("ci".to_owned(), Some(&'c'))
        );
        assert_eq!((values.remove(3), values.remove(9)), (Some('c'), Some('i')));
        assert!(values.is_empty());
        let mut one = Ordered::One(1, 'a');
        assert_eq!((one.remove(2), one.is_empty()), (None, false));
        assert_eq!((one.remove(1), one.is_empty()), (Some('a'), true));
    }
}
