//! The fake Google's token endpoint, and what it gives for a service account's signed assertion. It checks the RS256
//! signature for real. Codes and refresh tokens are in `google_grants`.

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ringbook::clock::Clock;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::google::{Google, SERVICE_ACCOUNT};
use super::google_access::{self as access, Token};
use super::wire::{Answer, Request, first, repeated};

/// Made for these tests alone; it opens nothing.
const PRIVATE_KEY: &str = include_str!("../../data/google_service_account.pem");

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long an assertion may live, and a token does.
const HOUR: i64 = 3600;

/// Clocks differ a little.
const SKEW_SECONDS: i64 = 300;

/// An assertion that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The user that is acted for.
    pub sub: Option<String>,
    /// Space-separated, as sent.
    pub scope: String,
}

impl Google {
    /// The accepted assertions, in order.
    pub fn assertions(&self) -> Vec<Assertion> {
        self.state().assertions.clone()
    }

    /// Lets the service account act for this user (domain-wide delegation).
    pub fn allow_delegation_for(&self, user: &str) {
        self.state().delegated.insert(user.to_owned());
    }

    /// Judges `iat` and `exp` by another clock than the tokens': yup-oauth2 signs by the machine's, whatever a test's clock says.
    pub fn judge_assertions_by(&self, clock: Clock) {
        self.state().judge = clock;
    }

    /// A token that was not asked for over HTTP. `scopes` are the ends of their addresses, such as `calendar.events`.
    pub fn issue_token(&self, who: &str, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|end| access::scope(end)).collect();
        let mut state = self.state();
        let until = self.clock.now() + state.accounts.access_life();
        state.hand_out(Token { until, who: who.to_owned(), scopes, alone: who == SERVICE_ACCOUNT, client: None })
    }

    /// Kills all access tokens, as a revocation does.
    pub fn revoke_tokens(&self) {
        self.state().tokens.clear();
    }

    pub(super) fn mint(&self, request: &Request) -> Answer {
        let form = request.form();
        if let Some(name) = repeated(&form) {
            return error(400, "invalid_request", &format!("OAuth 2 parameters can only have a single value: {name}"));
        }
        match first(&form, "grant_type") {
            Some(GRANT) => self.vouched(first(&form, "assertion")),
            Some("authorization_code") => self.exchange(request, &form),
            Some("refresh_token") => self.refresh(request, &form),
            _ => Err(error(400, "unsupported_grant_type", "Invalid grant_type")),
        }
        .unwrap_or_else(|refused| refused)
    }

    fn vouched(&self, assertion: Option<&str>) -> Result<Answer, Answer> {
        let assertion = assertion.ok_or_else(|| error(400, "invalid_request", "Missing required parameter: assertion"))?;
        let token = self.accept(assertion)?;
        let mut state = self.state();
        let life = state.accounts.access_life();
        let bearer = state.hand_out(token);
        Ok(Answer::json(200, &json!({"access_token": bearer, "expires_in": life.as_secs(), "token_type": "Bearer"})))
    }

    fn accept(&self, assertion: &str) -> Result<Token, Answer> {
        let claims = verified(assertion).ok_or_else(|| error(400, "invalid_grant", "Invalid JWT Signature."))?;
        if claims["iss"] != SERVICE_ACCOUNT {
            return Err(error(400, "invalid_grant", "Invalid grant: account not found"));
        }
        if claims["aud"] != self.token_url() {
            return Err(error(400, "invalid_grant", "Invalid JWT: Failed audience check."));
        }
        let judge = self.state().judge.clone();
        if !is_fresh(&claims, judge.now()) {
            let message = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                           Check your iat and exp values in the JWT claim.";
            return Err(error(400, "invalid_grant", message));
        }
        let scope = claims["scope"].as_str().unwrap_or("");
        if scope.is_empty() {
            return Err(error(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided."));
        }
        let sub = claims["sub"].as_str().map(str::to_owned);
        let mut state = self.state();
        if sub.as_ref().is_some_and(|user| !state.delegated.contains(user)) {
            let message = "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.";
            return Err(error(401, "unauthorized_client", message));
        }
        state.assertions.push(Assertion { sub: sub.clone(), scope: scope.to_owned() });
        Ok(Token {
            until: self.clock.now() + state.accounts.access_life(),
            client: None,
            alone: sub.is_none(),
            who: sub.unwrap_or_else(|| SERVICE_ACCOUNT.to_owned()),
            scopes: scope.split_whitespace().map(str::to_owned).collect(),
        })
    }
}

/// `iat` not in the future, `exp` not in the past, at most an hour between them.
fn is_fresh(claims: &Value, now: OffsetDateTime) -> bool {
    let (Some(iat), Some(exp)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else { return false };
    let now = now.unix_timestamp();
    iat <= now + SKEW_SECONDS && exp > now && exp > iat && exp - iat <= HOUR
}

/// The claims of an assertion that our key signed.
fn verified(assertion: &str) -> Option<Value> {
    let (signed, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Value = serde_json::from_slice(&base64url(header)?).ok()?;
    if header["alg"] != "RS256" {
        return None;
    }
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, private_key().public_key().as_ref().to_vec());
    key.verify(signed.as_bytes(), &base64url(signature)?).ok()?;
    serde_json::from_slice(&base64url(claims)?).ok()
}

/// With or without padding: yup-oauth2 12 pads, and Google accepts it.
fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// The throw-away key, for the fake's own tests to sign with.
pub fn private_key() -> KeyPair {
    let base64: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    KeyPair::from_pkcs8(&STANDARD.decode(base64).expect("base64")).expect("an RSA key")
}

/// The key file as Google's console writes it.
pub fn key_file(token_uri: &str) -> String {
    json!({
        "type": "service_account", "project_id": "ringbook-test", "private_key_id": "0000000000000000000000000000000000000000",
        "private_key": PRIVATE_KEY, "client_email": SERVICE_ACCOUNT, "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": token_uri,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
    })
    .to_string()
}

/// The token endpoint's error shape, which is not the Calendar API's.
pub fn error(code: u16, error: &str, description: &str) -> Answer {
    Answer::json(code, &json!({"error": error, "error_description": description}))
}

/// The same with Google's own words. `invalid_rapt` is what an administrator's rule about signing in again comes to.
pub fn refusal(code: u16, reason: &str) -> Answer {
    match reason {
        "invalid_grant" => error(code, reason, "Token has been expired or revoked."),
        "invalid_rapt" => error(code, "invalid_grant", "reauth related error (invalid_rapt)")
            .altered(|body| body["error_subtype"] = "invalid_rapt".into()),
        _ => error(code, reason, reason),
    }
}
