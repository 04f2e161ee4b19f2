//! Why a request is not served, and the page that says so. What stands in these pages is ours alone: nothing that was sent
//! is repeated.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};

use super::page::{Notice, answer};
use crate::body::BodyFault;
use crate::store;

const ANOTHER_LINK: &str = "Ask whoever sent it for another one; it is made with `ringbook google login`.";
const OPEN_AGAIN: &str = "Open your link again, in the browser in which you want to go on.";

/// Why there is nothing but a page that says so.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No account can be connected here.
    #[error("no Google account can be connected here")]
    NotHere,
    /// No such link.
    #[error("an unknown link")]
    LinkUnknown,
    /// Its days are over.
    #[error("a link that has ended")]
    LinkEnded,
    /// Somebody else was faster.
    #[error("a link that was used in another browser")]
    LinkSpent,
    /// No session, an ended one, or one whose link another browser has spent.
    #[error("no session that is open")]
    NoSession,
    /// Google's answer belongs to nobody.
    #[error("a state that is missing, unknown, used or ended")]
    State,
    /// Google's answer belongs to another browser.
    #[error("a state of another session")]
    AnotherBrowser,
    /// A form that our page did not send.
    #[error("a form without the session's token")]
    Form,
    /// No whole form.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Something of ours died.
    #[error("the work died")]
    Failed,
    /// The same, for the last of too many.
    #[error("{0}")]
    CutOff(Box<Self>),
}

impl Refusal {
    fn notice(&self) -> Notice {
        match self {
            Self::NotHere => Notice::new("There is nothing here", ["No Google account can be connected on this server."]),
            Self::LinkUnknown => Notice::new(
                "This link is not known",
                ["It may have been copied without its last letters, or be from another server.", ANOTHER_LINK],
            ),
            Self::LinkEnded => Notice::new("This link has ended", ["A link is good for 7 days.", ANOTHER_LINK]),
            Self::LinkSpent => Notice::new(
                "This link was used already",
                [
                    "A link is good for one browser. If it was not you who used it, tell whoever runs this server at once.",
                    ANOTHER_LINK,
                ],
            ),
            Self::NoSession => Notice::new(
                "This page is closed",
                ["It is open for 30 minutes after your link was opened, and only in that browser.", OPEN_AGAIN],
            ),
            Self::State => Notice::new(
                "This answer from Google cannot be used",
                [
                    "It was used already, is more than 10 minutes old, or does not belong to anything that was begun here.",
                    OPEN_AGAIN,
                ],
            ),
            Self::AnotherBrowser => Notice::new(
                "This was begun in another browser",
                [
                    "Google's answer is taken only in the browser, and for the business, in which the way to Google began.",
                    OPEN_AGAIN,
                ],
            ),
            Self::Form => Notice::new(
                "This form cannot be taken",
                ["It does not belong to the page that is open in this browser. Nothing was changed.", OPEN_AGAIN],
            ),
            Self::Body(BodyFault::TooLarge) => Notice::new("This form is too large", ["Nothing was changed."]),
            Self::Body(BodyFault::Broken) => {
                Notice::new("This form did not arrive whole", ["Nothing was changed. Please try again."])
            }
            Self::Store(_) | Self::Failed => {
                Notice::new("Something went wrong on our side", ["Please try again in a moment. Your link is still good."])
            }
            Self::CutOff(inner) => inner.notice(),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotHere => StatusCode::NOT_FOUND,
            Self::LinkUnknown | Self::LinkEnded | Self::LinkSpent | Self::NoSession | Self::AnotherBrowser | Self::Form => {
                StatusCode::FORBIDDEN
            }
            Self::State | Self::Body(BodyFault::Broken) => StatusCode::BAD_REQUEST,
            Self::Body(BodyFault::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(_) | Self::Failed => StatusCode::SERVICE_UNAVAILABLE,
            Self::CutOff(inner) => inner.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Store(error) = self {
            tracing::error!(%error, "a page that connects a Google account could not be served");
        }
        let mut response = answer(self.status_code(), &self.notice());
        if matches!(self, Self::Body(_) | Self::CutOff(_)) {
            response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
        }
        response
    }
}
