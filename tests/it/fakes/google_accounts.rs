//! Who has an account at the fake Google, which programs are registered there, and what the one has allowed the other. How
//! a person is asked is in `google_consent`, what a program gets for it in `google_grants`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use time::OffsetDateTime;
use url::{Host, Url};

use super::google::{Google, State};
use super::google_access::{self as access, Role, Token};
use super::google_consent::Wish;
use super::wire::Request;

/// How long a grant's refresh token lives while its program is marked "testing".
const TESTING_LIFE: Duration = Duration::from_hours(7 * 24);
/// A refresh token that was not used for so long is dead.
const UNUSED_LIFE: Duration = Duration::from_hours(180 * 24);
/// Live refresh tokens of one user and program; one more kills the oldest.
const MOST_REFRESH_TOKENS: usize = 100;

/// A registered web application.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub secret: String,
    pub redirects: BTreeSet<String>,
    pub testing: bool,
    pub deleted: bool,
}

/// An authorization code that was not exchanged yet.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub user: String,
    pub scopes: BTreeSet<String>,
    /// Whether a refresh token comes with it.
    pub lasting: bool,
    /// What was asked, by whom, and where the code was sent.
    pub wish: Wish,
    pub until: OffsetDateTime,
}

/// A refresh token.
#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub user: String,
    pub client: String,
    pub scopes: BTreeSet<String>,
    /// Counts up with time.
    pub number: u64,
    pub until: Option<OffsetDateTime>,
    pub used: OffsetDateTime,
}

impl Refresh {
    pub fn lives(&self, now: OffsetDateTime) -> bool {
        self.until.is_none_or(|until| now < until) && now < self.used + UNUSED_LIFE
    }
}

/// Accounts, programs and grants.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub clients: BTreeMap<String, Client>,
    pub users: BTreeSet<String>,
    pub signed_in: Option<String>,
    pub unticked: BTreeSet<String>,
    /// Consent pages that are open in a browser, each with whom it was shown to.
    pub pages: BTreeMap<String, (String, Wish)>,
    pub codes: BTreeMap<String, Code>,
    /// What a user has allowed a program, all in all.
    pub grants: BTreeMap<(String, String), BTreeSet<String>>,
    pub refreshes: BTreeMap<String, Refresh>,
    pub access_life: Option<Duration>,
}

impl Accounts {
    pub fn access_life(&self) -> Duration {
        self.access_life.unwrap_or(Duration::from_secs(3599))
    }

    /// Whose code or refresh token a request to the token endpoint brings.
    pub fn user_of(&self, request: &Request) -> Option<String> {
        let by_code = request.field("code").and_then(|code| Some(self.codes.get(&code)?.user.clone()));
        by_code.or_else(|| request.field("refresh_token").and_then(|token| Some(self.refreshes.get(&token)?.user.clone())))
    }
}

impl State {
    /// A new refresh token; the oldest of more than a hundred dies without a word.
    pub fn hand_out_refresh(&mut self, user: &str, client: &str, scopes: BTreeSet<String>, now: OffsetDateTime) -> String {
        let number = self.next();
        let (user, client) = (user.to_owned(), client.to_owned());
        let testing = self.accounts.clients.get(&client).is_some_and(|client| client.testing);
        let until = testing.then(|| now + TESTING_LIFE);
        let all = &mut self.accounts.refreshes;
        let same = all.iter().filter(|(_, other)| other.user == user && other.client == client && other.lives(now));
        let mut live: Vec<_> = same.map(|(text, other)| (other.number, text.clone())).collect();
        live.sort();
        let too_many = (live.len() + 1).saturating_sub(MOST_REFRESH_TOKENS);
        for (_, oldest) in live.iter().take(too_many) {
            all.remove(oldest);
        }
        let text = secret("1//0", number, 103);
        all.insert(text.clone(), Refresh { user, client, scopes, number, until, used: now });
        text
    }

    /// A new access token.
    pub fn hand_out(&mut self, token: Token) -> String {
        let number = self.next();
        let bearer = if token.client.is_some() { secret("ya29.a0", number, 218) } else { format!("ya29.fake-{number}") };
        self.tokens.insert(bearer.clone(), token);
        bearer
    }

    /// Ends what users have allowed programs: codes, refresh tokens and access tokens die together.
    pub fn end_grants(&mut self, ends: impl Fn(&str, &str) -> bool) {
        let accounts = &mut self.accounts;
        accounts.grants.retain(|(user, client), _| !ends(user, client));
        accounts.codes.retain(|_, code| !ends(&code.user, &code.wish.client));
        accounts.refreshes.retain(|_, token| !ends(&token.user, &token.client));
        self.tokens.retain(|_, token| token.client.as_ref().is_none_or(|client| !ends(&token.who, client)));
    }
}

/// As long as the real ones, with the characters that they have.
pub(super) fn secret(prefix: &str, number: u64, length: usize) -> String {
    let mut text = format!("{prefix}{number:08}");
    let letters = "Ab-9_xYz0Q".chars().cycle().skip(usize::try_from(number % 10).expect("a digit"));
    let missing = length - text.len();
    text.extend(letters.take(missing));
    text
}

impl Google {
    /// Registers a web application. Addresses are taken as Google takes them: https, or http on this very machine.
    pub fn add_client(&self, id: &str, secret: &str, redirect_uris: &[&str]) {
        for uri in redirect_uris {
            let url = Url::parse(uri).expect("a redirect URI is an address");
            let is_local = match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            };
            let is_secure = url.scheme() == "https" && matches!(url.host(), Some(Host::Domain(_)));
            assert!((is_secure || (is_local && url.scheme() == "http")) && url.fragment().is_none(), "not registrable: {uri}");
        }
        let redirects = redirect_uris.iter().map(|uri| (*uri).to_owned()).collect();
        let client = Client { secret: secret.to_owned(), redirects, testing: false, deleted: false };
        self.state().accounts.clients.insert(id.to_owned(), client);
    }

    /// Marks a program "testing": what it gets from now on lives for seven days.
    pub fn mark_testing(&self, client: &str) {
        self.client(client, |client| client.testing = true);
    }

    /// Publishes it: what it gets from now on lives on, what it has keeps its seven days.
    pub fn publish(&self, client: &str) {
        self.client(client, |client| client.testing = false);
    }

    /// Somebody deletes the program in Google's console.
    pub fn delete_client(&self, client: &str) {
        self.client(client, |client| client.deleted = true);
    }

    /// Gives the program another secret; the old one is dead.
    pub fn change_client_secret(&self, client: &str, secret: &str) {
        self.client(client, |client| secret.clone_into(&mut client.secret));
    }

    fn client(&self, id: &str, change: impl FnOnce(&mut Client)) {
        let mut state = self.state();
        change(state.accounts.clients.get_mut(id).unwrap_or_else(|| panic!("no client {id} was added")));
    }

    /// A person with a calendar of their own, in New York if there is none yet. The first one is signed in at the browser.
    pub fn add_user(&self, address: &str) {
        if !self.state().calendars.contains_key(address) {
            self.add_calendar(address, "America/New_York", &[]);
        }
        self.share(address, address, Role::Owner);
        let mut state = self.state();
        state.accounts.users.insert(address.to_owned());
        state.accounts.signed_in.get_or_insert_with(|| address.to_owned());
    }

    /// One more calendar that a person has: made if there is none with this id, shared as `role` says.
    pub fn give_calendar(&self, user: &str, id: &str, summary: &str, time_zone: &str, role: Role) {
        if !self.state().calendars.contains_key(id) {
            self.add_calendar(id, time_zone, &[]);
        }
        self.name_calendar(id, summary);
        self.share(id, user, role);
    }

    /// Who sits at the browser when a consent page opens.
    pub fn sign_in(&self, address: &str) {
        let mut state = self.state();
        assert!(state.accounts.users.contains(address), "no user {address} was added");
        state.accounts.signed_in = Some(address.to_owned());
    }

    /// The person unticks these scopes (ends of their addresses) on every consent page from now on; none: ticks all.
    pub fn untick(&self, scopes: &[&str]) {
        self.state().accounts.unticked = scopes.iter().map(|end| access::scope(end)).collect();
    }

    /// How long access tokens live from now on.
    pub fn token_life(&self, life: Duration) {
        self.state().accounts.access_life = Some(life);
    }

    /// A grant that was given long ago, with its refresh token. `scopes` are ends of addresses.
    pub fn grant(&self, client: &str, user: &str, scopes: &[&str]) -> String {
        let (now, mut state) = (self.clock.now(), self.state());
        assert!(state.accounts.users.contains(user) && state.accounts.clients.contains_key(client), "{user} and {client} exist");
        let scopes: BTreeSet<String> = scopes.iter().map(|end| access::scope(end)).collect();
        state.accounts.grants.entry((user.to_owned(), client.to_owned())).or_default().extend(scopes.clone());
        state.hand_out_refresh(user, client, scopes, now)
    }

    /// What a person has allowed a program, as ends of scopes; `None` when there is no grant.
    pub fn granted(&self, client: &str, user: &str) -> Option<Vec<String>> {
        let state = self.state();
        let scopes = state.accounts.grants.get(&(user.to_owned(), client.to_owned()))?;
        Some(scopes.iter().map(|scope| access::end_of(scope).to_owned()).collect())
    }

    /// The refresh tokens of a person that live now, oldest first.
    pub fn refresh_tokens(&self, user: &str) -> Vec<String> {
        let (now, state) = (self.clock.now(), self.state());
        let live = state.accounts.refreshes.iter().filter(|(_, token)| token.user == user && token.lives(now));
        let mut live: Vec<_> = live.map(|(text, token)| (token.number, text.clone())).collect();
        live.sort();
        live.into_iter().map(|(_, text)| text).collect()
    }

    /// The person ends all grants in the settings of their account.
    pub fn revoke_by_user(&self, address: &str) {
        self.state().end_grants(|user, _| user == address);
    }

    /// How many refreshes were asked for, whatever became of them.
    pub fn refreshes(&self) -> usize {
        self.requests_of("token").iter().filter(|entry| entry.about.first().is_some_and(|kind| kind == "refresh_token")).count()
    }
}
