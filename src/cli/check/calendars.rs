//! Whose calendar is whose, whether it can be read and written, and whether it keeps the time of the business.

use futures_util::future::join_all;

use super::finding::Findings;
use super::topics::{CALENDAR, CALENDAR_ZONE};
use crate::booking::Desk;
use crate::business::profile::Profile;
use crate::calendar::{Calendars, Inserted, NewEvent, Place};
use crate::clock::Clock;
use crate::names::{BookingId, EventId};
use crate::scheduling::busy::Span;

/// The trial event lies so far back that it is in nobody's way, even if it cannot be taken out again.
const LONG_AGO: time::Duration = time::Duration::days(1);

pub(super) async fn of(desk: &Desk, calendars: &Calendars, profile: &Profile, clock: &Clock, findings: &mut Findings) {
    let places = desk.places_of(profile);
    let without = profile.technicians.len() - places.len();
    if without > 0 {
        let text = format!("{without} of {} have none", profile.technicians.len());
        let mend = format!(
            "the owner chooses in the browser: `ringbook google login {}` prints the link; with a service account, share the \
             calendar with it and write calendar_id into the business file",
            profile.slug
        );
        if places.is_empty() {
            findings.wrong(Some(&profile.slug), CALENDAR, text, mend);
        } else {
            findings.warning(Some(&profile.slug), CALENDAR, text, mend);
        }
    }
    for found in join_all(places.iter().map(|place| one(calendars, profile, place, clock))).await {
        findings.extend(found);
    }
}

async fn one(calendars: &Calendars, profile: &Profile, place: &Place, clock: &Clock) -> Findings {
    let mut findings = Findings::default();
    let (slug, name) = (Some(&profile.slug), &place.calendar);
    let mend = "share the calendar with the account that ringbook uses, with the right to make changes to events";
    if let Some(fault) = calendars.probe(std::slice::from_ref(place), clock.now()).await.first() {
        findings.wrong(slug, CALENDAR, format!("{name}: {fault}"), mend);
        return findings;
    }
    match written(calendars, profile, place, clock).await {
        Ok(()) => findings.ok(slug, CALENDAR, format!("{name} can be read and written")),
        Err(cause) => findings.wrong(slug, CALENDAR, format!("{name} can be read, but {cause}"), mend),
    }
    let Calendars::Google(google) = calendars else { return findings };
    let ours = profile.zone.name();
    if let Ok(Some(theirs)) = google.zone_of(place).await
        && !theirs.eq_ignore_ascii_case(ours)
    {
        findings.warning(
            slug,
            CALENDAR_ZONE,
            format!("{name} is kept in {theirs}, the business in {ours}: all-day events begin and end at other hours"),
            "set the calendar's time zone at Google, or time_zone in the business file",
        );
    }
    findings
}

/// Writes an event and takes it out again.
async fn written(calendars: &Calendars, profile: &Profile, place: &Place, clock: &Clock) -> Result<(), String> {
    let booking = BookingId::new();
    let id = EventId::parse(&booking.to_string()).ok_or("no trial event can be made")?;
    let trial = NewEvent {
        id: id.clone(),
        summary: "ringbook check".into(),
        description: "A trial: ringbook writes and deletes this to see whether it may. It can be deleted.".into(),
        location: None,
        span: Span::starting(clock.now() - LONG_AGO, std::time::Duration::from_mins(5)),
        time_zone: profile.zone.name().to_owned(),
        booking,
        call_id: String::new(),
        invite: None,
    };
    match calendars.insert(place, &trial).await {
        Inserted::Placed(_) => {}
        Inserted::Duplicate => return Err("the trial event's id is taken".into()),
        Inserted::Refused(cause) => return Err(format!("not written: {cause}")),
        Inserted::NotSent(fault) => return Err(format!("not written: {fault}")),
        Inserted::Unknown(fault) => {
            // It may have arrived all the same.
            let _whatever = calendars.delete(place, &id).await;
            return Err(format!("nobody knows whether it can be written: {fault}"));
        }
    }
    let deleted = calendars.delete(place, &id).await;
    deleted.map(drop).map_err(|fault| format!("the trial event of a day ago could not be deleted: {fault}"))
}
