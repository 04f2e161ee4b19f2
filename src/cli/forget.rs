//! `forget`: a person is erased from our own database, and from Twilio and Vapi by the running server.

use clap::Args;

use super::progress::Progress;
use super::{Failure, business, note, print};
use crate::clock::Clock;
use crate::config::{Environment, load_store};
use crate::names::Phone;
use crate::scheduling::speech::spoken_date_time;
use crate::scheduling::zone::Zone;
use crate::store::bookings::BookingRow;
use crate::store::forget::Erased;

/// Who is erased.
#[derive(Args, Clone, Debug)]
pub struct Forget {
    /// Their number, with its country: +15557654321.
    #[arg(value_name = "NUMBER", value_parser = number)]
    pub phone: Phone,
}

pub(super) fn run(asked: &Forget, environment: &Environment) -> Result<(), Failure> {
    let settings = load_store(environment)?;
    let now = Clock::System.now();
    let progress = Progress::of("Erasing", false);
    let erased = business::in_database(&settings.database_url, async |store| store.erase(&asked.phone, now).await)?;
    progress.reached("rewriting the file".to_owned());
    // By itself: what has been erased is erased, even if the file cannot be rewritten at this moment.
    let is_compact = business::in_database(&settings.database_url, async |store| store.compact().await);
    drop(progress);
    print(&told(&erased, now))?;
    match is_compact {
        Ok(true) => Ok(()),
        Ok(false) => {
            note("Traces are left in the write-ahead log, which was being read all the time: please do this again later.");
            Ok(())
        }
        Err(cause) => Err(Failure::because("It is erased, but traces may be left in the file; please do this again", cause)),
    }
}

fn told(erased: &Erased, now: time::OffsetDateTime) -> String {
    if *erased == Erased::default() {
        return "Nothing is known of this number.\n".into();
    }
    let bookings = erased.bookings.len();
    let Erased { calls, reports, traces, answers, webhooks, voicemails, messages, at_vapi, .. } = erased;
    let mut text = format!(
        "Erased:\n  {bookings} bookings anonymised; their times stay\n  {calls} calls made anonymous\n  {reports} transcripts deleted\n  \
         {traces} tool calls, {answers} kept answers and {webhooks} recorded webhooks deleted\n  {voicemails} voicemails deleted\n  {messages} messages and \
         alerts deleted\n"
    );
    if at_vapi + voicemails > 0 {
        text.push_str("The running server now deletes what lies at Twilio and Vapi, and tries until it works; an alert tells of what it has to give up.\n");
    }
    text + &in_calendar(&erased.bookings, now)
}

/// What stands in the calendars: that is the business's own, and it needs the jobs to come.
fn in_calendar(bookings: &[BookingRow], now: time::OffsetDateTime) -> String {
    let is_there = |row: &&BookingRow| row.state.is_live();
    let (coming, past): (Vec<&BookingRow>, Vec<&BookingRow>) =
        bookings.iter().filter(is_there).partition(|row| row.span.end > now);
    let mut text = String::new();
    if !coming.is_empty() {
        text += "These appointments are still to come. Their events in a Google calendar were left as they are, with the name and the \
                 number, so that the job can be done:\n";
    }
    text.extend(coming.into_iter().map(|row| {
        let start = Zone::parse(&row.zone).map_or(row.span.start, |zone| zone.civil(row.span.start));
        let when = spoken_date_time(start, now.date());
        format!("  {when}: {} with {} for {}, code {}\n", row.service, row.technician, row.business, row.confirmation)
    }));
    if !past.is_empty() {
        let left = "past appointments were left in a Google calendar as well; delete them there.";
        text.push_str(&[past.len().to_string().as_str(), " ", left, "\n"].concat());
    }
    text
}

fn number(text: &str) -> Result<Phone, &'static str> {
    Phone::e164(text).ok_or("a number is written with its country and digits alone, as +15557654321")
}
