//! What Google's OAuth server is asked: for an owner's consent, for the tokens that it brings, for a new access token, and
//! to take everything back. It knows no business and keeps nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::BoxFuture;
use google_calendar3::common::to_bytes;
use google_calendar3::hyper::{Request, header};
use hyper_util::client::legacy::Client;
use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenResponse,
    TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::google::line::Line;
use crate::config;

/// What an owner agrees to, the least that does it: to write events, to read busy times (freeBusy refuses
/// `calendar.events`; discovery document of 2026-10-30), and to list the calendars among which the owner picks.
pub const SCOPES: [&str; 3] = [
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.events.freebusy",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
];

/// Where Google gives tokens, unless a setting says otherwise.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A code longer than this is not one of OAuth's.
const MAX_CODE_CHARS: usize = 60;

/// Fields of Google's own in the answer of the token endpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct GoogleFields {
    /// Seconds; only there when the consent ends by itself, as that of an app in "testing" does.
    #[serde(default)]
    refresh_token_expires_in: Option<u64>,
}

impl ExtraTokenFields for GoogleFields {}

type Answer = StandardTokenResponse<GoogleFields, BasicTokenType>;
type Endpoints = oauth2::Client<
    BasicErrorResponse,
    Answer,
    StandardTokenIntrospectionResponse<GoogleFields, BasicTokenType>,
    StandardRevocableToken,
    oauth2::basic::BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The OAuth client of the settings.
#[derive(Clone, Debug)]
pub struct OauthClient {
    endpoints: Endpoints,
    id: String,
    revoke_url: Url,
    http: Http,
}

/// What came of a consent or a refresh.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Opens the calendars for about an hour.
    pub access: SecretString,
    /// How long exactly, if Google said so.
    pub lives: Option<Duration>,
    /// Brings new access tokens; Google gives it once.
    pub refresh: Option<SecretString>,
    /// What the owner agreed to.
    pub scopes: BTreeSet<String>,
    /// How long the consent lasts, if it ends by itself.
    pub ends_in: Option<Duration>,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OauthError {
    /// Google said no, with this code; it will say no again.
    #[error("{0}")]
    Refused(String),
    /// Nobody knows: no answer, or one that cannot be used.
    #[error("{0}")]
    Unknown(String),
}

impl OauthError {
    /// Whether the token itself is of no use any more, and only a new consent helps.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(code) if code == "invalid_grant" || code == "invalid_rapt")
    }
}

/// Why a question could not be asked, for the library.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoAnswer(String);

impl OauthClient {
    /// The client of these settings, if they have one. Nothing is sent.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub(super) fn new(settings: &config::Google, http: Client<Line, String>) -> Result<Option<Self>, String> {
        let Some(client) = &settings.client else { return Ok(None) };
        let token_url = settings.token_url.as_ref().map_or(TOKEN_URL, Url::as_str);
        let token_url = TokenUrl::new(token_url.to_owned()).map_err(|error| format!("GOOGLE_TOKEN_URL: {error}"))?;
        let auth_url = AuthUrl::new(settings.auth_url.to_string()).map_err(|error| format!("GOOGLE_AUTH_URL: {error}"))?;
        let endpoints = oauth2::Client::new(ClientId::new(client.id.clone()))
            .set_client_secret(ClientSecret::new(client.secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(auth_url)
            .set_token_uri(token_url);
        Ok(Some(Self { endpoints, id: client.id.clone(), revoke_url: settings.revoke_url.clone(), http: Http(http) }))
    }

    /// The client's id, as Google's console shows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where the owner agrees. `redirect` is where Google sends the browser afterwards, with `state`; what `verifier` is must
    /// be told when the code is exchanged. Without `prompt=consent` only the first consent ever brings a refresh token.
    #[must_use]
    pub fn consent_url(&self, redirect: &RedirectUrl, state: &str, verifier: &SecretString) -> Url {
        let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
        let state = state.to_owned();
        let request = self
            .endpoints
            .authorize_url(move || CsrfToken::new(state))
            .set_redirect_uri(std::borrow::Cow::Borrowed(redirect))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .add_extra_param("access_type", "offline")
            .add_extra_param("prompt", "consent")
            .add_extra_param("include_granted_scopes", "true");
        request.url().0
    }

    /// A verifier for one consent (PKCE).
    #[must_use]
    pub fn verifier() -> SecretString {
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        verifier.into_secret().into()
    }

    /// What the code brings; it can be asked once.
    ///
    /// # Errors
    /// An [`OauthError`].
    pub async fn exchange(&self, code: &str, verifier: &SecretString, redirect: &RedirectUrl) -> Result<Grant, OauthError> {
        let request = self
            .endpoints
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
            .set_redirect_uri(std::borrow::Cow::Borrowed(redirect));
        in_time(request.request_async(&self.http)).await
    }

    /// A new access token.
    ///
    /// # Errors
    /// An [`OauthError`]; see [`OauthError::is_final`].
    pub async fn refresh(&self, token: &SecretString) -> Result<Grant, OauthError> {
        let token = RefreshToken::new(token.expose_secret().to_owned());
        in_time(self.endpoints.exchange_refresh_token(&token).request_async(&self.http)).await
    }

    /// Ends the whole consent that this token came from. A token that Google does not know is as good as taken back.
    ///
    /// # Errors
    /// [`OauthError::Unknown`] when Google could not be asked.
    pub async fn revoke(&self, token: &SecretString) -> Result<(), OauthError> {
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("token", token.expose_secret()).finish();
        let request = Request::post(self.revoke_url.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
            .map_err(|error| OauthError::Unknown(error.to_string()))?;
        let answer = tokio::time::timeout(TIMEOUT, self.http.0.request(request)).await;
        let answer = answer.map_err(|_elapsed| OauthError::Unknown("no answer in time".into()))?;
        let status = answer.map_err(|error| OauthError::Unknown(error.to_string()))?.status();
        // 400 is `invalid_token`: revoked already, or never given.
        if status.is_success() || status.as_u16() == 400 { Ok(()) } else { Err(OauthError::Unknown(format!("status {status}"))) }
    }
}

/// The connections to Google, as the library wants them.
#[derive(Clone, Debug)]
struct Http(Client<Line, String>);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = NoAnswer;
    type Future = BoxFuture<'c, Result<HttpResponse, NoAnswer>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(send(self.0.clone(), request))
    }
}

async fn send(http: Client<Line, String>, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(body).map_err(|_foreign| NoAnswer("the question cannot be sent".into()))?;
    let answer = http.request(Request::from_parts(head, body)).await;
    let (head, body) = answer.map_err(|_lost| NoAnswer("no answer".into()))?.into_parts();
    if head.status.is_server_error() {
        // Whatever its body says: nothing was decided about the token.
        return Err(NoAnswer(format!("status {}", head.status.as_u16())));
    }
    let body = to_bytes(body).await.ok_or_else(|| NoAnswer("an answer that broke off".into()))?;
    Ok(HttpResponse::from_parts(head, body.to_vec()))
}

async fn in_time(
    asked: impl Future<Output = Result<Answer, RequestTokenError<NoAnswer, BasicErrorResponse>>>,
) -> Result<Grant, OauthError> {
    let answer = tokio::time::timeout(TIMEOUT, asked).await;
    let answer = answer.map_err(|_elapsed| OauthError::Unknown("no answer in time".into()))?;
    answer.as_ref().map(granted).map_err(meaning)
}

fn granted(answer: &Answer) -> Grant {
    let secret = |text: &String| SecretString::from(text.clone());
    Grant {
        access: secret(answer.access_token().secret()),
        lives: answer.expires_in(),
        refresh: answer.refresh_token().map(|token| secret(token.secret())),
        scopes: answer.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect(),
        ends_in: answer.extra_fields().refresh_token_expires_in.map(Duration::from_secs),
    }
}

/// The texts are the error's code alone: descriptions are the other side's words.
fn meaning(error: &RequestTokenError<NoAnswer, BasicErrorResponse>) -> OauthError {
    match error {
        RequestTokenError::ServerResponse(said) => match said.error() {
            BasicErrorResponseType::Extension(code)
                if !matches!(
                    code.as_str(),
                    "deleted_client" | "disabled_client" | "invalid_rapt" | "admin_policy_enforced" | "org_internal"
                ) =>
            {
                OauthError::Unknown(format!("an error of Google's own: {}", word(code)))
            }
            code => OauthError::Refused(word(code.as_ref())),
        },
        RequestTokenError::Request(NoAnswer(cause)) => OauthError::Unknown(cause.clone()),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => OauthError::Unknown("an answer that cannot be used".into()),
    }
}

fn word(code: &str) -> String {
    let sane = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_');
    sane.take(MAX_CODE_CHARS).collect()
}
