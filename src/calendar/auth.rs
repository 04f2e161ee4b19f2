//! Google's access tokens for one service account: minted ahead of time, one refresh at a time, and never waited for
//! while a valid one is in hand. Neither a token nor a key is ever shown or logged here.
//!
//! yup-oauth2 signs and asks; when to ask is decided here, because it refreshes one minute before the end and lets every
//! waiting caller ask for itself. It also prints tokens through the `log` crate at debug level: see [`TELLS_SECRETS`].

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use google_calendar3::common::GetToken;
use google_calendar3::yup_oauth2::authenticator::Authenticator;
use google_calendar3::yup_oauth2::error::AuthErrorCode;
use google_calendar3::yup_oauth2::{self as yup, CustomHyperClientBuilder, ServiceAccountAuthenticator, ServiceAccountKey};
use hyper_util::client::legacy::Client;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::sync::watch;
use tracing::Instrument;
use url::Url;

use super::Fault;
use super::google::line::{self, Line};
use crate::clock::{Clock, Stopwatch};
use crate::config;

/// The log target whose debug lines contain tokens: whoever sets up logging must turn it off.
pub const TELLS_SECRETS: &str = "yup_oauth2";

/// The least that does it: freeBusy refuses `calendar.events` (discovery document of 2026-10-30).
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/calendar.events", "https://www.googleapis.com/auth/calendar.events.freebusy"];
/// A token is renewed in the background from this long before its end.
const EARLY: time::Duration = time::Duration::minutes(5);
/// Google's tokens last an hour. One that does not say how long is taken for one of those, and none for longer: should it
/// end earlier, the calendar's 401 brings a new one.
const LONGEST_LIFE: time::Duration = time::Duration::HOUR;
/// How long one refresh may take.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a refresh; the refresh itself goes on.
const WAIT_TIMEOUT: Duration = Duration::from_millis(2500);
/// Background refreshes that fail are tried again after 1, 2, 4, … s, and a jitter of up to this.
const JITTER_MS: u64 = 1000;
/// The longest pause between them is 64 s.
const MAX_DOUBLINGS: u32 = 6;

/// An access token that was checked to be a header value.
#[derive(Clone)]
pub struct Token {
    bearer: Arc<SecretString>,
    until: OffsetDateTime,
    /// Which refresh brought it, so that a hundred rejections of one token cause one refresh.
    serial: u64,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, until {})", self.serial, self.until)
    }
}

type BearerFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<String>, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// What the library asks before each request. The token was taken before the call began, so that a failure to get one is
/// told apart from a failure of the call; the library's own wishes for broader scopes are ignored.
impl GetToken for Token {
    fn get_token<'a>(&'a self, _scopes: &'a [&str]) -> BearerFuture<'a> {
        Box::pin(std::future::ready(Ok(Some(self.bearer.expose_secret().to_owned()))))
    }
}

type Outcome = Result<Token, Fault>;

/// The tokens of one service account; clones share them.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    address: String,
    acts_for_a_user: bool,
    minter: Authenticator<Line>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    minted: u64,
    refresh: Option<(watch::Receiver<Option<Outcome>>, tokio::task::AbortHandle)>,
    failures: u32,
    pause: Option<(Stopwatch, Duration)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.address)
    }
}

impl Tokens {
    /// Reads and checks the service account's file. Nothing is sent.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn open(settings: &config::Google, client: Client<Line, String>, clock: Clock) -> Result<Self, String> {
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
        let acts_for_a_user = settings.impersonate.is_some();
        Ok(Self(Arc::new(Inner { address, acts_for_a_user, minter, clock, state: Mutex::default() })))
    }

    /// Whether events may have guests: Google refuses those of a service account that acts for nobody
    /// (`forbiddenForServiceAccounts`).
    #[must_use]
    pub fn may_invite(&self) -> bool {
        self.0.acts_for_a_user
    }

    /// Whose calendars these tokens open: the user acted for, else the service account itself; lower-case.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The token in hand if it is valid, at once; else the one that a refresh brings.
    ///
    /// # Errors
    /// [`Fault::Refused`] when Google will not give one, [`Fault::Unknown`] when it could not be asked.
    pub async fn token(&self) -> Result<Token, Fault> {
        let refresh = {
            let mut state = self.state();
            if let Some(token) = self.valid(&state) {
                self.renew_early(&mut state);
                return Ok(token);
            }
            self.refresh(&mut state)
        };
        wait(refresh).await
    }

    /// A token other than `rejected`, which the calendar no longer takes. However many calls were rejected with it, one
    /// refresh serves them all.
    ///
    /// # Errors
    /// As [`Tokens::token`].
    pub async fn instead_of(&self, rejected: &Token) -> Result<Token, Fault> {
        let refresh = {
            let mut state = self.state();
            if let Some(newer) = self.valid(&state).filter(|token| token.serial != rejected.serial) {
                return Ok(newer);
            }
            state.token = None;
            self.refresh(&mut state)
        };
        wait(refresh).await
    }

    /// Starts a refresh in the background if none is valid or the one in hand ends soon, unless one runs or failed a moment ago.
    pub fn keep_fresh(&self) {
        self.renew_early(&mut self.state());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn valid(&self, state: &State) -> Option<Token> {
        state.token.clone().filter(|token| token.until > self.0.clock.now())
    }

    fn renew_early(&self, state: &mut State) {
        let fresh = state.token.as_ref().is_some_and(|token| token.until - self.0.clock.now() > EARLY);
        let pausing = state.pause.is_some_and(|(since, length)| since.elapsed() < length);
        if !fresh && !pausing {
            self.refresh(state);
        }
    }

    /// The refresh that runs, or a new one. It is a task of its own, which no departing caller takes along.
    fn refresh(&self, state: &mut State) -> watch::Receiver<Option<Outcome>> {
        if let Some((running, _)) = state.refresh.as_ref().filter(|(_, task)| !task.is_finished()) {
            return running.clone();
        }
        let (tell, told) = watch::channel(None);
        let tokens = self.clone();
        let work = async move {
            let outcome = tokens.keep(tokens.mint().await);
            let _ = tell.send(Some(outcome));
        };
        let task = tokio::spawn(work.in_current_span());
        state.refresh = Some((told.clone(), task.abort_handle()));
        told
    }

    async fn mint(&self) -> Result<(SecretString, OffsetDateTime), Fault> {
        // Counted from before the question, so that the token never seems to last longer than it does.
        let asked = self.0.clock.now();
        let answer = tokio::time::timeout(REFRESH_TIMEOUT, self.0.minter.force_refreshed_token(&SCOPES)).await;
        let answer =
            answer.map_err(|_elapsed| Fault::Unknown("token: no answer in time".into()))?.map_err(|error| fault(&error))?;
        // The library adds the lifetime to the machine's clock, and ours may be another one.
        let life = answer.expiration_time().map_or(LONGEST_LIFE, |end| (end - Clock::System.now()).min(LONGEST_LIFE));
        // Anything else would make the library panic when it builds the header.
        let bearer = answer.token().filter(|bearer| !bearer.is_empty() && bearer.bytes().all(|byte| byte.is_ascii_graphic()));
        let bearer = bearer.ok_or_else(|| Fault::Unknown("token: an answer without a usable token".into()))?;
        Ok((SecretString::from(bearer), asked + life))
    }

    fn keep(&self, minted: Result<(SecretString, OffsetDateTime), Fault>) -> Outcome {
        let mut state = self.state();
        state.refresh = None;
        match minted {
            Ok((bearer, until)) => {
                state.minted += 1;
                let token = Token { bearer: Arc::new(bearer), until, serial: state.minted };
                (state.token, state.failures, state.pause) = (Some(token.clone()), 0, None);
                Ok(token)
            }
            Err(fault) => {
                let pause = Duration::from_secs(1 << state.failures.min(MAX_DOUBLINGS))
                    + Duration::from_millis(rand::random_range(0..JITTER_MS));
                state.failures += 1;
                state.pause = Some((Stopwatch::start(), pause));
                tracing::warn!(google.account = %self.0.address, failures = state.failures, cause = %fault, "no new access token");
                Err(fault)
            }
        }
    }
}

async fn wait(mut refresh: watch::Receiver<Option<Outcome>>) -> Outcome {
    let outcome = tokio::time::timeout(WAIT_TIMEOUT, refresh.wait_for(Option::is_some)).await;
    match outcome {
        Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| Err(Fault::Unknown("token: no outcome".into()))),
        Ok(Err(_died)) => Err(Fault::Unknown("token: the refresh died".into())),
        Err(_elapsed) => Err(Fault::Unknown("token: no answer in time".into())),
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
