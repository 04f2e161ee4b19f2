//! What the log tells of an owner who connects an account: that it happened, and never with what.

use serde_json::Value;

use super::{Browser, OWNER, furnish, link, plan};
use crate::fakes::faults::Fault;
use crate::house::{ALEX, SAM};
use crate::quiet_log::served;

fn parameter(url: &str, name: &str) -> String {
    url.split_once(&format!("{name}=")).unwrap().1.split('&').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_link_no_code_no_state_no_token_and_no_cookie() {
    // The program goes by the machine's clock, so the link that is made here has to as well.
    #[expect(clippy::disallowed_methods, reason = "the program that is run goes by the machine's time")]
    let now = time::OffsetDateTime::now_utc();
    let mut house = plan().at(now).build().await;
    furnish(&house);
    let (program, log) = served(&mut house).await;
    let (browser, link) = (Browser::new(&house), link(&house).await);
    let mut secrets = vec![parameter(&link, "link")];

    let opened = browser.go(&link).await;
    secrets.extend(browser.cookie());
    house.google.fault("token", Fault::status(503, "backendError"));
    let failed = house.google.consent(&opened.consent_link());
    let page = browser.go(&failed).await;
    assert_eq!(page.status, 503);
    let back = house.google.consent(&page.consent_link());
    assert_eq!(browser.go(&back).await.status, 303);
    secrets.extend(browser.cookie());
    for url in [&failed, &back] {
        secrets.extend([parameter(url, "state"), parameter(url, "code"), parameter(url, "code").replace("%2F", "/")]);
    }
    let page = browser.go("/oauth/calendars").await;
    secrets.push(page.csrf().to_owned());
    assert_eq!(browser.choose(&page, SAM, ALEX).await.status, 200);
    secrets.extend(house.google.refresh_tokens(OWNER));
    for wrong in
        ["/oauth/login?link=a-link-that-was-guessed", "/oauth/callback?state=a-state-that-was-guessed&code=a-guessed-code"]
    {
        assert!([400, 403].contains(&Browser::new(&house).go(wrong).await.status));
    }
    house.google.fault("revoke", Fault::status(503, "backendError"));
    let form = [("csrf", page.csrf())];
    assert_eq!(browser.post("/oauth/disconnect", &form).await.status, 200);
    drop(program);

    let told = std::fs::read_to_string(log).unwrap();
    let records: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |text: &str| records.iter().any(|record| record["fields"]["message"] == text);
    assert!(said("a Google account was connected") && said("a Google account was disconnected"), "{told}");
    let request =
        |path: &str| records.iter().find(|record| record["span"]["http.path"] == path).map(|record| record["span"].clone());
    let span = request("/oauth/callback").unwrap_or_else(|| panic!("no request is told of: {told}"));
    assert_eq!((&span["http.method"], &span["name"]), (&"GET".into(), &"request".into()), "{span}");
    let ended =
        records.iter().find(|record| record["span"]["http.path"] == "/oauth/login" && record["span"]["http.status"] == 200);
    assert!(ended.is_some_and(|record| record["span"]["duration_ms"].is_u64()), "{told}");
    secrets.extend(house.google.requests().iter().filter_map(|entry| entry.request.bearer().map(str::to_owned)));
    secrets.extend(house.google.requests_of("token").iter().filter_map(|entry| entry.request.field("code_verifier")));
    secrets.extend(["guessed", "link=", "code=", "ya29.", "GOCSPX", super::CLIENT_SECRET].map(str::to_owned));
    assert!(secrets.len() > 16, "{}", secrets.len());
    for secret in secrets {
        let found = told.lines().find(|line| line.contains(&secret));
        assert!(found.is_none(), "{secret} stands in the log: {found:?}");
    }
}
