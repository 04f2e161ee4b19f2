//! `serve`: settings, business files, the server.

use super::Failure;
use crate::app::App;
use crate::business::profile::{Access, LoadFacts, load_folder};
use crate::business::routing::Directory;
use crate::clock::Clock;
use crate::config::{Environment, Problems, Settings, load_store};
use crate::scheduling::zone::tzdata_version;
use crate::telemetry;

pub(super) fn run(environment: &Environment) -> Result<(), Failure> {
    let (settings, mut warnings) = Settings::read(environment).map_err(|problems| with_files(environment, problems))?;
    let facts = LoadFacts::new(settings.calendar, &settings.google);
    let loaded = load_folder(&settings.businesses, &facts).map_err(|problems| Failure::of_files(&problems))?;
    warnings.extend(loaded.warnings);
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    runtime.block_on(async {
        let farewell = telemetry::init_server(&settings);
        telemetry::note_panics();
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let served = serve(settings, loaded.directory).await;
        farewell();
        Ok(served?)
    })
}

async fn serve(settings: Settings, directory: Directory) -> anyhow::Result<()> {
    let businesses = directory.all().count();
    let app = App::build(settings, directory, Clock::System).await?;
    tracing::info!(address = %app.address(), businesses, tzdata = tzdata_version(), "ringbook answers");
    app.run_until_signal().await
}

/// The mistakes in the settings, and those in the business files that do not depend on them: both at once, so that the
/// next start is the last.
fn with_files(environment: &Environment, settings: Problems) -> Failure {
    let folder = load_store(environment).map(|settings| settings.businesses);
    let files = folder.map(|folder| load_folder(&folder, &LoadFacts::same(Access::Embedded)));
    match files {
        Ok(Err(problems)) if !settings.iter().any(|sentence| sentence.starts_with("BUSINESSES ")) => {
            Failure::Usage(format!("{settings}\n{}", Failure::of_files(&problems)))
        }
        _ => Failure::Settings(settings),
    }
}
