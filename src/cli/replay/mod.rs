//! `replay`: webhooks that were recorded, or written down in a file, are signed for now and sent again.

mod compare;
mod lines;
mod play;
mod shown;

use std::path::{Path, PathBuf};

use clap::Args;
use url::Url;

pub(super) use self::lines::Line;
use self::play::{Play, Prepared};
use super::progress::Progress;
use super::{Failure, business, print, sign};
use crate::clients;
use crate::config::{Environment, load_server_url, load_store};

/// What is played, where to, and how often.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// A file of webhooks, one JSON object a line (- is stdin), or a recorded call: its `CallSid`, or its id at Vapi.
    #[arg(value_name = "FILE|CALL")]
    what: String,
    /// The server to which they are sent; `SERVER_URL` when it is not given. Twilio's are signed for `SERVER_URL` all the same.
    #[arg(long, value_name = "URL", value_parser = base)]
    to: Option<Url>,
    /// A second server that gets the same; where the two answer differently, both answers are shown.
    #[arg(long, value_name = "URL", value_parser = base)]
    against: Option<Url>,
    /// How often the whole call is played.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    times: u32,
    /// How many of these plays run at the same time; within each, one webhook follows the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    parallel: u16,
}

pub(super) fn run(asked: &Replay, environment: &Environment) -> Result<(), Failure> {
    let lines = lines_of(asked, environment)?;
    let own = (asked.to.is_none() || lines.iter().any(Line::is_twilio)).then(|| load_server_url(environment)).transpose()?;
    let mut webhooks = Vec::with_capacity(lines.len());
    for line in lines {
        let signer = sign::signer_of(&line, own.as_ref(), environment)?;
        webhooks.push(Prepared { line, signer });
    }
    let to = match (&asked.to, own) {
        (Some(to), _) => to.clone(),
        (None, Some(own)) => base(own.as_str()).map_err(|fault| Failure::Usage(format!("SERVER_URL {fault}.")))?,
        (None, None) => return Err(Failure::Usage("--to is missing.".to_owned())),
    };
    let servers: Vec<Url> = std::iter::once(to).chain(asked.against.clone()).collect();
    let http = clients::http().map_err(|error| Failure::because("no request can be sent", error))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let play = Play { http, webhooks, servers };
    let progress = Progress::of("Sending", false);
    let outcomes = runtime.block_on(play.all(asked.times, asked.parallel, &progress));
    drop(progress);
    print(&shown::table(&play, &outcomes))?;
    let differences = compare::differences(&play, &outcomes);
    print(&differences.concat())?;
    verdict(&outcomes, differences.len())
}

/// Scripts go by the exit code: everything was taken, and nothing differs.
fn verdict(outcomes: &[Vec<play::Answers>], differences: usize) -> Result<(), Failure> {
    let (sent, refused) = outcomes
        .iter()
        .flatten()
        .fold((0, 0), |(sent, refused), answers| (sent + answers.count(), refused + answers.count() - answers.taken()));
    match (refused, differences) {
        (0, 0) => Ok(()),
        (0, differences) => Err(Failure::Failed(anyhow::anyhow!("The two servers differ in {differences} webhooks."))),
        (refused, _) => {
            Err(Failure::Failed(anyhow::anyhow!("{refused} of {sent} webhooks were not answered with a status of 2xx.")))
        }
    }
}

fn lines_of(asked: &Replay, environment: &Environment) -> Result<Vec<Line>, Failure> {
    let path = Path::new(&asked.what);
    if asked.what == "-" || path.exists() {
        return lines::read(&PathBuf::from(path));
    }
    let settings = load_store(environment)?;
    let webhooks = business::in_database(&settings.database_url, async |store| store.webhooks_of(&asked.what).await)?;
    if webhooks.is_empty() {
        let what = &asked.what;
        return Err(Failure::Usage(format!(
            "There is no file {what}, and no recorded call of that name in {}.",
            settings.database_url
        )));
    }
    Ok(webhooks.into_iter().map(Line::of_webhook).collect())
}

/// The base address of a server, under which its routes are.
fn base(text: &str) -> Result<Url, &'static str> {
    const WRITTEN: &str = "must be an http:// or https:// address without a query, e.g. http://127.0.0.1:8080";
    let url = Url::parse(text).map_err(|_unreadable| WRITTEN)?;
    let is_sane = matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none();
    is_sane.then_some(url).ok_or(WRITTEN)
}
