//! `bookings`: what was booked on a day, from our own database.

use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Bookings, Failure, business, print};
use crate::business::profile::{Access, LoadFacts, Profile, load_folder};
use crate::clock::Clock;
use crate::config::{Environment, load_store};
use crate::names::{BookingId, BookingState, EventId, Slug};
use crate::scheduling::busy::Span;
use crate::scheduling::speech::spoken_time;
use crate::scheduling::zone::MINUTES_OF_DAY;
use crate::store::Store;
use crate::store::bookings::{BookingRow, is_nobody};

/// One booking, as scripts read it.
#[derive(Serialize)]
struct Line<'a> {
    id: BookingId,
    business: &'a Slug,
    technician: &'a str,
    service: &'a str,
    start: String,
    end: String,
    status: BookingState,
    customer_name: &'a str,
    customer_phone: &'a str,
    confirmation_id: &'a str,
    event_id: &'a EventId,
    call_id: &'a str,
}

pub(super) fn run(asked: &Bookings, environment: &Environment) -> Result<(), Failure> {
    let settings = load_store(environment)?;
    // Which calendars there are does not matter here, so every file that is sound otherwise is accepted.
    let loaded =
        load_folder(&settings.businesses, &LoadFacts::same(Access::Embedded)).map_err(|problems| Failure::of_files(&problems))?;
    business::stands(&settings.database_url)?;
    let wanted = |profile: &Arc<Profile>| asked.business.as_ref().is_none_or(|slug| *slug == profile.slug);
    let profiles: Vec<Arc<Profile>> = loaded.directory.all().filter(wanted).collect();
    if let (Some(slug), true) = (&asked.business, profiles.is_empty()) {
        return Err(Failure::Usage(format!(
            "--business: there is no business file {slug}.toml in {}.",
            settings.businesses.display()
        )));
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let rows = runtime.block_on(async {
        let store = Store::open(settings.database_url.expose()).await?;
        let mut rows = Vec::new();
        for profile in &profiles {
            rows.extend(rows_of(&store, profile, asked).await?);
        }
        store.close().await;
        Ok::<_, crate::store::Error>(rows)
    });
    let rows = rows.map_err(|error| Failure::because("the bookings cannot be read", error))?;
    let shown: Vec<(&Profile, &BookingRow)> = rows.iter().filter_map(|row| Some((business_of(&profiles, row)?, row))).collect();
    if asked.json { print(&(json(&shown)? + "\n")) } else { print(&table(&shown)) }
}

async fn rows_of(store: &Store, profile: &Profile, asked: &Bookings) -> Result<Vec<BookingRow>, crate::store::Error> {
    let date = asked.date.unwrap_or_else(|| profile.zone.date(Clock::System.now()));
    let day = Span { start: profile.zone.start_of_day(date), end: profile.zone.bound(date, MINUTES_OF_DAY) };
    store.bookings_between(&profile.slug, day).await
}

fn business_of<'a>(profiles: &'a [Arc<Profile>], row: &BookingRow) -> Option<&'a Profile> {
    profiles.iter().find(|profile| profile.slug == row.business).map(AsRef::as_ref)
}

fn json(rows: &[(&Profile, &BookingRow)]) -> Result<String, Failure> {
    let instant = |profile: &Profile, at: OffsetDateTime| profile.zone.civil(at).format(&Rfc3339).unwrap_or_default();
    let lines: Vec<Line<'_>> = rows
        .iter()
        .map(|(profile, row)| Line {
            id: row.id,
            business: &row.business,
            technician: &row.technician,
            service: &row.service,
            start: instant(profile, row.span.start),
            end: instant(profile, row.span.end),
            status: row.state,
            customer_name: &row.customer_name,
            customer_phone: number_of(row),
            confirmation_id: &row.confirmation,
            event_id: &row.event_id,
            call_id: &row.call_id,
        })
        .collect();
    serde_json::to_string_pretty(&lines).map_err(|error| Failure::because("the bookings cannot be written as JSON", error))
}

/// The customer's number; empty when they were erased.
fn number_of(row: &BookingRow) -> &str {
    if is_nobody(&row.customer_phone) { "" } else { row.customer_phone.as_str() }
}

/// The same for people.
pub(super) fn table(rows: &[(&Profile, &BookingRow)]) -> String {
    if rows.is_empty() {
        return "Nothing is booked that day.\n".into();
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["From", "To", "Business", "Who", "Service", "Customer", "Phone", "Code", "Status"]);
    for (profile, row) in rows {
        let (start, end) = (profile.zone.civil(row.span.start), profile.zone.civil(row.span.end));
        table.add_row([
            &format!("{} {}", start.date(), spoken_time(start)),
            &spoken_time(end),
            row.business.as_str(),
            &row.technician,
            &row.service,
            &row.customer_name,
            number_of(row),
            &row.confirmation,
            row.state.as_str(),
        ]);
    }
    format!("{table}\n")
}
