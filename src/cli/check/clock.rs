//! Whether the clock is right: by the date that the counterparts write above their answers.

use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::macros::format_description;
use url::Url;

use super::finding::Findings;
use super::{PATIENCE, Patient, topics};

/// More than this is not a slow answer.
const MOST_SECONDS: u64 = 60;

/// How far ahead we are of somebody, in seconds.
struct Compared {
    ahead: i64,
    whose: &'static str,
}

pub(super) async fn of(patient: &Patient) -> Findings {
    let (twilio, vapi) = (&patient.settings.twilio.everyone().api_url, &patient.settings.vapi.everyone().api_url);
    let (twilio, vapi) = tokio::join!(compared(patient, twilio, "Twilio"), compared(patient, vapi, "Vapi"));
    let mut findings = Findings::default();
    // Where only one of them differs, it is theirs that is wrong.
    let nearest = [twilio, vapi].into_iter().flatten().min_by_key(|compared| compared.ahead.unsigned_abs());
    match nearest {
        None => findings.warning(
            None,
            topics::CLOCK,
            "neither Twilio nor Vapi could be asked for the time",
            "see whether this machine reaches them; `timedatectl` says whether its clock is kept in step",
        ),
        Some(Compared { ahead, whose }) if ahead.unsigned_abs() > MOST_SECONDS => {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            findings.wrong(
                None,
                topics::CLOCK,
                format!("it is {} s {way} {whose}'s", ahead.unsigned_abs()),
                "let the machine keep its clock: `sudo timedatectl set-ntp true`",
            );
        }
        Some(Compared { whose, .. }) => findings.ok(None, topics::CLOCK, format!("it agrees with {whose}'s")),
    }
    findings
}

/// Any answer has a date, also one that refuses: nothing is asked for, and no key is shown.
async fn compared(patient: &Patient, url: &Url, whose: &'static str) -> Option<Compared> {
    let response = patient.http.head(url.clone()).timeout(PATIENCE).send().await.ok()?;
    let now = patient.clock.now();
    let theirs = date(response.headers().get("date")?.to_str().ok()?)?;
    Some(Compared { ahead: (now - theirs).whole_seconds(), whose })
}

/// As RFC 9110, section 5.6.7, has it.
fn date(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    PrimitiveDateTime::parse(text.trim(), format).ok().map(PrimitiveDateTime::assume_utc)
}
