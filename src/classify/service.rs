//! Services (one app or site with all its names) as bits: a profile can block or allow TikTok without knowing its names.

/// Services a bundle can hold.
pub const SERVICES_MAX: usize = 256;

/// The position of a service in the bundle's service section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub u8);

/// A set of services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct ServiceSet([u64; 4]);

impl ServiceSet {
    /// No service.
    pub const EMPTY: ServiceSet = ServiceSet([0; 4]);

    /// From stored words, service id = bit number.
    pub const fn from_words(words: [u64; 4]) -> ServiceSet {
        ServiceSet(words)
    }

    /// The stored words.
    pub const fn words(self) -> [u64; 4] {
        self.0
    }

    /// True when nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    /// True when `service` is in it.
    pub fn contains(self, service: ServiceId) -> bool {
        self.0[usize::from(service.0 >> 6)] & (1 << (service.0 & 63)) != 0
    }

    /// The set with `service` added.
    #[must_use]
    pub fn with(mut self, service: ServiceId) -> ServiceSet {
        self.0[usize::from(service.0 >> 6)] |= 1 << (service.0 & 63);
        self
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: ServiceSet) -> ServiceSet {
        ServiceSet(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: ServiceSet) -> ServiceSet {
        ServiceSet(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// True when the two share a service.
    pub fn intersects(self, other: ServiceSet) -> bool {
        !self.and(other).is_empty()
    }

    /// The one with the lowest id.
    pub fn first(self) -> Option<ServiceId> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some(ServiceId((word as u32 * 64 + self.0[word].trailing_zeros()) as u8))
    }

    /// By id.
    pub fn iter(self) -> impl Iterator<Item = ServiceId> {
        (0..=u8::MAX).map(ServiceId).filter(move |service| self.contains(*service))
    }
}

impl FromIterator<ServiceId> for ServiceSet {
    fn from_iter<T: IntoIterator<Item = ServiceId>>(services: T) -> ServiceSet {
        services.into_iter().fold(ServiceSet::EMPTY, ServiceSet::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_the_lowest() {
        assert_eq!(ServiceSet::EMPTY.first(), None);
        for low in 0..=u8::MAX {
            let set: ServiceSet = (low..=u8::MAX).map(ServiceId).collect();
            assert_eq!(set.first(), Some(ServiceId(low)));
            assert_eq!(set.first(), set.iter().next());
        }
    }
}
