//! Keeps what Twilio and Vapi sent and proved, so that a call can be played again. It decides nothing, no caller waits for it,
//! and nothing secret passes it: what a station may keep of a body is that station's to say, and of the headers only those
//! named here are kept. When more comes than can be kept, some is not.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpRequest};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::clock::Stopwatch;
use crate::names::{CallSid, Slug, VapiCallId};
use crate::store::Store;
use crate::store::webhooks::Webhook;

/// Says of a request that it is played again: such a one is not recorded once more. It is believed only of what was proven.
pub const REPLAYED: &str = "x-ringbook-replay";
/// Those that tell how a body is to be read, who sent it, and whether it was sent before. None of them proves anything.
const HEADERS: [&str; 3] = ["content-type", "user-agent", "i-twilio-idempotency-token"];
const MAX_HEADER_CHARS: usize = 200;
/// A body is kept only if it is no longer than this once it was cut: two hours of talking are less.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Bodies that wait to be kept, in KiB; what comes on top of them is not kept.
const MAX_WAITING_KIB: usize = 32 * 1024;
/// So many are kept in one write.
const AT_ONCE: usize = 32;

/// What is to be kept of a body: without anything secret, and without what nobody needs to play it again. `None` when that
/// cannot be told.
pub type Cut = fn(&[u8]) -> Option<String>;

/// A proven webhook that is being answered.
#[derive(Debug)]
pub struct Heard {
    /// Its call, as Vapi names it.
    pub vapi_call_id: Option<VapiCallId>,
    /// Its call, as Twilio names it.
    pub call_sid: Option<CallSid>,
    /// What it says, as it came.
    pub body: Bytes,
    /// What is to be kept of that.
    pub cut: Cut,
    /// When it came.
    pub at: OffsetDateTime,
    /// Runs since then.
    pub since: Stopwatch,
}

/// Whose a webhook is: told as soon as that is known.
#[derive(Clone, Debug, Default)]
pub struct Whose(Rc<OnceCell<Slug>>);

impl Whose {
    /// It is this business's.
    pub fn is(&self, business: &Slug) {
        let _known = self.0.set(business.clone());
    }
}

/// Has this webhook kept once it is answered.
#[must_use]
pub fn note(request: &HttpRequest, heard: Heard) -> Whose {
    let whose = Whose::default();
    request.extensions_mut().insert((heard, whose.clone()));
    whose
}

/// What waits to be kept.
struct Waiting {
    webhook: Webhook,
    body: Bytes,
    cut: Cut,
    _room: OwnedSemaphorePermit,
}

/// The way to what is kept. Clones share it.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
}

impl Recorder {
    /// The recorder, and the work that writes down what it is given, for the main runtime.
    pub fn new(store: Store) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::unbounded_channel();
        (Self { queue, room: Arc::new(Semaphore::new(MAX_WAITING_KIB)) }, keep_all(store, waiting))
    }

    fn keep(&self, heard: Heard, whose: &Whose, request: &HttpRequest, status: StatusCode) {
        let kib = u32::try_from(heard.body.len() / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(kib) else {
            tracing::debug!("too much is waiting: a webhook is not recorded");
            return;
        };
        let webhook = Webhook {
            business: whose.0.get().cloned(),
            vapi_call_id: heard.vapi_call_id,
            call_sid: heard.call_sid,
            path: request.path().to_owned(),
            headers: kept_headers(request),
            body: String::new(),
            status: status.as_u16(),
            ms: heard.since.elapsed_ms(),
            at: heard.at,
        };
        // Closed only when the program ends.
        let _closed = self.queue.send(Waiting { webhook, body: heard.body, cut: heard.cut, _room: room });
    }
}

/// Wraps every route: what was noted is kept with the answer's status. A proof of another business is none.
///
/// # Errors
/// Those of the route.
pub async fn recorded(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    let (request, status) = (response.request(), response.status());
    let noted = request.extensions_mut().remove::<(Heard, Whose)>();
    if let (Some((heard, whose)), Some(recorder)) = (noted, request.app_data::<Data<Recorder>>())
        && status != StatusCode::UNAUTHORIZED
        && !request.headers().contains_key(REPLAYED)
    {
        recorder.keep(heard, &whose, request, status);
    }
    Ok(response)
}

fn kept_headers(request: &HttpRequest) -> Vec<(String, String)> {
    let value = |name: &str| request.headers().get(name)?.to_str().ok().map(|text| text.chars().take(MAX_HEADER_CHARS).collect());
    HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}

/// Keeps what waits, several at once, so that callers' own writes seldom stand behind it.
async fn keep_all(store: Store, mut waiting: mpsc::UnboundedReceiver<Waiting>) {
    let mut some = Vec::with_capacity(AT_ONCE);
    while waiting.recv_many(&mut some, AT_ONCE).await > 0 {
        let webhooks: Vec<Webhook> = some.drain(..).filter_map(without_secrets).collect();
        if webhooks.is_empty() {
            continue;
        }
        if let Err(error) = store.keep_webhooks(webhooks).await {
            tracing::warn!(%error, "webhooks could not be recorded");
        }
    }
}

fn without_secrets(waiting: Waiting) -> Option<Webhook> {
    let body = (waiting.cut)(&waiting.body).filter(|body| body.len() <= MAX_BODY_BYTES)?;
    Some(Webhook { body, ..waiting.webhook })
}
