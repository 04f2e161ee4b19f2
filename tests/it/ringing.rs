//! Playing Twilio against the house: forms as Twilio sends them, answers read as strictly as Twilio reads them, and a look at
//! what is kept of a call and of the jobs that follow it.

use std::collections::BTreeMap;
use std::time::Duration;

use ringbook::clock::epoch_ms;
use ringbook::names::{CallSid, Phone, Slug};
use ringbook::store::calls::{CallRow, Connected, Leg, NewCall};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection, Row};

use crate::fakes::journal::PATIENCE;
use crate::house::{Answer, CALLED, CALLER, House, SLUG};
use crate::twiml::{Element, read};

pub const SID: &str = "CA00000000000000000000000000000001";
/// The transfer number of the example business, and whom it wants told.
pub const PERSON: &str = "+15551239999";
pub const OWNER: &str = "+15551238888";

/// How a copy of the server begins to write on a PostgreSQL server: nobody else does until it has ended.
pub const OTHERS_TURN: &str = "BEGIN; SELECT pg_advisory_xact_lock(8244241983190560619)";

/// Between two looks at the database.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A usual form; `extra` adds parameters and replaces some.
pub fn form<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual =
        [("CallSid", SID), ("AccountSid", "AC1"), ("From", CALLER), ("To", CALLED), ("CallStatus", "ringing"), ("ToCity", "")];
    let mut form: BTreeMap<&str, &str> = usual.into();
    form.extend(extra.iter().copied());
    form.into_iter().collect()
}

pub fn names(text: &str) -> Vec<String> {
    read(text).into_iter().map(|element| element.name).collect()
}

/// The first element of this name.
pub fn find(text: &str, name: &str) -> Element {
    read(text).into_iter().find(|element| element.name == name).unwrap_or_else(|| panic!("no <{name}> in {text}"))
}

pub fn is_assistant(text: &str) -> bool {
    names(text) == ["Response", "Connect", "Stream"]
}

pub fn is_person(text: &str) -> bool {
    names(text) == ["Response", "Say", "Dial", "Number"]
}

pub fn is_voicemail(text: &str) -> bool {
    names(text) == ["Response", "Say", "Record", "Hangup"]
}

pub fn is_goodbye(text: &str) -> bool {
    names(text) == ["Response", "Say", "Hangup"]
}

pub fn is_hang_up(text: &str) -> bool {
    names(text) == ["Response", "Hangup"]
}

/// One job as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptJob {
    pub key: String,
    pub state: String,
    pub attempts: i64,
    /// Milliseconds from now until it is due; negative when it is overdue.
    pub due_in_ms: i64,
}

impl House {
    /// Posts as Twilio does, and reads the answer as Twilio does: 200, `text/xml`, known verbs with known attributes.
    pub async fn says(&self, route: &str, extra: &[(&str, &str)]) -> String {
        let Answer { status, content_type, body } = self.twilio(&format!("/twilio/{route}"), &form(extra)).await;
        assert_eq!((status, content_type.split(';').next()), (200, Some("text/xml")), "{body}");
        read(&body);
        body
    }

    /// Twilio reports the call's status.
    pub async fn status(&self, extra: &[(&str, &str)]) {
        let answer = self.twilio("/twilio/status", &form(extra)).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }

    pub async fn row(&self) -> CallRow {
        self.call(SID).await.expect("the call is kept")
    }

    /// A call that somebody claimed, and did or did not connect.
    pub async fn with_call(&self, sid: &str, connected: Option<(Leg, Option<&str>)>) {
        let (sid, slug, store) = (CallSid::parse(sid).unwrap(), Slug::parse(SLUG).unwrap(), self.store().await);
        let call = NewCall { sid: &sid, business: Some(&slug), from: CALLER, to: CALLED, forwarded_from: "" };
        store.claim_call(&call, self.clock.now()).await.unwrap();
        if let Some((leg, dialing)) = connected {
            let dialing = dialing.map(|number| Phone::e164(number).unwrap());
            let connected =
                Connected { twiml: "<Response/>", leg, dialing: dialing.as_ref(), vapi_call_id: None, control_url: None };
            store.keep_connection(&sid, &connected).await.unwrap();
        }
        store.close().await;
    }

    /// Vapi says that its call is over, and why; waits until that is kept with the call of [`SID`].
    pub async fn vapi_ends(&self, reason: &str) {
        let id = self.row().await.vapi_call_id.expect("a call at Vapi");
        let report = json!({ "message": { "type": "end-of-call-report", "endedReason": reason, "call": { "id": id } } });
        assert_eq!(self.vapi(&report).await.json(), json!({}));
        self.until("the end is kept", async || self.row().await.vapi_ended_reason.is_some()).await;
    }

    /// Waits until it is so, by looking again and again; what is waited for is written in the background.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain until {what}");
    }

    /// All jobs, by their keys.
    pub async fn jobs(&self) -> Vec<KeptJob> {
        let mut grip = self.grip().await;
        let rows =
            sqlx::query("SELECT key, state, attempts, run_at FROM jobs ORDER BY key").fetch_all(&mut grip.0).await.unwrap();
        let now = epoch_ms(self.clock.now());
        let job = |row: &AnyRow| KeptJob {
            key: row.get("key"),
            state: row.get("state"),
            attempts: row.get("attempts"),
            due_in_ms: row.get::<i64, _>("run_at") - now,
        };
        rows.iter().map(job).collect()
    }

    pub async fn job(&self, key: &str) -> KeptJob {
        let found = self.jobs().await.into_iter().find(|job| job.key == key);
        found.unwrap_or_else(|| panic!("there is no job {key}"))
    }

    /// The messages that callers left: recording, call, seconds.
    pub async fn recordings(&self) -> Vec<(String, String, i64)> {
        let mut grip = self.grip().await;
        let kept = "SELECT recording_sid, call_sid, seconds FROM voicemails ORDER BY recording_sid";
        sqlx::query_as(kept).fetch_all(&mut grip.0).await.unwrap()
    }

    /// Waits until every job that is due at this hour has been run.
    pub async fn jobs_run(&self) {
        // A message that is on its way is not run yet.
        let is_due = |job: &KeptJob| job.state == "begun" || (job.state == "waiting" && job.due_in_ms <= 0);
        self.until("all due jobs are run", async || !self.jobs().await.iter().any(is_due)).await;
    }

    /// Waits until no message is on its way: what a restart cuts short then is nothing.
    pub async fn nothing_is_under_way(&self) {
        self.until("nothing is under way", async || !self.jobs().await.iter().any(|job| job.state == "begun")).await;
    }

    /// Waits until the first try of a job has failed, and another one is to follow.
    pub async fn has_failed_once(&self, key: &str) {
        let waits = |job: KeptJob| job.key == key && (job.state.as_str(), job.attempts) == ("waiting", 1) && job.due_in_ms > 0;
        self.until("its first try has failed", async || self.jobs().await.into_iter().any(waits)).await;
    }

    /// The texts that Twilio took for this number.
    pub fn texts_to(&self, number: &str) -> Vec<String> {
        let text = |message: &Value| (message["to"] == number).then(|| message["body"].as_str().unwrap().to_owned());
        self.twilio.messages().iter().filter_map(text).collect()
    }

    /// A hand on the database, beside the server.
    pub async fn grip(&self) -> Grip {
        sqlx::any::install_default_drivers();
        Grip(AnyConnection::connect(self.setting("DATABASE_URL")).await.unwrap())
    }
}

/// Another program's connection to the same database.
pub struct Grip(AnyConnection);

impl Grip {
    /// Nobody else can write until [`Grip::let_go`]: every statement that writes waits and then fails.
    pub async fn hold(&mut self) {
        let of_file = self.0.backend_name() == "SQLite";
        self.run(if of_file { "BEGIN IMMEDIATE" } else { OTHERS_TURN }).await;
    }

    pub async fn let_go(&mut self) {
        self.run("ROLLBACK").await;
    }

    /// Every statement fails at once, reading or writing, until [`Grip::put_back`].
    pub async fn take_away(&mut self) {
        self.rename("", "gone_").await;
    }

    pub async fn put_back(&mut self) {
        self.rename("gone_", "").await;
    }

    async fn rename(&mut self, from: &str, to: &str) {
        const TABLES: [&str; 16] = [
            "calls",
            "voicemails",
            "jobs",
            "bookings",
            "booking_moves",
            "deliveries",
            "offers",
            "embedded_events",
            "google_accounts",
            "account_calendars",
            "oauth_links",
            "oauth_sessions",
            "oauth_states",
            "followed_calendars",
            "watch_channels",
            "heartbeat",
        ];
        for table in TABLES {
            self.run(&format!("ALTER TABLE {from}{table} RENAME TO {to}{table}")).await;
        }
    }

    /// How many rows a table has.
    pub async fn count(&mut self, table: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        sqlx::query_scalar(statement).fetch_one(&mut self.0).await.unwrap()
    }

    pub async fn run(&mut self, statement: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut self.0).await.unwrap();
    }
}
