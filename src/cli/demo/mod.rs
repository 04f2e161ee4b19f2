//! `demo`: the real server on loopback, and a telephone call played against it over HTTP. Nothing in the server knows
//! that it is a demonstration: only its secrets, its database and its calendar are made for it and thrown away.

mod call;
mod stage;

use super::{Demo, Failure, bookings, print};
use crate::app::App;
use crate::telemetry;
use call::Call;
use stage::Stage;

pub(super) fn run(demo: Demo) -> Result<(), Failure> {
    let stage = Stage::set(demo.port)?;
    if let Some(settings) = stage.settings() {
        telemetry::init(&settings.log, settings.log_format);
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::because("no runtime can be started", error))?;
    runtime.block_on(play(stage, demo.once))
}

async fn play(mut stage: Stage, once: bool) -> Result<(), Failure> {
    let (settings, directory, clock) = stage.take_settings()?;
    let app = App::build(settings, directory, clock).await?;
    let handle = app.handle();
    let serving = tokio::spawn(app.run_until_signal());
    let mut call = Call::new(&stage)?;
    let played = call.play().await;
    if let Err(error) = &played {
        print(&format!("\nThe call went wrong: {error:#}\n"))?;
    }
    let rows = stage.bookings().await?;
    print("\nWhat is booked now, as `ringbook bookings` shows it:\n")?;
    let shown: Vec<_> = rows.iter().map(|row| (stage.profile(), row)).collect();
    print(&bookings::table(&shown))?;
    let right = played.is_ok() && call.expects(&rows) && stage.events_match(&rows).await?;
    print(if right { "Exactly the right bookings exist.\n" } else { "These are NOT the right bookings.\n" })?;
    if once {
        handle.stop(true).await;
        let _stopped = serving.await;
        return if right { Ok(()) } else { Err(Failure::Failed(anyhow::anyhow!("The demonstration did not end as it should."))) };
    }
    print(&stage.exports())?;
    serving.await.map_err(|error| Failure::because("the server died", error))?.map_err(Failure::Failed)
}
