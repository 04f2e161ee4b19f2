//! Whose calendar is which: what is offered, what is preselected, and whether a choice can stand. Pure.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::page::{ShownCalendar, ShownPerson};
use super::query::Pairs;
use crate::business::profile::{Profile, Technician};
use crate::calendar::google::ListedCalendar;
use crate::names::CalendarId;
use crate::scheduling::zone::Zone;

/// Google's own name for the calendar of whoever asks.
const PRIMARY: &str = "primary";

/// A business, and the calendars among which its owner chooses.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    pub profile: &'a Profile,
    /// All of the account.
    pub listed: &'a [ListedCalendar],
    /// The account's own name.
    pub address: &'a str,
}

/// Technician and calendar, for those who have one.
pub(super) type Chosen = BTreeMap<String, CalendarId>;

impl Sheet<'_> {
    /// What the form says; or what is wrong with it, in sentences, together with what of it could be read.
    pub fn read(&self, form: &Pairs) -> Result<Chosen, (Chosen, Vec<String>)> {
        let (mut chosen, mut mistakes) = (Chosen::new(), Vec::new());
        for technician in self.open() {
            match form.given(&field(technician)) {
                Some("") => {}
                Some(id) => match self.writable().find(|calendar| calendar.id.as_str() == id) {
                    Some(calendar) => drop(chosen.insert(technician.id.clone(), calendar.id.clone())),
                    None => mistakes
                        .push(format!("{}: this is not a calendar that this account may write to.", self.name(technician))),
                },
                None => mistakes.push(format!("{}: please choose a calendar, or nobody.", self.name(technician))),
            }
        }
        mistakes.extend(self.shared(&chosen));
        if mistakes.is_empty() { Ok(chosen) } else { Err((chosen, mistakes)) }
    }

    /// One sentence for each calendar that two technicians would share: a job in it would block them both.
    fn shared(&self, chosen: &Chosen) -> Vec<String> {
        let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for technician in &self.profile.technicians {
            let calendar = technician.calendar.as_ref().or_else(|| chosen.get(&technician.id));
            if let Some(calendar) = calendar {
                users.entry(self.resolved(calendar)).or_default().push(self.name(technician));
            }
        }
        let shared = users.into_iter().filter(|(_, names)| names.len() > 1);
        shared
            .map(|(id, names)| {
                format!("{} cannot share the calendar {}: each needs one of their own.", names.join(" and "), self.title(&id))
            })
            .collect()
    }

    /// Everybody, with what may be chosen; `chosen` is what is preselected, and where it says nothing a guess.
    pub fn people(&self, chosen: Option<&Chosen>) -> Vec<ShownPerson> {
        let guessed = chosen.cloned().unwrap_or_else(|| self.guess());
        let person = |technician: &Technician| {
            let fixed = technician.calendar.as_ref().map(|calendar| self.title(&self.resolved(calendar)));
            let picked = guessed.get(&technician.id);
            let option = |calendar: &ListedCalendar| ShownCalendar {
                id: calendar.id.to_string(),
                name: format!("{}{}", calendar.name, if calendar.primary { " (the account's own)" } else { "" }),
                selected: picked == Some(&calendar.id),
            };
            ShownPerson {
                name: self.name(technician),
                field: field(technician),
                fixed,
                options: self.writable().map(option).collect(),
            }
        };
        self.profile.technicians.iter().map(person).collect()
    }

    /// The account's own calendar where there is nobody else; otherwise the calendar that bears the technician's name.
    fn guess(&self) -> Chosen {
        let mut guess = Chosen::new();
        let alone = self.profile.technicians.len() == 1;
        let fixed = self.profile.technicians.iter().filter_map(|technician| technician.calendar.as_ref());
        let mut taken: Vec<String> = fixed.map(|calendar| self.resolved(calendar)).collect();
        for technician in self.open() {
            let name = self.name(technician).to_lowercase();
            let suits = |calendar: &&ListedCalendar| {
                let free = !taken.contains(&self.resolved(&calendar.id));
                free && if alone {
                    calendar.primary
                } else {
                    words(&calendar.name).windows(words(&name).len()).any(|some| some == words(&name))
                }
            };
            if let Some(calendar) = self.writable().find(suits) {
                taken.push(self.resolved(&calendar.id));
                guess.insert(technician.id.clone(), calendar.id.clone());
            }
        }
        guess
    }

    /// One sentence for each calendar that lives in another time than the business.
    pub fn notes(&self, now: OffsetDateTime) -> Vec<String> {
        let home = &self.profile.zone;
        let differs = |name: &str| Zone::parse(name).map_or(name != home.name(), |zone| !agree(&zone, home, now));
        let other = |calendar: &ListedCalendar| {
            let zone = calendar.time_zone.as_deref().filter(|name| differs(name))?;
            let told = "Jobs are booked at the business's time; Google may show them at another hour.";
            Some(format!("The calendar {} is in the time zone {zone}, the business in {}. {told}", calendar.name, home.name()))
        };
        self.writable().filter_map(other).collect()
    }

    /// Everybody's name and the name of their calendar.
    pub fn settled(&self, chosen: &Chosen) -> Vec<(String, String)> {
        let line = |technician: &Technician| {
            let calendar = technician.calendar.as_ref().or_else(|| chosen.get(&technician.id));
            let title =
                calendar.map_or_else(|| "nobody's calendar yet: not booked".to_owned(), |id| self.title(&self.resolved(id)));
            (self.name(technician), title)
        };
        self.profile.technicians.iter().map(line).collect()
    }

    fn writable(&self) -> impl Iterator<Item = &ListedCalendar> {
        self.listed.iter().filter(|calendar| calendar.writable)
    }

    /// Those whose calendar the business file leaves to the owner.
    fn open(&self) -> impl Iterator<Item = &Technician> {
        self.profile.technicians.iter().filter(|technician| technician.calendar.is_none())
    }

    fn name(&self, technician: &Technician) -> String {
        technician.name.clone().unwrap_or_else(|| self.profile.name.clone())
    }

    /// The id as Google knows it, whatever its spelling.
    fn resolved(&self, calendar: &CalendarId) -> String {
        let id = calendar.as_str().to_lowercase();
        if id == PRIMARY { self.address.to_lowercase() } else { id }
    }

    fn title(&self, resolved: &str) -> String {
        let listed = self.listed.iter().find(|calendar| self.resolved(&calendar.id) == resolved);
        listed.map_or_else(|| resolved.to_owned(), |calendar| calendar.name.clone())
    }
}

/// The name of a technician's field in the form.
fn field(technician: &Technician) -> String {
    format!("calendar.{}", technician.id)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether the clocks show the same now and half a year on: names alone do not tell, several stand for one zone.
fn agree(one: &Zone, other: &Zone, now: OffsetDateTime) -> bool {
    let later = now + time::Duration::days(182);
    [now, later].into_iter().all(|at| one.civil(at).offset() == other.civil(at).offset())
}
