//! The built program, run as a person or a script runs it: in an empty folder, with nothing in its environment.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringbook::config::table::SETTINGS;
use ringbook::config::{Environment, load_vapi_signing};
use ringbook::vapi::signature::prove;
use tempfile::TempDir;
use time::OffsetDateTime;

/// A working directory of its own, and what the program finds there.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn with(self, name: &str, contents: &[u8]) -> Self {
        fs::write(self.folder.path().join(name), contents).unwrap();
        self
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringbook"))
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input closes it first; that is no failure of ours.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The lines `Name: value`, as the server would get them.
fn headers(output: &Output) -> Vec<(String, Vec<u8>)> {
    let line =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.as_bytes().to_vec())).unwrap();
    out(output).lines().map(line).collect()
}

const SECRET: (&str, &str) = ("VAPI_WEBHOOK_SECRET", "new-secret,old-secret");
const BODY: &[u8] = b"{\"message\":{}}\r\n";

#[test]
fn help_explains_every_command_with_examples_and_succeeds() {
    let desk = Desk::new();
    let help = desk.run(&["--help"], &[], b"");
    assert_eq!(help.status.code(), Some(0));
    for word in [
        "serve",
        "demo",
        "bookings",
        "slots",
        "business",
        "twilio",
        "check",
        "connect",
        "calls",
        "call",
        "forget",
        "google",
        "pause",
        "resume",
        "close",
        "open",
        "reload",
        "replay",
        "sign",
        "keygen",
        "completions",
        "Examples:",
        "Exit code",
    ] {
        assert!(out(&help).contains(word), "{word} in {}", out(&help));
    }
    for command in [
        &["serve"][..],
        &["demo"],
        &["bookings"],
        &["slots"],
        &["business"],
        &["business", "new"],
        &["twilio"],
        &["twilio", "show"],
        &["twilio", "configure"],
        &["check"],
        &["connect"],
        &["calls"],
        &["call"],
        &["forget"],
        &["google"],
        &["google", "login"],
        &["pause"],
        &["resume"],
        &["close"],
        &["open"],
        &["reload"],
        &["replay"],
        &["sign"],
        &["sign", "vapi"],
        &["sign", "twilio"],
        &["keygen"],
        &["completions"],
    ] {
        let help = desk.run(&[command, &["--help"]].concat(), &[], b"");
        assert!(help.status.code() == Some(0) && out(&help).contains("Usage: ringbook"), "{command:?}");
    }
    let settings = desk.run(&["serve", "--help"], &[], b"");
    for setting in SETTINGS {
        assert!(out(&settings).contains(&format!("\n  {}\n", setting.name)), "{}", setting.name);
    }
}

#[test]
fn bad_usage_is_exit_code_2() {
    let desk = Desk::new();
    let bad: [&[&str]; 19] = [
        &[],
        &["nonsense"],
        &["sign", "vapi"],
        &["demo", "--port", "99999"],
        &["bookings", "--date", "tomorrow"],
        &["bookings", "--business", "Not A Slug"],
        &["calls", "--since", "2x"],
        &["calls", "--since", "h"],
        &["calls", "--phone-ends", "12a4"],
        &["call"],
        &["forget"],
        &["forget", "(555) 765-4321"],
        &["completions", "tcsh"],
        &["slots", "abc-hvac"],
        &["business", "new", "abc-hvac"],
        &["twilio"],
        &["pause"],
        &["close", "abc-hvac", "--from", "Christmas"],
        &["open", "abc-hvac"],
    ];
    for arguments in bad {
        let output = desk.run(arguments, &[SECRET], b"");
        assert_eq!((output.status.code(), out(&output)), (Some(2), ""), "{arguments:?}");
        assert!(!err(&output).is_empty());
    }
}

#[test]
fn serve_names_every_missing_setting_on_a_line_of_its_own() {
    let desk = Desk::new();
    let output = desk.run(&["serve"], &[("BIND", "nonsense"), ("WEBHOOK_SECRET", "hidden-value")], b"");
    assert_eq!(output.status.code(), Some(2));
    let begins: BTreeSet<&str> = err(&output).lines().filter_map(|line| line.split(' ').next()).collect();
    let expected = [
        "BUSINESSES",
        "SERVER_URL",
        "BIND",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "VAPI_WEBHOOK_SECRET",
        "VAPI_API_KEY",
        "VAPI_PHONE_NUMBER_ID",
        "GOOGLE_CALENDAR_CREDENTIALS",
    ];
    assert_eq!(begins, BTreeSet::from(expected), "{}", err(&output));
    assert_eq!(err(&output).lines().count(), expected.len());
    assert!(err(&output).contains("WEBHOOK_SECRET is set; ringbook reads VAPI_WEBHOOK_SECRET"));
    assert!(!err(&output).contains("hidden-value"));
}

#[test]
fn what_sign_prints_for_a_message_is_accepted() {
    let desk = Desk::new().with("call.json", BODY);
    let cases: [(&[&str], &[&str]); 5] = [
        (&[], &["x-vapi-signature"]),
        (&["--proof", "hmac"], &["x-vapi-signature"]),
        (&["--proof", "stamped"], &["x-signature", "x-timestamp"]),
        (&["--proof", "secret"], &["x-vapi-secret"]),
        (&["--proof", "bearer"], &["authorization"]),
    ];
    let accepts_all = ("VAPI_WEBHOOK_AUTH", "hmac,secret,bearer");
    let plan = load_vapi_signing(&Environment::from_pairs([SECRET, accepts_all])).unwrap();
    for (arguments, names) in cases {
        let output = desk.run(&[&["sign", "vapi", "--body", "call.json"], arguments].concat(), &[SECRET, accepts_all], b"");
        assert_eq!((output.status.code(), err(&output)), (Some(0), ""), "{arguments:?}");
        let headers = headers(&output);
        assert_eq!(headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names);
        #[expect(clippy::disallowed_methods, reason = "the program that was run has signed with the machine's time")]
        let now = OffsetDateTime::now_utc();
        assert_eq!(prove(&headers, BODY, &plan, now), Ok(()), "{arguments:?}");
    }
}

#[test]
fn sign_reads_stdin_and_the_settings_of_a_file() {
    let desk = Desk::new().with(".env", b"VAPI_WEBHOOK_SECRET=new-secret\n").with("call.json", BODY);
    let file = desk.run(&["sign", "vapi", "--body", "call.json"], &[], b"");
    let stdin = desk.run(&["sign", "vapi", "--body", "-"], &[], BODY);
    assert_eq!((file.status.code(), out(&file)), (Some(0), out(&stdin)));
    let stripped = desk.run(&["sign", "vapi", "--body", "-"], &[], BODY.trim_ascii_end());
    assert_ne!(out(&file), out(&stripped), "every byte of a message counts");
}

#[test]
fn sign_uses_a_plan_of_ones_own_and_says_when_a_proof_will_be_refused() {
    let desk = Desk::new();
    let own = [SECRET, ("VAPI_HMAC_PREFIX", "sha256="), ("VAPI_HMAC_SIGNATURE_HEADER", "x-own")];
    for arguments in [&["sign", "vapi", "--body", "-"][..], &["sign", "vapi", "--body", "-", "--proof", "custom"]] {
        let output = desk.run(arguments, &own, BODY);
        assert!(out(&output).starts_with("x-own: sha256=") && err(&output).is_empty(), "{}", err(&output));
    }
    let refused = desk.run(&["sign", "vapi", "--body", "-", "--proof", "bearer"], &[SECRET], BODY);
    assert!(refused.status.code() == Some(0) && err(&refused).contains("refuse"), "{}", err(&refused));
    assert!(!err(&refused).contains("new-secret"));
    let none = desk.run(&["sign", "vapi", "--body", "-", "--proof", "custom"], &[SECRET], BODY);
    assert!(none.status.code() == Some(2) && err(&none).contains("VAPI_HMAC_"), "{}", err(&none));
}

#[test]
fn sign_makes_the_signature_that_twilio_documents() {
    // The first vector of Twilio's own libraries: this token, address and parameters make this signature.
    let form = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    let desk = Desk::new().with("call.form", form).with("edited.form", &[&form[..], b"\n"].concat());
    let token = ("TWILIO_AUTH_TOKEN", "12345, old");
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    for (file, url, notes) in [("call.form", url, 0), ("edited.form", url, 1), ("call.form", &format!("{url}#rc=2"), 0)] {
        let output = desk.run(&["sign", "twilio", "--url", url, "--form", file], &[token], b"");
        assert_eq!(out(&output), "X-Twilio-Signature: RSOYDt4T1cUTdK1PDd93/VVr8B8=\n");
        assert_eq!(err(&output).lines().count(), notes, "{}", err(&output));
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = Desk::new().run(&["sign", "vapi", "--body", "absent.json"], &[SECRET], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).starts_with("absent.json cannot be read: ") && err(&output).lines().count() == 1);
}

#[test]
fn a_line_of_the_settings_file_that_cannot_be_read_stops_whoever_needs_settings() {
    let desk = Desk::new().with(".env", b"LOG=info\nTWILIO_AUTH_TOKEN=hidden value\n");
    let output = desk.run(&["sign", "vapi", "--body", "-"], &[SECRET], BODY);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains(".env, line 2 (TWILIO_AUTH_TOKEN)") && !err(&output).contains("hidden"), "{}", err(&output));
    assert_eq!(desk.run(&["keygen"], &[], b"").status.code(), Some(0));
}

#[test]
fn keygen_makes_fresh_lines_that_can_be_added_to_the_example() {
    let desk = Desk::new();
    let [first, second] = [desk.run(&["keygen"], &[], b""), desk.run(&["keygen"], &[], b"")];
    assert_ne!(out(&first), out(&second));
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example")).unwrap();
    let file = desk.folder.path().join(".env");
    fs::write(&file, example + out(&first)).unwrap();
    let environment = Environment::default().with_file(&file).unwrap();
    assert_eq!(environment.names().collect::<Vec<_>>(), ["ENCRYPTION_KEY", "VAPI_WEBHOOK_SECRET"]);
    assert_eq!(STANDARD.decode(environment.value("ENCRYPTION_KEY").unwrap()).unwrap().len(), 32);
    assert_eq!(environment.value("VAPI_WEBHOOK_SECRET").unwrap().len(), 64);
    assert!(load_vapi_signing(&environment).is_ok());
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Desk::new().run(&["completions", shell], &[], b"");
        assert_eq!(output.status.code(), Some(0));
        for word in ["serve", "demo", "bookings", "slots", "business", "twilio", "google", "sign", "keygen", "ringbook"] {
            assert!(out(&output).contains(word), "{shell}: {word}");
        }
    }
}
