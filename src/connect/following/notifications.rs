//! Google's word that a calendar has changed. It is not signed and says nothing but "look": who sends it must know the
//! channel, its token and what it watches. What it says is never believed; the calendar itself is read.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use subtle::ConstantTimeEq;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use super::channels::digest;
use super::{Bells, ROUTE};
use crate::body::{self, BodyFault};
use crate::calendar::{Calendars, Place};
use crate::ground::Ground;
use crate::store::Store;
use crate::store::followed::ChannelRow;
use crate::suspects::{Standing, Suspects};

/// Notifications have no body.
const MAX_BODY_BYTES: usize = 1024;
/// How long one may take all the same.
const BODY_PATIENCE: Duration = Duration::from_secs(2);

/// Everything that the route needs, built once for all workers.
#[derive(Debug)]
pub struct Door {
    store: Store,
    calendars: Calendars,
    bells: Bells,
    suspects: Suspects,
    runtime: Handle,
}

impl Door {
    /// The door of this ground; `bells` wake the followers behind it.
    #[must_use]
    pub fn new(ground: &Ground, calendars: Calendars, bells: Bells) -> Self {
        let Ground { store, suspects, runtime, .. } = ground.clone();
        Self { store, calendars, bells, suspects, runtime }
    }
}

/// Mounts the route; it needs a `web::Data<Door>`.
pub fn routes(config: &mut ServiceConfig) {
    config.route(ROUTE, web::post().to(notified));
}

async fn notified(notification: Notification, door: Data<Door>) -> HttpResponse {
    // `sync` is Google's first word on a new channel: nothing has changed.
    if notification.state != "sync" {
        door.calendars.forget_busy(&notification.place);
        door.bells.ring(&notification.place);
    }
    HttpResponse::Ok().finish()
}

/// A notification through a channel of ours. Holding one means that its token and its resource were right.
#[derive(Debug)]
pub struct Notification {
    place: Place,
    state: String,
}

/// Why a notification is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No whole body.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// There is no such channel (any more).
    #[error("no such channel")]
    Unknown {
        /// Too many failures came from this address.
        cut_off: bool,
    },
    /// The channel is ours, but not the token or the resource.
    #[error("not a notification of this channel")]
    Unproven {
        /// Too many failures came from this address.
        cut_off: bool,
    },
    /// Nobody could look it up.
    #[error("the channel could not be looked up")]
    Unavailable,
}

impl ResponseError for Rejection {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Body(BodyFault::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyFault::Broken) => StatusCode::BAD_REQUEST,
            Self::Unknown { .. } => StatusCode::NOT_FOUND,
            Self::Unproven { .. } => StatusCode::UNAUTHORIZED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Empty: whoever cannot prove himself learns nothing.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if matches!(self, Self::Body(_) | Self::Unknown { cut_off: true } | Self::Unproven { cut_off: true }) {
            response.force_close();
        }
        response.finish()
    }
}

impl FromRequest for Notification {
    type Error = Rejection;
    type Future = LocalBoxFuture<'static, Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let door = request.app_data::<Data<Door>>().ok_or(Rejection::Unavailable)?;
            body::read(&request, payload, MAX_BODY_BYTES, BODY_PATIENCE).await?;
            let channel = header(&request, "x-goog-channel-id");
            let Some(row) = door.look_up(channel).await? else {
                return Err(Rejection::Unknown { cut_off: door.is_cut_off(&request, "an unknown channel") });
            };
            let (token, resource) = (header(&request, "x-goog-channel-token"), header(&request, "x-goog-resource-id"));
            if !is_proven(&row, token, resource) {
                return Err(Rejection::Unproven { cut_off: door.is_cut_off(&request, "a wrong token or resource") });
            }
            let place = Place { business: row.business, calendar: row.calendar };
            Ok(Self { place, state: header(&request, "x-goog-resource-state").to_owned() })
        })
    }
}

impl Door {
    /// Looked up in the store, because another copy of the server may have opened it; on the runtime that the database's
    /// connections belong to.
    async fn look_up(&self, channel: &str) -> Result<Option<ChannelRow>, Rejection> {
        let (store, channel) = (self.store.clone(), channel.to_owned());
        let looking = async move { store.channel(&channel).await };
        let looking = self.runtime.spawn(looking.in_current_span());
        match looking.await {
            Ok(Ok(row)) => Ok(row),
            Ok(Err(error)) => {
                tracing::error!(%error, "the channel of a notification could not be looked up");
                Err(Rejection::Unavailable)
            }
            Err(_ending) => Err(Rejection::Unavailable),
        }
    }

    fn is_cut_off(&self, request: &HttpRequest, what: &str) -> bool {
        let peer = request.peer_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
        if self.suspects.failed(peer) == Standing::CutOff {
            return true;
        }
        tracing::warn!(peer.address = %peer, google.notification = what, "refused a notification");
        false
    }
}

/// One value of a header that is there exactly once; empty otherwise.
fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    let mut values = request.headers().get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        _ => "",
    }
}

/// In constant time. Before Google has answered, its name for what it watches is not known: then the token alone decides.
fn is_proven(row: &ChannelRow, token: &str, resource: &str) -> bool {
    let is_token = digest(token.as_bytes()).as_bytes().ct_eq(row.token.as_bytes());
    let is_resource = resource.as_bytes().ct_eq(row.resource.as_bytes());
    bool::from(is_token) && (row.resource.is_empty() || bool::from(is_resource))
}
