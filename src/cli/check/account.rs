//! The OAuth client, and the account that an owner connected with it.

use std::collections::BTreeSet;

use time::Duration;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;

use super::finding::Findings;
use super::topics::{GOOGLE_ACCOUNT, GOOGLE_ACCOUNTS, GOOGLE_CLIENT};
use crate::business::profile::Profile;
use crate::calendar::google::Google;
use crate::calendar::oauth::{OauthError, SCOPES};
use crate::cli::Failure;
use crate::ground::Ground;
use crate::names::Slug;
use crate::store::accounts::AccountRow;

/// The accounts that Google admits to an app that it has not verified, in the project's lifetime (Google Cloud support
/// page 7454865, 2026).
const MOST_ACCOUNTS: usize = 100;
/// From here on it is time to think of verification.
const MANY_ACCOUNTS: usize = 80;
/// How long a consent lasts that is given to an app whose publishing status is "Testing".
const TESTING: Duration = Duration::days(7);
/// Nobody's token: what Google says to it tells whether it knows the client.
const NO_TOKEN: &str = "ringbook-check";

/// Each client once.
pub(super) async fn clients(ground: &Ground, google: &Google, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for profile in ground.directory.all() {
        let Some(client) = google.oauth(&profile.slug).filter(|client| seen.insert(client.id().to_owned())) else { continue };
        let redirect = ground.settings.server_url.route("/oauth/callback");
        match client.refresh(&NO_TOKEN.to_owned().into()).await {
            Err(OauthError::Refused(code)) if code == "invalid_grant" => findings.ok(
                None,
                GOOGLE_CLIENT,
                format!("Google knows {}; its redirect address at Google must be {redirect}", client.id()),
            ),
            Err(OauthError::Refused(code)) => findings.wrong(
                None,
                GOOGLE_CLIENT,
                format!("Google refuses {} ({code})", client.id()),
                "compare GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET with the client of type \"Web application\" in Google's console",
            ),
            Err(OauthError::Unknown(cause)) => {
                findings.wrong(None, GOOGLE_CLIENT, format!("Google could not be asked: {cause}"), "see whether this machine reaches Google");
            }
            Ok(_) => findings.warning(None, GOOGLE_CLIENT, "Google gave a token for nobody's", "see GOOGLE_TOKEN_URL"),
        }
    }
}

/// All accounts, against what Google admits.
pub(super) async fn how_many(ground: &Ground, findings: &mut Findings) -> Result<(), Failure> {
    let rows = ground.store.google_accounts().await.map_err(|error| Failure::because("the accounts cannot be read", error))?;
    let accounts = rows.iter().map(|row| row.address.to_lowercase()).collect::<BTreeSet<_>>().len();
    let text = format!("{accounts} connected; Google admits {MOST_ACCOUNTS} to an app that it has not verified");
    match accounts {
        0 => {}
        1..MANY_ACCOUNTS => findings.ok(None, GOOGLE_ACCOUNTS, text),
        _ => findings.warning(None, GOOGLE_ACCOUNTS, text, "have the app verified before owners are turned away"),
    }
    Ok(())
}

/// What stands behind the calendars of this business.
pub(super) async fn of(ground: &Ground, profile: &Profile, findings: &mut Findings) -> Result<(), Failure> {
    let slug = &profile.slug;
    let row = ground.store.google_account(slug).await.map_err(|error| Failure::because("the account cannot be read", error))?;
    let settings = ground.settings.google.of(slug);
    match (row, &settings.credentials) {
        (Some(row), _) => connected(ground, &row, findings),
        (None, Some(path)) => findings.ok(Some(slug), GOOGLE_ACCOUNT, format!("a service account, {}", path.display())),
        (None, None) => findings.wrong(Some(slug), GOOGLE_ACCOUNT, "nobody has connected one yet", link(slug)),
    }
    Ok(())
}

fn connected(ground: &Ground, row: &AccountRow, findings: &mut Findings) {
    let slug = &row.business;
    let day = |at: time::OffsetDateTime| at.format(format_description!("[year]-[month]-[day]")).unwrap_or_default();
    if let Some((because, at)) = &row.lost {
        let since = at.format(&Rfc2822).unwrap_or_default();
        findings.wrong(Some(slug), GOOGLE_ACCOUNT, format!("Google no longer accepts it ({because}), since {since}"), link(slug));
        return;
    }
    let granted: BTreeSet<&str> = row.scopes.split_whitespace().collect();
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !granted.contains(scope)).collect();
    if !missing.is_empty() {
        findings.wrong(Some(slug), GOOGLE_ACCOUNT, format!("the owner did not agree to {}", missing.join(" and ")), link(slug));
    }
    let (connected, refreshed) = (day(row.connected_at), day(row.refreshed_at));
    let text = format!("connected on {connected}, last used to get a token on {refreshed}");
    let age = ground.clock.now() - row.connected_at;
    let mend = "if the app's publishing status at Google is \"Testing\", the connection ends after seven days: publish it, then connect again";
    match row.ends_at {
        Some(ends_at) => {
            findings.warning(Some(slug), GOOGLE_ACCOUNT, format!("{text}; it ends by itself on {}", day(ends_at)), mend);
        }
        None if age < TESTING => {
            let ends = day(row.connected_at + TESTING);
            findings.warning(Some(slug), GOOGLE_ACCOUNT, format!("{text}; whether it outlasts {ends} is not known yet"), mend);
        }
        None => findings.ok(Some(slug), GOOGLE_ACCOUNT, text),
    }
}

fn link(slug: &Slug) -> String {
    format!("`ringbook google login {slug}` prints a link with which the owner connects it")
}
