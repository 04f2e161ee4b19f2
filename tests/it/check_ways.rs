//! The doctor on the way from Twilio and Vapi to the server: proxies that change what they pass on, tunnels that are gone, a
//! clock that is off, and counterparts that hang.

use std::time::Duration;

use ringbook::clock::Stopwatch;
use serde_json::Value;

use crate::clinic::{Clinic, Mistake, each_is_found};
use crate::passage::Way;
use crate::program::{err, free_port, out};

const fn mistake(what: &'static str, plant: fn(&mut Clinic), id: &'static str, says: &'static [&'static str]) -> Mistake {
    Mistake { what, plant, state: "wrong", id, says }
}

const ON_THE_WAY: &[Mistake] = &[
    mistake(
        "the path is changed",
        |it| it.door.way(Way::Path(|path| path.replace("/twilio/", "/hooks/twilio/"))),
        "public.twilio",
        &["status 404", "pass every path"],
    ),
    mistake(
        "a query is added",
        |it| it.door.way(Way::Path(|path| format!("{path}?via=proxy"))),
        "public.twilio",
        &["refuses a request that was signed", "SERVER_URL", "no proxy change the path"],
    ),
    mistake(
        "empty fields are dropped from forms",
        |it| it.door.way(Way::Body(|body| body.replace("CalledCity=&", ""))),
        "public.twilio",
        &["its body is changed on the way", "byte by byte"],
    ),
    mistake(
        "JSON is written anew",
        |it| it.door.way(Way::Body(|body| serde_json::from_str::<Value>(body).map_or(body.into(), |json| json.to_string()))),
        "public.vapi",
        &["the body is changed on the way", "byte by byte"],
    ),
    mistake(
        "Twilio's signature is dropped",
        |it| it.door.way(Way::Without("x-twilio-signature")),
        "public.twilio",
        &["status 403"],
    ),
    mistake(
        "Vapi's signature is dropped",
        |it| {
            it.set("VAPI_WEBHOOK_AUTH", "hmac");
            it.door.way(Way::Without("x-vapi-signature"));
        },
        "public.vapi",
        &["status 401", "drop headers"],
    ),
    mistake(
        "led on to another address",
        |it| it.door.way(Way::Redirect("https://www.book.example.com")),
        "public.reached",
        &["leads on to https://www.book.example.com", "set SERVER_URL", "ringbook connect abc-hvac"],
    ),
    mistake(
        "the tunnel has another address now",
        |it| it.door.way(Way::Else(404)),
        "public.reached",
        &["somebody else answers, with status 404", "tunnel", "ringbook connect abc-hvac"],
    ),
    mistake("the server is down", |it| it.door.way(Way::Else(502)), "public.reached", &["status 502", "ringbook serve"]),
    mistake(
        "nobody listens",
        |it| it.set("SERVER_URL", &format!("http://127.0.0.1:{}", free_port())),
        "public.reached",
        &["nobody answers", "ringbook serve"],
    ),
    mistake(
        "no TLS there",
        |it| {
            let url = it.door.url.replace("http://", "https://");
            it.set("SERVER_URL", &url);
        },
        "public.reached",
        &["cannot be trusted", "certificate"],
    ),
    mistake(
        "the server has another secret",
        |it| it.set("VAPI_WEBHOOK_SECRET", "another-secret"),
        "public.vapi",
        &["status 401", "VAPI_WEBHOOK_SECRET"],
    ),
    mistake(
        "the server has another token",
        |it| it.set("TWILIO_AUTH_TOKEN", "another-token"),
        "public.twilio",
        &["status 403", "TWILIO_AUTH_TOKEN"],
    ),
    mistake(
        "an address that Twilio cannot reach",
        |it| it.set("TWILIO_API_URL", "https://127.0.0.1.twilio.invalid"),
        "public.address",
        &["this machine itself", "public https address"],
    ),
    mistake(
        "the clock is ahead",
        |it| {
            it.to_twilio.way(Way::Dated(-150));
            it.to_vapi.way(Way::Dated(-150));
        },
        "clock",
        &["s ahead of", "timedatectl set-ntp true"],
    ),
    mistake(
        "the clock is behind",
        |it| {
            it.to_twilio.way(Way::Dated(90));
            it.to_vapi.way(Way::Dated(90));
        },
        "clock",
        &["s behind", "timedatectl set-ntp true"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_on_the_way_is_found() {
    each_is_found(ON_THE_WAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counterpart_whose_own_clock_is_off_is_not_ours() {
    let clinic = Clinic::sound().await;
    clinic.to_vapi.way(Way::Dated(3600));
    let (code, findings) = clinic.findings();
    assert!(code == Some(0) && findings.iter().all(|finding| finding["state"] == "ok"), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn counterparts_that_hang_cost_seconds_and_are_named() {
    let clinic = Clinic::sound().await;
    for passage in [&clinic.door, &clinic.to_twilio, &clinic.to_vapi] {
        passage.way(Way::Hang);
    }
    let started = Stopwatch::start();
    let (code, findings) = clinic.findings();
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    let wrong: Vec<&str> =
        findings.iter().filter(|finding| finding["state"] == "wrong").map(|finding| finding["id"].as_str().unwrap()).collect();
    assert_eq!((code, wrong), (Some(1), vec!["public.reached", "twilio.account", "twilio.number", "vapi"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_a_table_with_colours_on_a_terminal_only() {
    let mut clinic = Clinic::sound().await;
    let plain = clinic.run(&["check"]);
    let shown = out(&plain);
    assert!(plain.status.success() && shown.ends_with("A call would work.\n") && !shown.contains('\u{1b}'), "{shown}");
    clinic.set_number("voice_url", "https://elsewhere.example");
    let output = clinic.run(&["check"]);
    let shown = out(&output);
    assert!(err(&output).contains("One thing is wrong: a call would not work."), "{}", err(&output));
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("WRONG    abc-hvac, voice URL")).unwrap_or_else(|| panic!("{shown}"));
    assert!(lines[at + 1].contains("why:") && lines[at + 2].contains("mend: `ringbook twilio configure"), "{shown}");

    let binary = env!("CARGO_BIN_EXE_ringbook");
    let mut on_terminal = |no_color: &str| {
        clinic.set("NO_COLOR", no_color);
        let mut pairs = clinic.house.pairs().to_vec();
        pairs.extend(clinic.settings.clone());
        let folder = clinic.house.folder.path();
        let mut command = std::process::Command::new("/usr/bin/script");
        command.args(["-qec", &format!("{binary} check"), "/dev/null"]).env_clear().envs(pairs).current_dir(folder);
        String::from_utf8(command.stdin(std::process::Stdio::null()).output().unwrap().stdout).unwrap()
    };
    assert!(on_terminal("").contains("\u{1b}[1;31mWRONG"));
    let without = on_terminal("1");
    assert!(without.contains("WRONG") && !without.contains("\u{1b}[1;31m"), "{without}");
}
