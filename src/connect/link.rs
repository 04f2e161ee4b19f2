//! The single-use link that an operator hands to an owner.

use std::time::Duration;

use time::OffsetDateTime;

use super::token::Token;
use crate::config::ServerUrl;
use crate::names::Slug;
use crate::store::{self, Store};

/// How long a link is good.
const LASTS: Duration = Duration::from_hours(7 * 24);

/// A new link to the pages of this business. It is shown once: only its digest is kept.
///
/// # Errors
/// When the database fails.
pub async fn new_link(
    store: &Store,
    server_url: &ServerUrl,
    business: &Slug,
    now: OffsetDateTime,
) -> Result<String, store::Error> {
    let link = Token::fresh();
    store.keep_link(&link.digest(), business, now + LASTS, now).await?;
    Ok(server_url.route(&format!("/oauth/login?link={}", link.text())))
}
