//! `GET /oauth/login`: opens a link and tells what is about to happen. Opening spends nothing, because previews open links
//! as well; a `HEAD` opens nothing at all.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use time::OffsetDateTime;

use super::page::{LoginPage, Notice, ShownAccount, answer};
use super::query::Pairs;
use super::refusal::Refusal;
use super::scopes::PERMISSIONS;
use super::session::{Session, held};
use super::token::Token;
use super::{Answer, Station};
use crate::business::profile::Profile;
use crate::scheduling::speech::spoken_date;
use crate::store::accounts::AccountRow;
use crate::store::oauth::OpenedLink;

/// `GET /oauth/login?link=…`.
pub(super) async fn login(request: HttpRequest, station: Data<Station>) -> Answer {
    let now = station.clock.now();
    let session = open(&station, &request, now).await?;
    let profile = &session.profile;
    let account = station.store.google_account(&profile.slug).await?;
    let page = LoginPage {
        business: &profile.name,
        account: account.map(|account| shown(profile, account, now)),
        permissions: &PERMISSIONS,
        consent: session.consent_url(&station).await?,
        csrf: session.csrf(),
    };
    let mut response = answer(StatusCode::OK, &page);
    session.hand_to(&mut response, now);
    Ok(response)
}

/// `HEAD /oauth/login`: tells nothing of the link, good or not.
pub(super) async fn look(station: Data<Station>) -> Answer {
    station.is_open()?;
    Ok(answer(StatusCode::OK, &Notice::default()))
}

async fn open(station: &Station, request: &HttpRequest, now: OffsetDateTime) -> Result<Session, Refusal> {
    station.is_open()?;
    let link = Pairs::read(request.query_string().as_bytes()).only("link").and_then(Token::parse);
    let link = link.ok_or_else(|| station.suspect(request, Refusal::LinkUnknown))?;
    let token = Token::fresh();
    let held = held(request).map(|held| held.digest());
    match station.store.open_link(&link.digest(), held.as_ref(), token.session(), now).await? {
        OpenedLink::Session(row) => Session::new(station, token, row),
        OpenedLink::Unknown => Err(station.suspect(request, Refusal::LinkUnknown)),
        OpenedLink::Ended => Err(station.suspect(request, Refusal::LinkEnded)),
        OpenedLink::Spent => Err(station.suspect(request, Refusal::LinkSpent)),
    }
}

fn shown(profile: &Profile, account: AccountRow, now: OffsetDateTime) -> ShownAccount {
    let since = spoken_date(profile.zone.date(account.connected_at), profile.zone.date(now));
    ShownAccount { address: account.address, since, lost: account.lost.is_some() }
}
