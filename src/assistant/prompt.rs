//! What the assistant is told to do: `assistant/prompt.md`, filled in for one business. It depends on the business file alone,
//! so that the same file makes the same assistant on any day.

use time::{Date, Duration, OffsetDateTime, Weekday};

use super::template::{fill_text, plain};
use crate::business::profile::{Profile, Service, Technician};
use crate::scheduling::hours::{Exception, WallSpan};
use crate::scheduling::speech::{spoken_list, spoken_time};

const PROMPT: &str = include_str!("../../assistant/prompt.md");

/// Monday first, as weeks are kept.
const DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

const MINUTES_OF_DAY: u16 = 24 * 60;

/// The whole prompt.
pub(super) fn prompt(profile: &Profile) -> String {
    let text = fill_text(PROMPT, &|word| meaning(profile, word));
    // Where a business has nothing to say, no gap is left.
    text.replace("\n\n\n", "\n\n").trim_end().to_owned()
}

fn meaning(profile: &Profile, word: &str) -> Option<String> {
    let rules = &profile.booking_rules;
    let only_if = |is_so: bool, text: &str| if is_so { text.to_owned() } else { String::new() };
    Some(match word {
        "name" => plain(&profile.name),
        // As the zone rules write it: nothing that Liquid could mistake stands in it.
        "zone" => profile.zone.name().to_owned(),
        "services" => services(profile),
        "hours" => hours(profile),
        "exceptions" => exceptions(profile),
        "technicians" => technicians(profile),
        "person" => person(profile),
        "address" => only_if(rules.require_address, ", the address where the work is to be done (nothing is booked without it)"),
        "intent" => intent(&rules.require_spoken_intent),
        "email" => {
            only_if(rules.invite_caller, "If the caller wants an invitation by e-mail, ask for the address and spell it back.\n")
        }
        "emergency" => emergency(profile),
        _ => return None,
    })
}

fn services(profile: &Profile) -> String {
    let one = |service: &Service| {
        let aliases = service.aliases.iter().map(|alias| plain(alias)).collect::<Vec<_>>().join(", ");
        let meant = if aliases.is_empty() { String::new() } else { format!(" (callers also say: {aliases})") };
        format!("{}{meant}", plain(&service.name))
    };
    profile.services.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn hours(profile: &Profile) -> String {
    let day = |(day, spans): (Weekday, &Vec<WallSpan>)| format!("{day} {}", spoken_spans(spans));
    DAYS.into_iter().zip(&profile.opening.week.0).map(day).collect::<Vec<_>>().join("; ")
}

/// With their years: a list that is read in another year must not be taken for that year's.
fn exceptions(profile: &Profile) -> String {
    let one = |exception: &Exception| {
        let day = |date: Date| format!("{} {}, {}", date.month(), date.day(), date.year());
        let days = if exception.from == exception.to {
            day(exception.from)
        } else {
            format!("{} to {}", day(exception.from), day(exception.to))
        };
        let why = if exception.reason.is_empty() { String::new() } else { format!(" ({})", plain(&exception.reason)) };
        format!("{days}{why}: {}", spoken_spans(&exception.hours))
    };
    match profile.opening.exceptions.as_slice() {
        [] => String::new(),
        some => format!("Other hours on some dates: {}.\n", some.iter().map(one).collect::<Vec<_>>().join("; ")),
    }
}

fn technicians(profile: &Profile) -> String {
    let one = |technician: &Technician| {
        let name = plain(technician.name.as_deref()?);
        let services: Vec<String> = technician.services.iter().map(|service| plain(service)).collect();
        Some(if services.is_empty() { name } else { format!("{name} (only {})", spoken_list(&services, "and")) })
    };
    let people: Vec<String> = profile.technicians.iter().filter_map(one).collect();
    if people.is_empty() {
        return "Nobody can be chosen by name: leave the technician out.\n".to_owned();
    }
    format!("Who comes: {}. Ask for nobody in particular unless the caller does.\n", people.join("; "))
}

fn person(profile: &Profile) -> String {
    let transfer = &profile.transfer;
    let text = match (&transfer.to, &transfer.hours) {
        (Some(_), None) => "A person can be reached through transferToHuman at any hour.".to_owned(),
        (Some(_), Some(hours)) => {
            let otherwise = if transfer.after_hours_to.is_some() {
                "somebody on call at other hours"
            } else {
                "at other hours callers leave a message"
            };
            format!("A person can be reached through transferToHuman every day {}; {otherwise}.", spoken_spans(hours))
        }
        (None, _) => "There is no person to be reached directly: transferToHuman takes a message.".to_owned(),
    };
    text + "\n"
}

fn intent(awaited: &[String]) -> String {
    if awaited.is_empty() {
        return String::new();
    }
    let words: Vec<String> = awaited.iter().map(|phrase| format!("\"{}\"", plain(phrase))).collect();
    format!(
        "Nothing is booked before the caller has said one of these: {}. Ask so that they answer with one.\n",
        words.join(", ")
    )
}

fn emergency(profile: &Profile) -> String {
    let emergency = &profile.emergency;
    let say = if emergency.say.is_empty() {
        "Tell them to get to safety and to call the emergency services.".to_owned()
    } else {
        format!("Say at once: \"{}\"", plain(&emergency.say))
    };
    let phrases: Vec<String> = emergency.phrases.iter().map(|phrase| format!("\"{}\"", plain(phrase))).collect();
    let always =
        if phrases.is_empty() { String::new() } else { format!("These words always mean danger: {}. ", phrases.join(", ")) };
    format!(
        "If somebody may be hurt or in danger (fire, gas, smoke, carbon monoxide, a person who needs help), booking can wait. {say} \
         Then call transferToHuman. {always}Do not ask for names or times first, and do not judge from afar whether it is serious."
    )
}

/// "8 AM to 12 PM and 12:30 PM to 8 PM".
fn spoken_spans(spans: &[WallSpan]) -> String {
    if spans.is_empty() {
        return "closed".to_owned();
    }
    let one = |span: &WallSpan| format!("{} to {}", spoken_minute(span.from_minute), spoken_minute(span.to_minute));
    spoken_list(&spans.iter().map(one).collect::<Vec<_>>(), "and")
}

fn spoken_minute(minute: u16) -> String {
    match minute {
        0 | MINUTES_OF_DAY => "midnight".to_owned(),
        minute => spoken_time(OffsetDateTime::UNIX_EPOCH + Duration::minutes(i64::from(minute))),
    }
}
