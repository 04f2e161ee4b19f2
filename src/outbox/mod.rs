//! What follows an answer: text messages, alerts, and bookings whose outcome was not known. Jobs wait in the store, so
//! that a restart loses none; one worker runs them, one at a time for each lease.

mod alert;
mod retention;
mod revoke;
mod sms;
mod stories;
mod tell;
mod unsent;

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use self::unsent::Unsent;
use crate::booking::Desk;
use crate::business::routing::Directory;
use crate::calendar::google::Google;
use crate::clients::control::Control;
use crate::clients::twilio::Twilio;
use crate::clients::vapi::Vapi;
use crate::clock::{Clock, epoch_ms};
use crate::config::Settings;
use crate::ground::Ground;
use crate::names::{BookingId, CallSid};
use crate::store::jobs::{Job, LeasedJob, Matter, Sms};
use crate::store::{self, Store};

/// How often the store is asked for work.
const POLL: Duration = Duration::from_millis(500);
/// How long a worker has a job for itself: longer than any of them takes.
const LEASE: Duration = Duration::from_mins(1);
/// How many jobs run at once.
const WORKERS: usize = 4;
/// After so many attempts a job is given up; with the pauses below that is about half a day.
const MAX_ATTEMPTS: u32 = 24;
/// After so many attempts to look back at a booking it is left as it is; with the pauses below that is about four minutes.
const LOOKS_BACK: u32 = 8;
/// The first pause after a failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How often unfinished bookings are looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// How often it is looked what is too old to be kept.
const CLEAR: time::Duration = time::Duration::HOUR;
/// How long a booking may be unfinished before the sweeper takes it up: longer than any caller waits.
const UNFINISHED: Duration = Duration::from_mins(1);
/// How long ended jobs are kept, so that their keys still make a job once.
const KEEP_ENDED: Duration = Duration::from_hours(7 * 24);

/// Everything that jobs need. Clones share it.
#[derive(Clone, Debug)]
pub struct Outbox {
    settings: Arc<Settings>,
    directory: Directory,
    store: Store,
    desk: Desk,
    google: Option<Google>,
    clock: Clock,
    twilio: Twilio,
    vapi: Vapi,
    control: Control,
    http: reqwest::Client,
}

/// How a job ended.
enum Done {
    /// Well.
    Well,
    /// Not yet: the cause; again after the usual pause.
    NotYet(String),
    /// Never: the cause.
    Never(String),
    /// A message will not reach its reader.
    Unsent(Unsent),
}

impl Outbox {
    /// The jobs of this ground; `google` where that is the calendar.
    #[must_use]
    pub fn new(ground: &Ground, desk: Desk, google: Option<Google>, http: reqwest::Client) -> Self {
        let Ground { settings, directory, store, clock, .. } = ground.clone();
        let (twilio, vapi, control) = (Twilio::new(http.clone()), Vapi::new(http.clone()), Control::new(http.clone()));
        Self { settings, directory, store, desk, google, clock, twilio, vapi, control, http }
    }

    /// Runs jobs until it is dropped. Belongs on the main runtime.
    pub async fn run(self) {
        let workers = (0..WORKERS).map(|_| self.work());
        tokio::join!(futures_util::future::join_all(workers), self.sweep());
    }

    async fn work(&self) {
        let mut poll = tokio::time::interval(POLL);
        loop {
            poll.tick().await;
            while let Some(leased) = self.next().await {
                let done = self.run_one(&leased).await;
                if let Err(error) = self.end(&leased, done).await {
                    tracing::error!(job.kind = leased.job.kind(), error = %error, "the end of a job could not be noted");
                }
            }
        }
    }

    async fn next(&self) -> Option<LeasedJob> {
        self.store.lease_job(self.clock.now(), LEASE).await.unwrap_or_else(|error| {
            tracing::error!(error = %error, "the store could not be asked for jobs");
            None
        })
    }

    #[tracing::instrument(level = "debug", name = "job", skip_all, fields(job.kind = leased.job.kind(), job.attempts = leased.attempts))]
    async fn run_one(&self, leased: &LeasedJob) -> Done {
        match &leased.job {
            Job::Sms(sms) => self.send_sms(leased, sms).await.unwrap_or_else(not_yet),
            Job::Delivery { of, sid, sms } => self.look_at_delivery(leased, of, sid, sms).await.unwrap_or_else(not_yet),
            Job::EraseRecording { business, recording_sid } => {
                self.erase_recording(business.as_ref(), recording_sid).await.unwrap_or_else(not_yet)
            }
            Job::Alert { what, business, text, since_ms } => {
                self.post_alert(&leased.key, what, business.as_ref(), text, *since_ms).await
            }
            Job::Notify { business, occasion, text } => {
                self.notify(&leased.key, business, occasion, text).await.unwrap_or_else(not_yet)
            }
            Job::Tell(outcome) => self.tell(leased, outcome).await.unwrap_or_else(not_yet),
            Job::SilentCall { sid } => self.look_at_silent_call(sid).await.unwrap_or_else(not_yet),
            Job::Revoke { business, address, sealed } => self.give_back(business, address, sealed).await.unwrap_or_else(not_yet),
            Job::Settle { booking } => self.settle(leased, *booking).await.unwrap_or_else(not_yet),
            Job::LookBack { booking } => self.look_back(leased, *booking).await.unwrap_or_else(not_yet),
            Job::EndTest { booking } => self.end_test(*booking).await.unwrap_or_else(not_yet),
            Job::FetchReport { business, call } => self.fetch_report(leased, business, call).await.unwrap_or_else(not_yet),
            Job::ForgetCall { business, call } => self.forget_call(business, call).await,
        }
    }

    async fn end(&self, leased: &LeasedJob, done: Done) -> Result<(), store::Error> {
        match done {
            Done::Well => self.store.finish_job(leased).await.map(drop),
            Done::NotYet(cause) if leased.attempts < MAX_ATTEMPTS => {
                let again_at = self.clock.now() + pause_after(leased.attempts);
                self.store.fail_job(leased, &cause, Some(again_at)).await.map(drop)
            }
            Done::NotYet(cause) | Done::Never(cause) => self.give_up(leased, &Unsent::GivenUp(cause)).await,
            Done::Unsent(why) => self.give_up(leased, &why).await,
        }
    }

    async fn settle(&self, leased: &LeasedJob, booking: BookingId) -> Result<Done, store::Error> {
        let Some(row) = self.store.booking(booking).await? else { return Ok(Done::Well) };
        let Some(profile) = self.directory.by_slug(&row.business) else {
            return Ok(Done::NotYet("its business has no file any more".into()));
        };
        if self.desk.settle(&profile, booking).await? { Ok(Done::Well) } else { self.in_doubt(leased, &profile, &row).await }
    }

    async fn look_back(&self, leased: &LeasedJob, booking: BookingId) -> Result<Done, store::Error> {
        let Some(row) = self.store.booking(booking).await? else { return Ok(Done::Well) };
        let Some(profile) = self.directory.by_slug(&row.business) else {
            return Ok(Done::Never("its business has no file any more".into()));
        };
        Ok(match self.desk.look_back(&profile, booking).await {
            Ok(()) => Done::Well,
            // Whoever works in a calendar that is out of reach for longer sees the job there themselves.
            Err(unseen) if leased.attempts >= LOOKS_BACK => Done::Never(unseen.to_string()),
            Err(unseen) => Done::NotYet(unseen.to_string()),
        })
    }

    async fn end_test(&self, booking: BookingId) -> Result<Done, store::Error> {
        let Some(row) = self.store.booking(booking).await? else { return Ok(Done::Well) };
        let Some(profile) = self.directory.by_slug(&row.business) else {
            return Ok(Done::NotYet("its business has no file any more".into()));
        };
        Ok(match self.desk.end_test(&profile, booking).await {
            Ok(true) => Done::Well,
            Ok(false) => Done::NotYet("the calendar did not take it out".into()),
            Err(refusal) => Done::NotYet(refusal.to_string()),
        })
    }

    /// A call that ended without any word from Vapi: the assistant never spoke, and nobody knows yet.
    async fn look_at_silent_call(&self, sid: &CallSid) -> Result<Done, store::Error> {
        let Some(call) = self.store.call_by_sid(sid).await? else { return Ok(Done::Well) };
        let Some(profile) = call.business.as_ref().and_then(|slug| self.directory.by_slug(slug)) else { return Ok(Done::Well) };
        if call.heard_from_vapi {
            return Ok(Done::Well);
        }
        let now = self.clock.now();
        let text = "A call ended without any word from Vapi: the assistant may not have answered. See the assistant, its server URL and its credential.";
        let alert = Job::Alert {
            what: "silent_call".into(),
            business: Some(profile.slug.clone()),
            text: text.into(),
            since_ms: epoch_ms(call.created_at),
        };
        self.store.enqueue(&format!("alert/silent/{sid}"), &alert, now).await?;
        if let Some(caller) = call.caller() {
            let text =
                format!("Sorry, {} could not take your call just now. Please call again, or answer this message.", profile.name);
            let (business, matter) = (profile.slug.clone(), Matter::Apology(sid.clone()));
            let sms = Job::Sms(Sms { business, to: caller, text, matter });
            self.store.enqueue(&format!("sms/silent/{sid}"), &sms, now).await?;
        }
        Ok(Done::Well)
    }

    /// Takes up what nobody finished, after a restart or where a job was lost; and deletes what is too old.
    async fn sweep(&self) {
        let mut tick = tokio::time::interval(SWEEP);
        let mut cleared_at = OffsetDateTime::UNIX_EPOCH;
        loop {
            tick.tick().await;
            let now = self.clock.now();
            if let Err(error) = self.sweep_once(now).await {
                tracing::error!(error = %error, "unfinished bookings could not be looked for");
            }
            if now - cleared_at >= CLEAR {
                cleared_at = now;
                if let Err(error) = self.forget_old(now).await {
                    tracing::error!(error = %error, "what is too old could not be deleted");
                }
            }
        }
    }

    async fn sweep_once(&self, now: OffsetDateTime) -> Result<(), store::Error> {
        for row in self.store.unfinished_bookings(now - UNFINISHED).await? {
            self.desk.ensure_settled(row.id, now).await?;
        }
        self.look_for_broken_off().await?;
        self.store.forget_jobs(now - KEEP_ENDED).await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as a function value in unwrap_or_else")]
fn not_yet(error: store::Error) -> Done {
    Done::NotYet(error.to_string())
}

/// The pause after so many attempts.
fn pause_after(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}
