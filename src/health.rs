//! For load balancers and monitors: whether the process serves, and whether each business can book. What is told is at
//! most 30 s old.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::Mutex;

use crate::booking::{Desk, Obstacle};
use crate::business::routing::Directory;
use crate::clock::Clock;
use crate::ground::Ground;
use crate::inflight::InFlight;
use crate::meters::{self, Page};
use crate::names::Slug;
use crate::store::Store;

/// How old an answer may be.
const MAX_AGE: Duration = Duration::from_secs(30);
/// How long a calendar has to answer before it counts as unreachable.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is known of everybody's health. Built once for all workers.
#[derive(Clone, Debug)]
pub struct Health {
    directory: Directory,
    store: Store,
    desk: Desk,
    clock: Clock,
    draining: Arc<AtomicBool>,
    looking: InFlight<(), Arc<Findings>>,
    last: Arc<Mutex<Option<Arc<Findings>>>>,
}

#[derive(Clone, Debug)]
struct Findings {
    at: OffsetDateTime,
    database: Option<Finding>,
    businesses: BTreeMap<Slug, Finding>,
}

/// One line of `/readyz`.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    business: Option<Slug>,
    #[serde(rename = "problem")]
    what: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// Whether it makes bookings impossible; the others are worth knowing all the same.
    #[serde(skip)]
    blocks: bool,
}

impl Health {
    /// The health of this ground.
    #[must_use]
    pub fn new(ground: &Ground, desk: Desk) -> Self {
        let Ground { directory, store, clock, runtime, .. } = ground.clone();
        let looking = InFlight::new(runtime, 1);
        Self { directory, store, desk, clock, draining: Arc::default(), looking, last: Arc::default() }
    }

    /// From now on `/healthz` says 503: no new work is to be sent here.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    async fn findings(&self) -> Option<Arc<Findings>> {
        let last = self.last.lock().await.clone();
        let now = self.clock.now();
        if let Some(last) = last.filter(|last| (now - last.at).unsigned_abs() < MAX_AGE) {
            return Some(last);
        }
        let health = self.clone();
        self.looking.join((), || async move { health.look().await }).ok()?.outcome().await.ok()
    }

    async fn look(&self) -> Arc<Findings> {
        let now = self.clock.now();
        let before = self.last.lock().await.clone();
        let database = self.store.ping().await.err().map(|error| {
            tracing::error!(error = %error, "the database does not answer");
            let since = before.as_ref().and_then(|before| before.database.as_ref()).map_or(now, |problem| problem.since);
            Finding { business: None, what: "the database does not answer".into(), since, blocks: true }
        });
        let probes = self.directory.all().map(|profile| async move {
            let probe = tokio::time::timeout(PROBE_TIMEOUT, self.desk.probe(&profile)).await;
            let late = |_elapsed| Some(Obstacle { what: "the calendar did not answer".to_owned(), blocks: true });
            Some((profile.slug.clone(), probe.unwrap_or_else(late)?))
        });
        let found = futures_util::future::join_all(probes).await;
        let businesses = found.into_iter().flatten().map(|(slug, Obstacle { what, blocks })| {
            let since = before.as_ref().and_then(|before| before.businesses.get(&slug)).map_or(now, |problem| problem.since);
            tracing::warn!(business = %slug, problem = what, blocks, "this business cannot book as it should");
            (slug.clone(), Finding { business: Some(slug), what, since, blocks })
        });
        let findings = Arc::new(Findings { at: now, database, businesses: businesses.collect() });
        *self.last.lock().await = Some(Arc::clone(&findings));
        findings
    }
}

/// Mounts the routes; they need a `web::Data<Health>`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/readyz/{slug}", web::get().to(readyz_of));
}

/// Mounts the numbers, at an address of their own; they need a `web::Data<Health>` and a `web::Data<Page>`.
pub fn numbers(config: &mut ServiceConfig) {
    config.route("/metrics", web::get().to(metrics));
}

/// What stands rather than happens is looked up for whoever asks.
async fn metrics(health: Data<Health>, page: Data<Page>) -> HttpResponse {
    if let Some(findings) = health.findings().await {
        for profile in health.directory.all() {
            meters::account_ok(&profile.slug, !findings.businesses.get(&profile.slug).is_some_and(|finding| finding.blocks));
        }
    }
    match health.store.jobs_waiting().await {
        Ok(count) => meters::jobs_waiting(count),
        Err(error) => tracing::error!(%error, "the jobs that wait cannot be counted"),
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(page.text())
}

async fn healthz(health: Data<Health>) -> HttpResponse {
    if health.draining.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().body("draining\n");
    }
    HttpResponse::Ok().body("ok\n")
}

async fn readyz(health: Data<Health>) -> HttpResponse {
    let Some(findings) = health.findings().await else { return HttpResponse::ServiceUnavailable().finish() };
    let nobody_can_book = findings.businesses.values().filter(|finding| finding.blocks).count() >= health.directory.all().count();
    answer(findings.database.is_some() || nobody_can_book, findings.database.iter().chain(findings.businesses.values()))
}

async fn readyz_of(health: Data<Health>, slug: Path<String>) -> HttpResponse {
    let Some(profile) = Slug::parse(&slug).and_then(|slug| health.directory.by_slug(&slug)) else {
        return HttpResponse::NotFound().finish();
    };
    let Some(findings) = health.findings().await else { return HttpResponse::ServiceUnavailable().finish() };
    let problem = findings.businesses.get(&profile.slug);
    answer(findings.database.is_some() || problem.is_some_and(|finding| finding.blocks), findings.database.iter().chain(problem))
}

fn answer<'a>(failing: bool, problems: impl Iterator<Item = &'a Finding>) -> HttpResponse {
    let mut response = if failing { HttpResponse::ServiceUnavailable() } else { HttpResponse::Ok() };
    response.json(problems.collect::<Vec<_>>())
}
