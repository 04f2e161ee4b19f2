//! The fake Google's consent page: what it refuses to show, what the person can answer, and what a program then holds.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, RedirectUrl, RefreshToken, Scope,
    TokenResponse as _, TokenUrl,
};
use serde_json::Value;
use url::Url;

use crate::fakes_google::{Desk, answer};
use crate::fakes_oauth::{
    CLIENT, EVENTS, OWNER, REDIRECT, SECRET, THREE, brought, consented, exchange, full, link, office, text,
};

/// Opens the page as a browser does: status, address to go on to, text.
async fn open(desk: &Desk, link: &str) -> (u16, Option<String>, String) {
    shown(desk.http.get(link)).await
}

async fn shown(request: reqwest::RequestBuilder) -> (u16, Option<String>, String) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), location, response.text().await.unwrap())
}

/// The ticket in the page's form.
fn ticket(page: &str) -> &str {
    page.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// Presses a button with these boxes ticked.
async fn press(desk: &Desk, page: &str, decision: &str, ticked: &[&str]) -> (u16, Option<String>, String) {
    let mut form = vec![("ticket".to_owned(), ticket(page).to_owned()), ("decision".to_owned(), decision.to_owned())];
    form.extend(ticked.iter().map(|end| ("scope".to_owned(), full(&[end]))));
    shown(desk.http.post(desk.google.auth_url()).form(&form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_program_an_unregistered_address_and_other_mistakes_are_not_shown() {
    let desk = office();
    let refused: [(&str, &str, &str); 16] = [
        ("client_id", "never", "invalid_client"),
        ("client_id", "", "invalid_request"),
        ("redirect_uri", "https://desk.example/oauth/callback/", "redirect_uri_mismatch"),
        ("redirect_uri", "https://desk.example/oauth/callback?x=1", "redirect_uri_mismatch"),
        ("redirect_uri", "https://evil.example/oauth/callback", "redirect_uri_mismatch"),
        ("redirect_uri", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("scope", "https://www.googleapis.com/auth/calendar.event", "invalid_scope"),
        ("scope", "", "invalid_request"),
        ("access_type", "forever", "invalid_request"),
        ("prompt", "always", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        ("acces_type", "offline", "invalid_request"),
    ];
    for (name, value, error) in refused {
        let (status, location, page) = open(&desk, &link(&desk, &THREE, &[(name, value)])).await;
        assert_eq!((status, location), (400, None), "{name}={value}");
        assert!(page.contains(&format!("Error 400: {error}<")), "{name}={value}: {page}");
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fdesk.example%2Foauth%2Fcallback", link(&desk, &THREE, &[]));
    assert_eq!(open(&desk, &twice).await.0, 400);
    assert_eq!(desk.google.granted(CLIENT, OWNER), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn allow_sends_the_browser_back_with_code_and_state() {
    let desk = office();
    let (status, _, page) = open(&desk, &link(&desk, &THREE, &[])).await;
    assert_eq!(status, 200);
    for part in ["<button id=\"allow\"", "<button id=\"deny\"", "<p id=\"account\">owner@example.com</p>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches(" checked>").count(), 3);
    assert_eq!(desk.google.granted(CLIENT, OWNER), None, "a page that is only open grants nothing");
    let (status, location, _) = press(&desk, &page, "allow", &THREE).await;
    let location = location.unwrap();
    assert_eq!((status, location.split('?').next().unwrap()), (302, REDIRECT));
    assert_eq!(brought(&location, "state").as_deref(), Some("s/t&1"));
    assert_eq!(exchange(&desk, &brought(&location, "code").unwrap(), &[]).await.0, 200);
    assert_eq!(press(&desk, &page, "allow", &THREE).await.0, 400, "a page is answered once");
    assert_eq!(desk.google.count("consent"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn deny_sends_the_browser_back_with_an_error_and_grants_nothing() {
    let desk = office();
    let asked = link(&desk, &THREE, &[]);
    let (_, _, page) = open(&desk, &asked).await;
    let (status, location, _) = press(&desk, &page, "deny", &THREE).await;
    assert_eq!(status, 302);
    for location in [location.unwrap(), desk.google.decline(&asked)] {
        assert_eq!(brought(&location, "error").as_deref(), Some("access_denied"));
        assert_eq!(brought(&location, "state").as_deref(), Some("s/t&1"));
        assert_eq!(brought(&location, "code"), None);
    }
    assert_eq!(desk.google.granted(CLIENT, OWNER), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_untick_what_they_do_not_want_to_allow() {
    let desk = office();
    let (_, _, page) = open(&desk, &link(&desk, &THREE, &[])).await;
    // A box that the page does not have changes nothing.
    let (_, location, _) = press(&desk, &page, "allow", &[EVENTS, "calendar"]).await;
    let (_, body) = exchange(&desk, &brought(&location.unwrap(), "code").unwrap(), &[]).await;
    assert_eq!(text(&body, "scope"), full(&[EVENTS]));
    assert!(body["refresh_token"].is_string(), "a token is issued all the same");
    desk.google.untick(&[EVENTS]);
    let (_, _, page) = open(&desk, &link(&desk, &THREE, &[])).await;
    assert_eq!(page.matches(" checked>").count(), 2);
    let (_, body) = exchange(&desk, &consented(&desk, &THREE, &[]), &[]).await;
    assert_eq!(text(&body, "scope"), full(&["calendar.calendarlist.readonly", "calendar.events.freebusy"]));
    let (_, body) = exchange(&desk, &consented(&desk, &[EVENTS], &[]), &[]).await;
    assert_eq!(text(&body, "scope"), full(&[EVENTS]), "a single scope has no box");
}

#[tokio::test(flavor = "multi_thread")]
async fn granted_scopes_are_included_when_asked() {
    let desk = office();
    consented(&desk, &[EVENTS], &[]);
    let more = ["calendar.freebusy"];
    let (_, body) = exchange(&desk, &consented(&desk, &more, &[]), &[]).await;
    assert_eq!(text(&body, "scope"), full(&more));
    let (_, body) = exchange(&desk, &consented(&desk, &more, &[("include_granted_scopes", "true")]), &[]).await;
    assert_eq!(text(&body, "scope"), full(&[EVENTS, "calendar.freebusy"]));
    assert_eq!(desk.google.granted(CLIENT, OWNER).unwrap(), [EVENTS, "calendar.freebusy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_allowed_all_of_it_before_is_not_asked_unless_told() {
    let desk = office();
    consented(&desk, &THREE, &[]);
    let quiet = [("prompt", "")];
    let (status, location, _) = open(&desk, &link(&desk, &THREE, &quiet)).await;
    assert_eq!((status, brought(&location.unwrap(), "code").is_some()), (302, true));
    assert_eq!(open(&desk, &link(&desk, &["calendar"], &quiet)).await.0, 200, "more than before");
    assert_eq!(open(&desk, &link(&desk, &THREE, &[])).await.0, 200, "prompt=consent");
    assert_eq!(open(&desk, &link(&desk, &THREE, &[("prompt", "select_account")])).await.0, 200);
    desk.google.add_user("other@example.com");
    desk.google.sign_in("other@example.com");
    assert_eq!(open(&desk, &link(&desk, &THREE, &quiet)).await.0, 200, "somebody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_of_whoever_was_shown_the_page() {
    let mut desk = office();
    desk.google.add_user("other@example.com");
    desk.google.sign_in("other@example.com");
    let (_, _, page) = open(&desk, &link(&desk, &THREE, &[("login_hint", OWNER)])).await;
    desk.google.sign_in(OWNER);
    let (_, location, _) = press(&desk, &page, "allow", &THREE).await;
    let (_, body) = exchange(&desk, &brought(&location.unwrap(), "code").unwrap(), &[]).await;
    desk.bearer = text(&body, "access_token");
    let (_, list) = answer(desk.request("GET", "users/me/calendarList")).await;
    assert_eq!(list["items"][0]["id"], "other@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crate_oauth2_gets_through() {
    let desk = office();
    let client = BasicClient::new(ClientId::new(CLIENT.into()))
        .set_client_secret(ClientSecret::new(SECRET.into()))
        .set_auth_uri(AuthUrl::new(desk.google.auth_url()).unwrap())
        .set_token_uri(TokenUrl::new(desk.google.token_url()).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT.into()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scopes = THREE.map(|end| Scope::new(full(&[end])));
    let asked = client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge);
    let (link, state) = asked.add_extra_param("access_type", "offline").add_extra_param("prompt", "consent").url();
    let location: Url = desk.google.consent(link.as_str()).parse().unwrap();
    assert_eq!(brought(location.as_str(), "state").as_ref(), Some(state.secret()));
    let http = |request: oauth2::HttpRequest| {
        let http = desk.http.clone();
        async move {
            let response = http.execute(request.try_into()?).await?;
            let status = response.status();
            let mut answer = oauth2::HttpResponse::new(response.bytes().await?.to_vec());
            *answer.status_mut() = status;
            Ok::<_, reqwest::Error>(answer)
        }
    };
    let code = AuthorizationCode::new(brought(location.as_str(), "code").unwrap());
    let tokens = client.exchange_code(code).set_pkce_verifier(verifier).request_async(&http).await.unwrap();
    assert_eq!(tokens.scopes().unwrap().len(), 3);
    let lasting = RefreshToken::new(tokens.refresh_token().unwrap().secret().clone());
    let again = client.exchange_refresh_token(&lasting).request_async(&http).await.unwrap();
    assert!(again.refresh_token().is_none() && again.expires_in().unwrap().as_secs() == 3599);
    let last = desk.google.requests_of("token").pop().unwrap();
    assert_eq!(last.json(), Value::Null, "it was a form");
    assert!(last.request.header("authorization").unwrap().starts_with("Basic "));
}
