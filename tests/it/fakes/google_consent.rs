//! The fake Google's consent page: what a program asks for, and what the person at the browser answers. A browser can drive
//! it; [`Google::consent`] and [`Google::decline`] play the person without one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::google::{Google, State};
use super::google_access as access;
use super::google_accounts::{Code, secret};
use super::google_calls::CONSENT;
use super::wire::{Answer, Request, repeated};

/// A code that is not exchanged so soon is dead.
const CODE_LIFE: Duration = Duration::from_mins(10);

const PARAMETERS: &[&str] = &[
    "access_type",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "include_granted_scopes",
    "login_hint",
    "prompt",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
];

/// How a code is bound to the program that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// What a challenge without a method is, without a word.
    Plain(String),
    S256(String),
}

/// How much of a page the program insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// None, if all was allowed before.
    Nothing,
    /// `select_account`
    Account,
    /// `consent`
    Consent,
}

/// A request that may be shown to a person.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub client: String,
    pub redirect: String,
    pub scopes: Vec<String>,
    pub state: Option<String>,
    pub challenge: Option<Challenge>,
    pub offline: bool,
    pub prompt: Prompt,
    pub with_granted: bool,
}

/// Why a request is not shown: Google's code and words.
struct Blocked(&'static str, String);

impl Wish {
    fn read(state: &State, request: &Request) -> Result<Self, Blocked> {
        let invalid = |text: &str| Blocked("invalid_request", text.to_owned());
        if let Some((unknown, _)) = request.query.iter().find(|(name, _)| !PARAMETERS.contains(&name.as_str())) {
            return Err(invalid(&format!("the fake does not know {unknown}")));
        }
        if let Some(name) = repeated(&request.query) {
            return Err(invalid(&format!("OAuth 2 parameters can only have a single value: {name}")));
        }
        let needed = |name: &str| request.param(name).ok_or_else(|| invalid(&format!("Missing required parameter: {name}")));
        let one_of = |name: &str, values: &[&str]| match request.param(name) {
            Some(value) if !values.contains(&value) => Err(invalid(&format!("Invalid parameter value for {name}"))),
            value => Ok(value.map(str::to_owned)),
        };
        let client = needed("client_id")?;
        let known = state.accounts.clients.get(client).filter(|client| !client.deleted);
        let known = known.ok_or_else(|| Blocked("invalid_client", "The OAuth client was not found.".to_owned()))?;
        let redirect = needed("redirect_uri")?;
        if !known.redirects.contains(redirect) {
            return Err(Blocked("redirect_uri_mismatch", format!("redirect_uri={redirect}")));
        }
        if needed("response_type")? != "code" {
            return Err(Blocked("unsupported_response_type", "Invalid response_type".to_owned()));
        }
        let scopes: Vec<String> = needed("scope")?.split(' ').map(str::to_owned).collect();
        if let Some(unknown) = scopes.iter().find(|scope| !access::is_known(scope)) {
            return Err(Blocked("invalid_scope", format!("Some requested scopes were invalid: {unknown}")));
        }
        let prompt = match request.param("prompt") {
            None => Prompt::Nothing,
            Some("select_account") => Prompt::Account,
            Some("consent" | "select_account consent" | "consent select_account") => Prompt::Consent,
            Some(other) => return Err(invalid(&format!("Invalid parameter value for prompt: {other}"))),
        };
        Ok(Self {
            client: client.to_owned(),
            redirect: redirect.to_owned(),
            scopes,
            state: request.param("state").map(str::to_owned),
            challenge: challenge(request, one_of("code_challenge_method", &["S256", "plain"])?.as_deref())?,
            offline: one_of("access_type", &["online", "offline"])?.is_some_and(|kind| kind == "offline"),
            prompt,
            with_granted: one_of("include_granted_scopes", &["true", "false"])?.is_some_and(|with| with == "true"),
        })
    }

    /// Where the browser goes next.
    fn destination(&self, answer: &[(&str, &str)]) -> String {
        let state = self.state.as_ref().map(|state| ("state", state.as_str()));
        let mut url = url::Url::parse(&self.redirect).expect("a registered address");
        url.query_pairs_mut().extend_pairs(state).extend_pairs(answer);
        url.into()
    }

    /// With one scope there is nothing to tick.
    fn ticked(&self, unticked: &BTreeSet<String>) -> BTreeSet<String> {
        let alone = self.scopes.len() == 1;
        self.scopes.iter().filter(|scope| alone || !unticked.contains(*scope)).cloned().collect()
    }
}

fn challenge(request: &Request, method: Option<&str>) -> Result<Option<Challenge>, Blocked> {
    let Some(text) = request.param("code_challenge") else {
        let without = |_| Err(Blocked("invalid_request", "code_challenge_method without code_challenge".to_owned()));
        return method.map_or(Ok(None), without);
    };
    if !is_verifier(text) {
        return Err(Blocked("invalid_request", "Invalid code_challenge".to_owned()));
    }
    let text = text.to_owned();
    Ok(Some(if method == Some("S256") { Challenge::S256(text) } else { Challenge::Plain(text) }))
}

/// 43 to 128 unreserved characters (RFC 7636).
pub(super) fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~".contains(&c))
}

/// What opening the link comes to.
enum Opened {
    /// All of it was allowed before and nobody wants to ask again: the browser goes straight on.
    Passed(String),
    /// The page with this ticket is shown.
    Shown(String),
}

impl Google {
    /// Plays the person who is signed in, opens the link and allows what [`Google::untick`] left; returns where the browser
    /// goes next.
    pub fn consent(&self, link: &str) -> String {
        self.play(link, true)
    }

    /// The same person says no.
    pub fn decline(&self, link: &str) -> String {
        self.play(link, false)
    }

    fn play(&self, link: &str, allows: bool) -> String {
        assert!(link.starts_with(&self.auth_url()), "not this fake's consent page: {link}");
        match self.open(&Request::of_link(link)) {
            Ok(Opened::Passed(destination)) => destination,
            Ok(Opened::Shown(ticket)) => {
                let unticked = self.state().accounts.unticked.clone();
                self.decide(&ticket, allows.then_some(|wish: &Wish| wish.ticked(&unticked))).expect("the page is open")
            }
            Err(Blocked(code, text)) => panic!("the consent page says {code}: {text}"),
        }
    }

    /// The page itself, and the buttons on it.
    pub(super) fn consent_asked(&self, request: &Request) -> Answer {
        if request.verb == "POST" {
            let form = request.form();
            let chosen = form.iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope.clone()).collect::<BTreeSet<_>>();
            // Only what is on the page can be ticked.
            let ticked = |wish: &Wish| wish.scopes.iter().filter(|scope| chosen.contains(*scope)).cloned().collect();
            let allows = request.field("decision").is_some_and(|decision| decision == "allow");
            let destination = self.decide(&request.field("ticket").unwrap_or_default(), allows.then_some(ticked));
            return destination.map_or_else(|| blocked(&Blocked("invalid_request", "This page is over.".into())), redirect);
        }
        match self.open(request) {
            Ok(Opened::Passed(destination)) => redirect(destination),
            Ok(Opened::Shown(ticket)) => self.shown(&ticket),
            Err(why) => blocked(&why),
        }
    }

    fn open(&self, request: &Request) -> Result<Opened, Blocked> {
        let mut state = self.state();
        let wish = Wish::read(&state, request)?;
        let user = state.accounts.signed_in.clone();
        let user = user.ok_or_else(|| Blocked("invalid_request", "nobody is signed in".to_owned()))?;
        let granted = state.accounts.grants.get(&(user.clone(), wish.client.clone()));
        let is_covered = granted.is_some_and(|granted| wish.scopes.iter().all(|scope| granted.contains(scope)));
        if is_covered && wish.prompt == Prompt::Nothing {
            let all = wish.scopes.iter().cloned().collect();
            return Ok(Opened::Passed(self.allowed(&mut state, &user, wish, all)));
        }
        let ticket = format!("page-{}", state.next());
        state.accounts.pages.insert(ticket.clone(), (user, wish));
        Ok(Opened::Shown(ticket))
    }

    /// The person has pressed a button; each page can be answered once.
    fn decide(&self, page: &str, ticked: Option<impl FnOnce(&Wish) -> BTreeSet<String>>) -> Option<String> {
        let mut state = self.state();
        let (user, wish) = state.accounts.pages.remove(page)?;
        let Some(ticked) = ticked else { return Some(wish.destination(&[("error", "access_denied")])) };
        let scopes = ticked(&wish);
        Some(self.allowed(&mut state, &user, wish, scopes))
    }

    /// Keeps what was allowed and makes a code of it.
    fn allowed(&self, state: &mut State, user: &str, wish: Wish, mut scopes: BTreeSet<String>) -> String {
        let until = self.clock.now() + CODE_LIFE;
        let grant = state.accounts.grants.entry((user.to_owned(), wish.client.clone()));
        let is_first = matches!(grant, std::collections::btree_map::Entry::Vacant(_));
        let grant = grant.or_default();
        if wish.with_granted {
            scopes.extend(grant.iter().cloned());
        }
        grant.extend(scopes.iter().cloned());
        let text = secret("4/0", state.next(), 73);
        let joined = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let destination = wish.destination(&[("code", &text), ("scope", &joined), ("authuser", "0"), ("prompt", "consent")]);
        let lasting = wish.offline && (is_first || wish.prompt == Prompt::Consent);
        state.accounts.codes.insert(text, Code { user: user.to_owned(), scopes, lasting, wish, until });
        destination
    }

    fn shown(&self, ticket: &str) -> Answer {
        let state = self.state();
        let Some((user, wish)) = state.accounts.pages.get(ticket) else { return Answer::html(400) };
        let chosen = wish.ticked(&state.accounts.unticked);
        let mut form = format!("<input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\n");
        for scope in &wish.scopes {
            let (end, kind) = (access::end_of(scope), if wish.scopes.len() == 1 { "hidden" } else { "checkbox" });
            let checked = if chosen.contains(scope) { " checked" } else { "" };
            let _ = writeln!(
                form,
                "<p><label><input type=\"{kind}\" id=\"{end}\" name=\"scope\" value=\"{scope}\"{checked}> {end}</label></p>"
            );
        }
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in - Google Accounts</title></head><body>\n\
             <h1>{} wants access to your Google Account</h1>\n<p id=\"account\">{}</p>\n<form method=\"post\" action=\"{CONSENT}\">\n{form}\
             <button id=\"allow\" name=\"decision\" value=\"allow\">Allow</button>\n\
             <button id=\"deny\" name=\"decision\" value=\"deny\">Deny</button>\n</form>\n</body></html>\n",
            escaped(&wish.client),
            escaped(user)
        );
        guarded(Answer::page(200, page))
    }
}

fn blocked(Blocked(code, text): &Blocked) -> Answer {
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error 400 ({code})</title></head><body>\n\
         <h1>Access blocked</h1>\n<p id=\"error\">Error 400: {code}</p>\n<p>{}</p>\n</body></html>\n",
        escaped(text)
    );
    guarded(Answer::page(400, page))
}

fn redirect(to: String) -> Answer {
    guarded(Answer::redirect(&to))
}

/// Nobody may frame the page or keep it.
fn guarded(answer: Answer) -> Answer {
    answer.with_header("x-frame-options", "DENY").with_header("cache-control", "no-store")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
