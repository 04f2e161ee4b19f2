//! A booking takes one round trip to Google and little more: beside a bare request to the same Google, which takes its time.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use crate::edge_program::{BOOK, caller, time_of, wish};
use crate::sides::{Took, timed};
use crate::stage::{Server, question};
use crate::table::{By, Table};
use crate::wire::{Line, get, tool};

const ROUND_TRIP: Duration = Duration::from_millis(50);
const TIMES: usize = 60;
/// Between two bookings, so that all of them stay within what may be asked of one Google account.
const PAUSE: Duration = Duration::from_millis(400);
/// The look and the insert go out together, and around them the booking is written down before each step: the rest is what
/// that may cost on a disk that takes some milliseconds for it.
const BOUND: f64 = 1.5;

pub async fn measure(table: &mut Table) {
    let server = Server::start().await;
    let house = &server.house;
    let mut google = Line::open(house.google.calendar_url().split("/calendar/").next().unwrap()).await;
    let (mut booked, mut bare) = (Took::default(), Took::default());
    house.google.latency(ROUND_TRIP);
    for number in 0..TIMES {
        booked.add(one(&server, "sam", number).await);
        let asked = async { assert!(google.ask(&get("/calendar/v3/users/me/calendarList")).await.status < 500) };
        bare.add(timed(asked).await);
    }
    table.times(("bookAppointment, Google takes 50 ms", &booked), ("a bare GET to that Google", &bare), By::Median, Some(BOUND));

    let (mut booked, mut flushed) = (Took::default(), Took::default());
    let mut file = File::create(house.folder.path().join("flushed")).unwrap();
    house.google.latency(Duration::ZERO);
    for number in TIMES..2 * TIMES {
        booked.add(one(&server, "alex", number).await);
        let flushing = async { file.write_all(&[b'x'; 4096]).and_then(|()| file.sync_data()).unwrap() };
        flushed.add(timed(flushing).await);
    }
    table.times(("bookAppointment, Google answers at once", &booked), ("one flush to the disk", &flushed), By::Median, None);
}

/// One booking by a caller who has asked before, as in a call.
async fn one(server: &Server, technician: &str, number: usize) -> Duration {
    tokio::time::sleep(PAUSE).await;
    let (mut line, who, call) = (server.line().await, caller(number), format!("call-{number}"));
    line.ask(&question(&who, &call, "t1")).await.must_say("I have");
    let request = tool(&who, &call, "t2", BOOK, wish(technician, &time_of(number)));
    timed(async { line.ask(&request).await.must_say("You're booked") }).await
}
