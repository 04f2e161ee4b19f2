//! The tools that the assistant may call, and what their arguments mean. The names are those of the published assistant;
//! a model's other spellings are understood.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::arguments::Arguments;
use super::listening::{Line, Listening, Replaced};
use super::reply::Reply;
use crate::booking::change::{Claimed, WishToChange};
use crate::booking::check::Question;
use crate::booking::order::{Wish, WishedTime};
use crate::booking::{Caller, Desk};
use crate::business::profile::Profile;
use crate::clock::{Clock, Deadline};
use crate::names::{Slug, ToolCallId};
use crate::scheduling::speech::spoken_list;
use crate::store::Store;
use crate::switchboard::{RunningCall, Switchboard, Why};

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `checkAvailability`
    CheckAvailability,
    /// `bookAppointment`
    BookAppointment,
    /// `scheduleHVACAppointment`
    ScheduleHvacAppointment,
    /// `findAppointment`
    FindAppointment,
    /// `cancelAppointment`
    CancelAppointment,
    /// `rescheduleAppointment`
    RescheduleAppointment,
    /// `transferToHuman`
    TransferToHuman,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CheckAvailability,
        Self::BookAppointment,
        Self::ScheduleHvacAppointment,
        Self::FindAppointment,
        Self::CancelAppointment,
        Self::RescheduleAppointment,
        Self::TransferToHuman,
    ];

    /// As the assistant knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CheckAvailability => "checkAvailability",
            Self::BookAppointment => "bookAppointment",
            Self::ScheduleHvacAppointment => "scheduleHVACAppointment",
            Self::FindAppointment => "findAppointment",
            Self::CancelAppointment => "cancelAppointment",
            Self::RescheduleAppointment => "rescheduleAppointment",
            Self::TransferToHuman => "transferToHuman",
        }
    }

    /// The arguments with which it is published: each in the first of the spellings that are understood.
    #[must_use]
    pub fn arguments(self) -> Vec<&'static str> {
        let lists: &[&[&'static str]] = match self {
            Self::CheckAvailability => &[SERVICE, DATE, WINDOW, TECHNICIAN],
            Self::BookAppointment => &[SERVICE, START, NAME, PHONE, TECHNICIAN, ADDRESS, EMAIL, NOTES],
            Self::ScheduleHvacAppointment => &[SERVICE, DATE, WINDOW, NAME, PHONE],
            Self::FindAppointment | Self::CancelAppointment => &[CODE, NAME],
            Self::RescheduleAppointment => &[START, CODE, NAME],
            Self::TransferToHuman => &[WHY],
        };
        lists.iter().filter_map(|names| names.first().copied()).collect()
    }

    /// The tool of this name, `snake_case` included.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        Self::ALL.into_iter().find(|tool| plain(tool.name()) == plain(name.trim()))
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn acts(self) -> bool {
        !matches!(self, Self::CheckAvailability | Self::FindAppointment)
    }

    /// Whether it leads to a person: no limit, no pause and no missing word holds it up.
    #[must_use]
    pub fn puts_through(self) -> bool {
        self == Self::TransferToHuman
    }

    /// Whether it books: of two such of one call, the one that still waits while the caller speaks gives way to the newer one.
    fn books(self) -> bool {
        matches!(self, Self::BookAppointment | Self::ScheduleHvacAppointment)
    }

    /// The older form's field that says yes or no.
    #[must_use]
    pub fn verdict(self) -> &'static str {
        match self {
            Self::CheckAvailability => "available",
            _ => "success",
        }
    }

    /// What is wished for, in a form that is the same however the model puts it: for calls that have no id. A question is all
    /// that was asked; without a call, a wish is the same when the job is: a repetition may spell the name another way.
    #[must_use]
    pub fn wish_text(self, arguments: &Arguments, has_call: bool) -> String {
        if has_call || !self.acts() {
            return arguments.canonical();
        }
        let parts = [SERVICE, START, DATE, WINDOW, PHONE, TECHNICIAN, CODE]
            .map(|names| arguments.text(names).unwrap_or_default().to_lowercase());
        parts.join("\n")
    }
}

const SERVICE: &[&str] = &["serviceType"];
const DATE: &[&str] = &["requestedDate", "date"];
const WINDOW: &[&str] = &["timeWindow"];
const TECHNICIAN: &[&str] = &["technician", "provider_id"];
const START: &[&str] = &["scheduledDate", "start_iso"];
const NAME: &[&str] = &["customerName", "caller_name"];
const PHONE: &[&str] = &["customerPhone"];
const NOTES: &[&str] = &["notes", "reason"];
const ADDRESS: &[&str] = &["address"];
const EMAIL: &[&str] = &["email"];
const CODE: &[&str] = &["confirmationId"];
/// Why a person is wanted: it makes the assistant think before it gives up, and nobody acts on it.
const WHY: &[&str] = &["reason"];

/// The number that the model was told, as far as it was.
#[must_use]
pub fn dictated_phone(arguments: &Arguments) -> Option<&str> {
    arguments.text(PHONE)
}

const REPLACED: &str = "That was replaced by the newer request, so this one was not done.";

/// Who asks for it in these words may be booked. A few are named, so that the caller can be led to one.
fn not_asked_for(awaited: &[String]) -> String {
    let some: Vec<String> = awaited.iter().take(3).map(|phrase| format!("\"{phrase}\"")).collect();
    let words = spoken_list(&some, "or");
    format!(
        "The caller has not said yet that they want this, so it was not done. Please ask whether they want it, let them answer with \
         {words}, and then try again."
    )
}

/// One tool call, ready to run.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which tool.
    pub tool: Tool,
    /// What it was given.
    pub arguments: Arguments,
    /// Who calls.
    pub caller: Caller,
    /// In which call.
    pub call: RunningCall,
    /// Its id.
    pub id: Option<ToolCallId>,
}

/// Whether the caller was heard in this call, here or by another copy of the server, but not to say that they want to book.
async fn lacks_wish(heard: Option<bool>, store: &Store, business: &Slug, call: &str) -> bool {
    if heard == Some(true) {
        return false;
    }
    let noted = store.spoken_wish(business, call).await.unwrap_or_else(|error| {
        tracing::error!(call.id = call, %error, "it cannot be looked whether a caller wants to book");
        None
    });
    noted.or(heard) == Some(false)
}

impl Request {
    /// Waits until a tool that acts may act: nobody is booked while they are still speaking, and, where the business wants it,
    /// not before they said that they want to be. A question is answered at once.
    ///
    /// # Errors
    /// What is answered instead. Nothing was done then, and the same request may come again.
    pub async fn turn(
        &self,
        (listening, store): (&Listening, &Store),
        message: u64,
        profile: &Profile,
        deadline: Deadline,
    ) -> Result<(), Reply> {
        let Some(call) = self.caller.call_id.as_deref().filter(|_| self.tool.acts() && !self.tool.puts_through()) else {
            return Ok(());
        };
        let (line, books) = (Line::new(&profile.slug, call), self.tool.books());
        let mut turn = if books { listening.booking(&line, message) } else { listening.other(&line) };
        // Half of the time at most, so that enough is left for the calendar.
        if books && turn.comes(deadline.left() / 2).await == Err(Replaced) {
            tracing::info!(business = %profile.slug, call.id = call, "a booking was replaced by a newer one of its call");
            let fields = Map::from_iter([(self.tool.verdict().to_owned(), Value::Bool(false))]);
            return Err(Reply { is_error: false, fields, ..Reply::passing(REPLACED) });
        }
        let awaited = &profile.booking_rules.require_spoken_intent;
        if !awaited.is_empty() && lacks_wish(turn.wish(), store, &profile.slug, call).await {
            tracing::info!(business = %profile.slug, call.id = call, "a booking waits until the caller says that they want it");
            return Err(Reply::passing(not_asked_for(awaited)));
        }
        Ok(())
    }

    /// Does it.
    pub async fn run(
        &self,
        desk: &Desk,
        switchboard: &Switchboard,
        clock: &Clock,
        profile: &Arc<Profile>,
        deadline: Deadline,
    ) -> Reply {
        let today = profile.zone.date(clock.now());
        if self.arguments == Arguments::Senseless && !self.tool.puts_through() {
            return Reply::error("The details of that request could not be read. Please give each of them once, and try again.");
        }
        let reply = match self.tool {
            Tool::CheckAvailability => {
                desk.check(profile, &self.question(), deadline).await.map(|openings| Reply::openings(profile, &openings))
            }
            Tool::BookAppointment | Tool::ScheduleHvacAppointment => {
                desk.book(profile, &self.wish(), deadline).await.map(|booking| Reply::booking(profile, &booking, today))
            }
            Tool::FindAppointment => {
                desk.appointments(profile, &self.claimed()).await.map(|rows| Reply::appointments(profile, &rows, today))
            }
            Tool::CancelAppointment => {
                desk.cancel(profile, &self.change(), deadline).await.map(|outcome| Reply::changed(profile, &outcome, today))
            }
            Tool::TransferToHuman => {
                Ok(Reply::put_through(switchboard.put_through(profile, &self.call, Why::Asked, deadline).await))
            }
            Tool::RescheduleAppointment => {
                desk.reschedule(profile, &self.change(), deadline).await.map(|outcome| Reply::changed(profile, &outcome, today))
            }
        };
        reply.unwrap_or_else(|refusal| {
            tracing::info!(business = %profile.slug, tool = self.tool.name(), cause = %refusal, "a tool call was refused");
            Reply::refusal(profile, &refusal, today)
        })
    }

    fn question(&self) -> Question {
        Question {
            service: self.text(SERVICE),
            date: self.text(DATE),
            window: self.text(WINDOW),
            technician: self.text(TECHNICIAN),
            caller: self.caller.clone(),
        }
    }

    fn wish(&self) -> Wish {
        let time = match self.tool {
            Tool::ScheduleHvacAppointment => WishedTime::FirstOf { date: self.text(DATE), window: self.text(WINDOW) },
            _ => WishedTime::At(self.text(START)),
        };
        Wish {
            service: self.text(SERVICE),
            time,
            technician: self.text(TECHNICIAN),
            name: self.text(NAME),
            phone: self.text(PHONE),
            address: self.text(ADDRESS),
            email: self.text(EMAIL),
            notes: self.text(NOTES),
            caller: self.caller.clone(),
            tool_call: self.id.clone(),
        }
    }

    fn claimed(&self) -> Claimed {
        Claimed { caller: self.caller.clone(), code: self.text(CODE), name: self.text(NAME) }
    }

    fn change(&self) -> WishToChange {
        WishToChange { claimed: self.claimed(), time: self.text(START), tool_call: self.id.clone() }
    }

    fn text(&self, names: &[&str]) -> Option<String> {
        self.arguments.text(names).map(str::to_owned)
    }
}
