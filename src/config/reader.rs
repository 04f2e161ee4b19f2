//! Reads single settings out of a snapshot and collects what is wrong with them, so that every mistake is told at once.
//! It knows the table, not what the groups mean.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;

use super::environment::Environment;
use super::problems::Problems;
use super::scoped::Scoped;
use super::spelling;
use super::table::{Absent, SETTINGS, Setting};
use crate::names::Slug;

/// Whose settings are read: one business's, or `None` for everybody's.
pub(super) type Owner<'a> = Option<&'a Slug>;

/// A mistake was found and recorded; reading goes on elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded;

/// A setting that was read, or whose mistake was recorded.
pub(super) type Read<T> = Result<T, Recorded>;

/// A setting that is there, under the name by which it was found.
pub(super) struct Given<'a> {
    pub name: String,
    pub value: &'a str,
}

/// One pass over the settings.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    businesses: &'a [Slug],
    problems: Problems,
    warnings: Vec<String>,
    /// Names that a hint has spoken of already.
    explained: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub fn new(environment: &'a Environment, businesses: &'a [Slug]) -> Self {
        Self { environment, businesses, problems: Problems::default(), warnings: Vec::new(), explained: BTreeSet::new() }
    }

    pub fn environment(&self) -> &'a Environment {
        self.environment
    }

    pub fn businesses(&self) -> &'a [Slug] {
        self.businesses
    }

    /// For whom a need is checked: each business, or everybody as long as there is none.
    pub fn served(&self) -> Vec<Owner<'a>> {
        if self.businesses.is_empty() { vec![None] } else { self.businesses.iter().map(Some).collect() }
    }

    /// Records a mistake, a whole sentence.
    pub fn wrong(&mut self, sentence: impl Into<String>) -> Recorded {
        self.problems.add(sentence);
        Recorded
    }

    /// Records what is odd but does not stop anything.
    pub fn odd(&mut self, sentence: String) {
        if !self.warnings.contains(&sentence) {
            self.warnings.push(sentence);
        }
    }

    /// Whether a hint has spoken of that name already.
    pub fn has_explained(&self, name: &str) -> bool {
        self.explained.contains(name)
    }

    /// `value` and the warnings if nothing was wrong.
    pub fn finish<T>(self, value: Read<T>) -> Result<(T, Vec<String>), Problems> {
        match (value, self.problems.none_or(())) {
            (Ok(value), Ok(())) => Ok((value, self.warnings)),
            (_, Err(problems)) => Err(problems),
            // Only reachable if a mistake was announced and not recorded; then saying so beats starting.
            (Err(Recorded), Ok(())) => Err(Problems::one("A setting is wrong, but it is not known which.")),
        }
    }

    /// What this owner itself gives, not what it inherits.
    pub fn own(&self, name: &str, owner: Owner<'_>) -> Option<Given<'a>> {
        let name = spelling::full_name(name, owner);
        self.environment.value(&name).map(|value| Given { name, value })
    }

    /// What the owner gives, else what everybody does.
    pub fn given(&self, name: &str, owner: Owner<'_>) -> Option<Given<'a>> {
        self.own(name, owner).or_else(|| self.own(name, None))
    }

    /// A setting that may be absent: as given, else the table's default, else `None`.
    pub fn optional<T, F: Display>(
        &mut self,
        name: &'static str,
        owner: Owner<'_>,
        parse: impl FnOnce(&str) -> Result<T, F>,
    ) -> Read<Option<T>> {
        let Given { name, value } = match (self.given(name, owner), Setting::named(name).map(|setting| setting.absent)) {
            (Some(given), _) => given,
            (None, Some(Absent::Means(value))) => Given { name: name.to_owned(), value },
            (None, _) => return Ok(None),
        };
        parse(value).map(Some).map_err(|fault| self.wrong(format!("{name} {fault}.")))
    }

    /// A setting that must have a value, be it the table's default.
    pub fn always<T, F: Display>(
        &mut self,
        name: &'static str,
        owner: Owner<'_>,
        parse: impl FnOnce(&str) -> Result<T, F>,
    ) -> Read<T> {
        match self.optional(name, owner, parse) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => {
                let meaning = Setting::named(name).map_or("a value", |setting| setting.meaning);
                Err(self.missing(name, "", &format!("set it to {meaning}")))
            }
            Err(recorded) => Err(recorded),
        }
    }

    /// One of some words.
    pub fn choice<T: Copy>(&mut self, name: &'static str, owner: Owner<'_>, words: &[(&str, T)]) -> Read<T> {
        self.always(name, owner, |text| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
            found.ok_or_else(|| format!("must be one of: {}", known.join(", ")))
        })
    }

    /// A whole number of `unit` within a range.
    pub fn number(&mut self, name: &'static str, owner: Owner<'_>, range: RangeInclusive<u64>, unit: &str) -> Read<u64> {
        self.always(name, owner, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| format!("must be a whole number of {unit}, {} to {}", range.start(), range.end()))
        })
    }

    /// A whole number of milliseconds within a range.
    pub fn milliseconds(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Read<Duration> {
        self.number(name, None, range, "milliseconds").map(Duration::from_millis)
    }

    /// Demands a setting of these owners, who lack what `why` says that they need.
    pub fn demand(&mut self, name: &'static str, owners: &[Owner<'_>], why: &str) {
        let lacking: Vec<Owner<'_>> = owners.iter().copied().filter(|owner| self.given(name, *owner).is_none()).collect();
        let own: Vec<String> = lacking.iter().flatten().map(|slug| spelling::full_name(name, Some(slug))).collect();
        if lacking.is_empty() {
            return;
        }
        if own.len() < self.businesses.len() {
            self.missing(name, " for some businesses", &format!("{why}; set it, or {}", own.join(" and ")));
        } else {
            self.missing(name, "", why);
        }
    }

    /// A group of settings, for everybody and for each business that gives any of it itself.
    pub fn scoped<T>(&mut self, group: &str, mut read: impl FnMut(&mut Self, Owner<'_>) -> Read<T>) -> Read<Scoped<T>> {
        let everyone = read(self, None);
        let gives = |owner| {
            SETTINGS.iter().any(|setting| setting.name.starts_with(group) && self.own(setting.name, Some(owner)).is_some())
        };
        let owners: Vec<&Slug> = self.businesses.iter().filter(|owner| gives(owner)).collect();
        let own: Vec<(&Slug, Read<T>)> = owners.into_iter().map(|owner| (owner, read(self, Some(owner)))).collect();
        own.into_iter().try_fold(Scoped::same(everyone?), |scoped, (owner, group)| Ok(scoped.with_own(owner.clone(), group?)))
    }

    fn missing(&mut self, name: &'static str, for_whom: &str, otherwise: &str) -> Recorded {
        let Some(near) = spelling::likely_meant(self.environment, name) else {
            return self.wrong(format!("{name} is missing{for_whom}: {otherwise}."));
        };
        self.explained.insert(near.clone());
        self.wrong(format!("{name} is missing{for_whom}: {near} is set; ringbook reads {name}."))
    }
}

/// The text itself.
#[expect(clippy::unnecessary_wraps, reason = "it stands where a check may stand")]
pub(super) fn text(value: &str) -> Result<String, &'static str> {
    Ok(value.to_owned())
}

/// The text, which must not be shown.
#[expect(clippy::unnecessary_wraps, reason = "it stands where a check may stand")]
pub(super) fn secret(value: &str) -> Result<SecretString, &'static str> {
    Ok(value.to_owned().into())
}

/// A list of secrets, separated by commas; blank ones are dropped.
pub(super) fn secrets(value: &str) -> Result<Vec<SecretString>, &'static str> {
    let secrets: Vec<SecretString> = words(value).map(|word| word.to_owned().into()).collect();
    if secrets.is_empty() {
        Err("has nothing but commas in it: set it to one secret, or to several separated by commas")
    } else {
        Ok(secrets)
    }
}

/// The parts of a list, separated by commas; blank ones are dropped.
pub(super) fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|word| !word.is_empty())
}
