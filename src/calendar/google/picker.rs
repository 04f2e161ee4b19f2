//! The calendars of a connected account, from which its owner picks, and by which the account is known: its name is the id
//! of its primary calendar, because no scope for an e-mail address is asked for.

use google_calendar3::api;
use secrecy::SecretString;

use super::super::Fault;
use super::super::auth::Token;
use super::Google;
use super::failure::Failure;
use super::pace::Urgency;
use super::wire::{Hub, Wire, attempt};
use crate::clock::Clock;
use crate::names::{CalendarId, Slug};

/// Calendars in one answer; Google's own limit is 250.
const PAGE_CALENDARS: i32 = 250;
/// More pages than this are not a person's calendars.
const MAX_PAGES: usize = 8;

/// A calendar of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCalendar {
    /// Its id.
    pub id: CalendarId,
    /// As its owner calls it.
    pub name: String,
    /// Whether it is the account's own, whose id is the account's name.
    pub primary: bool,
    /// Whether events can be written to it.
    pub writable: bool,
    /// IANA.
    pub time_zone: Option<String>,
}

impl Google {
    /// The calendars of the account that this business's owner connected.
    ///
    /// # Errors
    /// A [`Fault`] when they cannot be read, or not to their end.
    pub async fn list_calendars(&self, business: &Slug) -> Result<Vec<ListedCalendar>, Fault> {
        let mut pages = Pages::default();
        loop {
            let page = self.call("calendarList.list", business, page(pages.next.take())).await.map_err(Failure::into_fault)?;
            if pages.complete_with(page)? {
                return Ok(pages.calendars);
            }
        }
    }

    /// The calendars that this token opens: of an account that is not kept yet.
    ///
    /// # Errors
    /// A [`Fault`] when they cannot be read, or not to their end.
    pub async fn calendars_of(&self, business: &Slug, access: &SecretString) -> Result<Vec<ListedCalendar>, Fault> {
        let refused = || Fault::Refused("owners of this business cannot connect an account".into());
        let account = self.0.owners.of(business).ok_or_else(refused)?;
        let kept = self.0.paces.of(&account.tokens);
        let bearer = Token::at_hand(access.clone(), Clock::System.now());
        let mut pages = Pages::default();
        loop {
            let make = page(pages.next.take());
            let page = attempt(account.hub(self.0.client.clone(), &bearer), &make, &kept, Urgency::Awaited)
                .await
                .map_err(Failure::into_fault)?;
            if pages.complete_with(page)? {
                return Ok(pages.calendars);
            }
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Pages {
    calendars: Vec<ListedCalendar>,
    read: usize,
    next: Option<String>,
}

impl Pages {
    /// Takes a page; whether it was the last.
    fn complete_with(&mut self, page: api::CalendarList) -> Result<bool, Fault> {
        if page.items.is_none() && page.kind.is_none() {
            return Err(Fault::Unknown("an answer that is not a list of calendars".into()));
        }
        self.calendars.extend(page.items.into_iter().flatten().filter_map(listed));
        (self.read, self.next) = (self.read + 1, page.next_page_token);
        if self.next.is_some() && self.read == MAX_PAGES {
            return Err(Fault::Unknown("more calendars than are read".into()));
        }
        Ok(self.next.is_none())
    }
}

fn page(
    token: Option<String>,
) -> impl Fn(Hub, Wire) -> futures_util::future::BoxFuture<'static, google_calendar3::common::Result<api::CalendarList>> + Send + Sync
{
    move |hub, mut wire| {
        let token = token.clone();
        Box::pin(async move {
            let mut call = hub.calendar_list().list().delegate(&mut wire).max_results(PAGE_CALENDARS);
            if let Some(token) = &token {
                call = call.page_token(token);
            }
            Ok(call.doit().await?.1)
        })
    }
}

/// One entry; none for a calendar that was removed, or whose id is no id.
fn listed(entry: api::CalendarListEntry) -> Option<ListedCalendar> {
    if entry.deleted == Some(true) {
        return None;
    }
    let id = CalendarId::parse(entry.id.as_deref()?)?;
    let name = entry.summary_override.or(entry.summary).unwrap_or_else(|| id.to_string());
    Some(ListedCalendar {
        name,
        primary: entry.primary == Some(true),
        writable: matches!(entry.access_role.as_deref(), Some("owner" | "writer")),
        time_zone: entry.time_zone,
        id,
    })
}
