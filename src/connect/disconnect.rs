//! `POST /oauth/disconnect`: the owner leaves. The access is given back to Google, and everything is forgotten here; where
//! Google cannot be asked just now, a job goes on asking.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use time::Duration;

use super::page::{Notice, answer};
use super::refusal::Refusal;
use super::session::{Posted, Session};
use super::{Answer, Station};
use crate::store::accounts::AccountRow;
use crate::store::jobs::Job;
use crate::vault::Purpose;

/// Until Google is asked again. Who left by mistake comes right back, and what ends the old consent ends a new one as well: it is
/// not to happen between the click at Google and the moment when we know of it.
const SECOND_THOUGHTS: Duration = Duration::MINUTE;

/// What became of the access at Google.
enum Given {
    /// It has ended.
    Back,
    /// Another business of ours uses the same consent: ending one would end both.
    StillUsed,
    /// Google could not be asked; a job goes on.
    Later,
    /// Nobody can: the token does not open any more.
    ByHand,
}

/// `POST /oauth/disconnect`.
pub(super) async fn disconnect(posted: Posted, station: Data<Station>) -> Answer {
    let Posted { session, .. } = posted;
    let Some(account) = station.store.google_account(&session.profile.slug).await? else {
        let notice = Notice::new("No Google account is connected", ["There is nothing to disconnect."]);
        return Ok(answer(StatusCode::CONFLICT, &notice));
    };
    let given = station.outside(leave(station.clone().into_inner(), session.clone(), account)).await??;
    let mut notice = Notice::new(
        "Disconnected",
        ["The account and the chosen calendars are forgotten here. Events that are in the calendar stay there."],
    );
    notice.lines.push(given.sentence().into());
    Ok(answer(StatusCode::OK, &notice.again(session.consent_url(&station).await?)))
}

/// Runs on the main runtime to its end.
async fn leave(station: Arc<Station>, session: Session, account: AccountRow) -> Result<Given, Refusal> {
    let google = station.way(&session.profile)?.google;
    let given = give_back(&station, &session, &account).await?;
    let then = matches!(given, Given::Later).then(|| {
        let AccountRow { business, address, refresh_token: sealed, generation, .. } = account.clone();
        (format!("revoke/{business}/{generation}"), Job::Revoke { business, address, sealed })
    });
    station.store.forget_account(&account.business, then, station.clock.now() + SECOND_THOUGHTS).await?;
    google.reload().await?;
    tracing::info!(business = %account.business, "a Google account was disconnected");
    Ok(given)
}

async fn give_back(station: &Station, session: &Session, account: &AccountRow) -> Result<Given, Refusal> {
    let way = station.way(&session.profile)?;
    if way.google.consent_is_in_use(&account.business, &account.address, Some(&account.business)).await? {
        return Ok(Given::StillUsed);
    }
    let token = match station.settings.vault.open(Purpose::RefreshToken, &account.business, &account.refresh_token) {
        Ok(token) => token,
        Err(error) => {
            tracing::error!(business = %account.business, %error, "a refresh token cannot be opened, so it cannot be given back");
            return Ok(Given::ByHand);
        }
    };
    Ok(match way.oauth.revoke(&token).await {
        Ok(()) => Given::Back,
        Err(error) => {
            tracing::warn!(business = %account.business, %error, "a token could not be given back yet");
            Given::Later
        }
    })
}

impl Given {
    fn sentence(&self) -> &'static str {
        match self {
            Self::Back => "The access was given back to Google.",
            Self::StillUsed => {
                "Another business on this server uses the same Google account, so Google was not told to end the access."
            }
            Self::Later => "Google did not answer just now; we keep asking it to end the access until it does.",
            Self::ByHand => "Google could not be told; please remove this app at myaccount.google.com/permissions.",
        }
    }
}
