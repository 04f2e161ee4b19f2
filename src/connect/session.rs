//! The browser in which a link was opened. Holding a [`Session`] means that its cookie was ours and still counts; holding a
//! [`Posted`] means that, besides, a page of that session sent the form. There is no other way to get one.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use time::OffsetDateTime;

use super::query::Pairs;
use super::refusal::Refusal;
use super::token::Token;
use super::{Station, Way};
use crate::body;
use crate::business::profile::Profile;
use crate::store::oauth::SessionRow;

/// With this prefix a browser takes the cookie only as ours alone: Secure, for this host, for every path.
const COOKIE_NAME: &str = "__Host-ringbook";
/// The forms here are under 1 kB, and not much longer with many technicians.
const MAX_FORM_BYTES: usize = 16 * 1024;
/// A form that takes longer is cut off.
const FORM_PATIENCE: Duration = Duration::from_secs(8);
/// How long the way to Google and back may take.
const WAY_LASTS: Duration = Duration::from_mins(10);

/// An open session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub token: Token,
    pub row: SessionRow,
    /// Its business.
    pub profile: Arc<Profile>,
}

/// A form that a page of this session sent. It has spent the session's link.
#[derive(Debug)]
pub(super) struct Posted {
    pub session: Session,
    pub form: Pairs,
}

impl Session {
    /// The session of a business that has a file and an OAuth client.
    pub fn new(station: &Station, token: Token, row: SessionRow) -> Result<Self, Refusal> {
        let profile = station.directory.by_slug(&row.business).ok_or(Refusal::NotHere)?;
        station.way(&profile)?;
        Ok(Self { token, row, profile })
    }

    /// The session that this browser has.
    pub async fn of(station: &Station, request: &HttpRequest) -> Result<Self, Refusal> {
        station.is_open()?;
        let token = held(request).ok_or(Refusal::NoSession)?;
        let row = station.store.oauth_session(&token.digest(), station.clock.now()).await?.ok_or(Refusal::NoSession)?;
        Self::new(station, token, row)
    }

    /// What its forms hold.
    pub fn csrf(&self) -> String {
        self.token.csrf().text().to_owned()
    }

    /// A new way to Google's consent page and back: once, within minutes, for this session alone.
    pub async fn consent_url(&self, station: &Station) -> Result<String, Refusal> {
        let Way { oauth, redirect, .. } = station.way(&self.profile)?;
        let (state, verifier) = (Token::fresh(), crate::calendar::oauth::OauthClient::verifier());
        let sealed = station.settings.vault.seal(crate::vault::Purpose::PkceVerifier, &self.row.business, &verifier);
        let sealed = sealed.map_err(|error| {
            tracing::error!(%error, "a consent cannot be begun");
            Refusal::Failed
        })?;
        let ends_at = self.row.ends_at.min(station.clock.now() + WAY_LASTS);
        station.store.keep_state(&state.digest(), &self.row, &sealed, ends_at).await?;
        Ok(oauth.consent_url(redirect, state.text(), &verifier).into())
    }

    /// Hands the cookie to the browser.
    pub fn hand_to(&self, response: &mut HttpResponse, now: OffsetDateTime) {
        let seconds = (self.row.ends_at - now).whole_seconds().max(0);
        let cookie = format!("{COOKIE_NAME}={}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax", self.token.text());
        // A token is letters, digits, dashes and underscores, so this is always a header.
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
    }
}

/// What the browser holds, if it is one thing and could be ours.
pub(super) fn held(request: &HttpRequest) -> Option<Token> {
    let headers = request.headers().get_all(COOKIE).filter_map(|header| header.to_str().ok());
    let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none()).and_then(Token::parse)
}

impl FromRequest for Session {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let station = request.app_data::<Data<Station>>().ok_or(Refusal::NotHere)?;
            Self::of(station, &request).await.map_err(|refusal| counted(station, &request, refusal))
        })
    }
}

impl FromRequest for Posted {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let station = request.app_data::<Data<Station>>().ok_or(Refusal::NotHere)?;
            station.is_open()?;
            let body = body::read(&request, payload, MAX_FORM_BYTES, FORM_PATIENCE).await?;
            Self::read(station, &request, &body).await.map_err(|refusal| counted(station, &request, refusal))
        })
    }
}

impl Posted {
    async fn read(station: &Station, request: &HttpRequest, body: &[u8]) -> Result<Self, Refusal> {
        let session = Session::of(station, request).await?;
        let form = Pairs::read(body);
        let shown = form.only("csrf").and_then(Token::parse).ok_or(Refusal::Form)?;
        if shown.digest() != session.row.csrf {
            return Err(Refusal::Form);
        }
        if !station.store.spend_link(&session.row).await? {
            return Err(Refusal::LinkSpent);
        }
        Ok(Self { session, form })
    }
}

/// What could not be proven is counted against the address; what failed on our side is not.
fn counted(station: &Station, request: &HttpRequest, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::NotHere | Refusal::Store(_) | Refusal::Failed => refusal,
        refusal => station.suspect(request, refusal),
    }
}
