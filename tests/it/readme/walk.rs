//! The whole page, typed in its order by somebody who knows nothing else: from the sources to a call that rings and an event in the
//! calendar, then to a machine with systemd, to PostgreSQL, and through every command of the chapters that follow.

use std::fs;
use std::path::Path;
use std::process::Command;

use ringbook::clock::Clock;
use sqlx::{AnyConnection, Connection};
use time::{Duration, Weekday};

use super::ledger::{BY_HAND, commands, to_type};
use super::newcomer::{CALENDAR, CLIENT, Newcomer};
use super::page::{Block, file, headings};
use crate::fakes::twilio::{ACCOUNT_SID, AUTH_TOKEN};
use crate::fakes::vapi::API_KEY;
use crate::postgres;
use crate::program::{err, out};

const CONNECT: &str = "target/release/ringbook connect my-business";
const SERVE: &str = "target/release/ringbook serve";
/// The page says of it: when the server runs.
const LOGIN: &str = "target/release/ringbook google login my-business";
const POSTGRES: &str = "postgres://ringbook:a-long-word@db.example.com/ringbook";
/// The two calls: one to the sources' folder, and the one that the page tells of, to the installed server.
const FIRST: &str = "CA00000000000000000000000000000041";
const SECOND: &str = "CA00000000000000000000000000000042";

/// What a person fills in of their own accounts, and where the fakes are: before the first block that begins so.
fn fills_in_before(block: &str, newcomer: &Newcomer) {
    let (google, clone) = (&newcomer.google, newcomer.folder());
    let settings: Vec<(&str, String)> = if block.starts_with("target/release/ringbook keygen | grep ENCRYPTION_KEY") {
        let business = clone.join("businesses/my-business.toml");
        let text = fs::read_to_string(&business).unwrap();
        let own = text.replacen("calendar_id = \"\"", &format!("calendar_id = \"{CALENDAR}\""), 1);
        let own = own.replacen("sms = []", "sms = [\"+15551238888\"]", 1);
        assert!(own.contains(CALENDAR) && own.contains("+15551238888"), "{own}");
        fs::write(&business, own).unwrap();
        vec![
            ("SERVER_URL", newcomer.door.url.clone()),
            ("BIND", format!("127.0.0.1:{}", newcomer.port)),
            ("GOOGLE_CLIENT_ID", CLIENT.to_owned()),
            ("GOOGLE_CLIENT_SECRET", "secret-1".to_owned()),
            ("GOOGLE_CALENDAR_CREDENTIALS", "google.json".to_owned()),
            ("GOOGLE_CALENDAR_URL", google.calendar_url()),
            ("GOOGLE_TOKEN_URL", google.token_url()),
            ("GOOGLE_AUTH_URL", google.auth_url()),
            ("GOOGLE_REVOKE_URL", google.revoke_url()),
        ]
    } else if block == "target/release/ringbook assistant push" {
        vec![("VAPI_API_KEY", API_KEY.to_owned()), ("VAPI_API_URL", newcomer.vapi.url())]
    } else if block.starts_with("target/release/ringbook twilio show") {
        vec![
            ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ("TWILIO_API_URL", newcomer.twilio.url()),
        ]
    } else {
        return;
    };
    newcomer.fills(&clone, &settings);
}

/// Types one block in the way that its kind and the sentences around it ask for.
async fn types(newcomer: &mut Newcomer, block: &Block) {
    let text = block.text.as_str();
    match block.language.as_str() {
        "ini" if text.starts_with('[') => systemd(newcomer, text).await,
        "ini" => {
            let lines = text.lines().map(|line| line.split_once('=').unwrap());
            let settings: Vec<(&str, String)> = lines.map(|(name, value)| (name, value.to_owned())).collect();
            let folder = newcomer.path("etc/ringbook");
            newcomer.does("sudo install -m 640 -g ringbook google.json /etc/ringbook/google.json");
            newcomer.fills(&folder, &settings);
        }
        "sql" => administrator(&newcomer.here(text)).await,
        "json" => {
            fs::write(newcomer.folder().join("calls.jsonl"), text).unwrap();
            let told = newcomer.does("ringbook replay calls.jsonl --to http://127.0.0.1:8080");
            assert!(told.contains("/twilio/inbound") && told.contains("hang"), "{told}");
        }
        _ if text == LOGIN && newcomer.server.is_none() => {}
        _ if text == CONNECT && newcomer.server.is_none() => first_connection(newcomer),
        _ if text == SERVE => {
            newcomer.serves(&newcomer.folder(), &["serve"]).await;
            let link = newcomer.does(LOGIN);
            let page = newcomer.does(&format!("curl -sS -o /dev/null -w '%{{http_code}}' '{}'", link.trim()));
            assert_eq!(page, "200", "the owner's link");
        }
        _ if text.contains("migrate-store") => {
            newcomer.stops().await;
            newcomer.does(text);
            newcomer.fills(&newcomer.folder(), &[("DATABASE_URL", POSTGRES.to_owned())]);
            newcomer.serves(&newcomer.folder(), &["serve"]).await;
        }
        _ => {
            fills_in_before(text, newcomer);
            newcomer.does(text);
        }
    }
}

/// As the page says: it comes as far as the check, since no server runs yet, and prints a line for the settings.
fn first_connection(newcomer: &Newcomer) {
    let output = newcomer.types(CONNECT);
    assert!(
        output.status.code() == Some(1) && err(&output).contains("Stopped at step 4 of 4"),
        "{}{}",
        out(&output),
        err(&output)
    );
    let told = out(&output);
    let line = told.lines().find(|line| line.starts_with("VAPI_PHONE_NUMBER_ID")).unwrap_or_else(|| panic!("no id: {told}"));
    newcomer.does(&format!("echo {line} >> .env"));
}

/// The unit means something to systemd, where that is installed; and what it starts, runs where it says.
async fn systemd(newcomer: &mut Newcomer, unit: &str) {
    let unit = newcomer.here(unit);
    let path = newcomer.path("ringbook.service");
    fs::write(&path, &unit).unwrap();
    if let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output() {
        // It may have something to say of the machine's own units.
        let complaints: Vec<String> =
            err(&verified).lines().filter(|line| line.contains("ringbook.service")).map(str::to_owned).collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
    let key = |name: &str| {
        let found: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0]
    };
    // As systemd makes it.
    fs::create_dir(newcomer.path("var/lib").join(key("StateDirectory"))).unwrap();
    let (program, arguments) = key("ExecStart").split_once(' ').unwrap();
    assert!(Path::new(program).is_file() && Path::new(program).starts_with(newcomer.path("usr/local/bin")), "{program}");
    let arguments: Vec<&str> = arguments.split(' ').collect();
    newcomer.serves(Path::new(key("WorkingDirectory")), &arguments).await;
}

/// Each statement by itself, as the administrator of the PostgreSQL server.
async fn administrator(statements: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&postgres::server().url()).await.unwrap();
    for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// A day of the week on which the business of the page is open, some days ahead.
fn open_day() -> String {
    let mut day = Clock::System.now().date() + Duration::days(3);
    while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        day = day.next_day().unwrap();
    }
    day.to_string()
}

/// The telephone rings, and the assistant books an hour: signed as the counterparts sign, with the program's own `sign`.
fn a_call(newcomer: &Newcomer, program: &str, sid: &str, hour: &str) {
    let url = &newcomer.door.url;
    let before = newcomer.google.events(CALENDAR).len();
    let rung = newcomer.does(&format!(
        "printf 'CallSid={sid}&CallStatus=ringing&From=%%2B15557654321&To=%%2B15551230000' > call.form\n\
         {program} sign twilio --url {url}/twilio/inbound --form call.form | curl -sS -H @- -d @call.form {url}/twilio/inbound"
    ));
    let stream = rung.split("<Stream url=\"wss://").nth(1).unwrap_or_else(|| panic!("not connected: {rung}"));
    let call = stream.split('/').nth(1).unwrap();
    assert!(newcomer.vapi.calls().iter().any(|known| known["id"] == call), "Vapi knows no call {call}");
    let start = format!("{}T{hour}", open_day());
    let booked = newcomer.does(&format!(
        "cat > book.json <<'END'\n{{\"message\": {{\"type\": \"tool-calls\", \"call\": {{\"id\": \"{call}\", \"customer\": {{\"number\": \
         \"+15557654321\"}}}}, \"toolCallList\": [{{\"id\": \"{sid}\", \"function\": {{\"name\": \"bookAppointment\", \"arguments\": \
         {{\"serviceType\": \"repair\", \"scheduledDate\": \"{start}\", \"customerName\": \"Ana Ruiz\"}}}}}}]}}}}\nEND\n\
         {program} sign vapi --body book.json | curl -sS -H @- --data-binary @book.json {url}/webhook/vapi"
    ));
    assert!(booked.contains("You're booked for repair"), "{booked}");
    let events = newcomer.google.events(CALENDAR);
    assert_eq!(events.len(), before + 1, "{events:#?}");
    let is_there = |event: &serde_json::Value| event["start"]["dateTime"].as_str().unwrap().starts_with(&start);
    assert!(events.iter().any(is_there), "{events:#?}");
    let printed = newcomer.does(&format!("{program} bookings --date {}", open_day()));
    assert!(printed.contains("Ana Ruiz") && printed.contains("confirmed"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_types_the_page_from_top_to_bottom_books_a_call() {
    let page = file("README.md");
    let mut newcomer = Newcomer::arrives();
    let mut typed: Vec<String> = Vec::new();
    let is_installed = |newcomer: &Newcomer| newcomer.path("ringbook.service").exists();
    for heading in headings(&page).into_iter().filter(|heading| !BY_HAND.contains(heading)) {
        for block in to_type(&page, heading) {
            types(&mut newcomer, &block).await;
            if block.text.contains("ringbook bookings") {
                a_call(&newcomer, "ringbook", SECOND, "13:00");
            }
        }
        for command in commands(&page, heading) {
            if typed.contains(&command) {
                continue;
            }
            typed.push(command.clone());
            let is_unheard_of = command.starts_with("ringbook ") && !is_installed(&newcomer);
            newcomer.does(&if is_unheard_of { format!("target/release/{command}") } else { command });
        }
        if heading == "Set it up for real" {
            assert_eq!(newcomer.does("curl -sS {SERVER_URL}/readyz").trim(), "[]");
            a_call(&newcomer, "target/release/ringbook", FIRST, "10:00");
        }
    }
    let checked = newcomer.does("ringbook check");
    assert!(checked.contains("A call would work."), "{checked}");
    // What was moved is there, and what was copied is whole.
    assert!(is_installed(&newcomer));
    let day = open_day();
    let moved = newcomer.does(&format!("ringbook bookings --date {day}"));
    assert!(
        moved.contains("confirmed") && !moved.contains("Ana Ruiz"),
        "the last thing that was typed forgets the caller: {moved}"
    );
    let kept = newcomer.does(&format!("DATABASE_URL=sqlite:///var/backups/ringbook.db ringbook bookings --date {day}"));
    assert!(kept.contains("Ana Ruiz") && kept.contains("confirmed"), "{kept}");
    newcomer.stops().await;
}
