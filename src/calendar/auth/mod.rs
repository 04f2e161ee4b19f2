//! Google's access tokens for one account: got ahead of time, one refresh at a time, and never waited for while a valid one
//! is in hand. Neither a token nor a key is ever shown or logged here. Where tokens come from is told by a [`Source`].

mod connected;
mod service;
mod shared;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use google_calendar3::common::GetToken;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::sync::watch;
use tracing::Instrument;

use super::{Fault, shown};
use crate::clock::{Clock, Stopwatch};

pub use connected::Connected;
pub use service::ServiceAccount;

/// The log target whose debug lines contain tokens: whoever sets up logging must turn it off.
pub const TELLS_SECRETS: &str = "yup_oauth2";

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

impl Token {
    /// A token that came with a consent, to be used before anything is kept.
    pub(super) fn at_hand(bearer: SecretString, now: OffsetDateTime) -> Self {
        Self { bearer: Arc::new(bearer), until: now + LONGEST_LIFE, serial: 0 }
    }
}

/// What the library asks before each request. The token was taken before the call began, so that a failure to get one is
/// told apart from a failure of the call; the library's own wishes for broader scopes are ignored.
impl GetToken for Token {
    fn get_token<'a>(&'a self, _scopes: &'a [&str]) -> BearerFuture<'a> {
        Box::pin(std::future::ready(Ok(Some(self.bearer.expose_secret().to_owned()))))
    }
}

type Outcome = Result<Token, Fault>;

/// Where the tokens of an account come from.
pub enum Source {
    /// A service account signs for them.
    Service(Box<ServiceAccount>),
    /// An owner agreed in the browser.
    Connected(Box<Connected>),
}

/// A token as it came, and how long it lasts from the moment it was asked for; `None` where Google did not say.
pub(super) struct Minted {
    pub bearer: SecretString,
    pub life: Option<time::Duration>,
}

/// The tokens of one account; clones share them.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    source: Source,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The one that the calendar takes no more.
    rejected: Option<Arc<SecretString>>,
    minted: u64,
    refresh: Option<(watch::Receiver<Option<Outcome>>, tokio::task::AbortHandle)>,
    failures: u32,
    pause: Option<(Stopwatch, Duration)>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.name())
    }
}

impl Tokens {
    /// Tokens from there. Nothing is sent.
    #[must_use]
    pub fn new(source: Source, clock: Clock) -> Self {
        Self(Arc::new(Inner { source, clock, state: Mutex::default() }))
    }

    /// Whether events may have guests: Google refuses those of a service account that acts for nobody
    /// (`forbiddenForServiceAccounts`).
    #[must_use]
    pub fn may_invite(&self) -> bool {
        match &self.0.source {
            Source::Service(account) => account.acts_for_a_user(),
            Source::Connected(_) => true,
        }
    }

    /// Whose calendars these tokens open: the owner, the user acted for, else the service account itself; lower-case. `None`
    /// while nobody has connected.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        match &self.0.source {
            Source::Service(account) => Some(account.address().to_owned()),
            Source::Connected(account) => account.address(),
        }
    }

    /// Tells accounts apart in a log; the address of a person stays out of it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0.source {
            Source::Service(account) if account.acts_for_a_user() => shown(account.address()),
            Source::Service(account) => account.address().to_owned(),
            Source::Connected(account) => format!("of {}", account.business()),
        }
    }

    /// The owner's account, if these are the tokens of one.
    #[must_use]
    pub fn connected(&self) -> Option<&Connected> {
        match &self.0.source {
            Source::Connected(account) => Some(account),
            Source::Service(_) => None,
        }
    }

    /// Whether it makes sense to ask for a token ahead of time.
    pub(super) fn is_of_use(&self) -> bool {
        self.connected().is_none_or(Connected::is_of_use)
    }

    /// Drops the token in hand and whatever refresh runs: another account may stand behind it from now on.
    pub fn forget(&self) {
        let mut state = self.state();
        if let Some((_, running)) = state.refresh.take() {
            running.abort();
        }
        (state.token, state.rejected, state.failures, state.pause) = (None, None, 0, None);
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
            (state.token, state.rejected) = (None, Some(Arc::clone(&rejected.bearer)));
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
        let rejected = state.rejected.clone();
        let work = async move {
            let outcome = tokens.keep(tokens.mint(rejected.as_deref()).await);
            let _ = tell.send(Some(outcome));
        };
        let task = tokio::spawn(work.instrument(tracing::debug_span!("google.token")));
        state.refresh = Some((told.clone(), task.abort_handle()));
        told
    }

    async fn mint(&self, rejected: Option<&SecretString>) -> Result<(SecretString, OffsetDateTime), Fault> {
        // Counted from before the question, so that the token never seems to last longer than it does.
        let asked = self.0.clock.now();
        let minted = match &self.0.source {
            Source::Service(account) => tokio::time::timeout(REFRESH_TIMEOUT, account.mint()).await,
            Source::Connected(account) => tokio::time::timeout(REFRESH_TIMEOUT, account.mint(rejected)).await,
        };
        let Minted { bearer, life } = minted.map_err(|_elapsed| Fault::Unknown("token: no answer in time".into()))??;
        // Anything else would make the library panic when it builds the header.
        let usable = |bearer: &str| !bearer.is_empty() && bearer.bytes().all(|byte| byte.is_ascii_graphic());
        if !usable(bearer.expose_secret()) {
            return Err(Fault::Unknown("token: an answer without a usable token".into()));
        }
        Ok((bearer, asked + life.map_or(LONGEST_LIFE, |life| life.min(LONGEST_LIFE))))
    }

    fn keep(&self, minted: Result<(SecretString, OffsetDateTime), Fault>) -> Outcome {
        let mut state = self.state();
        state.refresh = None;
        match minted {
            Ok((bearer, until)) => {
                state.minted += 1;
                let token = Token { bearer: Arc::new(bearer), until, serial: state.minted };
                (state.token, state.rejected, state.failures, state.pause) = (Some(token.clone()), None, 0, None);
                Ok(token)
            }
            Err(fault) => {
                let pause = Duration::from_secs(1 << state.failures.min(MAX_DOUBLINGS))
                    + Duration::from_millis(rand::random_range(0..JITTER_MS));
                state.failures += 1;
                state.pause = Some((Stopwatch::start(), pause));
                // A failure that lasts is told less and less often.
                if state.failures.is_power_of_two() {
                    tracing::warn!(google.account = self.name(), failures = state.failures, cause = %fault, "no new access token");
                }
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
