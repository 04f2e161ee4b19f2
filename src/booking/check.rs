//! What is open: the calendars and our own ledger are asked once, then the board answers.

use std::sync::Arc;

use time::{Date, OffsetDateTime};

use super::error::{NotOpen, Refusal};
use super::{Caller, Desk, again};
use crate::business::profile::{Profile, Service, Technician};
use crate::calendar::cache::Answers;
use crate::calendar::{Fault, Place};
use crate::clock::{Deadline, Stopwatch};
use crate::names::BookingId;
use crate::scheduling::board::{Board, Member, Sight, reach};
use crate::scheduling::busy::Span;
use crate::scheduling::hours::WallSpan;
use crate::scheduling::reading::read_date;
use crate::scheduling::slots::{Held, Reason, Slot};

/// What a caller asks for, as the model put it.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// `serviceType`
    pub service: Option<String>,
    /// `requestedDate`
    pub date: Option<String>,
    /// `timeWindow`
    pub window: Option<String>,
    /// `technician`
    pub technician: Option<String>,
    /// Who asks.
    pub caller: Caller,
}

/// What can be offered.
#[derive(Clone, Debug)]
pub struct Openings {
    /// The service's name.
    pub service: String,
    /// The date that was asked for.
    pub date: Date,
    /// The date now, where the business is.
    pub today: Date,
    /// Up to three open times on that date, or else on the days after it.
    pub open: OpenTimes,
    /// Why that date has none.
    pub none_because: Option<NotOpen>,
}

/// Times that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTimes {
    /// In local time.
    pub starts: Vec<OffsetDateTime>,
    /// Somebody's calendar could not be read: that there is none must not be said then.
    pub unseen: bool,
}

impl OpenTimes {
    /// These slots of the board.
    pub(super) fn of(slots: Vec<Slot>, board: &Board<'_>) -> Self {
        let mut asked_for = board.crew.iter().enumerate().filter(|(index, _)| board.wanted.is_none_or(|wanted| wanted == *index));
        let unseen = asked_for.any(|(_, member)| matches!(member.calendar, Sight::Unknown));
        Self { starts: slots.into_iter().map(|slot| slot.start).collect(), unseen }
    }
}

/// A question that can be answered: everything in it is known here.
pub(super) struct Asked<'p> {
    pub profile: &'p Profile,
    pub service: &'p Service,
    pub crew: Vec<&'p Technician>,
    /// Index into `crew`.
    pub wanted: Option<usize>,
    /// The booking for which another time is looked for: its own stands in nobody's way.
    pub but: Option<BookingId>,
}

impl<'p> Asked<'p> {
    /// Finds the service and the technician.
    pub(super) fn read(profile: &'p Profile, service: Option<&str>, technician: Option<&str>) -> Result<Self, Refusal> {
        let service = profile.service(service).map_err(|unknown| Refusal::ServiceUnknown { offered: unknown.offered })?;
        let crew: Vec<&Technician> = profile.technicians_for(service).collect();
        let Some(said) = technician else { return Ok(Self { profile, service, crew, wanted: None, but: None }) };
        let Some(named) = profile.technician(said) else {
            let offered = profile.technicians.iter().filter_map(|technician| technician.name.clone()).collect();
            return Err(Refusal::TechnicianUnknown { offered });
        };
        let wanted = crew.iter().position(|member| member.id == named.id).ok_or_else(|| Refusal::TechnicianUnable {
            technician: named.name.clone().unwrap_or_else(|| named.id.clone()),
            service: service.name.clone(),
        })?;
        Ok(Self { profile, service, crew, wanted: Some(wanted), but: None })
    }
}

/// A date as the model gives it.
pub(super) fn date_meant(said: Option<&str>, today: Date) -> Result<Date, Refusal> {
    let date = read_date(said.ok_or(Refusal::DateMissing)?).ok_or(Refusal::DateUnclear)?;
    if date < today { Err(Refusal::Past { today }) } else { Ok(date) }
}

/// A window as the model names it.
pub(super) fn window_meant(profile: &Profile, said: Option<&str>) -> Result<Option<WallSpan>, Refusal> {
    said.map(|said| profile.window(said).ok_or(Refusal::WindowUnknown)).transpose()
}

impl Desk {
    /// Up to three open times of a date, or why there are none and which other times there are.
    ///
    /// # Errors
    /// A [`Refusal`] for what cannot be understood, and when the calendar cannot be asked.
    pub async fn check(&self, profile: &Arc<Profile>, question: &Question, deadline: Deadline) -> Result<Openings, Refusal> {
        let asked = Asked::read(profile, question.service.as_deref(), question.technician.as_deref())?;
        let now = self.clock.now();
        let today = profile.zone.date(now);
        let date = date_meant(question.date.as_deref(), today)?;
        let window = window_meant(profile, question.window.as_deref())?;
        let mut board = self.board(&asked, reach(&profile.zone, &profile.rules, now, date), deadline).await?;
        board.held = self.held_from(profile, &question.caller).await?;
        let (slots, none_because) = match board.offers(date, window) {
            Ok(slots) => (slots, None),
            Err(Reason::Unreachable) => return Err(Refusal::CalendarDown),
            Err(reason) => (board.coming_days(date, window), Some(NotOpen::of(reason, window))),
        };
        let open = OpenTimes::of(slots, &board);
        if let Some(call) = &question.caller.call_id {
            self.store.keep_offers(&profile.slug, call, &open.starts, now).await?;
        }
        Ok(Openings { service: asked.service.name.clone(), date, today, open, none_because })
    }

    /// Everything that decides which times are open in `span`: one look at all calendars, and our own ledger.
    pub(super) async fn board<'p>(&self, asked: &Asked<'p>, span: Span, deadline: Deadline) -> Result<Board<'p>, Refusal> {
        // Whoever the caller does not want need not be seen: their calendar may be out of reach.
        let asked_for = asked.crew.iter().enumerate().filter(|(index, _)| asked.wanted.is_none_or(|wanted| wanted == *index));
        let places: Vec<_> = asked_for.filter_map(|(_, technician)| self.place_of(asked.profile, technician)).collect();
        let mut busy = self.busy(asked.profile, &places, span, deadline).await;
        let mut board = self.blank_board(asked, span).await?;
        for (member, technician) in board.crew.iter_mut().zip(&asked.crew) {
            let spans = self.place_of(asked.profile, technician).and_then(|place| busy.remove(&place)).and_then(Result::ok);
            member.calendar = spans.map_or(Sight::Unknown, |spans| Sight::Known(spans.into_iter().collect()));
        }
        Ok(board)
    }

    /// Starts to learn in the background what is busy in the coming weeks, if it is not known: somebody is about to ask.
    pub fn warm(&self, profile: &Arc<Profile>) {
        // Whoever comes while it runs starts nothing, and nobody waits for it.
        let _running = self.warming.join(profile.slug.clone(), || {
            let (desk, profile) = (self.clone(), Arc::clone(profile));
            async move {
                let now = desk.clock.now();
                let first = reach(&profile.zone, &profile.rules, now, profile.zone.date(now));
                desk.calendars.foresee_busy(&desk.places_of(&profile), first, profile.rules.all_day_free_blocks).await;
            }
        });
    }

    /// Busy time of each place, those that failed at once asked again. Who is missing could not be asked in time.
    async fn busy(&self, profile: &Profile, places: &[Place], span: Span, deadline: Deadline) -> Answers {
        let (watch, crew, all_day) = (Stopwatch::start(), self.places_of(profile), profile.rules.all_day_free_blocks);
        let ask = async |places: &[Place]| {
            let asking = self.calendars.known_busy(&crew, places, span, all_day);
            tokio::time::timeout(deadline.left(), asking).await.unwrap_or_default()
        };
        let mut busy = ask(places).await;
        let failed = |(place, seen): (&Place, &Result<_, Fault>)| Some((place.clone(), seen.as_ref().err()?.clone()));
        let (failed, faults): (Vec<Place>, Vec<Fault>) = busy.iter().filter_map(failed).unzip();
        if let Some(fault) = faults.iter().find(|fault| !matches!(fault, Fault::Refused(_)))
            && again::is_worth_it(watch, fault, deadline).await
        {
            busy.extend(ask(&failed).await);
        }
        busy
    }

    /// The same without the calendars, as if they were empty: what rules, hours and our own ledger allow.
    pub(super) async fn blank_board<'p>(&self, asked: &Asked<'p>, span: Span) -> Result<Board<'p>, Refusal> {
        let mut crew = Vec::with_capacity(asked.crew.len());
        for technician in &asked.crew {
            let jobs = match self.place_of(asked.profile, technician) {
                Some(place) => self.store.held_between(&self.calendars.claim_key(&place), span, asked.but).await?,
                None => Vec::new(),
            };
            crew.push(Member { opening: &technician.opening, calendar: Sight::Known(std::iter::empty().collect()), jobs });
        }
        Ok(Board {
            zone: &asked.profile.zone,
            rules: asked.profile.rules,
            now: self.clock.now(),
            duration: asked.service.duration,
            asked: span,
            crew,
            wanted: asked.wanted,
            held: Held::new(),
        })
    }

    /// The times that other running calls were offered within `hold_seconds`: this caller hears them last. Bookings do not ask:
    /// whoever claims a time first has it. Nothing is held from a request that belongs to no call, for it may belong to any.
    pub(super) async fn held_from(&self, profile: &Profile, caller: &Caller) -> Result<Held, Refusal> {
        let hold = profile.booking_rules.hold;
        let Some(call) = caller.call_id.as_deref().filter(|_| !hold.is_zero()) else { return Ok(Held::new()) };
        Ok(self.store.offered_to_others(&profile.slug, call, self.clock.now() - hold).await?)
    }
}
