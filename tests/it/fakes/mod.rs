//! Stateful fakes of the counterparts: state plus HTTP on actix-web, in process, on a random loopback port, with faults on
//! demand. A fake is at least as strict as what it stands for: where the facts leave two readings, it takes the one that is
//! harder on us. It never uses the code under test.
//!
//! A request's way: scripted fault taken → journal → latency → hold → *the work* → hold → answer, whole or broken. All of it
//! runs apart from the connection, so that a client that goes away does not undo the work.

pub mod alerts;
#[cfg(feature = "otel")]
pub mod collector;
pub mod faults;
pub mod google;
pub mod google_access;
pub mod google_accounts;
pub mod google_calls;
pub mod google_consent;
pub mod google_event;
pub mod google_events;
pub mod google_freebusy;
pub mod google_grants;
pub mod google_list;
pub mod google_lists;
pub mod google_notify;
pub mod google_partial;
pub mod google_staff;
pub mod google_sync;
pub mod google_token;
pub mod google_watch;
pub mod journal;
pub mod stage;
pub mod twilio;
pub mod twilio_messages;
pub mod twilio_numbers;
pub mod vapi;
pub mod vapi_assistants;
pub mod vapi_numbers;
pub mod wire;

use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;

use faults::{Fault, Refusal, Struck};
use journal::Entry;
use stage::{Moment, Stage};
use wire::{Answer, Delivery, Line, Request};

/// What a request is about, read before anything is done with it.
#[derive(Debug)]
pub struct Aim {
    /// The call in the counterpart's own terms; faults and counts go by it.
    pub call: &'static str,
    /// The calendars (or the number, the call id) it concerns.
    pub about: Vec<String>,
    /// Whether the credentials are good right now; the work checks them again.
    pub trusted: bool,
}

/// One counterpart: what its requests mean and what work is behind them.
pub trait Site: Send + Sync + 'static {
    fn stage(&self) -> &Stage;
    fn aim(&self, request: &Request) -> Aim;
    /// Does the work, at one instant. Faults that bend the work itself are given along.
    fn work(&self, aim: &Aim, request: &Request, struck: &[Struck]) -> Answer;
    /// A scripted refusal in the counterpart's own shape.
    fn refuse(&self, aim: &Aim, refusal: &Refusal) -> Answer;
}

/// A fake's server on its own threads; it stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds a free loopback port, lets `build` make the site that knows its own address, and serves it.
    pub fn start<S: Site>(build: impl FnOnce(&str) -> S) -> (Self, Arc<S>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let site = Arc::new(build(&format!("http://{address}")));
        let (tell, started) = mpsc::channel();
        let served: Arc<dyn Site> = Arc::clone(&site) as Arc<dyn Site>;
        let thread = std::thread::spawn(move || serve(listener, &served, &tell));
        let handle = started.recv().expect("the fake starts");
        (Self { address, handle, thread: Some(thread) }, site)
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Stopping without grace cuts hanging requests; the future only reports the end, which the thread does too.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: TcpListener, site: &Arc<dyn Site>, tell: &mpsc::Sender<ServerHandle>) {
    actix_web::rt::System::new().block_on(async {
        let (for_workers, for_connections) = (Arc::clone(site), Arc::clone(site));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&for_workers)))
                .app_data(PayloadConfig::new(16 * 1024 * 1024))
                .default_service(actix_web::web::to(receive))
        })
        .on_connect(move |connection, kept| {
            let stream: &TcpStream = connection.downcast_ref().expect("plain TCP");
            let line = duplicate(stream);
            if !for_connections.stage().takes_connection() {
                let _ = line.shutdown(Shutdown::Both);
                kept.insert(Refused);
            }
            kept.insert(Line(line));
        })
        .workers(1)
        .disable_signals()
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::ZERO)
        .shutdown_timeout(0)
        .listen(listener)
        .expect("the port is bound")
        .run();
        tell.send(server.handle()).expect("the starter waits");
        server.await.expect("the fake serves");
    });
}

/// A second handle on the same socket, with which a fault can break the connection under the server.
fn duplicate(stream: &TcpStream) -> std::net::TcpStream {
    use std::os::fd::AsFd as _;
    stream.as_fd().try_clone_to_owned().expect("a spare file descriptor").into()
}

/// A connection that was closed as soon as it was made. What its client had sent by then is still read, but not heard.
struct Refused;

async fn receive(site: Data<dyn Site>, http: HttpRequest, body: Bytes) -> HttpResponse {
    if http.conn_data::<Refused>().is_some() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let request = Request::read(&http, &body);
    let played = actix_web::rt::spawn(play(site.into_inner(), request)).await;
    wire::send(played.expect("the work behind a fake does not panic"), &http)
}

async fn play(site: Arc<dyn Site>, request: Request) -> Delivery {
    let aim = site.aim(&request);
    let stage = site.stage();
    // Before the journal tells of the arrival: a test that waited for it may forget all faults in the next moment.
    let struck = stage.strike(aim.call, &aim.about);
    let place = stage.journal().arrived(Entry {
        call: aim.call,
        about: aim.about.clone(),
        request: request.clone(),
        trusted: aim.trusted,
        outcome: None,
    });
    stage.wait_latency().await;
    stage.pass_holds(aim.call, Moment::Before).await;
    for Struck { fault, .. } in &struck {
        if let Some(instead) = before(fault, site.as_ref(), &aim, &request).await {
            return instead;
        }
    }
    stage.run_acts(aim.call, Moment::Before);
    let answer = site.work(&aim, &request, &struck);
    stage.journal().done(place, answer.status);
    stage.run_acts(aim.call, Moment::After);
    stage.pass_holds(aim.call, Moment::After).await;
    let mut delivery = Delivery::Whole(answer);
    for Struck { fault, .. } in struck {
        delivery = after(fault, delivery, site.as_ref(), &aim).await;
    }
    delivery
}

/// What is sent instead of doing the work, if the fault strikes before it.
async fn before(fault: &Fault, site: &dyn Site, aim: &Aim, request: &Request) -> Option<Delivery> {
    match fault {
        Fault::Status { code, reason, retry_after, html } => {
            let refusal = Refusal { code: *code, reason: (*reason).to_owned(), retry_after: *retry_after, html: *html };
            Some(Delivery::Whole(refused(site, aim, &refusal)))
        }
        Fault::Echo { code, reason } => {
            let refusal = Refusal { code: *code, reason: (*reason).to_owned(), retry_after: None, html: false };
            Some(Delivery::Whole(refused(site, aim, &refusal).altered(|body| speak(body, &request.echo()))))
        }
        Fault::ResetBeforeCommit => Some(Delivery::Reset),
        Fault::HangBeforeCommit => std::future::pending().await,
        Fault::DelayBeforeCommit(time) => {
            tokio::time::sleep(*time).await;
            None
        }
        Fault::GateBeforeCommit(gate) => {
            gate.pass().await;
            None
        }
        Fault::Redirect(to) => Some(Delivery::Whole(Answer::redirect(to))),
        _ => None,
    }
}

/// What is sent after the work was done.
async fn after(fault: Fault, delivery: Delivery, site: &dyn Site, aim: &Aim) -> Delivery {
    let Delivery::Whole(answer) = delivery else { return delivery };
    match fault {
        Fault::StatusAfterCommit { code, reason, retry_after, html } => {
            let refusal = Refusal { code, reason: reason.to_owned(), retry_after, html };
            Delivery::Whole(refused(site, aim, &refusal))
        }
        Fault::ResetAfterCommit => Delivery::Reset,
        Fault::TruncatedAfterCommit => Delivery::Truncated(answer),
        Fault::HangAfterCommit => std::future::pending().await,
        Fault::DelayAfterCommit(time) => {
            tokio::time::sleep(time).await;
            Delivery::Whole(answer)
        }
        Fault::GateAfterCommit(gate) => {
            gate.pass().await;
            Delivery::Whole(answer)
        }
        Fault::Html200 => Delivery::Whole(Answer::html(200)),
        Fault::Empty200 => Delivery::Whole(Answer::empty(200)),
        Fault::HugeBody(bytes) => Delivery::Huge(bytes),
        Fault::Drip(apart) => Delivery::Drip(answer, apart),
        Fault::Altered(alter) => Delivery::Whole(answer.altered(alter)),
        _ => Delivery::Whole(answer),
    }
}

/// Puts other words into a refusal, wherever its shape has room for words.
fn speak(body: &mut Value, words: &str) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), &*value) {
                    ("message" | "error_description", Value::String(_)) => *value = words.into(),
                    _ => speak(value, words),
                }
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| speak(entry, words)),
        _ => {}
    }
}

fn refused(site: &dyn Site, aim: &Aim, refusal: &Refusal) -> Answer {
    let answer = if refusal.html { Answer::html(refusal.code) } else { site.refuse(aim, refusal) };
    match refusal.retry_after {
        Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
        None => answer,
    }
}
