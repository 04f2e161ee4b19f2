//! Which business a call belongs to, and what is in force for it at this moment: what its file says, and what was ordered
//! since. One directory for everybody: when the files are read again or an order is given, all see it with their next look.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::profile::Profile;
use crate::names::{Phone, Slug};
use crate::store::orders::{Notice, Orders};
use crate::store::{self, Store};

/// All businesses; clones are the same directory. Of two with one slug or one number the later one counts: the folder's
/// loader has refused that already.
#[derive(Clone, Debug)]
pub struct Directory(Arc<RwLock<Arc<Index>>>);

#[derive(Debug)]
struct Index {
    /// As their files say.
    files: Vec<Profile>,
    orders: Orders,
    by_slug: BTreeMap<Slug, Arc<Profile>>,
    by_number: BTreeMap<Phone, Arc<Profile>>,
}

impl Index {
    fn new(files: Vec<Profile>, orders: Orders) -> Self {
        let profiles: Vec<_> = files.iter().map(|file| Arc::new(file.under(&orders))).collect();
        let numbers =
            profiles.iter().flat_map(|profile| profile.phone_numbers.iter().map(|number| (number.clone(), Arc::clone(profile))));
        let by_number = numbers.collect();
        let by_slug = profiles.iter().map(|profile| (profile.slug.clone(), Arc::clone(profile))).collect();
        Self { files, orders, by_slug, by_number }
    }
}

impl Directory {
    /// Indexes the businesses by slug and by number.
    #[must_use]
    pub fn new(profiles: Vec<Profile>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Index::new(profiles, Orders::default())))))
    }

    /// Every business, in the order of their slugs.
    pub fn all(&self) -> impl Iterator<Item = Arc<Profile>> + use<> {
        self.index().by_slug.values().cloned().collect::<Vec<_>>().into_iter()
    }

    /// The business of this file.
    #[must_use]
    pub fn by_slug(&self, slug: &Slug) -> Option<Arc<Profile>> {
        self.index().by_slug.get(slug).cloned()
    }

    /// The business at which this number rings.
    #[must_use]
    pub fn by_number(&self, number: &Phone) -> Option<Arc<Profile>> {
        self.index().by_number.get(number).cloned()
    }

    /// The only business there is; `None` where there are several, so that nobody takes the first of them.
    #[must_use]
    pub fn only(&self) -> Option<Arc<Profile>> {
        let mut all = self.all();
        all.next().filter(|_| all.next().is_none())
    }

    /// Whether this is one of our Twilio numbers.
    #[must_use]
    pub fn owns(&self, number: &Phone) -> bool {
        self.index().by_number.contains_key(number)
    }

    /// Takes note of what was ordered since the last look: one small read where nothing was.
    ///
    /// # Errors
    /// When the database fails: then what is known stays in force.
    pub async fn keep_up(&self, store: &Store) -> Result<(), store::Error> {
        if store.version_of(Notice::Orders).await? == self.index().orders.version {
            return Ok(());
        }
        let orders = store.orders().await?;
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have read newer ones in the meantime.
        if orders.version > index.orders.version {
            *index = Arc::new(Index::new(index.files.clone(), orders));
        }
        Ok(())
    }

    /// From now on the businesses are those of `other`, as their files say; what was ordered stays in force.
    pub fn replace(&self, other: &Self) {
        let files = other.index().files.clone();
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *index = Arc::new(Index::new(files, index.orders.clone()));
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
