//! What a caller or the model asks for, found in a business by its words: the case does not count, nor does punctuation,
//! and a phrase that names exactly one thing means it. Two things named is a question to ask, never a guess.

use super::profile::{Profile, Service, Technician};
use crate::scheduling::hours::WallSpan;
use crate::scheduling::speech::spoken_list;

/// No service, or not exactly one, was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not exactly one of the services was named")]
pub struct ServiceUnknown {
    /// What there is, to be spoken: "repair, maintenance or installation".
    pub offered: String,
}

impl Profile {
    /// The service that is meant. A business with one service needs no name.
    ///
    /// # Errors
    /// [`ServiceUnknown`] when none or several are named.
    pub fn service(&self, said: Option<&str>) -> Result<&Service, ServiceUnknown> {
        let said = said.map(words).unwrap_or_default();
        let unknown = || ServiceUnknown { offered: spoken_list(&self.service_names(), "or") };
        match self.services.as_slice() {
            [only] if said.is_empty() => Ok(only),
            services => named(&said, services, |service| service.spellings().map(words).collect()).ok_or_else(unknown),
        }
    }

    /// Every service, as it is spoken.
    #[must_use]
    pub fn service_names(&self) -> Vec<&str> {
        self.services.iter().map(|service| service.name.as_str()).collect()
    }

    /// The technician with this id or name.
    #[must_use]
    pub fn technician(&self, said: &str) -> Option<&Technician> {
        let said = words(said);
        self.technicians.iter().find(|technician| technician.spellings().any(|spelling| words(spelling) == said))
    }

    /// Who does this service, in the order of the file.
    pub fn technicians_for<'a>(&'a self, service: &'a Service) -> impl Iterator<Item = &'a Technician> {
        self.technicians.iter().filter(|technician| technician.does(service))
    }

    /// The hours of "morning", "afternoon" or "evening"; `None` for every other word, and for two of them.
    #[must_use]
    pub fn window(&self, said: &str) -> Option<WallSpan> {
        let windows =
            [("morning", self.windows.morning), ("afternoon", self.windows.afternoon), ("evening", self.windows.evening)];
        named(&words(said), &windows, |(name, _)| vec![words(name)]).map(|(_, window)| *window)
    }
}

impl Service {
    /// Its name and its aliases.
    pub fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

impl Technician {
    /// The id and, where there is one, the name.
    pub fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.name.as_deref())
    }

    /// Whether this technician does the service.
    #[must_use]
    pub fn does(&self, service: &Service) -> bool {
        self.services.is_empty() || self.services.contains(&service.name)
    }
}

/// The one thing of which a spelling is exactly what was said, else the one of which a spelling stands in it as whole words.
fn named<'a, T>(said: &[String], things: &'a [T], spellings: impl Fn(&T) -> Vec<Vec<String>>) -> Option<&'a T> {
    if let Some(exact) = things.iter().find(|thing| spellings(thing).iter().any(|spelling| spelling == said)) {
        return Some(exact);
    }
    let holds = |spelling: &Vec<String>| !spelling.is_empty() && said.windows(spelling.len()).any(|part| part == spelling);
    let mut meant = things.iter().filter(|thing| spellings(thing).iter().any(holds));
    meant.next().filter(|_| meant.next().is_none())
}

/// The words of a text, folded: "AC Repair!" is `ac`, `repair`.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}
