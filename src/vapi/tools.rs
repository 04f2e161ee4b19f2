//! The tools that the assistant may call, and what their arguments mean. The names are those of the published assistant;
//! a model's other spellings are understood.

use std::sync::Arc;

use super::arguments::Arguments;
use super::reply::Reply;
use crate::booking::book::{Wish, WishedTime};
use crate::booking::check::Question;
use crate::booking::{Caller, Desk};
use crate::business::profile::Profile;
use crate::clock::{Clock, Deadline};
use crate::names::ToolCallId;

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `checkAvailability`
    CheckAvailability,
    /// `bookAppointment`
    BookAppointment,
    /// `scheduleHVACAppointment`
    ScheduleHvacAppointment,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CheckAvailability, Self::BookAppointment, Self::ScheduleHvacAppointment];

    /// As the assistant knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CheckAvailability => "checkAvailability",
            Self::BookAppointment => "bookAppointment",
            Self::ScheduleHvacAppointment => "scheduleHVACAppointment",
        }
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
        !matches!(self, Self::CheckAvailability)
    }

    /// The older form's field that says yes or no.
    #[must_use]
    pub fn verdict(self) -> &'static str {
        match self {
            Self::CheckAvailability => "available",
            Self::BookAppointment | Self::ScheduleHvacAppointment => "success",
        }
    }

    /// What is wished for, in a form that is the same however the model puts it: for calls that have no id. A question is all
    /// that was asked; without a call, a wish is the same when the job is: a repetition may spell the name another way.
    #[must_use]
    pub fn wish_text(self, arguments: &Arguments, has_call: bool) -> String {
        if has_call || !self.acts() {
            return arguments.canonical();
        }
        let parts = [SERVICE, START, DATE, WINDOW, PHONE, TECHNICIAN]
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

/// The number that the model was told, as far as it was.
#[must_use]
pub fn dictated_phone(arguments: &Arguments) -> Option<&str> {
    arguments.text(PHONE)
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
    /// Its id.
    pub id: Option<ToolCallId>,
}

impl Request {
    /// Does it.
    pub async fn run(&self, desk: &Desk, clock: &Clock, profile: &Arc<Profile>, deadline: Deadline) -> Reply {
        if self.arguments == Arguments::Senseless {
            return Reply::error("The details of that request could not be read. Please give each of them once, and try again.");
        }
        let reply = match self.tool {
            Tool::CheckAvailability => {
                desk.check(profile, &self.question(), deadline).await.map(|openings| Reply::openings(profile, &openings))
            }
            Tool::BookAppointment | Tool::ScheduleHvacAppointment => {
                // As the business calls it: what the model said may be a whole sentence.
                let service = profile.service(self.arguments.text(SERVICE)).map_or("the job", |service| service.name.as_str());
                let today = profile.zone.date(clock.now());
                desk.book(profile, &self.wish(), deadline).await.map(|booking| Reply::booking(profile, &booking, service, today))
            }
        };
        reply.unwrap_or_else(|refusal| {
            tracing::info!(business = %profile.slug, tool = self.tool.name(), cause = %refusal, "a tool call was refused");
            Reply::refusal(profile, &refusal)
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
            Tool::CheckAvailability | Tool::BookAppointment => WishedTime::At(self.text(START)),
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

    fn text(&self, names: &[&str]) -> Option<String> {
        self.arguments.text(names).map(str::to_owned)
    }
}
