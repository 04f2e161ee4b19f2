//! Calls as they are remembered: claimed once, tied to what Vapi says of them, and dialled.

use ringbook::names::{CallSid, Phone, VapiCallId};
use ringbook::store::calls::{CallClaim, Connected, Leg, NewCall};
use ringbook::store::heard::VapiCall;
use ringbook::store::voicemails::Voicemail;

use crate::shelf::{Shelf, on_both};
use crate::store::{NOW, minutes, slug};

fn sid(text: &str) -> CallSid {
    CallSid::parse(text).unwrap()
}

fn vapi(text: &str) -> VapiCallId {
    VapiCallId::parse(text).unwrap()
}

fn new_call(sid: &CallSid) -> NewCall<'_> {
    NewCall { sid, business: None, from: "+15557654321", to: "+15551230000", forwarded_from: "" }
}

fn word<'a>(id: &'a VapiCallId, sid: Option<&'a CallSid>, business: &'a ringbook::names::Slug) -> VapiCall<'a> {
    VapiCall { id, sid, business, from: "+15557654321", to: "", control_url: Some("https://vapi.ai/c"), ended_reason: None }
}

on_both!(
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    Shelf;
    a_call_is_claimed_once,
    a_word_of_vapi_is_tied_to_the_call_by_either_name,
    a_word_of_vapi_that_comes_before_the_connection_becomes_part_of_the_call,
    a_dial_counts_while_its_call_lasts,
    a_recording_is_new_once,
);

async fn a_call_is_claimed_once(shelf: Shelf) {
    let other = shelf.other().await;
    let claims: Vec<_> = (0..12)
        .map(|index| {
            let store = if index % 2 == 0 { shelf.store.clone() } else { other.clone() };
            tokio::spawn(async move { matches!(store.claim_call(&new_call(&sid("CA1")), NOW).await.unwrap(), CallClaim::Ours) })
        })
        .collect();
    let mut ours = 0;
    for claim in claims {
        ours += u32::from(claim.await.unwrap());
    }
    assert_eq!(ours, 1);
    let connected = Connected { twiml: "<Response/>", leg: Leg::Person, dialing: None, vapi_call_id: None, control_url: None };
    shelf.store.keep_connection(&sid("CA1"), &connected).await.unwrap();
    let CallClaim::Known(row) = shelf.reopened().await.store.claim_call(&new_call(&sid("CA1")), NOW).await.unwrap() else {
        panic!()
    };
    assert_eq!((row.twiml.as_deref(), row.leg), (Some("<Response/>"), Leg::Person));
}

async fn a_word_of_vapi_is_tied_to_the_call_by_either_name(shelf: Shelf) {
    let (store, business) = (&shelf.store, slug());
    store.claim_call(&new_call(&sid("CA1")), NOW).await.unwrap();
    assert!(!store.call_by_sid(&sid("CA1")).await.unwrap().unwrap().heard_from_vapi);
    store.hear_from_vapi(&word(&vapi("v1"), Some(&sid("CA1")), &business), NOW).await.unwrap();
    let row = store.call_by_vapi_id(&vapi("v1")).await.unwrap().unwrap();
    assert_eq!((row.sid.as_ref(), row.heard_from_vapi, row.business.as_ref()), (Some(&sid("CA1")), true, Some(&business)));
    let id = vapi("v1");
    let ended = VapiCall { control_url: None, ended_reason: Some("customer-ended-call"), ..word(&id, None, &business) };
    store.hear_from_vapi(&ended, NOW).await.unwrap();
    let row = store.call_by_sid(&sid("CA1")).await.unwrap().unwrap();
    assert_eq!(
        (row.vapi_ended_reason.as_deref(), row.control_url.as_deref()),
        (Some("customer-ended-call"), Some("https://vapi.ai/c"))
    );
    // A call of a number of Vapi's own has no CallSid, and another call of the same CallSid is not this one.
    store.hear_from_vapi(&word(&vapi("v2"), None, &business), NOW).await.unwrap();
    store.hear_from_vapi(&word(&vapi("v3"), Some(&sid("CA1")), &business), NOW).await.unwrap();
    assert_eq!(store.call_by_vapi_id(&vapi("v2")).await.unwrap().unwrap().sid, None);
    assert_eq!(store.call_by_vapi_id(&vapi("v3")).await.unwrap().unwrap().sid, None);
    assert_eq!(store.call_by_sid(&sid("CA1")).await.unwrap().unwrap().vapi_call_id, Some(vapi("v1")));
}

async fn a_word_of_vapi_that_comes_before_the_connection_becomes_part_of_the_call(shelf: Shelf) {
    let (store, business) = (&shelf.store, slug());
    store.claim_call(&new_call(&sid("CA1")), NOW).await.unwrap();
    let id = vapi("v1");
    let early = VapiCall { ended_reason: Some("x"), ..word(&id, None, &business) };
    store.hear_from_vapi(&early, NOW).await.unwrap();
    let connected =
        Connected { twiml: "<Response/>", leg: Leg::Assistant, dialing: None, vapi_call_id: Some(&id), control_url: None };
    store.keep_connection(&sid("CA1"), &connected).await.unwrap();
    let row = store.call_by_vapi_id(&id).await.unwrap().unwrap();
    assert_eq!((row.sid, row.heard_from_vapi, row.twiml.as_deref()), (Some(sid("CA1")), true, Some("<Response/>")));
    assert_eq!((row.control_url.as_deref(), row.vapi_ended_reason.as_deref()), (Some("https://vapi.ai/c"), Some("x")));
    // The fallback knows no call of Vapi's, and does not make it forgotten.
    let fallback = Connected { leg: Leg::Person, vapi_call_id: None, ..connected };
    store.keep_connection(&sid("CA1"), &fallback).await.unwrap();
    assert_eq!(store.call_by_sid(&sid("CA1")).await.unwrap().unwrap().vapi_call_id, Some(id));
}

async fn a_dial_counts_while_its_call_lasts(shelf: Shelf) {
    let (store, person) = (&shelf.store, Phone::e164("+15551239999").unwrap());
    store.claim_call(&new_call(&sid("CA1")), NOW).await.unwrap();
    store.keep_leg(&sid("CA1"), Leg::Person, Some(&person), NOW).await.unwrap();
    let is_dialling = |from: &'static str, except: &'static str, since| {
        let person = &person;
        async move { store.is_dialling(from, person, except, since).await.unwrap() }
    };
    assert!(is_dialling("+15557654321", "CA2", NOW).await);
    assert!(!is_dialling("+15557654321", "CA1", NOW).await, "not a call with itself");
    assert!(!is_dialling("+15550000001", "CA2", NOW).await, "nor another caller's");
    assert!(!is_dialling("+15557654321", "CA2", NOW + minutes(1)).await, "nor one from long ago");
    store.keep_call_status(&sid("CA1"), "completed", true, NOW).await.unwrap();
    assert!(!is_dialling("+15557654321", "CA2", NOW).await);
}

async fn a_recording_is_new_once(shelf: Shelf) {
    let voicemail = Voicemail { recording_sid: "RE1", business: None, url: "https://api.twilio.com/RE1", seconds: 7 };
    assert!(shelf.store.keep_voicemail(&sid("CA1"), &voicemail, NOW).await.unwrap());
    assert!(!shelf.store.keep_voicemail(&sid("CA1"), &voicemail, NOW).await.unwrap());
}
