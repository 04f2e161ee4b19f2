//! A service account: it signs for its own tokens. yup-oauth2 signs and asks; when to ask is decided in `mod.rs`, because
//! the library refreshes one minute before the end and lets every waiting caller ask for itself. It also prints tokens
//! through the `log` crate at debug level: see [`super::TELLS_SECRETS`].

use futures_util::FutureExt;
use google_calendar3::yup_oauth2::authenticator::Authenticator;
use google_calendar3::yup_oauth2::error::AuthErrorCode;
use google_calendar3::yup_oauth2::{self as yup, CustomHyperClientBuilder, ServiceAccountAuthenticator, ServiceAccountKey};
use hyper_util::client::legacy::Client;
use secrecy::SecretString;
use url::Url;

use super::super::Fault;
use super::super::google::line::{self, Line};
use super::Minted;
use crate::clock::Clock;
use crate::config;

/// The least that does it: freeBusy refuses `calendar.events` (discovery document of 2026-10-30).
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.events.freebusy"];

/// An account whose key lies in a file.
pub struct ServiceAccount {
    address: String,
    acts_for_a_user: bool,
    minter: Authenticator<Line>,
}

impl ServiceAccount {
    /// Reads and checks the service account's file. Nothing is sent.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn open(settings: &config::Google, client: Client<Line, String>) -> Result<Self, String> {
        let setting = "GOOGLE_CALENDAR_CREDENTIALS";
        let path =
            settings.credentials.as_deref().ok_or(format!("{setting} is not set; it names a service account's JSON file"))?;
        let shown = path.display();
        let text = std::fs::read(path).map_err(|cause| format!("{setting}: {shown} cannot be read: {cause}"))?;
        let key = serde_json::from_slice::<ServiceAccountKey>(&text);
        // What serde says may quote the file, and with it the key.
        let mut key = key.ok().ok_or(format!("{setting}: {shown} is not the JSON file of a service account"))?;
        if key.key_type.as_deref().is_some_and(|kind| kind != "service_account") {
            return Err(format!("{setting}: {shown} is not the JSON file of a service account"));
        }
        let mut from = format!("token_uri in {shown}");
        if let Some(url) = &settings.token_url {
            (key.token_uri, from) = (url.to_string(), "GOOGLE_TOKEN_URL".to_owned());
        }
        let safe = Url::parse(&key.token_uri).is_ok_and(|url| line::is_private(url.scheme(), url.host_str().unwrap_or_default()));
        if !safe {
            return Err(format!("{from} is neither an https address nor on this machine"));
        }
        let address = settings.impersonate.as_ref().unwrap_or(&key.client_email).to_lowercase();
        let mut builder = ServiceAccountAuthenticator::with_client(key, CustomHyperClientBuilder::from(client));
        if let Some(user) = &settings.impersonate {
            builder = builder.subject(user);
        }
        // Builds in memory and waits for nothing.
        let minter = builder.build().now_or_never().and_then(Result::ok);
        let minter = minter.ok_or(format!("{setting}: the private key in {shown} cannot be used"))?;
        Ok(Self { address, acts_for_a_user: settings.impersonate.is_some(), minter })
    }

    /// Whether it acts for a user of its domain, and not for itself.
    pub(super) fn acts_for_a_user(&self) -> bool {
        self.acts_for_a_user
    }

    /// The user acted for, else the account itself.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks for a token.
    pub(super) async fn mint(&self) -> Result<Minted, Fault> {
        let answer = self.minter.force_refreshed_token(&SCOPES).await.map_err(|error| fault(&error))?;
        // The library adds the lifetime to the machine's clock, and ours may be another one.
        let life = answer.expiration_time().map(|end| end - Clock::System.now());
        let bearer = answer.token().ok_or_else(|| Fault::Unknown("token: an answer without a usable token".into()))?;
        Ok(Minted { bearer: SecretString::from(bearer), life })
    }
}

/// Which errors somebody has to mend. The texts are the error's code alone: descriptions are the other side's words.
fn fault(error: &yup::Error) -> Fault {
    let yup::Error::AuthError(said) = error else {
        return Fault::Unknown("token: an answer that cannot be used, or none".into());
    };
    match &said.error {
        // deleted_client, disabled_client, invalid_rapt: codes outside RFC 6749 that only a person can mend.
        AuthErrorCode::Other(code)
            if matches!(code.as_str(), "deleted_client" | "disabled_client" | "invalid_rapt" | "admin_policy_enforced") =>
        {
            Fault::Refused(format!("token: {code}"))
        }
        AuthErrorCode::Other(_) | AuthErrorCode::ExpiredToken => Fault::Unknown("token: a failure of Google's own".into()),
        code => Fault::Refused(format!("token: {}", code.as_str())),
    }
}
