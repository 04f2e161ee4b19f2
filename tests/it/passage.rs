//! What lies between two parties: a proxy or a tunnel that passes requests on as they came, or changes them, or loses them, as a
//! test says.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use ringbook::clock::Clock;

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Open,
    /// The path and query are changed.
    Path(fn(&str) -> String),
    /// The body is changed.
    Body(fn(&str) -> String),
    /// This header is dropped.
    Without(&'static str),
    /// Somebody else answers, with this status.
    Else(u16),
    /// It is led on to the same path below this address.
    Redirect(&'static str),
    /// Nothing ever comes back.
    Hang,
    /// The answer is dated so many seconds from now.
    Dated(i64),
}

struct State {
    to: Mutex<String>,
    way: Mutex<Way>,
    http: reqwest::Client,
}

/// A passage at a port of its own; it closes when dropped.
pub struct Passage {
    pub url: String,
    state: Arc<State>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Passage {
    pub fn open() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let state = Arc::new(State { to: Mutex::default(), way: Mutex::new(Way::Open), http });
        let (tell, started) = mpsc::channel();
        let served = Arc::clone(&state);
        let thread = std::thread::spawn(move || serve(listener, &served, &tell));
        Self { url, state, handle: started.recv().unwrap(), thread: Some(thread) }
    }

    pub fn lead_to(&self, url: &str) {
        url.trim_end_matches('/').clone_into(&mut self.state.to.lock().unwrap());
    }

    pub fn way(&self, way: Way) {
        *self.state.way.lock().unwrap() = way;
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: TcpListener, state: &Arc<State>, tell: &mpsc::Sender<ServerHandle>) {
    actix_web::rt::System::new().block_on(async {
        let state = Data::from(Arc::clone(state));
        let app = move || {
            let limit = PayloadConfig::new(1024 * 1024);
            App::new().app_data(state.clone()).app_data(limit).default_service(actix_web::web::to(pass))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(0).listen(listener).unwrap().run();
        tell.send(server.handle()).unwrap();
        server.await.unwrap();
    });
}

async fn pass(state: Data<State>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let (to, way) = (state.to.lock().unwrap().clone(), *state.way.lock().unwrap());
    let mut path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut body = body.to_vec();
    let mut dropped = "host";
    match way {
        Way::Path(change) => path = change(&path),
        Way::Body(change) => body = change(std::str::from_utf8(&body).unwrap()).into_bytes(),
        Way::Without(header) => dropped = header,
        Way::Else(status) => return HttpResponse::build(StatusCode::from_u16(status).unwrap()).body("<h1>Tunnel not found</h1>"),
        Way::Redirect(to) => {
            return HttpResponse::PermanentRedirect().insert_header(("location", format!("{to}{path}"))).finish();
        }
        Way::Hang => std::future::pending().await,
        Way::Open | Way::Dated(_) => {}
    }
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let mut onward = state.http.request(method, format!("{to}{path}")).body(body);
    for (name, value) in request.headers() {
        // A proxy has a host of its own, and a length that is that of its body.
        if ![dropped, "host", "content-length", "connection"].contains(&name.as_str()) {
            onward = onward.header(name.as_str(), value.as_bytes());
        }
    }
    let Ok(came) = onward.header("X-Forwarded-Host", "proxy.example").send().await else {
        return HttpResponse::BadGateway().finish();
    };
    let mut answer = HttpResponse::build(StatusCode::from_u16(came.status().as_u16()).unwrap());
    for (name, value) in came.headers() {
        if !["connection", "content-length", "transfer-encoding", "date"].contains(&name.as_str()) {
            answer.append_header((name.as_str(), value.as_bytes()));
        }
    }
    if let Way::Dated(seconds) = way {
        answer.insert_header(("date", http_date(seconds)));
    }
    answer.body(came.bytes().await.unwrap_or_default())
}

fn http_date(seconds: i64) -> String {
    let then = std::time::SystemTime::from(Clock::System.now() + time::Duration::seconds(seconds));
    actix_web::http::header::HttpDate::from(then).to_string()
}
