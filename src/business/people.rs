//! The services and the technicians of a business file, and whose calendar is whose.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::asked::words;
use super::file::{Problems, Table, quoted};
use super::folder::Access;
use super::hours;
use super::profile::{Service, Technician};
use crate::names::{CalendarId, Slug};
use crate::scheduling::hours::Opening;

/// The longest job; it has to end on the day on which it starts.
const MAX_DURATION_MINUTES: i64 = 24 * 60;

/// `[[services]]`; spellings are told apart without case and punctuation, as callers are heard.
pub(super) fn services(file: &mut Table) -> Vec<Service> {
    let before = file.problems().count();
    let tables = file.tables("services");
    if tables.is_empty() && file.problems().count() == before {
        file.wrong("services", "at least one service is required; add [[services]] with a name and duration_minutes");
    }
    let mut taken = Taken::default();
    tables.into_iter().enumerate().filter_map(|(index, table)| service(table, index, &mut taken)).collect()
}

fn service(mut table: Table, index: usize, taken: &mut Taken) -> Option<Service> {
    let name = table.needed_text("name", "repair");
    let aliases = table.list("aliases").unwrap_or_default();
    let minutes: u64 = table.needed_number("duration_minutes", 1..=MAX_DURATION_MINUTES, 60).unwrap_or(1);
    let named = name.iter().map(|name| (table.key("name"), name.clone()));
    for (place, spelling) in named.chain(aliases.iter().cloned()) {
        taken.claim(index, &place, &spelling, &table.problems());
    }
    table.finish();
    let aliases = aliases.into_iter().map(|(_, alias)| alias).collect();
    Some(Service { name: name?, aliases, duration: Duration::from_secs(minutes * 60) })
}

/// `[[technicians]]`, or the business itself as its only one.
pub(super) fn technicians(
    file: &mut Table,
    slug: &Slug,
    access: Access,
    services: &[Service],
    opening: &Opening,
) -> Vec<Technician> {
    let own_calendar = file.text("calendar_id");
    let tables = file.tables("technicians");
    if tables.is_empty() {
        let calendar = calendar(&file.key("calendar_id"), own_calendar, slug.as_str(), access, &file.problems());
        let itself =
            Technician { id: slug.to_string(), name: None, calendar, services: BTreeSet::new(), opening: opening.clone() };
        return vec![itself];
    }
    if own_calendar.is_some() {
        file.problems()
            .warn(file.key("calendar_id"), "this counts only for a business without technicians; each of them has a calendar_id");
    }
    let (mut taken, mut calendars) = (Taken::default(), BTreeMap::new());
    let mut people = Vec::new();
    for (index, mut table) in tables.into_iter().enumerate() {
        let calendar_id = table.text("calendar_id");
        if let Some(id) = &calendar_id
            && let Some(other) = calendars.insert(id.to_lowercase(), table.key("calendar_id"))
        {
            table.wrong("calendar_id", format!("{other} is the same calendar; give each technician a calendar of their own"));
        }
        people.extend(technician(table, index, &mut taken, calendar_id, access, services, opening));
    }
    for (index, service) in services.iter().enumerate().filter(|(_, service)| !people.iter().any(|person| person.does(service))) {
        file.problems()
            .warn(format!("services[{index}]"), format!("no technician does {}; it can never be booked", quoted(&service.name)));
    }
    people
}

fn technician(
    mut table: Table,
    index: usize,
    taken: &mut Taken,
    calendar_id: Option<String>,
    access: Access,
    services: &[Service],
    business: &Opening,
) -> Option<Technician> {
    let id = table.needed_text("id", "sam").filter(|id| {
        let sane = CalendarId::parse(id).is_some_and(|_| id.len() <= 64);
        if !sane {
            table.wrong("id", "use 1 to 64 letters, digits and dashes, without spaces; the name may have them");
        }
        sane
    });
    let name = table.text("name");
    for (key, spelling) in [("id", &id), ("name", &name)] {
        if let Some(spelling) = spelling {
            taken.claim(index, &table.key(key), spelling, &table.problems());
        }
    }
    let skills = skills(&mut table, services);
    let opening = own_opening(&mut table, business);
    let calendar = calendar(&table.key("calendar_id"), calendar_id, id.as_deref().unwrap_or_default(), access, &table.problems());
    table.finish();
    let id = id?;
    Some(Technician { name: name.or_else(|| Some(id.clone())), id, calendar, services: skills, opening })
}

/// `services` of a technician: the names of known ones, however they are spelt.
fn skills(table: &mut Table, services: &[Service]) -> BTreeSet<String> {
    let mut skills = BTreeSet::new();
    for (place, text) in table.list("services").unwrap_or_default() {
        let known = services.iter().find(|service| service.spellings().any(|spelling| words(spelling) == words(&text)));
        match known {
            Some(service) => drop(skills.insert(service.name.clone())),
            None => table
                .problems()
                .add(place, format!("there is no service {}; write the name of one of [[services]]", quoted(&text))),
        }
    }
    skills
}

/// A technician without own hours works when the business is open, and follows its exceptions after the own ones. One with
/// own hours is only narrowed by them.
fn own_opening(table: &mut Table, business: &Opening) -> Opening {
    let hours = table.table("hours");
    let (same_as_business, week) = (hours.is_empty(), hours::week(hours));
    let mut exceptions = hours::exceptions(table);
    if same_as_business {
        exceptions.extend(business.exceptions.iter().cloned());
        return Opening { week: business.week.clone(), exceptions, narrowed_by: Vec::new() };
    }
    Opening { week, exceptions, narrowed_by: business.exceptions.clone() }
}

/// Which calendar is asked: in the embedded one everybody has their own by name; a service account must be told.
fn calendar(place: &str, id: Option<String>, own_name: &str, access: Access, problems: &Problems) -> Option<CalendarId> {
    if access == Access::Embedded {
        return CalendarId::parse(own_name);
    }
    let Some(id) = id else {
        if matches!(access, Access::ServiceAccount | Access::Impersonating) {
            problems.add(place, "a service account has to be told the calendar; share it with the account and write its id here");
        }
        return None;
    };
    if access == Access::ServiceAccount && id.eq_ignore_ascii_case("primary") {
        problems.add(
            place,
            "\"primary\" would be the service account's own calendar, which nobody sees; write the id of a \
             calendar that is shared with it, or set GOOGLE_IMPERSONATE",
        );
    }
    let parsed = CalendarId::parse(&id);
    if parsed.is_none() {
        problems.add(place, "this is no calendar id; write it as Google shows it in the calendar's settings, without spaces");
    }
    parsed
}

/// Spellings and the index of what they stand for: no two things may be heard as one.
#[derive(Default)]
struct Taken(BTreeMap<Vec<String>, (usize, String)>);

impl Taken {
    fn claim(&mut self, index: usize, place: &str, spelling: &str, problems: &Problems) {
        let heard = words(spelling);
        if heard.is_empty() {
            problems.add(place, format!("{} cannot be spoken; write a word", quoted(spelling)));
            return;
        }
        match self.0.get(&heard) {
            Some((other, earlier)) if *other != index => {
                problems.add(place, format!("{} is {earlier} already; give each a word of its own", quoted(spelling)));
            }
            Some(_) => {}
            None => drop(self.0.insert(heard, (index, place.to_owned()))),
        }
    }
}
