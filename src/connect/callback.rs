//! `GET /oauth/callback`: Google sends the browser back, with a code or without. The state is proven and used up before the
//! code is looked at; nothing is stored unless everything came that is needed.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::SecretString;

use super::joining::{Joining, NotJoined};
use super::page::{Notice, answer};
use super::query::Pairs;
use super::refusal::Refusal;
use super::session::Session;
use super::token::Token;
use super::{Answer, Station};
use crate::vault::Purpose;

/// Longer than Google's codes, which are under 300 characters.
const MAX_CODE_CHARS: usize = 2_048;

/// Whom Google sent back, and the verifier of the way that ends here.
struct Returned {
    session: Session,
    verifier: SecretString,
}

/// `GET /oauth/callback?state=…&code=…`, or `&error=…`.
pub(super) async fn callback(request: HttpRequest, station: Data<Station>) -> Answer {
    let said = Pairs::read(request.query_string().as_bytes());
    let Returned { session, verifier } = returned(&station, &request, &said).await?;
    let code = said.only("code").filter(|code| code.len() <= MAX_CODE_CHARS).map(str::to_owned);
    let outcome = match (said.given("error"), code) {
        (Some("access_denied"), _) => Err(NotJoined::Denied),
        (Some(_), _) | (None, None) => Err(NotJoined::Unusable),
        (None, Some(code)) => {
            let joining =
                Joining { station: station.clone().into_inner(), session: session.clone(), code: code.into(), verifier };
            station.outside(joining.run()).await?
        }
    };
    match outcome {
        Ok(joined) => Ok(onward(&station, &joined)),
        Err(not) => explained(&station, &session, not).await,
    }
}

/// Proves that this browser began this way, and uses the way up.
async fn returned(station: &Station, request: &HttpRequest, said: &Pairs) -> Result<Returned, Refusal> {
    station.is_open()?;
    let now = station.clock.now();
    let refuse = |refusal| station.suspect(request, refusal);
    let state = said.only("state").and_then(Token::parse).ok_or_else(|| refuse(Refusal::State))?.digest();
    let way = station.store.oauth_state(&state, now).await?.ok_or_else(|| refuse(Refusal::State))?;
    let session = match Session::of(station, request).await {
        Err(refusal @ Refusal::NoSession) => return Err(refuse(refusal)),
        other => other?,
    };
    if way.session != session.row.session {
        return Err(refuse(Refusal::AnotherBrowser));
    }
    let sealed = station.store.use_state(&state, &way.session, now).await?.ok_or_else(|| refuse(Refusal::State))?;
    let verifier = station.settings.vault.open(Purpose::PkceVerifier, &session.row.business, &sealed);
    let verifier = verifier.map_err(|error| {
        tracing::error!(business = %session.row.business, %error, "the verifier of a consent cannot be opened");
        Refusal::State
    })?;
    Ok(Returned { session, verifier })
}

/// On to the choice of calendars, under a new name.
fn onward(station: &Station, joined: &Session) -> HttpResponse {
    let mut response = answer(StatusCode::SEE_OTHER, &Notice::new("Connected", ["On to the calendars."]).with_calendars());
    if let Ok(address) = station.settings.server_url.route("/oauth/calendars").parse() {
        response.headers_mut().insert(LOCATION, address);
    }
    joined.hand_to(&mut response, station.clock.now());
    response
}

async fn explained(station: &Station, session: &Session, not: NotJoined) -> Answer {
    tracing::warn!(business = %session.row.business, cause = %not, "a consent brought no account");
    if let NotJoined::Refused(refusal) = not {
        return Err(refusal);
    }
    let (status, notice) = not.page();
    Ok(answer(status, &notice.again(session.consent_url(station).await?)))
}
