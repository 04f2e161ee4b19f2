//! One tool call: whether it is done anew or was before, by whom it may be done, and the bytes that answer it in time.

use std::sync::Arc;
use std::time::Duration;

use super::Station;
use super::callers::NotServed;
use super::in_person;
use super::message::{About, ToolCall};
use super::reply::Reply;
use super::tools::{Request, Tool, dictated_phone};
use super::trace::Traced;
use super::whose::{Whose, caller};
use crate::booking::Caller;
use crate::business::profile::Profile;
use crate::clock::{Deadline, Stopwatch};
use crate::inbox::Answer;
use crate::inbox::key::{Asked, Key, digest};
use crate::meters;
use crate::names::Phone;

/// Kept back from the budget for writing down what is promised, and for keeping and sending the answer: a few writes to a disk,
/// also where it is slow.
const MARGIN: Duration = Duration::from_millis(500);

const WHICH_BUSINESS: &str = "I can't tell which business this call is for, so nothing was done.";
const NO_SUCH_TOOL: &str = "There is no such function here, so nothing was done.";
const TOO_MANY: &str =
    "That was too much at once, so this was not done. Please wait a moment, or offer to put the caller through to a person.";
pub(super) const NOT_NOTED: &str = "Something went wrong on our side, so nothing is confirmed. Please try again in a moment.";
const TOO_LATE: &str = "I could not finish that in time, so it is not confirmed. Please ask me again in a moment.";

/// When a message came: its place among all of them, and until when it must be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came {
    pub(super) number: u64,
    pub(super) deadline: Deadline,
}

/// In which form a tool call came, and so must be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    ToolCalls,
    FunctionCall,
}

impl Station {
    /// The bytes that answer one tool call.
    pub(super) async fn answer(
        self: &Arc<Self>,
        form: Form,
        whose: &Whose,
        about: &About,
        call: &ToolCall,
        came: Came,
    ) -> String {
        let since = Stopwatch::start();
        let Some(profile) = &whose.profile else { return rendered(form, call, &Reply::error(WHICH_BUSINESS)) };
        let caller = caller(whose.row.as_ref(), about);
        let traced = Traced::new(&self.store, &self.clock, profile, caller.call_id.as_deref(), call);
        let Some(tool) = Tool::read(&call.name) else {
            tracing::warn!(business = %profile.slug, "an unknown tool was called");
            let reply = Reply::error(NO_SUCH_TOOL);
            let answer = rendered(form, call, &reply);
            traced.answered(&reply);
            return answer;
        };
        let key = key(profile, &caller, call, tool);
        let (traced, delivery) = (traced.under(&key.text), key.text.clone());
        let begun = traced.begun();
        let request =
            Request { tool, arguments: call.arguments.clone(), caller, call: about.running_call(), id: call.id.clone() };
        let asked = digest(&format!("{}\n{}", tool.name(), call.arguments.canonical()));
        let (station, profile, theirs) = (Arc::clone(self), Arc::clone(profile), call.clone());
        // On the main runtime: it goes on when whoever asked has hung up, and a second delivery of it joins.
        let work = move || async move {
            traced.begins();
            let reply = station.decide(&profile, &request, came).await;
            // A key that is neither an id nor all arguments would hold what was missing against whoever gives it later.
            let sticks = reply.sticks && (!reply.is_error || theirs.id.is_some() || request.caller.call_id.is_some());
            traced.answered(&reply);
            Answer { text: rendered(form, &theirs, &reply).into(), sticks, acted: reply.acted }
        };
        let unanswered = |outcome, sentence| {
            meters::tool(tool.name(), outcome, since.elapsed());
            rendered(form, call, &Reply::passing(sentence))
        };
        let Ok(running) = self.inbox.once(key, asked, work) else { return unanswered("overloaded", TOO_MANY) };
        match tokio::time::timeout(came.deadline.left(), running.outcome()).await {
            Ok(Ok(Ok(answer))) => {
                self.note_repetition(&begun, delivery, tool, since);
                answer.text.to_string()
            }
            Ok(Ok(Err(_)) | Err(_)) => unanswered("failed", NOT_NOTED),
            Err(_late) => unanswered("late", TOO_LATE),
        }
    }

    /// What is said to a tool call that is done for the first time.
    #[tracing::instrument(level = "debug", name = "tool", skip_all, fields(tool = request.tool.name(), business = %profile.slug))]
    async fn decide(&self, profile: &Arc<Profile>, request: &Request, came: Came) -> Reply {
        let (tool, deadline) = (request.tool, came.deadline.earlier_by(MARGIN));
        // Counted only here: what was answered before is not done again, and does not count again.
        if !tool.puts_through() && !self.limits.allow(profile, request.caller.call_id.as_deref()) {
            return Reply::passing(TOO_MANY);
        }
        if let Some(not_served) = NotServed::of(profile, &request.caller).filter(|it| it.stops(tool)) {
            return not_served.instead_of_a_tool(profile);
        }
        if !tool.puts_through()
            && let Some(in_person) =
                in_person::instead_of_a_tool(profile, &self.clock, &self.switchboard, &request.call, deadline).await
        {
            return in_person;
        }
        match request.turn((&self.listening, &self.store), came.number, profile, deadline).await {
            Err(not_now) => not_now,
            Ok(()) => request.run(&self.desk, &self.switchboard, &self.clock, profile, deadline).await,
        }
    }
}

/// The name under which this tool call is done once.
fn key(profile: &Profile, caller: &Caller, call: &ToolCall, tool: Tool) -> Key {
    let signalled = caller.signalled.as_ref().map(Phone::as_str);
    let wish = tool.wish_text(&call.arguments, caller.call_id.is_some());
    let asked = Asked {
        business: &profile.slug,
        call: caller.call_id.as_deref(),
        caller: signalled.or(dictated_phone(&call.arguments)).unwrap_or_default(),
        tool: tool.name(),
        acts: tool.acts(),
        wish: &wish,
    };
    call.id.as_ref().map_or_else(|| Key::without_id(&asked), |id| Key::with_id(&asked, id))
}

pub(super) fn rendered(form: Form, call: &ToolCall, reply: &Reply) -> String {
    match form {
        Form::ToolCalls => reply.entry(&call.raw_id, &call.name),
        Form::FunctionCall => reply.object(Tool::read(&call.name).map(Tool::verdict)),
    }
}
