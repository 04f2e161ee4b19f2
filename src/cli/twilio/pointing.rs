//! Where a number should point, and whether it does. Nothing is asked here.

use std::time::Duration;

use url::Url;

use super::super::Failure;
use crate::clients::twilio::numbers::{Number, Pointing, Webhook};
use crate::config::{NumberSettings, ServerUrl, is_loopback};

/// Where Twilio serves its TwiML Bins. Whoever put one there wants it for the time when this machine is down.
const TWIML_BINS: &str = "https://handler.twilio.com/";

/// How much longer Twilio waits for our answer than we take at most: the way there and back.
const ON_THE_WAY: Duration = Duration::from_secs(1);

/// The longest that Twilio waits for one answer.
pub(in crate::cli) const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What the number is to ask: us, and what was given as the fallback, or else the TwiML Bin that stands there, or else us again.
pub(in crate::cli) fn wanted(settings: &NumberSettings, now: &Number, fallback: Option<&str>) -> Pointing {
    let post = |url: String| Webhook { url, method: "POST".to_owned() };
    let server = &settings.server_url;
    // Connection overrides, which stay at Twilio (the page "Webhooks: Connection Overrides", 2026): another try, soon, where
    // there is no connection or a proxy answers 5xx, and an end in time for the fallback. A call is connected once however often
    // it is asked for.
    let wait = (settings.connect_budget + ON_THE_WAY).min(LONGEST_WAIT).as_millis();
    let voice = post(format!("{}#rc=2&rp=ct,5xx&ct=2000&rt={wait}", server.route("/twilio/inbound")));
    let fallback = match fallback {
        Some(given) => post(given.to_owned()),
        None if now.pointing.fallback.url.starts_with(TWIML_BINS) => now.pointing.fallback.clone(),
        None => post(server.route("/twilio/fallback")),
    };
    Pointing { voice, fallback, status: post(server.route("/twilio/status")) }
}

/// Whether calls to the number come here, however Twilio is to connect.
pub(in crate::cli) fn is_here(server: &ServerUrl, number: &Number) -> bool {
    let voice = &number.pointing.voice;
    let address = voice.url.split('#').next().unwrap_or_default();
    let nothing_before = number.application.is_none() && number.trunk.is_none();
    nothing_before && voice.method == "POST" && address == server.route("/twilio/inbound")
}

/// Whether Twilio can ask us at all. A stand-in for it on this machine reaches what is on this machine.
///
/// # Errors
/// Why not.
pub(in crate::cli) fn check(server: &ServerUrl, twilio: &Url) -> Result<(), Failure> {
    let url = Url::parse(server.as_str()).ok();
    if url.as_ref().is_some_and(is_loopback) && !is_loopback(twilio) {
        let text = "which is this machine itself: Twilio cannot reach it. Set it to the public https address that leads here";
        return Err(Failure::Usage(format!("SERVER_URL is {}, {text}.", server.as_str())));
    }
    if url.is_some_and(|url| has_underscore(&url)) {
        let text = "Twilio refuses host names with an underscore";
        return Err(Failure::Usage(format!("SERVER_URL is {}: {text}.", server.as_str())));
    }
    Ok(())
}

/// An address that Twilio is to ask, letter by letter as it was given.
pub(in crate::cli) fn address(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && text.bytes().all(|byte| byte.is_ascii_graphic()));
    match url {
        None => Err("write an https:// address, such as that of a TwiML Bin"),
        Some(url) if has_underscore(&url) => Err("Twilio refuses host names with an underscore"),
        Some(_) => Ok(text.to_owned()),
    }
}

fn has_underscore(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.contains('_'))
}
