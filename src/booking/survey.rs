//! One day as callers would be offered it, with the reason for every start that they would not: for the owner who asks why. It
//! looks with the same eyes as a caller's question, and remembers nothing.

use time::{Date, OffsetDateTime};

use super::check::Asked;
use super::error::Refusal;
use super::{Caller, Desk};
use crate::business::profile::{Profile, Technician};
use crate::clock::Deadline;
use crate::scheduling::board::reach;
use crate::scheduling::reasons::{Considered, Obstacle};
use crate::scheduling::slots::{Held, Reason};

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// A service's name or alias.
    pub service: &'a str,
    /// The day, where the business is.
    pub date: Date,
    /// These starts alone; `None` is every step of the day.
    pub starts: Option<&'a [OffsetDateTime]>,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Survey<'p> {
    /// The service's name.
    pub service: &'p str,
    /// Its length in minutes.
    pub minutes: u64,
    /// Whoever does it, in the order in which [`Considered::crew`] counts them.
    pub crew: Vec<&'p Technician>,
    /// Every start that was looked at, in the order of time.
    pub considered: Vec<Considered>,
    /// Who is away all day, as [`Considered::crew`] counts them.
    pub away: Vec<(usize, Obstacle)>,
    /// What a caller who asks for that day hears, whatever was looked at.
    pub offered: Vec<OffsetDateTime>,
    /// Why that is nothing.
    pub none_because: Option<Reason>,
    /// What running calls were offered a moment ago, and how many of them: others hear it last.
    pub held: Held,
}

/// The name of a call that nobody makes: whatever any call was offered is held from it.
const NO_CALL: &str = "-";

impl Desk {
    /// Looks at a day.
    ///
    /// # Errors
    /// That there is no such service, or that the database failed. A calendar that cannot be read is a reason, not an error.
    pub async fn survey<'p>(&self, profile: &'p Profile, view: View<'_>, deadline: Deadline) -> Result<Survey<'p>, Refusal> {
        let asked = Asked::read(profile, Some(view.service), None)?;
        let span = reach(&profile.zone, &profile.rules, self.clock.now(), view.date);
        let mut board = self.board(&asked, span, deadline).await?;
        let nobody = Caller { signalled: None, call_id: Some(NO_CALL.to_owned()) };
        board.held = self.held_from(profile, &nobody).await?;
        let considered = match view.starts {
            Some(starts) => starts.iter().map(|start| board.consider(*start)).collect(),
            None => board.considered(view.date),
        };
        let (offered, none_because) = match board.offers(view.date, None) {
            Ok(slots) => (slots.into_iter().map(|slot| slot.start).collect(), None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        Ok(Survey {
            service: &asked.service.name,
            minutes: asked.service.duration.as_secs() / 60,
            away: board.away(view.date),
            held: board.held.clone(),
            crew: asked.crew,
            considered,
            offered,
            none_because,
        })
    }
}
