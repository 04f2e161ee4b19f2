//! The fake Google's revocations: a grant ends as a whole, whoever ends it.

use serde_json::{Value, json};

use crate::fakes::google::SERVICE_ACCOUNT;
use crate::fakes_google::{Desk, NOON, answer};
use crate::fakes_oauth::{CLIENT, OWNER, THREE, consented, exchange, office, refresh, text};

async fn revoke(desk: &Desk, token: &str) -> (u16, Value) {
    answer(desk.http.post(desk.google.revoke_url()).form(&[("token", token)])).await
}

/// Both tokens of a new consent.
async fn tokens(desk: &Desk) -> (String, String) {
    let (_, body) = exchange(desk, &consented(desk, &THREE, &[]), &[]).await;
    (text(&body, "access_token"), text(&body, "refresh_token"))
}

async fn opens(desk: &mut Desk, access: &str) -> bool {
    access.clone_into(&mut desk.bearer);
    let status = answer(desk.request("GET", "users/me/calendarList")).await.0;
    assert!([200, 401].contains(&status), "{status}");
    status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn either_token_ends_the_whole_grant() {
    for by_access in [false, true] {
        let mut desk = office();
        let ((first, lasting), (second, other)) = (tokens(&desk).await, tokens(&desk).await);
        let third = text(&refresh(&desk, &other, &[]).await.1, "access_token");
        let code = consented(&desk, &THREE, &[]);
        assert!(opens(&mut desk, &third).await);
        let given = if by_access { &first } else { &lasting };
        assert_eq!(revoke(&desk, given).await, (200, json!({})));
        for access in [&first, &second, &third] {
            assert!(!opens(&mut desk, access).await, "by access token: {by_access}");
        }
        for dead in [&lasting, &other] {
            assert_eq!(refresh(&desk, dead, &[]).await.1["error_description"], "Token has been expired or revoked.");
        }
        assert_eq!(exchange(&desk, &code, &[]).await.0, 400, "a code that is on its way dies too");
        assert_eq!(desk.google.granted(CLIENT, OWNER), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_and_a_dead_token_cannot_be_revoked() {
    let desk = office();
    let (access, lasting) = tokens(&desk).await;
    desk.clock.advance(std::time::Duration::from_secs(3599));
    for dead in ["1//never", "", &access] {
        let (status, body) = revoke(&desk, dead).await;
        assert_eq!((status, text(&body, "error").as_str()), (400, "invalid_token"), "{dead}");
    }
    desk.clock.set(NOON);
    assert_eq!(revoke(&desk, &lasting).await.0, 200);
    assert_eq!(revoke(&desk, &lasting).await.1["error"], "invalid_token");
    assert_eq!(answer(desk.http.post(desk.google.revoke_url())).await.1["error"], "invalid_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_people_other_programs_and_the_service_account_keep_theirs() {
    let mut desk = office();
    desk.google.add_user("other@example.com");
    desk.google.add_client("second", "secret", &[]);
    let own = desk.google.issue_token(SERVICE_ACCOUNT, &["calendar"]);
    let others = desk.google.grant(CLIENT, "other@example.com", &THREE);
    let second = desk.google.grant("second", OWNER, &THREE);
    let by_second = [("client_id", "second"), ("client_secret", "secret")];
    let (_, lasting) = tokens(&desk).await;
    assert_eq!(revoke(&desk, &lasting).await.0, 200);
    assert_eq!(refresh(&desk, &others, &[]).await.0, 200);
    assert_eq!(refresh(&desk, &second, &by_second).await.0, 200);
    assert!(opens(&mut desk, &own).await);
    desk.google.revoke_by_user(OWNER);
    assert_eq!(refresh(&desk, &second, &by_second).await.0, 400, "the person ends all of theirs");
    assert_eq!(refresh(&desk, &others, &[]).await.0, 200);
}
