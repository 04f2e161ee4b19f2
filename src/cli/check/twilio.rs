//! The Twilio account, and each number in it. Nothing is changed there.

use futures_util::future::join_all;

use super::finding::Findings;
use super::{PATIENCE, Patient, number, topics};
use crate::cli::twilio::lines;
use crate::clients::Error;
use crate::clients::twilio::Twilio as Client;
use crate::clients::twilio::account::Account;
use crate::config::{NumberSettings, Twilio};
use crate::names::Slug;

pub(super) async fn of(patient: &Patient) -> Findings {
    let client = Client::new(patient.http.clone());
    let settings = NumberSettings::from(&*patient.settings);
    // Each account once; a business's own token may be wrong by itself.
    let mut seen: Vec<(&str, bool)> = Vec::new();
    let accounts = patient.profiles.iter().filter_map(|profile| {
        let twilio = patient.settings.twilio.of(&profile.slug);
        let is_new = twilio.auth_is_own || !seen.contains(&(twilio.account_sid.as_str(), false));
        seen.push((&twilio.account_sid, twilio.auth_is_own));
        is_new.then_some((&profile.slug, twilio))
    });
    let accounts = join_all(accounts.collect::<Vec<_>>().into_iter().map(|(slug, twilio)| account(&client, slug, twilio)));
    let lines: Vec<_> = lines(&settings, &patient.profiles).collect();
    let numbers = join_all(lines.iter().map(|line| number::of(&client, &settings, line)));
    let (accounts, numbers) = tokio::join!(accounts, numbers);
    let mut findings = Findings::default();
    for found in accounts.into_iter().chain(numbers) {
        findings.extend(found);
    }
    findings
}

/// What a request answers within our patience.
pub(super) async fn in_time<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || Error::Unknown(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, request).await.unwrap_or_else(|_| Err(late()))
}

async fn account(client: &Client, slug: &Slug, twilio: &Twilio) -> Findings {
    let mut findings = Findings::default();
    let owner = twilio.auth_is_own.then_some(slug);
    let suffix = if twilio.auth_is_own { format!("__{}", slug.as_setting_suffix()) } else { String::new() };
    match known_by_a_token(client, twilio).await {
        Ok(Account { status, .. }) if status != "active" => findings.wrong(
            owner,
            topics::TWILIO_ACCOUNT,
            format!("{} is {status}", twilio.account_sid),
            "open Twilio's console: it says there why, mostly the balance",
        ),
        Ok(Account { is_trial, .. }) => {
            findings.ok(owner, topics::TWILIO_ACCOUNT, format!("{} takes the token", twilio.account_sid));
            if is_trial {
                let mend = "upgrade the account: Twilio's console, \"Upgrade\", at the top";
                findings.warning(owner, topics::TWILIO_TRIAL, format!("{} is on trial", twilio.account_sid), mend);
            }
        }
        Err(Error::Refused { status: 401 | 403 | 404, .. }) => findings.wrong(
            owner,
            topics::TWILIO_ACCOUNT,
            format!("Twilio does not take TWILIO_AUTH_TOKEN{suffix} for {}", twilio.account_sid),
            format!("copy Account SID and auth token from the first page of Twilio's console into TWILIO_ACCOUNT_SID{suffix} and TWILIO_AUTH_TOKEN{suffix}"),
        ),
        Err(error) => findings.wrong(
            owner,
            topics::TWILIO_ACCOUNT,
            format!("Twilio cannot be asked: {error}"),
            "see whether this machine reaches TWILIO_API_URL, and run this again",
        ),
    }
    findings
}

/// Any of the tokens may be the account's: that is how they are changed.
async fn known_by_a_token(client: &Client, twilio: &Twilio) -> Result<Account, Error> {
    let mut refused = Error::Settings("TWILIO_AUTH_TOKEN is not set");
    for token in &twilio.auth_tokens {
        match in_time(client.account(twilio, token)).await {
            Err(error @ Error::Refused { status: 401, .. }) => refused = error,
            answer => return answer,
        }
    }
    Err(refused)
}
