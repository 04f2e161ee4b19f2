//! `/oauth/calendars`: the owner says which calendar is whose.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::choice::{Chosen, Sheet};
use super::page::{CalendarsPage, DonePage, Notice, answer};
use super::session::{Posted, Session};
use super::{Answer, Station};
use crate::calendar::Fault;
use crate::calendar::google::ListedCalendar;
use crate::store::accounts::AccountRow;

/// The account of the session's business, and its calendars as they are now.
struct Account {
    row: AccountRow,
    listed: Vec<ListedCalendar>,
}

impl Account {
    fn sheet<'a>(&'a self, session: &'a Session) -> Sheet<'a> {
        Sheet { profile: &session.profile, listed: &self.listed, address: &self.row.address }
    }
}

/// `GET /oauth/calendars`.
pub(super) async fn show(session: Session, station: Data<Station>) -> Answer {
    let account = match account(&station, &session).await? {
        Ok(account) => account,
        Err(page) => return Ok(page),
    };
    let kept = station.store.chosen_calendars().await?.into_iter().filter(|(business, ..)| *business == session.profile.slug);
    let kept: Chosen = kept.map(|(_, technician, calendar)| (technician, calendar)).collect();
    let chosen = (!kept.is_empty()).then_some(kept);
    Ok(sheet_page(&station, &session, &account, chosen.as_ref(), Vec::new()))
}

/// `POST /oauth/calendars`.
pub(super) async fn choose(posted: Posted, station: Data<Station>) -> Answer {
    let Posted { session, form } = posted;
    let account = match account(&station, &session).await? {
        Ok(account) => account,
        Err(page) => return Ok(page),
    };
    let sheet = account.sheet(&session);
    let chosen = match sheet.read(&form) {
        Ok(chosen) => chosen,
        Err((chosen, mistakes)) => return Ok(sheet_page(&station, &session, &account, Some(&chosen), mistakes)),
    };
    let (slug, google) = (&session.profile.slug, station.way(&session.profile)?.google);
    station.store.choose_calendars(slug, chosen.clone().into_iter().collect()).await?;
    google.reload().await?;
    tracing::info!(business = %slug, calendars = chosen.len(), "an owner has chosen calendars");
    let page = DonePage {
        business: &session.profile.name,
        address: &account.row.address,
        people: sheet.settled(&chosen),
        can_book: session.profile.technicians.iter().any(|one| one.calendar.is_some() || chosen.contains_key(&one.id)),
        csrf: session.csrf(),
    };
    Ok(answer(StatusCode::OK, &page))
}

/// The account and its calendars, or the page that says why there are none.
async fn account(station: &Station, session: &Session) -> Result<Result<Account, HttpResponse>, super::Refusal> {
    let slug = &session.profile.slug;
    let Some(row) = station.store.google_account(slug).await? else {
        let notice = Notice::new("No Google account is connected", ["Connect one first; then you choose its calendars."]);
        return Ok(Err(answer(StatusCode::CONFLICT, &notice.again(session.consent_url(station).await?))));
    };
    let (google, business) = (station.way(&session.profile)?.google.clone(), slug.clone());
    let listed = station.outside(async move { google.list_calendars(&business).await }).await?;
    Ok(match listed {
        Ok(listed) => Ok(Account { row, listed }),
        Err(Fault::Unknown(cause) | Fault::NotNow { cause, .. }) => {
            tracing::warn!(business = %slug, cause, "the calendars of a connected account cannot be listed");
            let lines =
                ["The account is connected, but its calendars could not be read just now.", "Please try again in a moment."];
            Err(answer(StatusCode::SERVICE_UNAVAILABLE, &Notice::new("Google did not answer", lines).with_calendars()))
        }
        Err(Fault::Refused(cause)) => {
            tracing::warn!(business = %slug, cause, "Google does not list the calendars of a connected account");
            let lines = ["Google does not show us the calendars of the connected account any more.", "Connect it again."];
            let notice = Notice::new("Google does not let us in", lines).again(session.consent_url(station).await?);
            Err(answer(StatusCode::CONFLICT, &notice))
        }
    })
}

fn sheet_page(
    station: &Station,
    session: &Session,
    account: &Account,
    chosen: Option<&Chosen>,
    mistakes: Vec<String>,
) -> HttpResponse {
    let sheet = account.sheet(session);
    let status = if mistakes.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = CalendarsPage {
        business: &session.profile.name,
        address: &account.row.address,
        people: sheet.people(chosen),
        mistakes,
        notes: sheet.notes(station.clock.now()),
        csrf: session.csrf(),
    };
    answer(status, &page)
}
