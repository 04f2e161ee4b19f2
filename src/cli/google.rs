//! `google`: what an operator does for an owner who connects a Google account.

use clap::{Args, Subcommand};

use super::{Failure, note, print};
use crate::clock::Clock;
use crate::config::{Environment, load_login};
use crate::connect::new_link;
use crate::names::Slug;
use crate::store::{self, Store};

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Google {
    /// Print a single-use link, good for 7 days, that opens the page on which a business is connected with Google Calendar.
    ///
    /// Send it to the owner: there they agree at Google, choose whose calendar is which, and can leave again. Whoever has the
    /// link can do that, so send it as you would a password.
    #[command(after_help = "\
Example:
  ringbook google login abc-hvac

Settings: DATABASE_URL (that of the running server), SERVER_URL, BUSINESSES, ENCRYPTION_KEY, GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET.
The redirect address of the OAuth client must be SERVER_URL followed by /oauth/callback.")]
    Login(Login),
}

/// Whose link is made.
#[derive(Args, Debug)]
pub struct Login {
    /// The business: the name of its file without .toml.
    #[arg(value_name = "SLUG", value_parser = super::slug)]
    business: Slug,
}

pub(super) fn run(what: &Google, environment: &Environment) -> Result<(), Failure> {
    let Google::Login(login) = what;
    let settings = load_login(environment, &login.business)?;
    let new = settings.database_url.file().filter(|path| !path.exists());
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    let link = runtime.block_on(async {
        let store = Store::open(settings.database_url.expose()).await?;
        let link = new_link(&store, &settings.server_url, &login.business, Clock::System.now()).await?;
        store.close().await;
        Ok::<_, store::Error>(link)
    });
    let link = link.map_err(|error| Failure::because("the link cannot be kept", error))?;
    if let Some(path) = new {
        let path = path.display();
        note(&format!("DATABASE_URL: {path} was made just now; the link is of use only to a server with the same database."));
    }
    note(&format!("Good for 7 days and one browser; whoever has it can connect a calendar to {}:", login.business));
    print(&format!("{link}\n"))
}
