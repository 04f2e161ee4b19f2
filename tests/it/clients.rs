//! The REST clients against small servers that say what a script tells them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use ringbook::clients::twilio::{SmsError, Twilio};
use ringbook::clients::vapi::{BypassAnswer, BypassCall, Vapi, Variables};
use ringbook::clients::{self, Error};
use ringbook::config;
use ringbook::names::{AssistantId, CallSid, Phone, Slug, VapiCallId};
use serde_json::{Value, json};
use url::Url;

/// What a scripted server does with its next request; it answers 500 when nothing is left.
#[derive(Clone, Debug)]
pub enum Step {
    Answer(u16, String),
    Silence,
}

#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub authorization: String,
    pub body: String,
}

/// A server of one test.
#[derive(Clone)]
pub struct Scripted {
    pub url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Scripted {
    pub fn start(steps: Vec<Step>) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let steps = Arc::new(Mutex::new(VecDeque::from(steps)));
        let kept = seen.clone();
        let server = HttpServer::new(move || {
            let (steps, seen) = (steps.clone(), seen.clone());
            App::new().default_service(web::to(move |request: HttpRequest, body: String| {
                let header = |name| request.headers().get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned());
                let line = format!("{} {}", request.method(), request.uri());
                seen.lock().unwrap().push(Seen { line, authorization: header("authorization"), body });
                let step = steps.lock().unwrap().pop_front();
                async move {
                    match step {
                        Some(Step::Answer(status, body)) => HttpResponse::build(StatusCode::from_u16(status).unwrap()).body(body),
                        Some(Step::Silence) => std::future::pending().await,
                        None => HttpResponse::InternalServerError().finish(),
                    }
                }
            }))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0).bind(("127.0.0.1", 0)).unwrap();
        let url = Url::parse(&format!("http://{}", server.addrs()[0])).unwrap();
        actix_web::rt::spawn(server.run());
        Self { url, seen: kept }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    clients::http().unwrap()
}

pub fn vapi_settings(url: &Url) -> config::Vapi {
    config::Vapi {
        api_key: Some("private-key".into()),
        api_url: url.clone(),
        connect: config::Connect::Bypass,
        assistant_id: AssistantId::parse("asst-1"),
        phone_number_id: Some("pn-1".into()),
        stream_url: "wss://api.vapi.ai/stream".into(),
        sip_uri: Some("sip:desk@sip.vapi.ai".into()),
        proofs: config::ProofPlan { secrets: vec!["secret".into()], hmac: vec![], secret: true, bearer: false },
        proofs_are_own: false,
    }
}

pub fn twilio_settings(url: &Url) -> config::Twilio {
    config::Twilio {
        account_sid: "AC1".into(),
        auth_tokens: vec!["token-1".into(), "token-2".into()],
        auth_is_own: false,
        api_key: None,
        messaging_service_sid: None,
        api_url: url.clone(),
    }
}

const LIMIT: Duration = Duration::from_secs(5);
const TWIML: &str = "<?xml version=\"1.0\"?><Response><Connect><Stream url=\"wss://v/x\"/></Connect></Response>";

fn created() -> String {
    json!({"id": "call-1", "phoneCallProviderDetails": {"twiml": TWIML}, "monitor": {"controlUrl": "https://x.vapi.ai/call-1/control"}, "extra": [1]}).to_string()
}

async fn create(server: &Url, caller: &str, limit: Duration) -> Result<BypassAnswer, Error> {
    let (slug, sid) = (Slug::parse("abc-hvac").unwrap(), CallSid::parse("CA1").unwrap());
    let variables = Variables {
        business_name: "ABC HVAC".into(),
        caller_number: caller.into(),
        open_now: true,
        call_sid: "CA1".into(),
        ..Variables::default()
    };
    let call = BypassCall { business: &slug, call_sid: &sid, caller, variables: &variables };
    Vapi::new(http()).create_call(&vapi_settings(server), &call, limit).await
}

#[actix_web::test]
async fn a_call_is_handed_to_vapi_with_everything_it_needs() {
    let server = Scripted::start(vec![Step::Answer(201, created())]);
    let answer = create(&server.url, "+15551112222", LIMIT).await.unwrap();
    let control_url = Some("https://x.vapi.ai/call-1/control".to_owned());
    assert_eq!(answer, BypassAnswer { id: VapiCallId::parse("call-1").unwrap(), twiml: TWIML.into(), control_url });
    let seen = server.seen();
    assert_eq!((seen.len(), seen[0].line.as_str(), seen[0].authorization.as_str()), (1, "POST /call", "Bearer private-key"));
    let expected = json!({
        "phoneCallProviderBypassEnabled": true, "phoneNumberId": "pn-1", "assistantId": "asst-1", "customer": {"number": "+15551112222"},
        "assistantOverrides": {
            "variableValues": {"business_name": "ABC HVAC", "caller_number": "+15551112222", "caller_name": "", "next_appointment": "", "open_now": true, "call_sid": "CA1"},
            "metadata": {"business": "abc-hvac", "twilioCallSid": "CA1"},
        },
    });
    assert_eq!(serde_json::from_str::<Value>(&seen[0].body).unwrap(), expected);
}

#[actix_web::test]
async fn an_odd_caller_is_named_so_that_vapi_takes_the_call() {
    let cases = [
        ("anonymous", json!({"number": "anonymous", "numberE164CheckEnabled": false})),
        ("+266696687", json!({"number": "anonymous", "numberE164CheckEnabled": false})),
        ("sip:al.ice@example.com", json!({"number": "sipaliceexamplecom", "numberE164CheckEnabled": false})),
        ("5551234", json!({"number": "5551234", "numberE164CheckEnabled": false})),
        ("", json!({"number": "anonymous", "numberE164CheckEnabled": false})),
        ("!é", json!({"number": "anonymous", "numberE164CheckEnabled": false})),
    ];
    let server = Scripted::start(vec![Step::Answer(201, created()); cases.len()]);
    for (caller, customer) in cases {
        create(&server.url, caller, LIMIT).await.unwrap();
        let body: Value = serde_json::from_str(&server.seen().last().unwrap().body).unwrap();
        assert_eq!(body["customer"], customer, "{caller}");
    }
}

#[actix_web::test]
async fn a_refusal_is_quoted_without_numbers_addresses_and_what_was_sent_and_never_repeated() {
    let words =
        ["customer.number must be valid: +15551112222", "ask (555) 111-2222 or dana@abc.example 24/7", "key-1 is 42 chars"];
    let refusal = json!({"message": words, "statusCode": 400}).to_string();
    let server = Scripted::start(vec![Step::Answer(400, refusal)]);
    let error = create(&server.url, "+15551112222", LIMIT).await.unwrap_err();
    let Error::Refused { status: 400, reason } = error else { panic!("{error:?}") };
    assert!(reason.contains("must be valid: …") && reason.contains("24/7") && reason.contains("is 42 chars"), "{reason}");
    assert!(!["555", "111", "2222", "dana", "abc.example"].iter().any(|quoted| reason.contains(quoted)), "{reason}");
    assert_eq!(server.seen().len(), 1);
}

#[actix_web::test]
async fn a_failure_or_an_answer_without_twiml_is_not_asked_again() {
    let cases = [
        (Step::Answer(500, String::new()), Error::Unknown("status 500".into())),
        (Step::Answer(302, String::new()), Error::Refused { status: 302, reason: "no reason given".into() }),
        (Step::Answer(201, "<html>".into()), Error::Unusable("not a call object")),
        (Step::Answer(201, json!({"id": "call-1"}).to_string()), Error::Unusable("no phoneCallProviderDetails.twiml")),
        (
            Step::Answer(201, json!({"id": "", "phoneCallProviderDetails": {"twiml": TWIML}}).to_string()),
            Error::Unusable("no call id"),
        ),
    ];
    for (step, expected) in cases {
        let server = Scripted::start(vec![step]);
        assert_eq!(create(&server.url, "+15551112222", LIMIT).await.unwrap_err(), expected);
        assert_eq!(server.seen().len(), 1);
    }
}

#[actix_web::test]
async fn a_silent_vapi_is_given_up_in_time_and_asked_once() {
    let server = Scripted::start(vec![Step::Silence]);
    let error = create(&server.url, "+15551112222", Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(&error, Error::Unknown(reason) if reason.starts_with("timed out")), "{error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[actix_web::test]
async fn a_connection_that_breaks_after_the_request_is_an_unknown_outcome() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let accepted = Arc::new(Mutex::new(0));
    let counted = accepted.clone();
    actix_web::rt::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            stream.readable().await.unwrap();
            drop(stream);
        }
    });
    let error = create(&url, "+15551112222", LIMIT).await.unwrap_err();
    assert!(matches!(error, Error::Unknown(_)), "{error:?}");
    assert_eq!(*accepted.lock().unwrap(), 1);
}

/// An address of this machine where nobody listens.
fn nowhere() -> Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

#[actix_web::test]
async fn without_a_connection_nothing_was_sent() {
    let error = create(&nowhere(), "+15551112222", LIMIT).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
    let url = Url::parse("http://api.vapi.example").unwrap();
    assert!(matches!(create(&url, "+15551112222", LIMIT).await, Err(Error::Settings(_))), "plain http left this machine");
}

#[actix_web::test]
async fn a_missing_setting_is_named() {
    let (slug, sid, variables) = (Slug::parse("abc").unwrap(), CallSid::parse("CA1").unwrap(), Variables::default());
    let call = BypassCall { business: &slug, call_sid: &sid, caller: "", variables: &variables };
    let complete = vapi_settings(&nowhere());
    let cases = [
        ("VAPI_API_KEY", config::Vapi { api_key: None, ..complete.clone() }),
        ("VAPI_ASSISTANT_ID", config::Vapi { assistant_id: None, ..complete.clone() }),
        ("VAPI_PHONE_NUMBER_ID", config::Vapi { phone_number_id: None, ..complete }),
    ];
    for (name, settings) in cases {
        let error = Vapi::new(http()).create_call(&settings, &call, LIMIT).await.unwrap_err();
        assert!(matches!(error, Error::Settings(text) if text.contains(name)), "{name}: {error:?}");
    }
}

async fn send(settings: &config::Twilio, text: &str) -> Result<(), SmsError> {
    let (from, to) = (Phone::e164("+15551230000").unwrap(), Phone::e164("+15551112222").unwrap());
    Twilio::new(http()).send_sms(settings, &from, &to, text).await.map(drop)
}

fn form(body: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[actix_web::test]
async fn an_sms_goes_out_once_under_the_account_with_the_first_token() {
    let server = Scripted::start(vec![Step::Answer(201, "{}".into())]);
    send(&twilio_settings(&server.url), "Sam & Co: 8:30 + é").await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /2010-04-01/Accounts/AC1/Messages.json");
    assert_eq!(seen[0].authorization, "Basic QUMxOnRva2VuLTE=", "AC1:token-1");
    assert_eq!(
        form(&seen[0].body),
        [pair("To", "+15551112222"), pair("From", "+15551230000"), pair("Body", "Sam & Co: 8:30 + é")]
    );
}

#[actix_web::test]
async fn an_api_key_and_a_messaging_service_are_used_where_they_are_set() {
    let server = Scripted::start(vec![Step::Answer(201, "{}".into())]);
    let settings = config::Twilio {
        api_key: Some(("SK1".into(), "key-secret".into())),
        messaging_service_sid: Some("MG1".into()),
        ..twilio_settings(&server.url)
    };
    send(&settings, &"x".repeat(2_000)).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /2010-04-01/Accounts/AC1/Messages.json");
    assert_eq!(seen[0].authorization, "Basic U0sxOmtleS1zZWNyZXQ=", "SK1:key-secret");
    assert_eq!(
        form(&seen[0].body),
        [pair("To", "+15551112222"), pair("MessagingServiceSid", "MG1"), pair("Body", &"x".repeat(1_600))]
    );
}

#[actix_web::test]
async fn what_became_of_an_sms_is_told_apart() {
    let refusal = json!({"code": 21610, "message": "opted out", "status": 400}).to_string();
    let cases = [
        (Step::Answer(400, refusal), SmsError::Refused { code: 21_610 }),
        (Step::Answer(404, "<html>".into()), SmsError::Refused { code: 404 }),
        (Step::Answer(429, "{\"code\":20429}".into()), SmsError::NotSent("status 429".into())),
        (Step::Answer(503, String::new()), SmsError::NotSent("status 503".into())),
        (Step::Answer(500, String::new()), SmsError::Uncertain("status 500".into())),
    ];
    for (step, expected) in cases {
        let server = Scripted::start(vec![step]);
        assert_eq!(send(&twilio_settings(&server.url), "x").await.unwrap_err(), expected);
        assert_eq!(server.seen().len(), 1);
    }
    assert!(matches!(send(&twilio_settings(&nowhere()), "x").await, Err(SmsError::NotSent(_))));
    let nameless = config::Twilio { auth_tokens: vec![], ..twilio_settings(&nowhere()) };
    assert_eq!(send(&nameless, "x").await, Err(SmsError::Refused { code: 20_003 }));
}

#[actix_web::test]
async fn an_sms_without_an_answer_may_have_been_sent() {
    let server = Scripted::start(vec![Step::Silence]);
    let client = reqwest::Client::builder().timeout(Duration::from_millis(200)).build().unwrap();
    let (from, to) = (Phone::e164("+15551230000").unwrap(), Phone::e164("+15551112222").unwrap());
    let outcome = Twilio::new(client).send_sms(&twilio_settings(&server.url), &from, &to, "x").await;
    assert!(matches!(outcome, Err(SmsError::Uncertain(_))), "{outcome:?}");
    assert_eq!(server.seen().len(), 1);
}
