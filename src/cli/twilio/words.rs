//! What is said of numbers, for people. Nothing is asked or decided here.

use std::fmt::Write;

use url::Url;

use super::Line;
use crate::business::profile::Profile;
use crate::clients::Error;
use crate::clients::twilio::numbers::{Number, Pointing, Webhook};
use crate::config::ServerUrl;
use crate::switchboard::twiml;

/// What a caller hears last whom Twilio helps alone.
const GOODBYE: &str = "Thank you for calling. Goodbye.";

/// One webhook of a number.
type Field = fn(&Pointing) -> &Webhook;

/// The fields as Twilio's console calls them.
const FIELDS: [(&str, Field); 3] = [
    ("A call comes in", |pointing| &pointing.voice),
    ("Primary handler fails", |pointing| &pointing.fallback),
    ("Call status changes", |pointing| &pointing.status),
];

fn heading(line: &Line<'_>) -> String {
    let Line { profile, twilio, number } = line;
    format!("{} ({}), {}, account {}:\n", profile.name, profile.slug, number.as_str(), twilio.account_sid)
}

/// What a number asks now.
pub(in crate::cli) fn as_it_is(line: &Line<'_>, number: &Number, is_here: bool) -> String {
    let mut text = heading(line);
    for (name, webhook) in FIELDS {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "  {name:<22} {}", shown(webhook(&number.pointing)));
    }
    for taken in before_the_voice_url(number) {
        let _ = writeln!(
            text,
            "  WARNING: {taken} is set. It goes before all of these, so no call comes here; `ringbook twilio configure` takes it off."
        );
    }
    let here = if is_here { "Calls come here." } else { "Calls do not come here; `ringbook twilio configure` changes that." };
    let _ = writeln!(text, "  {here}");
    text
}

/// That a number is as it should be.
pub(in crate::cli) fn unchanged(line: &Line<'_>, number: &Number) -> String {
    let mut text = heading(line);
    for (name, webhook) in FIELDS {
        let _ = writeln!(text, "  {name:<22} {}", shown(webhook(&number.pointing)));
    }
    text + "  Nothing to change: all of it is as it should be.\n"
}

/// What was, and what is now.
pub(in crate::cli) fn before_and_after(line: &Line<'_>, before: &Number, after: &Number) -> String {
    let mut text = heading(line);
    for (name, webhook) in FIELDS {
        let (was, is) = (webhook(&before.pointing), webhook(&after.pointing));
        let _ = if was == is {
            writeln!(text, "  {name:<22} as before  {}", shown(is))
        } else {
            writeln!(text, "  {name:<22} before     {}\n  {:<22} now        {}", shown(was), "", shown(is))
        };
    }
    for taken in before_the_voice_url(before) {
        let _ = writeln!(
            text,
            "  WARNING: {taken} was set, which goes before the voice URL, so no call would have come here. It was taken off; to undo \
             that, choose it again in Twilio's console, in the voice configuration of the number."
        );
    }
    text
}

/// What is set at the number that keeps Twilio from asking the voice URL.
fn before_the_voice_url(number: &Number) -> impl Iterator<Item = String> {
    let trunk = number.trunk.as_ref().map(|sid| format!("the SIP trunk {sid} (TrunkSid)"));
    let application = number.application.as_ref().map(|sid| format!("the TwiML application {sid} (VoiceApplicationSid)"));
    trunk.into_iter().chain(application)
}

fn shown(webhook: &Webhook) -> String {
    if webhook.url.is_empty() {
        return "nothing".to_owned();
    }
    format!("{} ({})", without_password(&webhook.url), webhook.method)
}

/// Addresses of other programs may hold a password.
pub(in crate::cli) fn without_password(url: &str) -> String {
    let Some(password) = Url::parse(url).ok().and_then(|url| url.password().map(str::to_owned)) else { return url.to_owned() };
    url.replacen(&format!(":{password}@"), ":…@", 1)
}

/// The way to help callers while this machine is down.
pub(in crate::cli) fn bin(profile: &Profile, server: &ServerUrl) -> String {
    let sentence = &profile.phrases.fallback;
    let (transfer, slug) = (&profile.transfer, &profile.slug);
    let (twiml, then) = match transfer.to.as_ref().or(transfer.after_hours_to.as_ref()) {
        Some(number) => (twiml::person_alone(sentence, number, transfer.ring.as_secs(), GOODBYE), ""),
        None => (
            twiml::voicemail(&profile.phrases.voicemail, &server.route("/twilio/voicemail")),
            "The recordings lie in Twilio's console under \"Call recordings\", even when ringbook does not hear of one.\n",
        ),
    };
    format!(
        "\n{}: while this machine is down, the fallback is down with it. Twilio itself can help callers then: in its console search \
         for \"TwiML Bins\", make one, paste this into it, and copy its address:\n\n{twiml}\n{then}\nThen: ringbook twilio configure \
         --business {slug} --fallback-url https://handler.twilio.com/twiml/EH…\n",
        profile.name
    )
}

/// That nobody here owns the number.
pub(in crate::cli) fn not_owned(line: &Line<'_>) -> String {
    let (slug, suffix) = (&line.profile.slug, line.profile.slug.as_setting_suffix());
    format!(
        "{slug}: the Twilio account {} does not own {}: buy it or move it there, mend phone_numbers in {slug}.toml, or name the account \
         that owns it, which may be a subaccount, with TWILIO_ACCOUNT_SID__{suffix} and TWILIO_AUTH_TOKEN__{suffix}.",
        line.twilio.account_sid,
        line.number.as_str()
    )
}

/// Why a number could not be looked at.
pub(in crate::cli) fn failed(line: &Line<'_>, error: &Error) -> String {
    format!("{}, {}: {}", line.profile.slug, line.number.as_str(), cause(line, error))
}

/// Why a number was not pointed here.
pub(in crate::cli) fn not_pointed(line: &Line<'_>, error: &Error) -> String {
    let end = match error {
        Error::Unknown(_) | Error::Unusable(_) => "It may have been changed or not: run this again, which is safe.",
        _ => "Nothing was changed.",
    };
    format!("{} {end}", failed(line, error))
}

/// That Twilio agreed and did otherwise.
pub(in crate::cli) fn not_as_wanted(line: &Line<'_>) -> String {
    let (slug, number) = (&line.profile.slug, line.number.as_str());
    format!("{slug}, {number}: Twilio took the change, but what it shows now is something else; see above, and run this again.")
}

/// What went wrong at Twilio, and what to do about it.
pub(in crate::cli) fn cause(line: &Line<'_>, error: &Error) -> String {
    let account = &line.twilio.account_sid;
    let credentials = match &line.twilio.api_key {
        Some(_) => "the API key of TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET".to_owned(),
        None if line.twilio.auth_is_own => format!("TWILIO_AUTH_TOKEN__{}", line.profile.slug.as_setting_suffix()),
        None => "TWILIO_AUTH_TOKEN".to_owned(),
    };
    match error {
        Error::Settings(text) => format!("{text}."),
        Error::NotSent(cause) => format!("Twilio cannot be reached ({cause})."),
        Error::Refused { status: 401 | 403, .. } => format!(
            "Twilio does not accept {credentials} for the account {account}: compare them with the account's page in Twilio's console."
        ),
        Error::Refused { status: 404, .. } => {
            format!("Twilio finds nothing for the account {account}: compare TWILIO_ACCOUNT_SID with Twilio's console.")
        }
        Error::Refused { status: 429, .. } => "Twilio takes no more requests at this moment; try again in a minute.".to_owned(),
        Error::Refused { status, reason } if reason.is_empty() => format!("Twilio refuses, with status {status}."),
        Error::Refused { reason: code, .. } => format!("Twilio refuses: https://www.twilio.com/docs/errors/{code} says why."),
        Error::Unknown(cause) => format!("Twilio gave no answer ({cause}); try again."),
        Error::Unusable(what) => format!("Twilio's answer cannot be used: {what}."),
    }
}
