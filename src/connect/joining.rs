//! What is done with a code: exchanged, weighed, and only then kept. Runs on the main runtime to its end, whether or not the
//! browser is still there.

use std::sync::Arc;

use actix_web::http::StatusCode;
use secrecy::SecretString;
use time::OffsetDateTime;

use super::page::Notice;
use super::refusal::Refusal;
use super::scopes::{Permission, missing};
use super::session::Session;
use super::token::Token;
use super::{Station, Way};
use crate::calendar::Fault;
use crate::calendar::oauth::{Grant, OauthError};
use crate::store;
use crate::store::accounts::NewAccount;
use crate::vault::Purpose;

/// A code that came back on a proven way.
pub(super) struct Joining {
    pub station: Arc<Station>,
    pub session: Session,
    pub code: SecretString,
    pub verifier: SecretString,
}

/// Why no account is connected; nothing was stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotJoined {
    /// The owner said no.
    #[error("the owner did not agree")]
    Denied,
    /// Neither a code nor a no.
    #[error("Google sent neither a code nor a no")]
    Unusable,
    /// Google does not take the code.
    #[error("Google refused the code: {0}")]
    CodeRefused(String),
    /// Google could not be asked.
    #[error("Google could not be asked: {0}")]
    Unreachable(String),
    /// The owner unticked something.
    #[error("{} of the scopes were not granted", .0.len())]
    Ungranted(Vec<Permission>),
    /// A consent that would end within the hour.
    #[error("there was no refresh token")]
    NoRefreshToken,
    /// The account's calendars cannot be read.
    #[error("the account's calendars cannot be read: {0}")]
    NoCalendars(String),
    /// The session may not, or something of ours failed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<store::Error> for NotJoined {
    fn from(error: store::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl Joining {
    /// Connects the account, and gives the session its new name.
    pub async fn run(self) -> Result<Session, NotJoined> {
        let Self { station, session, code, verifier } = &self;
        let Way { google, oauth, redirect } = station.way(&session.profile)?;
        let grant = oauth.exchange(secrecy::ExposeSecret::expose_secret(code), verifier, redirect).await?;
        let (account, now) = (self.weigh(grant).await?, station.clock.now());
        if !station.store.spend_link(&session.row).await? {
            return Err(Refusal::LinkSpent.into());
        }
        station.store.connect_account(&account, now).await?;
        google.reload().await?;
        tracing::info!(business = %account.business, "a Google account was connected");
        self.renamed(now).await
    }

    /// What the consent brought, if it is enough.
    async fn weigh(&self, grant: Grant) -> Result<NewAccount, NotJoined> {
        let Self { station, session, .. } = self;
        let missing = missing(&grant.scopes);
        if !missing.is_empty() {
            return Err(NotJoined::Ungranted(missing));
        }
        let refresh = grant.refresh.ok_or(NotJoined::NoRefreshToken)?;
        let business = &session.row.business;
        let listed = station.way(&session.profile)?.google.calendars_of(business, &grant.access).await?;
        let own = listed.into_iter().find(|calendar| calendar.primary);
        let own = own.ok_or_else(|| NotJoined::NoCalendars("it has no calendar of its own".into()))?;
        let sealed = station.settings.vault.seal(Purpose::RefreshToken, business, &refresh);
        let refresh_token = sealed.map_err(|error| {
            tracing::error!(%error, "a refresh token cannot be sealed");
            Refusal::Failed
        })?;
        let scopes = grant.scopes.into_iter().collect::<Vec<_>>().join(" ");
        let ends_at = grant.ends_in.map(|life| station.clock.now() + life);
        Ok(NewAccount { business: business.clone(), address: own.id.as_str().to_lowercase(), refresh_token, scopes, ends_at })
    }

    /// The same session under a name that nobody can have seen before the account was connected.
    async fn renamed(&self, now: OffsetDateTime) -> Result<Session, NotJoined> {
        let token = Token::fresh();
        if !self.station.store.replace_session(&self.session.row.session, token.session()).await? {
            return Err(Refusal::NoSession.into());
        }
        let row = self.station.store.oauth_session(&token.digest(), now).await?.ok_or(Refusal::NoSession)?;
        Ok(Session { token, row, ..self.session.clone() })
    }
}

impl From<OauthError> for NotJoined {
    fn from(error: OauthError) -> Self {
        match error {
            OauthError::Refused(code) => Self::CodeRefused(code),
            OauthError::Unknown(cause) => Self::Unreachable(cause),
        }
    }
}

impl From<Fault> for NotJoined {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(cause) => Self::NoCalendars(cause),
            Fault::Unknown(cause) | Fault::NotNow { cause, .. } => Self::Unreachable(cause),
        }
    }
}

impl NotJoined {
    /// What the owner is told; the way to Google is offered again with it.
    pub fn page(&self) -> (StatusCode, Notice) {
        let nothing = "Nothing was connected or stored, and your link is still good.";
        match self {
            Self::Denied => {
                let told = "Google says that the access was not given: Cancel was clicked, or the account may not give it.";
                (
                    StatusCode::FORBIDDEN,
                    Notice::new("Google was told no", [told, nothing, "If that was a slip, go back to Google and agree."]),
                )
            }
            Self::Ungranted(missing) => (StatusCode::FORBIDDEN, ungranted(missing, nothing)),
            Self::Unusable => {
                let told = "What Google sent back with you is neither a yes nor a no.";
                (StatusCode::BAD_REQUEST, Notice::new("Google could not go on", [told, nothing]))
            }
            Self::CodeRefused(_) => {
                let told = "Google does not take the answer that it gave you: it may be too old, or was used already.";
                let then = "If it happens again, the OAuth client of this server needs a look; its log has the reason.";
                (StatusCode::BAD_REQUEST, Notice::new("Google did not accept this", [told, nothing, then]))
            }
            Self::NoRefreshToken => {
                let told = "Google gave an access for an hour, and nothing with which to renew it.";
                let then = "Try again; if it stays so, remove this app at myaccount.google.com/permissions first.";
                (StatusCode::BAD_REQUEST, Notice::new("Google gave too little", [told, nothing, then]))
            }
            Self::NoCalendars(_) => {
                let told = "Google does not show the calendars of this account.";
                let then =
                    "The Google Calendar API may be off in the project of this server, or your administrator may have closed it.";
                (StatusCode::BAD_REQUEST, Notice::new("There is no calendar to be seen", [told, then, nothing]))
            }
            Self::Unreachable(_) | Self::Refused(_) => {
                let told = "Google did not answer us just now.";
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    Notice::new("Google did not answer", [told, nothing, "Please try again in a moment."]),
                )
            }
        }
    }
}

fn ungranted(missing: &[Permission], nothing: &str) -> Notice {
    let mut notice = Notice::new("Something was left unticked", ["Google says that this was not granted:"]);
    notice.lines.extend(missing.iter().map(|permission| format!("\u{201c}{}\u{201d}: {}.", permission.what, permission.why)));
    notice.lines.push("Without it nothing can be booked. Please go back to Google and leave everything ticked.".into());
    notice.lines.push(nothing.into());
    notice
}
