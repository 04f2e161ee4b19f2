//! Settings that may be given for one business. What a business does not give itself it has from everybody.

use std::collections::BTreeMap;

use crate::names::Slug;

/// A group of settings for everybody, and for each business that has one of its own (`NAME__SLUG`), already merged.
#[derive(Clone, Debug)]
pub struct Scoped<T> {
    everyone: T,
    own: BTreeMap<Slug, T>,
}

impl<T> Scoped<T> {
    /// A group that is the same for every business.
    pub fn same(everyone: T) -> Self {
        Self { everyone, own: BTreeMap::new() }
    }

    /// Gives one business its own group.
    #[must_use]
    pub fn with_own(mut self, business: Slug, group: T) -> Self {
        self.own.insert(business, group);
        self
    }

    /// What holds for this business.
    pub fn of(&self, business: &Slug) -> &T {
        self.own.get(business).unwrap_or(&self.everyone)
    }

    /// What holds where no business is known.
    pub fn everyone(&self) -> &T {
        &self.everyone
    }

    /// The businesses that have their own group, and it.
    pub fn own(&self) -> impl Iterator<Item = (&Slug, &T)> {
        self.own.iter()
    }
}
