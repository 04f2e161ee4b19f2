//! `ringbook assistant` when something is in the way: keys, credentials, a Vapi that fails, and somebody who pushes at the same
//! moment.

use serde_json::{Value, json};

use crate::assistant_push::{SLUG, Shop, places};
use crate::fakes::faults::Fault;
use crate::fakes::vapi::API_KEY;
use crate::house::VAPI_SECRET;
use crate::program::{err, out};

/// Fails with this exit code, and says all of this.
fn fails(shop: &Shop, arguments: &[&str], code: i32, parts: &[&str]) {
    let output = shop.run(arguments);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(parts.iter().all(|part| said.contains(part)), "{parts:?} in {said}");
}

#[test]
fn a_wrong_key_says_what_to_do_and_a_missing_one_is_named() {
    let shop = Shop::new().set("VAPI_API_KEY", "the-public-key");
    for command in ["diff", "push"] {
        fails(&shop, &[command], 1, &[SLUG, "VAPI_API_KEY", "private key"]);
    }
    assert_eq!(shop.json(&["push"]).1[0]["state"], "failed");
    let shop = shop.set("VAPI_API_KEY", "");
    fails(&shop, &["push"], 2, &["VAPI_API_KEY is missing"]);
    assert!(shop.vapi.assistants.all().is_empty());
    let shop = shop.set("VAPI_API_KEY__ABC_HVAC", API_KEY);
    assert_eq!(shop.push()[0]["state"], "made", "a business may have its own");
}

#[test]
fn a_vapi_that_fails_is_told_plainly_and_nothing_is_made_twice() {
    let shop = Shop::new();
    let cases: [(Fault, &[&str]); 6] = [
        (Fault::status(429, "slow down"), &["too many requests"]),
        (Fault::status(503, "down"), &["status 503", "run it again"]),
        (Fault::status(400, "hooks must be shorter"), &["status 400", "hooks must be shorter"]),
        (Fault::Html200, &["it is no JSON", "VAPI_API_URL"]),
        (Fault::ResetAfterCommit, &["run it again, nothing is made twice"]),
        (Fault::Redirect("https://elsewhere.example".into()), &["status 302"]),
    ];
    for (fault, said) in cases {
        shop.vapi.fault("assistant.create", fault);
        fails(&shop, &["push"], 1, said);
        // What was made all the same is found; it is cleared away for the next case.
        shop.push();
        let id = shop.id();
        assert_eq!(shop.push()[0]["state"], "in_step");
        shop.vapi.assistants.remove(&id);
    }
    shop.push();
    shop.vapi.close_connections(1);
    fails(&shop, &["diff"], 1, &["run it again"]);
    shop.vapi.assistants.edit(&shop.id(), |assistant| assistant["firstMessage"] = json!("Ahoy."));
    shop.vapi.fault("assistant.update", Fault::status(404, "gone"));
    fails(&shop, &["push"], 1, &["deleted it at this moment"]);
    let shop = shop.set("VAPI_API_URL", "http://127.0.0.1:9");
    fails(&shop, &["diff"], 1, &["cannot be reached", "VAPI_API_URL"]);
}

#[test]
fn what_vapi_does_not_keep_is_told() {
    let shop = Shop::new();
    shop.vapi.fault("assistant.create", Fault::Altered(|assistant| drop(assistant.as_object_mut().unwrap().remove("hooks"))));
    let output = shop.run(&["push"]);
    assert!(output.status.success() && out(&output).contains("hooks was not kept by Vapi"), "{}", out(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pushes_at_once_one_assistant_is_left_and_both_say_which() {
    let shop = std::sync::Arc::new(Shop::new());
    // A database that is new is nobody's business here.
    shop.store().await.close().await;
    let held = shop.vapi.hold("assistant.create");
    let push = |shop: &std::sync::Arc<Shop>| {
        let shop = std::sync::Arc::clone(shop);
        tokio::task::spawn_blocking(move || shop.push())
    };
    let (one, other) = (push(&shop), push(&shop));
    held.reached(2).await;
    held.release();
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    let id = shop.id();
    assert_eq!([&one[0]["assistant_id"], &other[0]["assistant_id"]], [id.as_str(), id.as_str()]);
    assert_eq!((shop.vapi.count("assistant.create"), shop.vapi.count("assistant.delete")), (2, 1));
    assert_eq!(shop.push()[0]["state"], "in_step");
}

#[test]
fn a_credential_takes_the_place_of_the_plain_secret_and_is_remembered() {
    let shop = Shop::new();
    let first = out(&shop.run(&["push"]));
    assert!(first.contains("Add Custom Credential") && first.contains("{timestamp}.{body}"), "{first}");
    assert!(shop.only().to_string().contains(VAPI_SECRET));
    assert_eq!(shop.json(&["push", "--credential", "cred-1"]).1[0]["sent"], json!(["model", "server"]));
    let servers = |assistant: &Value| {
        let tools = assistant["model"]["tools"].as_array().unwrap().clone();
        tools.into_iter().filter_map(|tool| tool.get("server").cloned()).chain([assistant["server"].clone()]).collect::<Vec<_>>()
    };
    for server in servers(&shop.only()) {
        assert_eq!((server["credentialId"].as_str(), server.get("headers")), (Some("cred-1"), None));
    }
    assert!(!shop.only().to_string().contains(VAPI_SECRET), "no secret is left behind");
    assert_eq!((shop.push()[0]["state"].as_str(), shop.json(&["diff"]).0), (Some("in_step"), 0));
    shop.json(&["push", "--credential", "none"]);
    for server in servers(&shop.only()) {
        assert_eq!((server.get("credentialId"), server["headers"]["X-Vapi-Secret"].as_str()), (None, Some(VAPI_SECRET)));
    }
    assert_eq!(shop.push()[0]["state"], "in_step");
}

#[test]
fn where_only_signatures_are_accepted_it_is_said_what_to_click() {
    let shop = Shop::new().set("VAPI_WEBHOOK_AUTH", "hmac");
    for command in ["show", "diff", "push"] {
        fails(&shop, &[command], 2, &["Add Custom Credential", "x-signature", "--credential"]);
    }
    assert_eq!(shop.json(&["push", "--credential", "cred-1"]).1[0]["state"], "made");
    assert_eq!(shop.push()[0]["state"], "in_step");
    let bearer = Shop::new().set("VAPI_WEBHOOK_AUTH", "bearer");
    bearer.push();
    assert_eq!(bearer.only()["server"]["headers"], json!({ "Authorization": format!("Bearer {VAPI_SECRET}") }));
}

#[test]
fn what_is_shown_is_what_is_pushed_but_for_the_secret() {
    let shop = Shop::new();
    let shown: Value = serde_json::from_str(&out(&shop.run(&["show"]))).unwrap();
    assert_eq!((shop.vapi.requests().len(), shop.folder.path().join("ringbook.db").exists()), (0, false));
    shop.push();
    let pushed = shop.vapi.requests_of("assistant.create")[0].json().to_string();
    assert_eq!(pushed.replace(VAPI_SECRET, "(the secret of VAPI_WEBHOOK_SECRET)"), shown.to_string());
    let two = Shop::with_two().set("VAPI_API_KEY", "");
    let shown: Value = serde_json::from_str(&out(&two.run(&["show"]))).unwrap();
    assert_eq!(shown["best-plumbing"]["name"], "Best Plumbing");
    let one: Value = serde_json::from_str(&out(&two.run(&["show", "--business", SLUG]))).unwrap();
    assert_eq!(one, shown[SLUG]);
}

#[test]
fn a_setting_that_names_another_assistant_is_pointed_out() {
    let shop = Shop::new();
    let by_hand = shop.vapi.assistants.put(&json!({ "name": "By hand" }));
    let shop = shop.set("VAPI_ASSISTANT_ID", &by_hand);
    let told = shop.push();
    assert_eq!(told[0]["state"], "made");
    let note = told[0]["notes"][0].as_str().unwrap();
    assert!(note.contains(&by_hand) && note.contains("VAPI_ASSISTANT_ID"), "{note}");
    assert_eq!(shop.vapi.assistants.all()[0]["name"], "By hand");
    let ours = told[0]["assistant_id"].as_str().unwrap().to_owned();
    let shop = shop.set("VAPI_ASSISTANT_ID", &ours).set("DATABASE_URL", "sqlite://another.db");
    let told = shop.push();
    assert_eq!((told[0]["state"].as_str(), &told[0]["notes"], places(&told).len()), (Some("in_step"), &json!([]), 0));
    assert_eq!(
        shop.vapi.count("assistant.list"),
        2,
        "the id that is set is looked at first; the list was needed once, and after making one"
    );
}

/// As a Vapi would show it that hides what stands in headers; whether ours does is not documented.
fn masked(assistant: &mut Value) {
    let hide = |server: &mut Value| {
        if let Some(secret) = server.pointer_mut("/headers/X-Vapi-Secret") {
            *secret = "********".into();
        }
    };
    assistant.get_mut("server").into_iter().for_each(hide);
    let tools = assistant.pointer_mut("/model/tools").and_then(Value::as_array_mut);
    tools.into_iter().flatten().filter_map(|tool| tool.get_mut("server")).for_each(hide);
}

#[test]
fn a_secret_behind_a_mask_is_no_difference_and_is_brought_all_the_same() {
    let shop = Shop::new();
    shop.vapi.fault_always("assistant.get", Fault::Altered(masked));
    shop.vapi.fault_always("assistant.update", Fault::Altered(masked));
    shop.push();
    let (code, told) = shop.json(&["diff"]);
    assert_eq!((code, places(&told)), (0, Vec::<String>::new()));
    let shop = shop.set("VAPI_WEBHOOK_SECRET", "a-newer-secret");
    let told = shop.push();
    assert_eq!(
        (told[0]["state"].as_str(), places(&told)),
        (Some("changed"), Vec::new()),
        "what is hidden was kept, as far as is seen"
    );
    assert_eq!(shop.only()["server"]["headers"]["X-Vapi-Secret"], "a-newer-secret");
    assert_eq!(shop.only()["model"]["tools"][0]["server"]["headers"]["X-Vapi-Secret"], "a-newer-secret");
}

#[test]
fn a_secret_that_is_missing_or_shows_to_be_another_is_a_difference() {
    let shop = Shop::new();
    shop.push();
    let end = &VAPI_SECRET[VAPI_SECRET.len() - 4..];
    for (there, differs) in [
        (json!({ "X-Vapi-Secret": format!("****{end}") }), false),
        (json!({ "X-Vapi-Secret": "[REDACTED]" }), false),
        (json!({ "X-Vapi-Secret": "****zzzz" }), true),
        (json!({ "X-Vapi-Secret": "**" }), true),
        (json!({}), true),
        (json!({ "X-Vapi-Secret": "****", "Authorization": "****" }), true),
    ] {
        shop.vapi.assistants.edit(&shop.id(), |assistant| assistant["server"]["headers"] = there.clone());
        let (code, told) = shop.json(&["diff"]);
        assert_eq!((code, places(&told).is_empty()), (i32::from(differs), !differs), "{there}: {told:?}");
    }
}

#[test]
fn that_the_secret_can_be_read_at_vapi_is_said_whenever_it_is_brought_there() {
    let shop = Shop::new();
    let words =
        ["plain secret", "where everybody can read it who may open Vapi's dashboard", "Add Custom Credential", "--credential ID"];
    let made = out(&shop.run(&["push"]));
    shop.write(SLUG, &crate::house::BUSINESS.replace("Alex", "Robin"));
    let changed = out(&shop.run(&["push"]));
    assert!(made.contains("was made") && changed.contains("was changed"), "{made}{changed}");
    for word in words {
        assert!(made.contains(word) && changed.contains(word), "{word}: {made}{changed}");
    }
    let signed = out(&shop.run(&["push", "--credential", "cred-1"]));
    assert!(signed.contains("was changed") && !signed.contains("plain secret"), "{signed}");
}
