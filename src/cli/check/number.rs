//! One number at Twilio: whether it is ours, asks us, and can send SMS. "As it should be" is what `ringbook twilio configure`
//! would make of it.

use std::time::Duration;

use super::finding::Findings;
use super::topics;
use super::twilio::in_time;
use crate::cli::twilio::{Line, pointing, words};
use crate::clients::twilio::Twilio as Client;
use crate::clients::twilio::numbers::{Number, Webhook};
use crate::config::NumberSettings;
use crate::names::Slug;

/// Codes of Twilio's dictionary that say that a sender is not registered.
const UNREGISTERED: [u32; 3] = [30_032, 30_034, 30_035];

pub(super) async fn of(client: &Client, settings: &NumberSettings, line: &Line<'_>) -> Findings {
    let mut findings = Findings::default();
    let (slug, number) = (&line.profile.slug, line.number.as_str());
    match in_time(client.number(line.twilio, line.number)).await {
        Ok(Some(found)) => {
            findings.ok(Some(slug), topics::NUMBER, format!("{number} is in the account"));
            pointed(settings, line, &found, &mut findings);
            messages(client, line, &found, &mut findings).await;
        }
        Ok(None) => {
            let suffix = slug.as_setting_suffix();
            let mend = format!(
                "buy it or move it there, mend phone_numbers in {slug}.toml, or name the account that owns it with \
                 TWILIO_ACCOUNT_SID__{suffix} and TWILIO_AUTH_TOKEN__{suffix}"
            );
            let text = format!("the account {} does not own {number}", line.twilio.account_sid);
            findings.wrong(Some(slug), topics::NUMBER, text, mend);
        }
        Err(error) => {
            let text = format!("{number} cannot be looked at: {}", words::cause(line, &error));
            findings.wrong(Some(slug), topics::NUMBER, text, "mend that, and run `ringbook check` again");
        }
    }
    findings
}

fn configure(slug: &Slug) -> String {
    format!("`ringbook twilio configure --business {slug}`")
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or_default()
}

/// How long Twilio waits for an answer of this address, if that is no longer than we may take: connection overrides say it, and
/// otherwise it is 15 s (the page "Webhooks: Connection Overrides", 2026).
fn waits_shorter(url: &str, budget: Duration) -> Option<Duration> {
    let (_, overrides) = url.split_once('#').unwrap_or_default();
    let all = overrides.split('&').filter_map(|it| it.split_once('='));
    let limits = all.filter(|(name, _)| ["rt", "tt"].contains(name)).filter_map(|(_, ms)| ms.parse().ok());
    let waits = limits.map(Duration::from_millis).fold(pointing::LONGEST_WAIT, Duration::min);
    (waits <= budget).then_some(waits)
}

fn shown(webhook: &Webhook) -> String {
    match webhook.url.as_str() {
        "" => "nothing".to_owned(),
        url => format!("{} ({})", words::without_password(url), webhook.method),
    }
}

fn pointed(settings: &NumberSettings, line: &Line<'_>, found: &Number, findings: &mut Findings) {
    let (slug, number) = (&line.profile.slug, line.number.as_str());
    let (wanted, is, mend) = (pointing::wanted(settings, found, None), &found.pointing, configure(slug));
    if !found.takes_calls {
        findings.wrong(
            Some(slug),
            topics::NUMBER,
            format!("{number} takes no calls"),
            "choose a number with Voice in Twilio's console",
        );
    }
    for (what, sid) in [("the SIP trunk", &found.trunk), ("the TwiML application", &found.application)] {
        if let Some(sid) = sid {
            findings.wrong(
                Some(slug),
                topics::BEFORE_VOICE_URL,
                format!("{number}: {what} {sid} is set"),
                format!("{mend} takes it off"),
            );
        }
    }
    let asks_here =
        without_fragment(&is.voice.url) == without_fragment(&wanted.voice.url) && is.voice.method == wanted.voice.method;
    if is.voice == wanted.voice {
        findings.ok(Some(slug), topics::VOICE_URL, format!("{number} asks {}", without_fragment(&is.voice.url)));
    } else if let (true, Some(waits)) = (asks_here, waits_shorter(&is.voice.url, settings.connect_budget)) {
        let (waits, budget) = (waits.as_millis(), settings.connect_budget.as_millis());
        let text =
            format!("{number} asks here, but Twilio waits {waits} ms for the answer, and CONNECT_BUDGET_MS is {budget} ms");
        findings.wrong(Some(slug), topics::VOICE_URL, text, format!("{mend} has it wait longer than that"));
    } else if asks_here {
        let text = format!("{number} asks here, but is to try again and to wait in another way: {}", is.voice.url);
        findings.warning(Some(slug), topics::VOICE_URL, text, mend.clone());
    } else {
        let text = format!("{number} asks {} instead of {}", shown(&is.voice), without_fragment(&wanted.voice.url));
        findings.wrong(Some(slug), topics::VOICE_URL, text, mend.clone());
    }
    let others = [
        (topics::FALLBACK_URL, "asks", "when that fails", &is.fallback, &wanted.fallback),
        (topics::STATUS_CALLBACK, "tells", "how a call ended", &is.status, &wanted.status),
    ];
    for (id, verb, when, is, wanted) in others {
        if is == wanted {
            findings.ok(Some(slug), id, format!("{number} {verb} {} {when}", shown(is)));
        } else {
            let text = format!("{number} {verb} {} {when}, instead of {}", shown(is), shown(wanted));
            findings.warning(Some(slug), id, text, mend.clone());
        }
    }
}

/// What Twilio itself says of registration is what became of the messages that were sent.
async fn messages(client: &Client, line: &Line<'_>, found: &Number, findings: &mut Findings) {
    let (slug, number) = (&line.profile.slug, line.number.as_str());
    let is_sender = line.profile.phone_numbers.first() == Some(line.number);
    if line.twilio.messaging_service_sid.is_some() || !is_sender {
        return;
    }
    if !found.sends_sms {
        let mend = "choose a number with SMS in Twilio's console, or set TWILIO_MESSAGING_SERVICE_SID";
        findings.warning(Some(slug), topics::SMS, format!("{number} cannot send any"), mend);
        return;
    }
    match in_time(client.failures_from(line.twilio, line.number)).await {
        Ok(codes) => match codes.iter().find(|code| UNREGISTERED.contains(code)) {
            Some(code) => findings.warning(
                Some(slug),
                topics::SMS,
                format!("{number} is not registered: lately SMS from it were refused with {code}"),
                format!("register it in Twilio's console under \"Messaging\", \"Regulatory Compliance\"; https://www.twilio.com/docs/errors/{code}"),
            ),
            None => findings.ok(Some(slug), topics::SMS, format!("{number} can send them, and none was refused lately as not registered")),
        },
        Err(error) => {
            let text = format!("it cannot be seen what became of the last ones: {error}");
            findings.warning(Some(slug), topics::SMS, text, "run `ringbook check` again");
        }
    }
}
