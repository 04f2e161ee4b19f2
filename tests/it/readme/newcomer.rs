//! Somebody who has the sources, a shell and the page, and nothing else: what they type is run by bash in a fresh folder, with
//! the built program in the place of what `cargo build --release` makes and the fakes in the place of Google, Vapi and Twilio.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ringbook::clock::Clock;
use tempfile::TempDir;

use super::page::file;
use crate::fakes::google::{FakeGoogle, SERVICE_ACCOUNT};
use crate::fakes::twilio::FakeTwilio;
use crate::fakes::vapi::FakeVapi;
use crate::house::CALLED;
use crate::passage::Passage;
use crate::postgres;
use crate::program::{Program, err, free_port, out};

/// The calendar of whoever follows the page.
pub const CALENDAR: &str = "me@mine.example";
pub const CLIENT: &str = "client-1.apps.googleusercontent.com";
/// What the real Vapi writes into a number that is imported.
const AT_VAPI: &str = "https://api.vapi.ai/twilio/inbound_call";

/// Programs that would change this machine, and cargo, whose work is done already.
const STAND_INS: [(&str, &str); 3] = [
    (
        "cargo",
        concat!(
            "case \"$*\" in\n",
            "  'build --release') test -x target/release/ringbook ;;\n",
            "  'build --release --features otel') grep -q '^otel = ' '",
            env!("CARGO_MANIFEST_DIR"),
            "/Cargo.toml' ;;\n",
            "  'run --release -- '*) shift 3; exec target/release/ringbook \"$@\" ;;\n",
            "  *) echo \"what is cargo $* to do here?\" >&2; exit 1 ;;\nesac"
        ),
    ),
    ("sudo", "[ \"$1\" != -u ] || shift 2\nexec \"$@\""),
    ("useradd", "exit 0"),
];

/// Makes this folder one in which the program was built.
pub fn build(clone: &Path) {
    fs::create_dir_all(clone.join("target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_ringbook"), clone.join("target/release/ringbook")).unwrap();
}

/// Puts the programs that stand in for others into a folder for `PATH`.
pub fn put_stand_ins(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for (name, script) in STAND_INS {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

pub struct Newcomer {
    /// Where everything lies that would lie at `/`.
    root: TempDir,
    pub google: FakeGoogle,
    pub vapi: FakeVapi,
    pub twilio: FakeTwilio,
    /// The public address.
    pub door: Passage,
    pub server: Option<Program>,
    /// Where the server listens.
    pub port: u16,
    /// Each of these on the page is the other here.
    table: Vec<(String, String)>,
}

impl Newcomer {
    pub fn arrives() -> Self {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().display().to_string();
        let google = FakeGoogle::start(Clock::System);
        google.add_calendar(CALENDAR, "America/New_York", &[SERVICE_ACCOUNT]);
        let (vapi, twilio, door, port) = (FakeVapi::start(), FakeTwilio::start(), Passage::open(), free_port());
        google.add_client(CLIENT, "secret-1", &[&format!("{}/oauth/callback", door.url)]);
        let (sid, at_twilio) = (twilio.add_number(CALLED), twilio.itself());
        vapi.numbers.on_import(move |_| at_twilio.set_number(&sid, "voice_url", AT_VAPI));
        door.lead_to(&format!("http://127.0.0.1:{port}"));
        let next_year = Clock::System.now().year() + 1;
        let group = rustix::process::getgid().as_raw();
        let database = format!("walked_{port}");
        let postgres = format!("postgres://{database}:a-long-word@127.0.0.1:{}/{database}", postgres::server().port);
        let table = [
            ("{SERVER_URL}", door.url.clone()),
            ("127.0.0.1:8080", format!("127.0.0.1:{port}")),
            ("/etc/ringbook", format!("{here}/etc/ringbook")),
            ("/usr/local/bin", format!("{here}/usr/local/bin")),
            ("/var/lib/ringbook", format!("{here}/var/lib/ringbook")),
            ("/var/backups", format!("{here}/var/backups")),
            ("-g ringbook", format!("-g {group}")),
            ("postgres://ringbook:a-long-word@db.example.com/ringbook", postgres),
            ("ROLE ringbook", format!("ROLE {database}")),
            ("DATABASE ringbook OWNER ringbook", format!("DATABASE {database} OWNER {database}")),
            // Days to come, whenever this is read.
            ("2026-12-", format!("{next_year}-12-")),
        ];
        let table = table.map(|(there, here)| (there.to_owned(), here)).to_vec();
        let newcomer = Self { root, google, vapi, twilio, door, server: None, port, table };
        newcomer.unpack();
        newcomer
    }

    /// A checkout in which the program was built, a machine with the usual folders, and the key file that Google gave.
    fn unpack(&self) {
        for folder in ["etc", "usr/local/bin", "var/lib", "var/backups"] {
            fs::create_dir_all(self.root.path().join(folder)).unwrap();
        }
        let clone = self.root.path().join("clone");
        build(&clone);
        put_stand_ins(&self.root.path().join("bin"));
        fs::write(clone.join(".env.example"), file(".env.example")).unwrap();
        fs::write(clone.join("google.json"), self.google.service_account_json()).unwrap();
        fs::write(self.root.path().join("folder"), clone.display().to_string()).unwrap();
    }

    /// What the page says, for this machine.
    pub fn here(&self, text: &str) -> String {
        self.table.iter().fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }

    /// The folder that the shell is in.
    pub fn folder(&self) -> PathBuf {
        fs::read_to_string(self.root.path().join("folder")).unwrap().trim().into()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Types it into the shell, which stops at the first command that fails and remembers its folder.
    pub fn types(&self, text: &str) -> Output {
        let root = self.root.path().display();
        let script = format!("set -euo pipefail\n{}\npwd > {root}/folder\n", self.here(text));
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(script).env_clear().current_dir(self.folder()).stdin(Stdio::null());
        bash.env("PATH", format!("{root}/usr/local/bin:{root}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin"));
        bash.env("HOME", self.root.path()).env("TMPDIR", self.root.path()).output().unwrap()
    }

    /// The same, of something that has to work; returns what was printed.
    pub fn does(&self, text: &str) -> String {
        let output = self.types(text);
        assert!(output.status.success(), "{text}\n{}\n{}\n{}", output.status, out(&output), err(&output));
        out(&output)
    }

    /// Writes settings into `.env` of this folder, over what stands there.
    pub fn fills(&self, folder: &Path, settings: &[(&str, String)]) {
        let path = folder.join(".env");
        let mut text = fs::read_to_string(&path).unwrap();
        for (name, value) in settings {
            let line = format!("{name}={}", self.here(value));
            let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with(&format!("{name}="))).collect();
            text = format!("{}\n{line}\n", kept.join("\n"));
        }
        fs::write(&path, text).unwrap();
    }

    /// Starts the server in a folder, and waits until it answers.
    pub async fn serves(&mut self, folder: &Path, arguments: &[&str]) {
        self.stops().await;
        let mut server = Program::start(folder, arguments, &[]);
        server.is_up(&format!("http://127.0.0.1:{}", self.port)).await;
        self.server = Some(server);
    }

    /// Stops it as an init system does.
    pub async fn stops(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.terminate();
            assert!(server.ended().await.success(), "{}", server.last_words());
        }
    }
}
