//! Which business a call belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::profile::Profile;
use crate::names::{Phone, Slug};

/// All businesses, immutable and cheap to clone. Of two with one slug or one number the later one counts: the folder's
/// loader has refused that already.
#[derive(Clone, Debug)]
pub struct Directory(Arc<Index>);

#[derive(Debug)]
struct Index {
    by_slug: BTreeMap<Slug, Arc<Profile>>,
    by_number: BTreeMap<Phone, Arc<Profile>>,
}

impl Directory {
    /// Indexes the businesses by slug and by number.
    #[must_use]
    pub fn new(profiles: Vec<Profile>) -> Self {
        let profiles: Vec<_> = profiles.into_iter().map(Arc::new).collect();
        let numbers =
            profiles.iter().flat_map(|profile| profile.phone_numbers.iter().map(|number| (number.clone(), Arc::clone(profile))));
        let by_number = numbers.collect();
        let by_slug = profiles.iter().map(|profile| (profile.slug.clone(), Arc::clone(profile))).collect();
        Self(Arc::new(Index { by_slug, by_number }))
    }

    /// Every business, in the order of their slugs.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.0.by_slug.values()
    }

    /// The business of this file.
    #[must_use]
    pub fn by_slug(&self, slug: &Slug) -> Option<&Arc<Profile>> {
        self.0.by_slug.get(slug)
    }

    /// The business at which this number rings.
    #[must_use]
    pub fn by_number(&self, number: &Phone) -> Option<&Arc<Profile>> {
        self.0.by_number.get(number)
    }

    /// The only business there is; `None` where there are several, so that nobody takes the first of them.
    #[must_use]
    pub fn only(&self) -> Option<&Arc<Profile>> {
        let mut all = self.all();
        all.next().filter(|_| all.next().is_none())
    }

    /// Whether this is one of our Twilio numbers.
    #[must_use]
    pub fn owns(&self, number: &Phone) -> bool {
        self.0.by_number.contains_key(number)
    }
}
