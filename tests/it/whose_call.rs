//! Whose call is it? By what we know of it, else by what the message says, never by guessing; and one business never sees,
//! proves or touches what is another's.

use ringbook::clock::Clock;
use ringbook::vapi::signature::ProofChoice;
use serde_json::{Value, json};

use crate::fakes::google::{FakeGoogle, SERVICE_ACCOUNT};
use crate::house::{Answer, CALLED, CALLER, House, NOW, Plan, SLUG, VAPI_SECRET, answer, tool_calls};
use crate::promises::{repair, said, when, with};

const BOOK: &str = "bookAppointment";
const OTHER: &str = "best-plumbing";
const OTHER_NUMBER: &str = "+15551240000";
const OTHER_CALENDAR: &str = "desk@plumbing.example";
const WHICH: &str = "I can't tell which business this call is for, so nothing was done.";

/// Another trade with another number, zone and calendar.
const PLUMBING: &str = r#"
name = "Best Plumbing"
phone_numbers = ["+15551240000"]
time_zone = "America/Chicago"
calendar_id = "desk@plumbing.example"
[transfer]
to = "+15551249999"
hours = ["10:00-12:00"]
[hours]
tuesday = ["08:00-12:00"]
[[services]]
name = "leak"
aliases = ["repair"]
duration_minutes = 60
"#;

async fn two() -> House {
    let house = Plan::new().business(OTHER, PLUMBING).set("VAPI_ASSISTANT_ID__BEST_PLUMBING", "assistant-2").build().await;
    house.google.add_calendar(OTHER_CALENDAR, "America/Chicago", &[SERVICE_ACCOUNT]);
    house
}

/// A tool call with nothing in it that tells whose it is, but for `more`.
fn anonymous(id: &str, arguments: &Value, more: &Value) -> Value {
    let list = json!([{ "id": id, "name": BOOK, "arguments": arguments }]);
    json!({ "message": with(json!({ "type": "tool-calls", "toolCallList": list }), more) })
}

fn wish() -> Value {
    with(repair("2026-11-24T09:00"), &json!({ "customerPhone": "+15555551234" }))
}

/// How many live bookings each of the two has.
async fn booked(house: &House) -> (usize, usize) {
    let live = async |slug: &str| house.bookings_of(slug).await.iter().filter(|row| row.state.is_live()).count();
    let ours = house.events().len();
    let theirs = house.google.events(OTHER_CALENDAR).len();
    assert_eq!((live(SLUG).await, live(OTHER).await), (ours, theirs), "rows and events differ");
    (ours, theirs)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_its_business_by_metadata_number_or_assistant() {
    let ways = [
        json!({ "call": { "id": "c1", "metadata": { "business": OTHER } } }),
        json!({ "call": { "id": "c1", "assistantOverrides": { "metadata": { "business": OTHER } } } }),
        json!({ "call": { "id": "c1" }, "assistant": { "metadata": { "business": OTHER } } }),
        json!({ "metadata": { "business": OTHER } }),
        json!({ "phoneNumber": { "number": OTHER_NUMBER } }),
        json!({ "call": { "id": "c1", "phoneNumber": { "number": OTHER_NUMBER } } }),
        json!({ "call": { "id": "c1", "assistantId": "assistant-2" } }),
        json!({ "assistant": { "id": "assistant-2" } }),
        // What stands higher in the order counts where they differ.
        json!({ "metadata": { "business": OTHER }, "phoneNumber": { "number": CALLED }, "assistant": { "id": "assistant-1" } }),
        json!({ "phoneNumber": { "number": OTHER_NUMBER }, "assistant": { "id": "assistant-1" } }),
        json!({ "metadata": { "business": "nobody" }, "phoneNumber": { "number": OTHER_NUMBER } }),
    ];
    for way in ways {
        let house = two().await;
        let sentence = said(&house.vapi(&anonymous("t1", &wish(), &way)).await);
        assert!(sentence.starts_with("You're booked for leak on Tuesday, November 24 at 9 AM."), "{way}: {sentence}");
        assert_eq!(booked(&house).await, (0, 1), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_told_among_several_is_told_so_and_nothing_is_done() {
    let house = two().await;
    let ways = [
        json!({}),
        json!({ "call": { "id": "c1", "customer": { "number": CALLER } } }),
        json!({ "phoneNumber": { "number": "+15550000000" }, "metadata": { "business": "nobody" }, "assistant": { "id": "assistant-9" } }),
    ];
    for way in ways {
        let answer = house.vapi(&anonymous("t1", &wish(), &way)).await;
        assert!(answer.is_error() && said(&answer) == WHICH, "{way}: {answer:?}");
        let older = with(json!({ "type": "function-call", "functionCall": { "name": BOOK, "parameters": wish() } }), &way);
        assert_eq!(house.vapi(&json!({ "message": older })).await.json()["result"]["success"], false);
    }
    assert_eq!(booked(&house).await, (0, 0));
    assert_eq!(house.google.count("events.list"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_business_needs_no_sign() {
    let house = House::new().await;
    let sentence = said(&house.vapi(&anonymous("t1", &wish(), &json!({}))).await);
    assert!(sentence.contains("You're booked for repair"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_we_connected_is_known_whatever_the_message_says() {
    let house = two().await;
    house.ring("CA00000000000000000000000000000001").await;
    let call = house.vapi.calls()[0]["id"].as_str().unwrap().to_owned();
    let claims = json!({ "call": { "id": call, "customer": { "number": "+15550001111" }, "metadata": { "business": OTHER } },
                         "phoneNumber": { "number": OTHER_NUMBER }, "assistant": { "id": "assistant-2" } });
    let sentence = said(&house.vapi(&anonymous("t1", &repair("2026-11-24T09:00"), &claims)).await);
    assert!(sentence.contains("You're booked for repair"), "{sentence}");
    assert_eq!(booked(&house).await, (1, 0));
    let row = house.bookings().await.remove(0);
    assert_eq!(
        (row.caller_key.as_str(), row.customer_phone.as_str()),
        (CALLER, CALLER),
        "the line says who calls, not the message"
    );
    let by_sid = json!({ "call": { "id": "another", "transport": { "callSid": "CA00000000000000000000000000000001" } } });
    let sentence = said(&house.vapi(&anonymous("t1", &repair("2026-11-24T09:00"), &by_sid)).await);
    assert!(sentence.contains(&row.confirmation), "{sentence}");
    assert_eq!(booked(&house).await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dictated_number_is_not_who_calls() {
    let house = House::new().await;
    let dictating = |phone: &str| with(repair("2026-11-24T09:00"), &json!({ "customerPhone": phone }));
    let first = said(&house.tool("call-1", "t1", BOOK, dictating("+15555551234")).await);
    let corrected = said(&house.tool("call-1", "t2", BOOK, dictating("+15555559999")).await);
    assert_eq!(corrected, format!("{first} I have changed the telephone number."));
    let other = said(&house.tool_of("+15551112222", "call-2", "t1", BOOK, dictating("+15555551234")).await);
    assert_ne!(other, first, "who says the number of another does not get the other's booking");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_business_is_seen_by_the_other() {
    let house = two().await;
    let ours = tool_calls(CALLER, "call-1", &[("t1", BOOK, repair("2026-11-24T09:00"))]);
    let mut theirs = ours.clone();
    theirs["message"]["phoneNumber"]["number"] = OTHER_NUMBER.into();
    theirs["message"]["call"]["id"] = "call-2".into();
    let (first, second) = (said(&house.vapi(&ours).await), said(&house.vapi(&theirs).await));
    assert!(first.contains("repair") && second.contains("leak"), "{first} {second}");
    assert_eq!(booked(&house).await, (1, 1));
    let insert = &house.google.requests_of("events.insert")[1].json();
    assert_eq!(
        (&insert["start"]["timeZone"], &insert["extendedProperties"]["private"]["business"]),
        (&json!("America/Chicago"), &json!(OTHER))
    );
    // The calendar is also followed by itself.
    let asked = house.google.requests().into_iter().filter(|entry| !["events.sync", "events.watch"].contains(&entry.call));
    let about: Vec<_> = asked.flat_map(|entry| entry.about).filter(|about| about == OTHER_CALENDAR).collect();
    assert_eq!(about.len(), 2, "a look and an insert: {about:?}");
    let taken = json!({ "serviceType": "leak", "requestedDate": "2026-11-24" });
    let mut question = tool_calls("+15551112222", "call-3", &[("t1", "checkAvailability", taken)]);
    question["message"]["phoneNumber"]["number"] = OTHER_NUMBER.into();
    let open = said(&house.vapi(&question).await);
    assert!(open.contains("8 AM") || open.contains("10:30 AM"), "{open}");
    assert!(!open.contains("9 AM"), "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_with_its_own_account_never_touches_the_shared_one() {
    let own = FakeGoogle::start(Clock::fixed(NOW));
    own.judge_assertions_by(Clock::System);
    own.add_calendar(OTHER_CALENDAR, "America/Chicago", &[SERVICE_ACCOUNT]);
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("own.json");
    std::fs::write(&key, own.service_account_json()).unwrap();
    let house = Plan::new()
        .business(OTHER, PLUMBING)
        .set("GOOGLE_CALENDAR_CREDENTIALS__BEST_PLUMBING", &key.display().to_string())
        .set("GOOGLE_CALENDAR_URL__BEST_PLUMBING", &own.calendar_url())
        .set("GOOGLE_TOKEN_URL__BEST_PLUMBING", &own.token_url())
        .build()
        .await;
    let theirs = json!({ "metadata": { "business": OTHER } });
    assert!(said(&house.vapi(&anonymous("t1", &wish(), &theirs)).await).contains("You're booked for leak"));
    assert!(said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T08:00")).await).contains("You're booked for repair"));
    assert_eq!((own.events(OTHER_CALENDAR).len(), house.events().len()), (1, 1));
    let named = |google: &FakeGoogle, calendar: &str| {
        google.requests().iter().any(|entry| entry.about.iter().any(|about| about.contains(calendar)))
    };
    assert!(!named(&house.google, "plumbing") && !named(&own, "abc.example"));
    let bearer = |google: &FakeGoogle| google.requests_of("events.insert")[0].request.bearer().unwrap().to_owned();
    let shared = house.google.requests();
    assert!(shared.iter().filter(|entry| entry.call != "token").all(|entry| entry.trusted), "a token went to the wrong account");
    assert!(own.requests().iter().filter(|entry| entry.call != "token").all(|entry| entry.trusted), "{}", bearer(&own));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_ones_own_proves_only_ones_own_messages() {
    let house = Plan::new()
        .business(OTHER, PLUMBING)
        .set("VAPI_WEBHOOK_SECRET__BEST_PLUMBING", "a-secret-of-best-plumbing")
        .build()
        .await;
    house.google.add_calendar(OTHER_CALENDAR, "America/Chicago", &[SERVICE_ACCOUNT]);
    let theirs = anonymous("t1", &wish(), &json!({ "metadata": { "business": OTHER } })).to_string().into_bytes();
    let ours = anonymous("t1", &wish(), &json!({ "metadata": { "business": SLUG } })).to_string().into_bytes();
    let nobodys = anonymous("t1", &wish(), &json!({})).to_string().into_bytes();
    for choice in [ProofChoice::Hmac, ProofChoice::Stamped, ProofChoice::Secret] {
        assert_eq!(house.vapi_bytes(theirs.clone(), VAPI_SECRET, choice).await.status, 401);
        assert_eq!(house.vapi_bytes(ours.clone(), "a-secret-of-best-plumbing", choice).await.status, 401);
        assert_eq!(house.vapi_bytes(nobodys.clone(), "a-secret-of-best-plumbing", choice).await.status, 401);
    }
    assert_eq!(booked(&house).await, (0, 0));
    assert!(said(&house.vapi_bytes(theirs, "a-secret-of-best-plumbing", ProofChoice::Hmac).await).contains("leak"));
    assert!(said(&house.vapi_bytes(ours, VAPI_SECRET, ProofChoice::Hmac).await).contains("repair"));
    assert_eq!(booked(&house).await, (1, 1));
}

/// A question of Vapi that is answered with something else than a tool's result.
async fn asked(house: &House, kind: &str, more: &Value) -> Answer {
    let body = json!({ "message": with(json!({ "type": kind }), more) }).to_string().into_bytes();
    let request = house.http.post(format!("{}/webhook/vapi", house.url)).header("x-vapi-secret", VAPI_SECRET).body(body);
    answer(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_a_call_is_told_with_what_the_assistant_should_know() {
    let house = two().await;
    said(&house.tool("call-1", "t1", BOOK, repair("2026-11-24T09:00")).await);
    let caller = json!({ "call": { "id": "call-2", "customer": { "number": CALLER }, "transport": { "callSid": "CA77" } }, "phoneNumber": { "number": CALLED } });
    let answer = asked(&house, "assistant-request", &caller).await;
    assert_eq!(answer.status, 200);
    let variables = json!({ "business_name": "ABC HVAC", "caller_number": CALLER, "caller_name": "Dana Miller",
                            "next_appointment": "repair on Tuesday, November 24 at 9 AM", "open_now": true, "call_sid": "CA77" });
    let expected = json!({ "assistantId": "assistant-1", "assistantOverrides": { "variableValues": variables, "metadata": { "business": SLUG } } });
    assert_eq!(answer.json(), expected);
    let stranger = asked(&house, "assistant-request", &json!({ "phoneNumber": { "number": OTHER_NUMBER } })).await.json();
    assert_eq!(
        (&stranger["assistantId"], &stranger["assistantOverrides"]["variableValues"]["caller_name"]),
        (&json!("assistant-2"), &json!(""))
    );
    assert_eq!(stranger["assistantOverrides"]["variableValues"]["open_now"], false);
    let nobody = asked(&house, "assistant-request", &json!({ "phoneNumber": { "number": "+15550000000" } })).await;
    assert!(nobody.status == 200 && !nobody.json()["error"].as_str().unwrap().is_empty(), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_assistant_a_caller_is_told_and_never_gets_a_5xx() {
    let house = Plan::new()
        .set("VAPI_CONNECT", "sip")
        .set("VAPI_SIP_URI", "sip:front-desk@sip.vapi.ai")
        .set("VAPI_ASSISTANT_ID", "")
        .build()
        .await;
    let answer = asked(&house, "assistant-request", &json!({ "phoneNumber": { "number": CALLED } })).await;
    assert_eq!(answer.status, 200);
    crate::promises::speakable(answer.json()["error"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_goes_to_the_business_own_number_in_its_hours() {
    let house = two().await;
    let ours = asked(&house, "transfer-destination-request", &json!({ "phoneNumber": { "number": CALLED } })).await;
    assert_eq!(ours.json(), json!({ "destination": { "type": "number", "number": "+15551239999" } }));
    let theirs = json!({ "phoneNumber": { "number": OTHER_NUMBER }, "destination": { "number": "+19005551234" } });
    // It is 8 AM in Chicago, and the plumbers take calls from 10 to 12.
    let early = asked(&house, "transfer-destination-request", &theirs).await;
    assert!(early.status == 200 && early.json()["error"].is_string() && early.json().get("destination").is_none(), "{early:?}");
    house.clock.advance(std::time::Duration::from_hours(2));
    let open = asked(&house, "transfer-destination-request", &theirs).await;
    assert_eq!(open.json()["destination"]["number"], "+15551249999");
    house.clock.advance(std::time::Duration::from_hours(2));
    assert!(asked(&house, "transfer-destination-request", &theirs).await.json()["error"].is_string());
    let nobody = asked(&house, "transfer-destination-request", &json!({})).await;
    assert!(nobody.status == 200 && nobody.json()["error"].is_string(), "{nobody:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_in_the_call_does_not_wait_for_the_noting_of_it() {
    let house = House::new().await;
    let first = house.tool("call-1", "t1", "checkAvailability", when("2026-11-24")).await;
    assert!(said(&first).contains("8 AM"));
    let ended =
        asked(&house, "end-of-call-report", &json!({ "call": { "id": "call-1" }, "endedReason": "customer-ended-call" })).await;
    assert_eq!((ended.status, ended.json()), (200, json!({})));
}
