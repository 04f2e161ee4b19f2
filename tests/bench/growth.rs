//! What growth costs: a booking's time in the database among a million bookings beside the same among a thousand, on both
//! databases; and what a process holds in memory that remembers a million deliveries.

use ringbook::clock::{Clock, epoch_ms};
use ringbook::names::BookingState;
use ringbook::store::bookings::BookingRow;
use ringbook::store::claims::{Claim, Moved};
use sqlx::{AnyConnection, Connection};
use time::OffsetDateTime;

use crate::edge_program::{caller, house};
use crate::shelf::{On, Shelf};
use crate::sides::{Took, timed};
use crate::stage::{Server, question};
use crate::store::{NINE, claim, claimed, minutes, slug, step};
use crate::table::{By, Table};

const FEW: i64 = 1_000;
const MANY: i64 = 1_000_000;
const TIMES: u32 = 300;
const BOUND: f64 = 2.5;
/// What is remembered lies on the disk; what of it is at hand in memory has a bound.
const MEMORY_BOUND: f64 = 1.5;

/// So many bookings of past years for a hundred technicians and their callers, made of one that is there.
const GROW: &str = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $2) \
    INSERT INTO bookings (id, business, technician, technician_named, calendar, claim_key, service, starts_at, ends_at, free_at, zone, \
    wall_clock, state, live, generation, in_doubt, seen, promised, event_id, etag, confirmation, caller_key, customer_name, \
    customer_phone, address, email, notes, preferred, call_id, tool_call_id, created_at, updated_at) \
    SELECT id || i, business, technician, technician_named, calendar, claim_key || (i % 100), service, starts_at - (i / 100) * 10800000, \
    ends_at - (i / 100) * 10800000, free_at - (i / 100) * 10800000, zone, wall_clock, state, live, generation, in_doubt, seen, promised, \
    event_id || i, etag, confirmation || i, caller_key || (i % 50000), customer_name, customer_phone || (i % 50000), address, email, notes, \
    preferred, call_id || i, tool_call_id, created_at - (i / 100) * 10800000, updated_at FROM bookings, n WHERE bookings.id = $1";
/// Takes away what holds one job per time and calendar, and puts it back as the first migration makes it.
const UNGUARDED: [&str; 2] =
    ["ALTER TABLE bookings DISABLE TRIGGER USER", "ALTER TABLE bookings DROP CONSTRAINT bookings_one_job"];
const GUARDED: [&str; 2] = [
    "ALTER TABLE bookings ADD CONSTRAINT bookings_one_job \
        EXCLUDE USING gist (claim_key WITH =, int8range(starts_at, free_at) WITH &&) WHERE (live = 1)",
    "ALTER TABLE bookings ENABLE TRIGGER USER",
];
const REMEMBER: &str = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
    INSERT INTO deliveries (key, asked, answer, created_at) SELECT 'id/abc-hvac/old-call-' || i || '/t1', 'asked', \
    '{\"toolCallId\":\"t1\",\"result\":\"I have Tuesday, December 1 at 8 AM, at 8:30 AM, and at 9 AM.\"}', $2 FROM n";

pub async fn measure(table: &mut Table) {
    for (on, name) in [(On::Sqlite, "SQLite"), (On::Postgres, "PostgreSQL")] {
        let (few, many) = (grown(on, FEW).await, grown(on, MANY).await);
        let (mut among_few, mut among_many) = (Took::default(), Took::default());
        for number in 0..TIMES {
            among_few.add(timed(booking(&few, number)).await);
            among_many.add(timed(booking(&many, number)).await);
        }
        let what = format!("a booking's writes and reads among {MANY}, {name}");
        table.times((&what, &among_many), (&format!("among {FEW}"), &among_few), By::Median, Some(BOUND));
    }
    memory(table).await;
}

async fn grown(on: On, size: i64) -> Shelf {
    let shelf = Shelf::on(on).await;
    let first = claim(NINE - time::Duration::days(2), "+15550000000");
    assert!(matches!(claimed(&shelf.store, &first).await, Claim::Ours));
    assert_eq!(shelf.store.move_booking(&step(&first, BookingState::Confirmed), NINE).await.unwrap(), Moved::Made);
    let mut connection = shelf.connection().await;
    // They overlap nobody by their making. To hold that against each of a million takes a server half an hour, against all of them
    // at the end a few minutes.
    let (before, after): (&[&str], &[&str]) = if on == On::Postgres { (&UNGUARDED, &GUARDED) } else { (&[], &[]) };
    for statement in before {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    let grown = sqlx::query(GROW).bind(first.id.to_string()).bind(size).execute(&mut connection).await.unwrap();
    assert_eq!(grown.rows_affected(), u64::try_from(size).unwrap());
    for statement in after {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    sqlx::query("ANALYZE").execute(&mut connection).await.unwrap();
    shelf
}

/// What the database does for a booking: whether it was heard before, what stands that day, the claim, and two moves.
async fn booking(shelf: &Shelf, number: u32) {
    let (store, key) = (&shelf.store, format!("id/abc-hvac/call-{number}/t1"));
    let row = claim(NINE + minutes(150 * i64::from(number)), &format!("+1555{number:07}"));
    assert_eq!(store.delivery(&key, OffsetDateTime::UNIX_EPOCH).await.unwrap(), None);
    assert!(store.begin_delivery(&key, "asked", "bench", None, (OffsetDateTime::UNIX_EPOCH, NINE)).await.unwrap());
    store.bookings_between(&slug(), row.span).await.unwrap();
    assert!(matches!(claimed(store, &row).await, Claim::Ours));
    assert_eq!(store.move_booking(&step(&row, BookingState::Inserting), NINE).await.unwrap(), Moved::Made);
    let row = BookingRow { state: BookingState::Inserting, etag: "etag".into(), ..row };
    assert_eq!(store.move_booking(&step(&row, BookingState::Confirmed), NINE).await.unwrap(), Moved::Made);
    store.finish_delivery(&key, "asked", "answer", None, NINE).await.unwrap();
}

async fn memory(table: &mut Table) {
    let resident = async |deliveries: i64| {
        let house = house().await;
        let mut connection = AnyConnection::connect(house.setting("DATABASE_URL")).await.unwrap();
        let now = epoch_ms(Clock::System.now());
        sqlx::query(REMEMBER).bind(deliveries).bind(now).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let server = Server::over(house).await;
        let mut line = server.line().await;
        for number in 0..2_000 {
            line.ask(&question(&caller(number), &format!("call-{number}"), "t1")).await.must_say("I have");
        }
        server.resident()
    };
    let (few, many) = (resident(FEW).await, resident(MANY).await);
    table.sizes((&format!("memory with {MANY} remembered deliveries"), many), (&format!("with {FEW}"), few), Some(MEMORY_BOUND));
}
