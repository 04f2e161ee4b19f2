//! What listens: the one server of everything that has routes, and the one of the numbers, each at its own address.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App as Actix, HttpResponse, HttpServer};

use crate::connect::following::notifications;
use crate::health::{self, Health};
use crate::meters::Page;
use crate::recorder::{self, Recorder};
use crate::{body, connect, listener, requests, twilio, vapi};

/// How long the head of a request may take. Proxies and counterparts send it at once; slow ones are cut.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: longer than the pauses between the questions of one call.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long running requests may take after the door is closed.
const SHUTDOWN_SECONDS: u64 = 8;
/// How large the head of a request may be. Twilio's and Vapi's are below 4 kB, a proxy adds some; actix itself takes 128 kB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Whoever collects numbers needs one.
const MAX_COLLECTORS: usize = 16;

/// Turns a request with too large a head away, before anything is done with it.
async fn with_small_head(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if headers + target <= MAX_HEAD_BYTES {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let refused = HttpResponse::RequestHeaderFieldsTooLarge().force_close().finish();
    Ok(request.into_response(refused).map_into_right_body())
}

/// Everything that has routes.
#[derive(Clone)]
pub(super) struct Stations {
    pub(super) health: Data<Health>,
    pub(super) calls: Data<twilio::Station>,
    pub(super) questions: Data<vapi::Station>,
    pub(super) joining: Data<connect::Station>,
    pub(super) door: Data<notifications::Door>,
    pub(super) recorder: Data<Recorder>,
}

impl Stations {
    fn mount(&self, config: &mut ServiceConfig) {
        let Self { health, calls, questions, joining, door, recorder } = self.clone();
        config.app_data(health).app_data(calls).app_data(questions).app_data(joining).app_data(door).app_data(recorder);
        for routes in [twilio::routes, vapi::routes, connect::routes, notifications::routes, health::routes] {
            config.configure(routes);
        }
    }
}

/// The server of the webhooks, the pages and health.
pub(super) fn serve(socket: TcpListener, stations: Stations) -> anyhow::Result<Server> {
    let app = move || {
        Actix::new()
            .wrap(from_fn(recorder::recorded))
            .wrap(from_fn(body::held))
            .wrap(from_fn(with_small_head))
            .wrap(requests::logged())
            .configure(|config| stations.mount(config))
    };
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let server = HttpServer::new(app)
        .workers(workers)
        .client_request_timeout(HEAD_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .max_connections(listener::max_connections().div_ceil(workers))
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .listen(socket)?;
    Ok(server.run())
}

/// The server of the numbers.
pub(super) fn serve_numbers(socket: TcpListener, health: Data<Health>, page: Page) -> anyhow::Result<Server> {
    let page = Data::new(page);
    let app = move || Actix::new().app_data(health.clone()).app_data(page.clone()).configure(health::numbers);
    let server = HttpServer::new(app)
        .workers(1)
        .client_request_timeout(HEAD_TIMEOUT)
        .max_connections(MAX_COLLECTORS)
        .disable_signals()
        .listen(socket)?;
    Ok(server.run())
}
