//! The command line: what may be asked, in words that explain it. One file a command; each reads only the settings
//! that it uses.

mod assistant;
pub mod bookings;
mod business;
mod business_new;
mod calls;
mod check;
mod close;
mod completions;
mod connect;
pub mod demo;
mod failure;
mod forget;
mod google;
mod help;
mod keygen;
mod migrate_store;
mod pause;
mod progress;
mod reload;
mod replay;
mod said;
pub mod serve;
mod sign;
mod slots;
mod twilio;

use clap::{Args, Parser, Subcommand};
use time::Date;
use time::macros::format_description;

pub use assistant::Assistant;
pub use business_new::Business;
pub use calls::{Call, Calls};
pub use check::Check;
pub use close::{Close, Days};
pub use completions::Shell;
pub use connect::Connect;
pub use failure::Failure;
pub use forget::Forget;
pub use google::Google;
pub use migrate_store::MigrateStore;
pub use pause::{Pause, Resume};
pub use replay::Replay;
pub use said::{note, print};
pub use sign::Sign;
pub use slots::Slots;
pub use twilio::Twilio;

use crate::config::Environment;
use crate::names::Slug;

/// Answers the phone of a small business and really books the job: Twilio, a Vapi assistant and Google Calendar.
#[derive(Debug, Parser)]
#[command(name = "ringbook", version, after_help = help::EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer the phone: serve the webhooks of Twilio and Vapi, and health.
    ///
    /// All settings are checked before the first request is served, and every mistake is told at once.
    #[command(after_help = "Example:\n  ringbook serve", after_long_help = help::settings())]
    Serve,
    /// Play a whole phone call against this machine, without any account, key or network.
    ///
    /// Starts the real server on loopback with throw-away secrets, a temporary database and a calendar of its own. Then it
    /// rings, asks, books, repeats itself and lets a second caller race for the same time, tells each step in plain words,
    /// prints the bookings that result, and keeps serving.
    #[command(after_help = "Examples:\n  ringbook demo --once\n  ringbook demo --port 8080")]
    Demo(Demo),
    /// Show what was booked on a day, from our own database.
    #[command(after_help = "Examples:\n  ringbook bookings\n  ringbook bookings --date 2026-12-01 --business abc-hvac --json")]
    Bookings(Bookings),
    /// Show what callers would be offered on a day, and why each other time would not.
    ///
    /// It looks where the server looks: at the business file, the calendars, our own bookings, and what was ordered since.
    #[command(after_help = "\
Examples:
  ringbook slots abc-hvac --service repair --date 2026-12-01
  ringbook slots abc-hvac --service repair --date 2026-12-01 --at 10:30
  ringbook slots abc-hvac --service repair --date 2026-12-01 --json

Settings: as `ringbook serve`.")]
    Slots(Slots),
    /// Write a new business file.
    #[command(
        subcommand,
        after_help = "Example:\n  ringbook business new abc-hvac --number +15551230000 --zone America/New_York"
    )]
    Business(Business),
    /// Show where the telephone numbers point at Twilio, and point them here.
    #[command(subcommand, after_help = "Examples:\n  ringbook twilio show\n  ringbook twilio configure --business abc-hvac")]
    Twilio(Twilio),
    /// The Vapi assistant of each business as code: print it, compare it, bring it to Vapi.
    #[command(subcommand, after_help = "Examples:\n  ringbook assistant diff\n  ringbook assistant push --business abc-hvac")]
    Assistant(Assistant),
    /// List recent calls, the latest first: when, from whom, how long, how they ended, what they booked.
    ///
    /// Of a caller's number only the last digits are shown.
    #[command(
        after_help = "Examples:\n  ringbook calls\n  ringbook calls --since 2h --failed\n  ringbook calls --business abc-hvac --phone-ends 4321 --json"
    )]
    Calls(Calls),
    /// Tell one call as it was heard, asked, decided, sent to the calendar and answered, with what was said at its end.
    ///
    /// Shows the caller's whole number, and everything that they said.
    #[command(after_help = "Examples:\n  ringbook call CA00000000000000000000000000000042\n  ringbook call 0193f1c2-… --json")]
    Call(Call),
    /// Erase a person: their bookings are anonymised, and the transcripts, voicemails and recordings of their number deleted.
    ///
    /// That a job was booked and when stays. Events that stand in Google Calendar stay there as they are, and those to come are
    /// named. Recordings at Twilio and calls at Vapi are deleted by the running server, which tries until it works. Doing it
    /// again does no harm.
    #[command(after_help = "Example:\n  ringbook forget +15557654321")]
    Forget(Forget),
    /// Let an owner connect a Google account in a browser.
    #[command(subcommand, after_help = "Example:\n  ringbook google login abc-hvac")]
    Google(Google),
    /// Look at every setting and ask every counterpart, and say what is wrong, why it matters and how to mend it.
    ///
    /// Settings, business files, clock, database, the public address as Twilio and Vapi ask it, the numbers at Twilio, the
    /// assistant at Vapi, accounts and calendars. Changes nothing that stays: an event of a day ago is written into each calendar and
    /// deleted again. Exit code 0 only if a call would work; warnings do not count.
    #[command(after_help = "Examples:\n  ringbook check\n  ringbook check --business abc-hvac --json")]
    Check(Check),
    /// Bring one business on line: the assistant at Vapi, its numbers there if the mode needs them, its numbers at Twilio, then check.
    ///
    /// May be repeated, above all when the address of a tunnel has changed: what is right already is left alone. It stops at the
    /// first step that fails, and says what was done and what was not; a number that fails does not keep the others back.
    #[command(
        after_help = "Example:\n  ringbook connect abc-hvac\n\nSettings: as `ringbook serve`. Without VAPI_PHONE_NUMBER_ID the numbers are imported at Vapi, and the id of the first is printed.\nExit code: 0 only if everything was done and a call would work."
    )]
    Connect(Connect),
    /// Send callers straight to a person, from the next call on.
    ///
    /// Calls that run already hear it from the assistant when they ask for anything.
    #[command(after_help = "Examples:\n  ringbook pause abc-hvac\n  ringbook pause abc-hvac --until 14:00")]
    Pause(Pause),
    /// Let the assistant answer again.
    #[command(after_help = "Example:\n  ringbook resume abc-hvac")]
    Resume(Resume),
    /// Close a business on some dates, from the next question of any caller on. What is booked then is shown and stays booked.
    #[command(
        after_help = "Examples:\n  ringbook close abc-hvac --from 2026-12-01\n  ringbook close abc-hvac --from 2026-12-24 --to 2026-12-26 --reason Christmas"
    )]
    Close(Close),
    /// End on some dates what `ringbook close` began; the hours of the business file hold again.
    #[command(after_help = "Example:\n  ringbook open abc-hvac --from 2026-12-24 --to 2026-12-26")]
    Open(Days),
    /// Have every running server read the business files again, within seconds.
    ///
    /// They are checked first: if anything is wrong, all of it is named, and nothing changes anywhere.
    #[command(after_help = "Example:\n  ringbook reload")]
    Reload,
    /// Print the headers that make a hand-made request valid, for `curl -H @-`.
    #[command(
        subcommand,
        after_help = "Example:\n  ringbook sign vapi --body call.json | curl -H @- --data-binary @call.json http://127.0.0.1:8080/webhook/vapi"
    )]
    Sign(Sign),
    /// Sign recorded webhooks for now, send them again, and print the status, the time and the body of each answer.
    ///
    /// They come from a file or from a call that this server has had. Ids are sent as they came, so that the server that had the
    /// call gives the same answers and books nothing twice; another one takes it for a new call. Each line of a file is a JSON
    /// object: "path" (/webhook/vapi or a route under /twilio/), "body" (a text, sent as it is, or an object), and, if wanted,
    /// "headers" (an object of texts) and "business" (whose secrets prove it). Exit code 0 only if every answer has a status of
    /// 2xx and, with --against, both servers say the same.
    #[command(
        after_help = "Examples:\n  ringbook replay CA0123… --to http://127.0.0.1:8080\n  ringbook replay call.jsonl --to https://staging.example.com --against https://book.example.com\n  ringbook replay CA0123… --times 100 --parallel 20"
    )]
    Replay(Replay),
    /// Move everything from one database to another, in either direction, while no server runs.
    ///
    /// The new one must be empty. It gets everything or nothing: if this is broken off, begin again. The old one stays as it was.
    #[command(
        after_help = "Example:\n  ringbook migrate-store --from sqlite://ringbook.db --to postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    MigrateStore(MigrateStore),
    /// Print fresh secrets as lines for .env.
    #[command(after_help = "Example:\n  ringbook keygen >> .env")]
    Keygen,
    /// Print what a shell needs to complete these commands.
    #[command(after_help = "\
Examples:
  ringbook completions bash > ~/.local/share/bash-completion/completions/ringbook
  ringbook completions zsh > ~/.zfunc/_ringbook      (with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc)
  ringbook completions fish > ~/.config/fish/completions/ringbook.fish")]
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

/// How the demonstration is run.
#[derive(Args, Clone, Copy, Debug)]
pub struct Demo {
    /// The port to listen on; any free one when it is not given.
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Stop after the call: exit code 0 only if exactly the right bookings exist.
    #[arg(long)]
    pub once: bool,
}

/// Which bookings are shown, and how.
#[derive(Args, Clone, Debug)]
pub struct Bookings {
    /// The day, in the time zone of each business; today when it is not given.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub date: Option<Date>,
    /// Only this business: the name of its file without .toml.
    #[arg(long, value_name = "SLUG", value_parser = slug)]
    pub business: Option<Slug>,
    /// As a JSON array, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Does what was asked.
///
/// # Errors
/// What stopped it; nothing has been printed about it yet.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve => serve::run(&Environment::read()?),
        Command::Demo(demo) => demo::run(demo),
        Command::Bookings(bookings) => bookings::run(&bookings, &Environment::read()?),
        Command::Slots(asked) => slots::run(&asked, &Environment::read()?),
        Command::Business(what) => business_new::run(&what, &Environment::read()?),
        Command::Twilio(what) => twilio::run(&what, &Environment::read()?),
        Command::Assistant(asked) => assistant::run(&asked, &Environment::read()?),
        Command::Calls(asked) => calls::list(&asked, &Environment::read()?),
        Command::Call(asked) => calls::tell(&asked, &Environment::read()?),
        Command::Forget(asked) => forget::run(&asked, &Environment::read()?),
        Command::Google(what) => google::run(&what, &Environment::read()?),
        Command::Check(check) => check::run(&check, &Environment::read()?),
        Command::Connect(asked) => connect::run(&asked, &Environment::read()?),
        Command::Pause(asked) => pause::pause(&asked, &Environment::read()?),
        Command::Resume(asked) => pause::resume(&asked, &Environment::read()?),
        Command::Close(asked) => close::close(&asked, &Environment::read()?),
        Command::Open(asked) => close::open(&asked, &Environment::read()?),
        Command::Reload => reload::run(&Environment::read()?),
        Command::Sign(sign) => sign::run(&sign),
        Command::Replay(asked) => replay::run(&asked, &Environment::read()?),
        Command::MigrateStore(asked) => migrate_store::run(&asked),
        Command::Keygen => keygen::run(),
        Command::Completions { shell } => completions::run(shell),
    }
}

fn day(text: &str) -> Result<Date, &'static str> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).ok().ok_or("a day is written YYYY-MM-DD")
}

fn minute(text: &str) -> Result<u16, &'static str> {
    let number = |text: &str, below: u16| {
        let is_written_so = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| is_written_so && *number < below)
    };
    let read = text.split_once(':').and_then(|(hour, minute)| Some(number(hour, 24)? * 60 + number(minute, 60)?));
    read.ok_or("a time of day is written HH:MM, 00:00 to 23:59")
}

fn slug(text: &str) -> Result<Slug, &'static str> {
    Slug::parse(text).ok_or("a business is written as its file is called: a to z, 0 to 9 and dashes")
}
