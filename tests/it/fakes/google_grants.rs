//! What a program gets at the fake Google for a code or a refresh token, and how it gives it back.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::google::{Google, State};
use super::google_access::Token;
use super::google_accounts::{Accounts, Client};
use super::google_consent::{Challenge, is_verifier};
use super::google_token::{error, refusal};
use super::wire::{Answer, Request, first};

type Form = Vec<(String, String)>;

impl Google {
    /// `grant_type=authorization_code`
    pub(super) fn exchange(&self, request: &Request, form: &Form) -> Result<Answer, Answer> {
        let (now, mut state) = (self.clock.now(), self.state());
        let client = proven_client(&state.accounts, request, form)?;
        let text = needed(form, "code")?;
        let ours = state.accounts.codes.get(text).is_some_and(|code| code.wish.client == client);
        // Spent by the first who may present it, whatever comes of that.
        let code = if ours { state.accounts.codes.remove(text) } else { None };
        let code = code.ok_or_else(|| error(400, "invalid_grant", "Malformed auth code."))?;
        if now >= code.until {
            return Err(error(400, "invalid_grant", "Bad Request"));
        }
        if needed(form, "redirect_uri")? != code.wish.redirect {
            return Err(error(400, "redirect_uri_mismatch", "Bad Request"));
        }
        check_verifier(code.wish.challenge.as_ref(), first(form, "code_verifier"))?;
        let mut body = state.open_access(&code.user, &client, &code.scopes, now);
        if code.lasting {
            let refresh = state.hand_out_refresh(&code.user, &client, code.scopes, now);
            if let Some(until) = state.accounts.refreshes[&refresh].until {
                body["refresh_token_expires_in"] = (until - now).whole_seconds().into();
            }
            body["refresh_token"] = refresh.into();
        }
        Ok(Answer::json(200, &body))
    }

    /// `grant_type=refresh_token`: the answer never holds a refresh token.
    pub(super) fn refresh(&self, request: &Request, form: &Form) -> Result<Answer, Answer> {
        let (now, mut state) = (self.clock.now(), self.state());
        let client = proven_client(&state.accounts, request, form)?;
        let text = needed(form, "refresh_token")?;
        let kept = state.accounts.refreshes.get_mut(text).filter(|kept| kept.lives(now));
        let kept = kept.ok_or_else(|| refusal(400, "invalid_grant"))?;
        if kept.client != client {
            return Err(error(401, "unauthorized_client", "Unauthorized"));
        }
        let mut scopes = kept.scopes.clone();
        if let Some(fewer) = first(form, "scope") {
            let asked: BTreeSet<String> = fewer.split_whitespace().map(str::to_owned).collect();
            if !asked.is_subset(&scopes) {
                return Err(error(400, "invalid_scope", "Bad Request"));
            }
            scopes = asked;
        }
        kept.used = now;
        let user = kept.user.clone();
        Ok(Answer::json(200, &state.open_access(&user, &client, &scopes, now)))
    }

    /// Ends the grant behind a token of either kind.
    pub(super) fn revoke(&self, request: &Request) -> Answer {
        let (now, mut state) = (self.clock.now(), self.state());
        let given = request.param("token").map(str::to_owned).or_else(|| request.field("token"));
        let Some(given) = given else { return error(400, "invalid_request", "Bad Request") };
        if let Some(kept) = state.accounts.refreshes.get(&given).filter(|kept| kept.lives(now)).cloned() {
            state.end_grants(|user, client| user == kept.user && client == kept.client);
        } else if let Some(token) = state.tokens.get(&given).filter(|token| now < token.until).cloned() {
            state.tokens.remove(&given);
            state.end_grants(|user, client| user == token.who && Some(client) == token.client.as_deref());
        } else {
            return error(400, "invalid_token", "Token expired or revoked");
        }
        Answer::json(200, &json!({}))
    }
}

impl State {
    fn open_access(&mut self, user: &str, client: &str, scopes: &BTreeSet<String>, now: OffsetDateTime) -> Value {
        let life = self.accounts.access_life();
        let joined = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let (who, client) = (user.to_owned(), Some(client.to_owned()));
        let token = Token { until: now + life, who, scopes: scopes.clone(), alone: false, client };
        let bearer = self.hand_out(token);
        json!({"access_token": bearer, "expires_in": life.as_secs(), "scope": joined, "token_type": "Bearer"})
    }
}

fn needed<'a>(form: &'a Form, name: &str) -> Result<&'a str, Answer> {
    let given = first(form, name).filter(|value| !value.is_empty());
    given.ok_or_else(|| error(400, "invalid_request", &format!("Missing required parameter: {name}")))
}

/// The program that asks, if it knows its secret.
fn proven_client(accounts: &Accounts, request: &Request, form: &Form) -> Result<String, Answer> {
    let (id, secret) = match basic(request) {
        Some(both) => both,
        None => (
            needed(form, "client_id")?.to_owned(),
            first(form, "client_secret").ok_or_else(|| error(400, "invalid_request", "client_secret is missing."))?.to_owned(),
        ),
    };
    match accounts.clients.get(&id) {
        None => Err(error(401, "invalid_client", "The OAuth client was not found.")),
        Some(Client { deleted: true, .. }) => Err(error(401, "deleted_client", "The OAuth client was deleted.")),
        Some(client) if client.secret != secret => Err(error(401, "invalid_client", "Unauthorized")),
        Some(_) => Ok(id),
    }
}

/// Id and secret out of `Authorization: Basic`, each form-encoded before they were joined (RFC 6749, 2.3.1).
fn basic(request: &Request) -> Option<(String, String)> {
    let both = STANDARD.decode(request.header("authorization")?.strip_prefix("Basic ")?).ok()?;
    let both = String::from_utf8(both).ok()?;
    let (id, secret) = both.split_once(':')?;
    let decoded = |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
    Some((decoded(id)?, decoded(secret)?))
}

fn check_verifier(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), Answer> {
    let refused = |text: &str| Err(error(400, "invalid_grant", text));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => refused("code_verifier or verifier is not needed."),
        (Some(_), None) => refused("Missing code verifier."),
        (Some(challenge), Some(verifier)) => {
            let fits = match challenge {
                Challenge::Plain(text) => text == verifier,
                Challenge::S256(text) => *text == URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())),
            };
            if fits && is_verifier(verifier) { Ok(()) } else { refused("Invalid code verifier.") }
        }
    }
}
