//! The telephone call that is played: a caller, the assistant's questions, a delivery that comes twice, and a second
//! caller who wants the same hour. Each step is told as it happens.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use time::{Date, OffsetDateTime, Time};

use super::super::print;
use super::stage::Stage;
use crate::clock::Clock;
use crate::config::{HmacPlan, ProofPlan};
use crate::names::BookingState;
use crate::scheduling::speech::{spoken_date, spoken_time};
use crate::store::bookings::BookingRow;
use crate::twilio;
use crate::vapi::signature::{ProofChoice, sign};

const CALLED: &str = "+15551230000";
const CALLER: &str = "+15557654321";
const OTHER_CALLER: &str = "+15558880000";
const TECHNICIAN: &str = "sam";
const FIRST_HOUR: u8 = 8;
const CONTESTED_HOUR: u8 = 13;

/// A call that is played.
pub(super) struct Call<'a> {
    stage: &'a Stage,
    http: reqwest::Client,
    day: Date,
}

impl<'a> Call<'a> {
    pub(super) fn new(stage: &'a Stage) -> anyhow::Result<Self> {
        let day = stage.day().context("the example business has no open day in the next two weeks")?;
        Ok(Self { stage, http: reqwest::Client::builder().no_proxy().tls_certs_only(std::iter::empty()).build()?, day })
    }

    pub(super) async fn play(&mut self) -> anyhow::Result<()> {
        let day = spoken_date(self.day, self.stage.profile().zone.date(Clock::System.now()));
        tell("The telephone rings. Twilio asks, with its signature, what to do with the caller.")?;
        let twiml = self.ring("CA00000000000000000000000000000001").await?;
        ensure!(twiml.contains("<Connect") && twiml.contains("<Stream"), "the caller was not connected");
        tell(
            "ringbook answers with TwiML: the caller is connected to the assistant. Twilio asks again, as it does on a bad line:",
        )?;
        ensure!(self.ring("CA00000000000000000000000000000001").await? == twiml, "the second answer differs from the first");
        tell("the same TwiML, and still one call.")?;

        say("Caller", &format!("My heating is broken. Can somebody come on {day}, in the morning?"))?;
        let check = json!({ "serviceType": "AC repair", "requestedDate": self.day.to_string(), "timeWindow": "morning" });
        say("Assistant", &self.ask("call-1", CALLER, "tool-1", "checkAvailability", &check).await?)?;

        let first = self.at(FIRST_HOUR)?;
        say("Caller", &format!("{} with Sam is fine. My name is Dana Miller.", spoken_time(first)))?;
        let book = booking(first, "Dana Miller");
        let answer = self.ask("call-1", CALLER, "tool-2", "bookAppointment", &book).await?;
        say("Assistant", &answer)?;
        tell("Vapi delivers the same tool call a second time:")?;
        ensure!(
            self.ask("call-1", CALLER, "tool-2", "bookAppointment", &book).await? == answer,
            "the second delivery was answered otherwise"
        );
        tell("the same answer, word for word, and still one appointment.")?;
        self.race(self.at(CONTESTED_HOUR)?).await
    }

    /// Two callers want the same hour of the same technician at the same moment.
    async fn race(&self, start: OffsetDateTime) -> anyhow::Result<()> {
        tell(&format!("Two callers now ask for Sam at {}, at the same moment.", spoken_time(start)))?;
        let (dana, lee) = (booking(start, "Dana Miller"), booking(start, "Lee Wong"));
        let (one, other) = tokio::try_join!(
            self.ask("call-1", CALLER, "tool-3", "bookAppointment", &dana),
            self.ask("call-2", OTHER_CALLER, "tool-1", "bookAppointment", &lee),
        )?;
        say("To Dana", &one)?;
        say("To Lee", &other)?;
        let booked = [&one, &other].iter().filter(|answer| answer.contains("You're booked")).count();
        ensure!(booked == 1, "{booked} of two racing callers were told that they are booked");
        tell("One of them has the hour; the other was offered what is open.")
    }

    /// Two confirmed bookings of the first technician: the first hour, and the contested one, once.
    pub(super) fn expects(&self, rows: &[BookingRow]) -> bool {
        let wanted: Vec<OffsetDateTime> =
            [FIRST_HOUR, CONTESTED_HOUR].into_iter().filter_map(|hour| self.at(hour).ok()).collect();
        let is_right = |row: &BookingRow| row.state == BookingState::Confirmed && row.technician == TECHNICIAN;
        rows.iter().all(is_right) && rows.iter().map(|row| row.span.start).eq(wanted)
    }

    fn at(&self, hour: u8) -> anyhow::Result<OffsetDateTime> {
        let wall = self.day.with_time(Time::from_hms(hour, 0, 0)?);
        self.stage.profile().zone.local(wall).first().context("that hour does not exist")
    }

    async fn ring(&self, call_sid: &str) -> anyhow::Result<String> {
        let url = format!("{}/twilio/inbound", self.stage.server_url());
        let form: Vec<(String, String)> =
            [("CallSid", call_sid), ("From", CALLER), ("To", CALLED), ("CallStatus", "ringing"), ("Direction", "inbound")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec();
        let signature = twilio::signature::sign(&url, &form, self.stage.twilio_token());
        let answer = self.http.post(&url).header("X-Twilio-Signature", signature).form(&form).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// One tool call, as Vapi sends it; what comes back is what the caller hears.
    async fn ask(&self, call: &str, caller: &str, id: &str, tool: &str, arguments: &Value) -> anyhow::Result<String> {
        let body = json!({ "message": {
            "type": "tool-calls",
            "toolCallList": [{ "id": id, "type": "function", "function": { "name": tool, "arguments": arguments } }],
            "call": { "id": call, "customer": { "number": caller } },
            "phoneNumber": { "number": CALLED },
        }})
        .to_string();
        let plan =
            ProofPlan { secrets: vec![self.stage.vapi_secret().into()], hmac: HmacPlan::presets(), secret: true, bearer: false };
        let headers = sign(&plan, body.as_bytes(), Clock::System.now(), ProofChoice::Hmac);
        let request = self.http.post(format!("{}/webhook/vapi", self.stage.server_url()));
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let answer: Value = request.body(body).send().await?.error_for_status()?.json().await?;
        let entry = answer.pointer("/results/0").context("the answer has no result")?;
        let heard = entry.get("result").or_else(|| entry.get("error")).and_then(Value::as_str);
        Ok(heard.context("the answer has no sentence")?.to_owned())
    }
}

fn booking(start: OffsetDateTime, name: &str) -> Value {
    let wall = format!("{}T{:02}:{:02}", start.date(), start.hour(), start.minute());
    json!({ "serviceType": "repair", "scheduledDate": wall, "technician": TECHNICIAN, "customerName": name })
}

fn tell(what: &str) -> anyhow::Result<()> {
    Ok(print(&format!("  {what}\n"))?)
}

fn say(who: &str, what: &str) -> anyhow::Result<()> {
    Ok(print(&format!("\n{who}: “{what}”\n"))?)
}
