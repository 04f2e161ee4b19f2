//! How every answer of these routes looks: one small style, no script, and headers under which a browser runs, loads, sends
//! and remembers nothing else. Values are escaped by the templates; nothing secret but a form's token stands in a page.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY};
use actix_web::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::scopes::Permission;

/// The one style, as it stands in every page.
pub(super) const STYLE: &str = include_str!("pages/style.css");

/// Nothing but that style, and forms to ourselves. The style is named by its digest, so that no other one is let in.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
});

/// A page that says what happened, and perhaps how to go on.
#[derive(Debug, Default, Template)]
#[template(path = "notice.html")]
pub(super) struct Notice {
    pub title: &'static str,
    pub lines: Vec<String>,
    /// Google's consent page, for whoever is to try again.
    pub consent: Option<String>,
    /// Whether the way to the calendars is offered.
    pub calendars: bool,
}

impl Notice {
    /// A title and one sentence or more.
    pub fn new<const N: usize>(title: &'static str, lines: [&str; N]) -> Self {
        Self { title, lines: lines.map(str::to_owned).to_vec(), consent: None, calendars: false }
    }

    /// With the way to Google.
    #[must_use]
    pub fn again(self, consent: String) -> Self {
        Self { consent: Some(consent), ..self }
    }

    /// With the way to the calendars.
    #[must_use]
    pub fn with_calendars(self) -> Self {
        Self { calendars: true, ..self }
    }
}

/// What an opened link shows.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'a> {
    pub business: &'a str,
    pub account: Option<ShownAccount>,
    pub permissions: &'a [Permission],
    pub consent: String,
    pub csrf: String,
}

/// A connected account in words.
#[derive(Debug)]
pub(super) struct ShownAccount {
    pub address: String,
    pub since: String,
    pub lost: bool,
}

/// The owner's choice of calendars.
#[derive(Debug, Template)]
#[template(path = "calendars.html")]
pub(super) struct CalendarsPage<'a> {
    pub business: &'a str,
    pub address: &'a str,
    pub people: Vec<ShownPerson>,
    pub mistakes: Vec<String>,
    pub notes: Vec<String>,
    pub csrf: String,
}

/// Somebody who needs a calendar.
#[derive(Debug)]
pub(super) struct ShownPerson {
    pub name: String,
    pub field: String,
    /// The calendar that the business file names.
    pub fixed: Option<String>,
    pub options: Vec<ShownCalendar>,
}

/// A calendar that may be chosen.
#[derive(Debug)]
pub(super) struct ShownCalendar {
    pub id: String,
    pub name: String,
    pub selected: bool,
}

/// What was chosen: everybody's name and calendar.
#[derive(Debug, Template)]
#[template(path = "done.html")]
pub(super) struct DonePage<'a> {
    pub business: &'a str,
    pub address: &'a str,
    pub people: Vec<(String, String)>,
    pub can_book: bool,
    pub csrf: String,
}

/// The answer with this page.
pub(super) fn answer(status: StatusCode, page: &impl Template) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.as_str()));
    match page.render() {
        Ok(html) => response.content_type(ContentType::html()).body(html),
        Err(error) => {
            tracing::error!(%error, "a page did not render");
            response.status(StatusCode::INTERNAL_SERVER_ERROR).content_type(ContentType::plaintext()).body("Please try again.\n")
        }
    }
}
