//! Whether what a business file says makes sense: that it can be read is known already. Nothing is asked but what was ordered
//! since.

use time::Date;

use super::finding::Findings;
use super::{Patient, topics};
use crate::business::profile::{Profile, Technician};
use crate::names::Slug;
use crate::scheduling::hours::WallSpan;
use crate::store::Store;

pub(super) async fn of(patient: &Patient, store: &Store) -> Findings {
    let mut findings = Findings::default();
    let ordered = patient.directory.keep_up(store).await;
    if let Err(error) = ordered {
        findings.wrong(None, topics::DATABASE, format!("it cannot be read what was ordered: {error}"), "run this again");
    }
    for profile in &patient.profiles {
        // As it is in force: a pause is an order.
        let profile = patient.directory.by_slug(&profile.slug).unwrap_or_else(|| profile.clone());
        let today = profile.zone.date(patient.clock.now());
        services(&profile, today, &mut findings);
        hours(&profile, today, &mut findings);
        notice(&profile, &mut findings);
        transfer(&profile, &mut findings);
        told(&profile, &mut findings);
        emergency(&profile, &mut findings);
        if profile.pause.is_some() {
            let slug = &profile.slug;
            let mend = format!("`ringbook resume {slug}` lets the assistant answer again");
            findings.warning(Some(slug), topics::PAUSED, "callers go straight to a person", mend);
        }
    }
    findings
}

fn file(slug: &Slug) -> String {
    format!("{slug}.toml")
}

/// The dates that can be booked.
fn dates(profile: &Profile, today: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(today), |date| date.next_day()).take(usize::from(profile.rules.horizon_days) + 1)
}

/// The longest time without a break that this person works on one of these days, in minutes.
fn longest(profile: &Profile, person: &Technician, today: Date) -> u16 {
    let length = |span: &WallSpan| span.to_minute - span.from_minute;
    let weekly = person.opening.week.0.iter().flatten().map(length).max();
    let special = dates(profile, today).flat_map(|date| person.opening.on(date).spans).map(|span| length(&span)).max();
    weekly.max(special).unwrap_or_default()
}

fn services(profile: &Profile, today: Date, findings: &mut Findings) {
    let slug = &profile.slug;
    let mut fitting = 0;
    for service in &profile.services {
        let minutes = service.duration.as_secs() / 60;
        let people = profile.technicians.iter().filter(|person| person.does(service));
        let most = people.map(|person| longest(profile, person, today)).max().unwrap_or_default();
        if u64::from(most) >= minutes {
            fitting += 1;
            continue;
        }
        let text =
            format!("{} takes {minutes} minutes, and nobody who does it works longer than {most} at a stretch", service.name);
        let mend = format!("in {} shorten duration_minutes, or lengthen a span of [hours]", file(slug));
        findings.warning(Some(slug), topics::SERVICE, text, mend);
    }
    if fitting == 0 {
        let mend = format!("look at [hours] and [[services]] in {}", file(slug));
        findings.wrong(Some(slug), topics::SERVICE, "not one of them can ever be booked", mend);
    } else if fitting == profile.services.len() {
        findings.ok(Some(slug), topics::SERVICE, "each of them fits into an opening");
    }
}

fn hours(profile: &Profile, today: Date, findings: &mut Findings) {
    let slug = &profile.slug;
    let open = |date: &Date| profile.technicians.iter().any(|person| !person.opening.on(*date).spans.is_empty());
    match dates(profile, today).find(open) {
        Some(date) => findings.ok(Some(slug), topics::HOURS, format!("the next day on which somebody works is {date}")),
        None => findings.wrong(
            Some(slug),
            topics::HOURS,
            format!("nobody works on any of the {} days that can be booked", profile.rules.horizon_days),
            format!("look at [hours], [[exceptions]] and horizon_days in {}, or `ringbook open {slug} --from DATE`", file(slug)),
        ),
    }
}

fn notice(profile: &Profile, findings: &mut Findings) {
    let (slug, rules) = (&profile.slug, &profile.rules);
    let horizon = (u64::from(rules.horizon_days) + 1) * 24 * 60;
    let notice = rules.minimum_notice.as_secs() / 60;
    if notice >= horizon {
        let text =
            format!("minimum_notice_minutes is {notice}, which is past the last day of horizon_days = {}", rules.horizon_days);
        findings.wrong(Some(slug), topics::NOTICE, text, format!("in {} shorten the one or lengthen the other", file(slug)));
    }
}

fn transfer(profile: &Profile, findings: &mut Findings) {
    let (slug, transfer) = (&profile.slug, &profile.transfer);
    let mend = |what: &str| format!("in {} {what}", file(slug));
    match (&transfer.to, &transfer.after_hours_to, &transfer.hours) {
        (None, None, _) => {
            findings.warning(
                Some(slug),
                topics::TRANSFER,
                "there is no number of a person",
                mend("write to = \"+…\" under [transfer]"),
            );
        }
        (None, Some(_), None) => findings.warning(
            Some(slug),
            topics::TRANSFER,
            "after_hours_to never rings: without hours it is never after hours, and to is not set",
            mend("write to = \"+…\" under [transfer]"),
        ),
        (Some(_), None, Some(hours)) if hours.is_empty() => findings.warning(
            Some(slug),
            topics::TRANSFER,
            "hours is empty, so that the person is never rung",
            mend("write hours such as [\"08:00-21:00\"] under [transfer], or take the line out, which means always"),
        ),
        _ => findings.ok(Some(slug), topics::TRANSFER, "a person can be rung"),
    }
}

fn told(profile: &Profile, findings: &mut Findings) {
    let (slug, notify) = (&profile.slug, &profile.notify);
    let mend = |what: &str| format!("in {} {what}", file(slug));
    if notify.sms.is_empty() {
        let what = mend("write your mobile number under [notify]: sms = [\"+…\"]");
        findings.warning(Some(slug), topics::NOTIFY, "nobody gets any", what);
    } else if notify.on.is_empty() {
        findings.warning(Some(slug), topics::NOTIFY, "on is empty, so nothing is told", mend("take the line on = [] out"));
    } else {
        findings.ok(Some(slug), topics::NOTIFY, "somebody gets them");
    }
}

fn emergency(profile: &Profile, findings: &mut Findings) {
    let (slug, emergency) = (&profile.slug, &profile.emergency);
    if emergency.phrases.is_empty() {
        return;
    }
    let mend = |what: &str| format!("in {} {what}", file(slug));
    if emergency.to.is_none() && profile.transfer.to.is_none() {
        findings.warning(
            Some(slug),
            topics::EMERGENCY,
            "there are phrases, and neither [emergency] nor [transfer] has a number",
            mend("write to = \"+…\" under [emergency]"),
        );
    } else if emergency.say.is_empty() {
        let what = mend("write what the caller is to hear: say = \"…\" under [emergency]");
        findings.warning(Some(slug), topics::EMERGENCY, "there are phrases, and nothing is said when one is heard", what);
    } else {
        findings.ok(Some(slug), topics::EMERGENCY, "a caller in danger hears what to do, and is put through");
    }
}
