//! Notifications of the fake Google's channels: they wait until a test takes them, or are carried to a server as they come.
//! They get lost, come twice and overtake each other when told to. There is no second try and no signature.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use url::Url;

use super::google::{FakeGoogle, Google};
use super::journal::PATIENCE;

/// One notification: a POST without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Where the channel was told to send it.
    pub address: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Notification {
    /// A header; its name in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The same with another value of a header, as a forger would send it; an empty value leaves the header out.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    /// `sync` or `exists`.
    pub fn state(&self) -> &str {
        self.header("X-Goog-Resource-State").expect("every notification has a state")
    }

    /// Carries it to the server that stands behind the public address: `origin` replaces scheme, host and port, the path
    /// stays. The status, or `None` when nobody answered.
    pub async fn send_to(&self, http: &reqwest::Client, origin: &str) -> Option<u16> {
        let (public, origin) = (Url::parse(&self.address).expect("an address"), Url::parse(origin).expect("an origin"));
        let mut target = origin;
        target.set_path(public.path());
        target.set_query(public.query());
        let request = http.post(target).header("content-length", "0").header("user-agent", "APIs-Google");
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        Some(request.send().await.ok()?.status().as_u16())
    }
}

/// What becomes of one notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It arrives.
    None,
    /// It never arrives.
    Lost,
    /// It comes twice.
    Doubled,
    /// The one after it comes first.
    Overtaken,
}

/// A notification that was carried, and the status of the answer if there was one.
pub type Carried = (Notification, Option<u16>);

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Post {
    waiting: Vec<Notification>,
    overtaken: Vec<Notification>,
    mishaps: VecDeque<Mishap>,
    /// Where everything is carried, once a messenger is on its way.
    origin: Option<String>,
    came: Arc<Notify>,
    carried: Arc<watch::Sender<Vec<Carried>>>,
}

impl Post {
    pub fn put(&mut self, notification: Notification) {
        match self.mishaps.pop_front().unwrap_or(Mishap::None) {
            Mishap::Lost => return,
            Mishap::Overtaken => return self.overtaken.push(notification),
            Mishap::Doubled => self.waiting.extend([notification.clone(), notification]),
            Mishap::None => self.waiting.push(notification),
        }
        self.waiting.append(&mut self.overtaken);
        self.came.notify_one();
    }

    /// The one that waits longest, and where it goes.
    fn next(&mut self) -> Option<(Notification, String)> {
        let origin = self.origin.clone()?;
        (!self.waiting.is_empty()).then(|| (self.waiting.remove(0), origin))
    }
}

impl Google {
    /// Takes the notifications that wait, in the order in which they would arrive.
    pub fn notifications(&self) -> Vec<Notification> {
        std::mem::take(&mut self.state().watch.post.waiting)
    }

    /// What becomes of the next notification; several wait in a row.
    pub fn next_notification(&self, mishap: Mishap) {
        self.state().watch.post.mishaps.push_back(mishap);
    }

    /// What was carried so far.
    pub fn carried(&self) -> Vec<Carried> {
        self.state().watch.post.carried.borrow().clone()
    }

    /// Waits until so many were carried.
    pub async fn wait_for_carried(&self, count: usize) {
        let mut carried = self.state().watch.post.carried.subscribe();
        let waiting = carried.wait_for(|carried| carried.len() >= count);
        let came = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(came, "waited in vain for {count} notifications; there were {:?}", self.carried());
    }
}

impl FakeGoogle {
    /// From now on carries every notification to the server at `origin`, one after the other, as soon as it is there; a
    /// later origin replaces this one. Call it inside the test's runtime.
    pub fn deliver_notifications_to(&self, origin: &str) {
        let (came, carried) = {
            let post = &mut self.state().watch.post;
            if post.origin.replace(origin.to_owned()).is_some() {
                return;
            }
            (Arc::clone(&post.came), Arc::clone(&post.carried))
        };
        let weak = self.weak();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        tokio::spawn(async move {
            loop {
                // Only for the moment: a fake that is kept by its own messenger would never stop.
                let due = weak.upgrade().map(|google| google.state().watch.post.next());
                match due {
                    None => return,
                    Some(None) => came.notified().await,
                    Some(Some((notification, origin))) => {
                        let status = notification.send_to(&http, &origin).await;
                        carried.send_modify(|all| all.push((notification, status)));
                    }
                }
            }
        });
    }
}
