//! Watch channels of the fake Google: opening and stopping them, and which changes they are told of. How what they are told
//! travels is in `google_notify`.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::{Host, Url};

use super::google::{Google, access_to, resolved, timestamp};
use super::google_access::{self as access, Role, Token};
use super::google_notify::{Notification, Post};
use super::google_partial::only_asked;
use super::wire::{Answer, Request};

/// How long a channel lives at most, unless a test says otherwise; Google's own default.
const WEEK: Duration = Duration::from_hours(7 * 24);
const LONGEST_ID: usize = 64;
const LONGEST_TOKEN: usize = 256;
/// As much of `events.watch`'s query as the fake knows.
const PARAMETERS: &[&str] = &["alt", "fields", "prettyPrint"];

/// A channel that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: String,
    /// The calendar whose events it watches.
    pub calendar: String,
    /// Who opened it; nobody else can stop it.
    pub who: String,
    pub address: String,
    pub token: Option<String>,
    pub resource_id: String,
    pub resource_uri: String,
    pub expiration: OffsetDateTime,
    /// Of the last message.
    number: u64,
}

/// All channels, and what is on its way through them.
#[derive(Debug, Default)]
pub(super) struct Switchboard {
    channels: Vec<Channel>,
    /// An id is never free again.
    used: BTreeSet<String>,
    longest: Option<Duration>,
    loopback: bool,
    pub post: Post,
}

impl Switchboard {
    /// Tells every live channel of the calendar, also of what the watcher did itself.
    pub fn changed(&mut self, calendar: &str, now: OffsetDateTime) {
        for channel in self.channels.iter_mut().filter(|channel| channel.calendar == calendar && now < channel.expiration) {
            // Numbers grow, but not one by one.
            channel.number += 1 + channel.number % 3;
            self.post.put(notification(channel, "exists"));
        }
    }
}

fn notification(channel: &Channel, state: &str) -> Notification {
    let ends = timestamp(channel.expiration).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut headers = vec![
        ("X-Goog-Channel-ID", channel.id.clone()),
        ("X-Goog-Channel-Expiration", ends),
        ("X-Goog-Message-Number", channel.number.to_string()),
        ("X-Goog-Resource-ID", channel.resource_id.clone()),
        ("X-Goog-Resource-State", state.to_owned()),
        ("X-Goog-Resource-URI", channel.resource_uri.clone()),
    ];
    headers.extend(channel.token.clone().map(|token| ("X-Goog-Channel-Token", token)));
    Notification { address: channel.address.clone(), headers }
}

impl Google {
    /// The channels that live now, oldest first.
    pub fn channels(&self) -> Vec<Channel> {
        let now = self.clock.now();
        self.state().watch.channels.iter().filter(|channel| now < channel.expiration).cloned().collect()
    }

    /// Channels live no longer than this, whatever is asked for.
    pub fn channel_life(&self, longest: Duration) {
        self.state().watch.longest = Some(longest);
    }

    /// Lets channels end at `http://` on this very machine, which the real Google never does.
    pub fn allow_loopback_channels(&self) {
        self.state().watch.loopback = true;
    }

    pub(super) fn watch(&self, who: &Token, id: &str, request: &Request) -> Result<Answer, Answer> {
        access::known_parameters(request, PARAMETERS)?;
        let body = request.json();
        let (now, mut state) = (self.clock.now(), self.state());
        access_to(&mut state, who, id, Role::Reader)?;
        let calendar = resolved(who, id).to_owned();
        let wish = Wish::read(&body, state.watch.loopback)?;
        if !state.watch.used.insert(wish.id.clone()) {
            return Err(access::refusal(400, "channelIdNotUnique"));
        }
        let longest = now + state.watch.longest.unwrap_or(WEEK);
        let expiration = wish.until(now).map_or(longest, |until| until.min(longest));
        let mut uri = Url::parse(&self.calendar_url()).expect("our own address");
        uri.path_segments_mut().expect("a web address").pop_if_empty().extend(["calendars", &calendar, "events"]);
        uri.set_query(Some("alt=json"));
        let channel = Channel {
            id: wish.id,
            resource_id: resource_id(&calendar),
            calendar,
            who: who.who.clone(),
            address: wish.address,
            token: wish.token,
            resource_uri: uri.into(),
            expiration,
            number: 1,
        };
        let ends = expiration.unix_timestamp_nanos() / 1_000_000;
        let mut shown = json!({
            "kind": "api#channel", "id": channel.id, "resourceId": channel.resource_id, "resourceUri": channel.resource_uri,
            "expiration": ends.to_string(),
        });
        if let Some(token) = &channel.token {
            shown["token"] = token.as_str().into();
        }
        state.watch.post.put(notification(&channel, "sync"));
        state.watch.channels.push(channel);
        Ok(Answer::json(200, &only_asked(request, &shown)?))
    }

    pub(super) fn stop_channel(&self, who: &Token, body: &Value) -> Result<Answer, Answer> {
        let text =
            |field: &str| body[field].as_str().ok_or_else(|| access::error(400, "required", &format!("Required: {field}")));
        let (id, resource) = (text("id")?, text("resourceId")?);
        let (now, mut state) = (self.clock.now(), self.state());
        let ours = |channel: &Channel| {
            channel.id == id && channel.resource_id == resource && channel.who == who.who && now < channel.expiration
        };
        let place = state.watch.channels.iter().position(ours);
        let place = place.ok_or_else(|| access::error(404, "notFound", &format!("Channel '{id}' not found for project")))?;
        state.watch.channels.remove(place);
        Ok(Answer::empty(204))
    }
}

/// The same for all channels of a calendar, and it says nothing.
fn resource_id(calendar: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, calendar.as_bytes()).as_ref()[..20])
}

/// A channel as asked for.
struct Wish {
    id: String,
    address: String,
    token: Option<String>,
    seconds: Option<i64>,
    expiration: Option<OffsetDateTime>,
}

impl Wish {
    fn read(body: &Value, loopback: bool) -> Result<Self, Answer> {
        let required = |field: &str| access::error(400, "required", &format!("Required: {field}"));
        let invalid = |field: &str| access::error(400, "invalid", &format!("Invalid value for: {field}"));
        let id = body["id"].as_str().ok_or_else(|| required("entity.id"))?;
        let is_plain = id.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_+/=".contains(&c));
        if id.is_empty() || id.len() > LONGEST_ID || !is_plain {
            return Err(invalid("id"));
        }
        match body["type"].as_str() {
            Some("web_hook" | "webhook") => {}
            Some(_) => return Err(invalid("type")),
            None => return Err(required("entity.type")),
        }
        let address = body["address"].as_str().ok_or_else(|| required("entity.address"))?;
        if !may_receive(address, loopback) {
            let message = format!("WebHook callback must be HTTPS: {address}");
            return Err(access::error(400, "push.webhookUrlNotHttps", &message));
        }
        let token = body["token"].as_str().map(str::to_owned);
        if token.as_ref().is_some_and(|token| token.len() > LONGEST_TOKEN) {
            return Err(invalid("token"));
        }
        let seconds = number(&body["params"]["ttl"]).map_err(|()| invalid("params.ttl"))?;
        if seconds.is_some_and(|seconds| seconds <= 0) {
            return Err(invalid("params.ttl"));
        }
        let expiration = number(&body["expiration"]).map_err(|()| invalid("expiration"))?;
        let instant = |ms: i64| OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
        let expiration = expiration.map(|ms| instant(ms).ok_or_else(|| invalid("expiration"))).transpose()?;
        Ok(Self { id: id.to_owned(), address: address.to_owned(), token, seconds, expiration })
    }

    fn until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let by_seconds = self.seconds.map(|seconds| now.saturating_add(time::Duration::seconds(seconds)));
        [by_seconds, self.expiration].into_iter().flatten().min()
    }
}

/// A whole number, or one in quotes, as Google's own libraries write them.
fn number(value: &Value) -> Result<Option<i64>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().ok().map(Some).ok_or(()),
        other => other.as_i64().map(Some).ok_or(()),
    }
}

/// Google speaks to public https alone.
fn may_receive(address: &str, loopback: bool) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if is_local { loopback } else { url.scheme() == "https" }
}
