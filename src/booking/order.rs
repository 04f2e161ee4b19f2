//! Understanding a wish: everything that a booking needs is known after this, or the caller is asked for it.

use std::time::Duration;

use time::OffsetDateTime;

use super::check::{Asked, date_meant, window_meant};
use super::error::Refusal;
use super::{Caller, Desk, identity, when, words};
use crate::business::profile::Profile;
use crate::names::{BookingId, BookingState, Phone, Seen, ToolCallId};
use crate::scheduling::busy::Span;
use crate::scheduling::hours::WallSpan;
use crate::scheduling::zone::MINUTES_OF_DAY;
use crate::store::bookings::BookingRow;

/// What a caller wants booked, as the model put it.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// `serviceType`
    pub service: Option<String>,
    /// When.
    pub time: WishedTime,
    /// `technician`
    pub technician: Option<String>,
    /// `customerName`
    pub name: Option<String>,
    /// `customerPhone`
    pub phone: Option<String>,
    /// `address`
    pub address: Option<String>,
    /// `email`
    pub email: Option<String>,
    /// `notes`
    pub notes: Option<String>,
    /// Who asks.
    pub caller: Caller,
    /// The tool call that brought it.
    pub tool_call: Option<ToolCallId>,
}

/// When a job is wished for.
#[derive(Clone, Debug)]
pub enum WishedTime {
    /// At a given time: `scheduledDate`.
    At(Option<String>),
    /// At the first open time of a date and window.
    FirstOf {
        /// `requestedDate`
        date: Option<String>,
        /// `timeWindow`
        window: Option<String>,
    },
}

impl Default for WishedTime {
    fn default() -> Self {
        Self::At(None)
    }
}

/// A wish in which everything is known.
pub(super) struct Order<'p> {
    pub(super) asked: Asked<'p>,
    pub(super) caller_key: String,
    pub(super) name: String,
    pub(super) phone: Phone,
    pub(super) preferred: String,
    /// Where another booking of the same caller and service is the same wish.
    pub(super) same: Span,
    /// The start that is wished for; `None` for the first open one.
    pub(super) exactly: Option<OffsetDateTime>,
    /// The window that is wished for.
    pub(super) window: Option<WallSpan>,
}

impl Desk {
    /// Understands the wish, the cheap and the telling parts first.
    pub(super) async fn order<'p>(&self, profile: &'p Profile, wish: &Wish) -> Result<Order<'p>, Refusal> {
        let asked = Asked::read(profile, wish.service.as_deref(), wish.technician.as_deref())?;
        let today = profile.zone.date(self.clock.now());
        let (exactly, window, same, preferred) = match &wish.time {
            WishedTime::At(said) => {
                let start = self.start_meant(profile, &wish.caller, said.as_deref()).await?;
                (Some(start), None, Span::starting(start, Duration::from_millis(1)), words::at(start, today))
            }
            WishedTime::FirstOf { date, window } => {
                let date = date_meant(date.as_deref(), today)?;
                let meant = window_meant(profile, window.as_deref())?;
                let whole_day = Span { start: profile.zone.start_of_day(date), end: profile.zone.bound(date, MINUTES_OF_DAY) };
                let same = meant.and_then(|window| window.on(date, &profile.zone)).unwrap_or(whole_day);
                (None, meant, same, words::in_window(date, today, window.as_deref()))
            }
        };
        let name = wish.name.clone().ok_or(Refusal::NameMissing)?;
        let phone = phone_meant(profile, wish)?;
        if profile.booking_rules.require_address && wish.address.is_none() {
            return Err(Refusal::AddressMissing);
        }
        let caller_key = caller_key(wish, &phone);
        Ok(Order { asked, caller_key, name, phone, preferred, same, exactly, window })
    }

    /// The start that a caller means, in local time.
    pub(super) async fn start_meant(
        &self,
        profile: &Profile,
        caller: &Caller,
        said: Option<&str>,
    ) -> Result<OffsetDateTime, Refusal> {
        let said = said.ok_or(Refusal::TimeMissing)?;
        let offered = match &caller.call_id {
            Some(call) => self.store.offered_in(&profile.slug, call).await?,
            None => Vec::new(),
        };
        let offered: Vec<_> = offered.into_iter().map(|instant| profile.zone.civil(instant)).collect();
        when::meant_by(said, &profile.zone, &offered)
    }

    /// The row that claims this start for a technician of the crew; `None` while that technician has no calendar.
    pub(super) fn new_row(&self, order: &Order<'_>, wish: &Wish, start: OffsetDateTime, technician: usize) -> Option<BookingRow> {
        let profile = order.asked.profile;
        let technician = order.asked.crew.get(technician)?;
        let place = self.place_of(profile, technician)?;
        let (id, span) = (BookingId::new(), Span::starting(start, order.asked.service.duration));
        Some(BookingRow {
            id,
            business: profile.slug.clone(),
            technician: technician.id.clone(),
            technician_named: order.asked.wanted.is_some(),
            claim_key: self.calendars.claim_key(&place),
            calendar: place.calendar,
            service: order.asked.service.name.clone(),
            span,
            free_at: span.end + profile.rules.buffer,
            zone: profile.zone.name().to_owned(),
            wall_clock: words::wall_clock(profile.zone.civil(start)),
            state: BookingState::Claimed,
            generation: 0,
            in_doubt: false,
            seen: Seen::Nothing,
            promised: false,
            missing_since: None,
            event_id: identity::event_id(&profile.slug, id, 0),
            etag: String::new(),
            confirmation: identity::confirmation_code(),
            caller_key: order.caller_key.clone(),
            customer_name: order.name.clone(),
            customer_phone: order.phone.clone(),
            address: wish.address.clone().unwrap_or_default(),
            email: wish.email.clone().unwrap_or_default(),
            notes: wish.notes.clone().unwrap_or_default(),
            preferred: order.preferred.clone(),
            call_id: wish.caller.call_id.clone().unwrap_or_default(),
            tool_call_id: wish.tool_call.as_ref().map(ToString::to_string).unwrap_or_default(),
            created_at: self.clock.now(),
        })
    }
}

/// Where the customer can be reached: the dictated number, else the one that the call comes from.
fn phone_meant(profile: &Profile, wish: &Wish) -> Result<Phone, Refusal> {
    let home = profile.phone_numbers.first();
    let dictated = wish.phone.as_deref().map(|said| home.and_then(|home| Phone::dictated(said, home)));
    match (dictated, &wish.caller.signalled) {
        (Some(Some(phone)), _) => Ok(phone),
        (_, Some(signalled)) => Ok(signalled.clone()),
        (Some(None), None) => Err(Refusal::PhoneUnclear),
        (None, None) => Err(Refusal::PhoneMissing),
    }
}

/// Who wishes: the signalled number, which nobody can dictate; else the call together with the dictated one.
fn caller_key(wish: &Wish, phone: &Phone) -> String {
    match &wish.caller.signalled {
        Some(signalled) => signalled.as_str().to_owned(),
        None => format!("{}/{}", wish.caller.call_id.as_deref().unwrap_or_default(), phone.as_str()),
    }
}

/// Whom Google invites: an event that is taken out again would reach them as well.
pub(super) fn guest(profile: &Profile, row: &BookingRow) -> Option<String> {
    Some(row.email.clone()).filter(|email| profile.booking_rules.invite_caller && is_address(email))
}

/// Whether mail could be sent there. A calendar refuses the whole event for a guest's address that is none, and what is
/// heard on the telephone often is none ("dana at example dot com").
fn is_address(email: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    let Some((local, domain)) = email.split_once('@') else { return false };
    let labels =
        domain.split('.').all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    plain(local) && labels && domain.contains('.')
}
