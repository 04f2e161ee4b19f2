//! Everything that is looked at: its id, which scripts rely on, how people call it, and why it matters.

pub(super) const SETTINGS: &str = "settings";
pub(super) const FILES: &str = "files";
pub(super) const CLOCK: &str = "clock";
pub(super) const DATABASE: &str = "database";
pub(super) const REDIS: &str = "redis";
pub(super) const BUDGETS: &str = "budgets";
pub(super) const ADDRESS: &str = "public.address";
pub(super) const REACHED: &str = "public.reached";
pub(super) const FROM_TWILIO: &str = "public.twilio";
pub(super) const FROM_VAPI: &str = "public.vapi";
pub(super) const TWILIO_ACCOUNT: &str = "twilio.account";
pub(super) const TWILIO_TRIAL: &str = "twilio.trial";
pub(super) const NUMBER: &str = "twilio.number";
pub(super) const VOICE_URL: &str = "twilio.voice_url";
pub(super) const BEFORE_VOICE_URL: &str = "twilio.trunk_or_application";
pub(super) const FALLBACK_URL: &str = "twilio.fallback_url";
pub(super) const STATUS_CALLBACK: &str = "twilio.status_callback";
pub(super) const SMS: &str = "twilio.sms";
pub(super) const VAPI: &str = "vapi";
pub(super) const ASSISTANT: &str = "vapi.assistant";
pub(super) const ASSISTANT_TOOLS: &str = "vapi.tools";
pub(super) const ASSISTANT_SERVER: &str = "vapi.server_url";
pub(super) const ASSISTANT_PROOF: &str = "vapi.proof";
pub(super) const ASSISTANT_PATIENCE: &str = "vapi.timeout";
pub(super) const VAPI_NUMBER: &str = "vapi.phone_number";
pub(super) const VAPI_LATENCY: &str = "vapi.latency";
pub(super) const GOOGLE_CLIENT: &str = "google.client";
pub(super) const GOOGLE_ACCOUNTS: &str = "google.accounts";
pub(super) const GOOGLE_ACCOUNT: &str = "google.account";
pub(super) const CALENDAR: &str = "calendar";
pub(super) const CALENDAR_ZONE: &str = "calendar.zone";
pub(super) const SERVICE: &str = "business.service";
pub(super) const HOURS: &str = "business.hours";
pub(super) const NOTICE: &str = "business.notice";
pub(super) const TRANSFER: &str = "business.transfer";
pub(super) const NOTIFY: &str = "business.notify";
pub(super) const EMERGENCY: &str = "business.emergency";
pub(super) const PAUSED: &str = "business.paused";

/// Id, name for people, and why it matters.
const ALL: &[(&str, &str, &str)] = &[
    (
        SETTINGS,
        "settings",
        "the server does not start with a setting that cannot be read, and does not do what one says that it does not know",
    ),
    (
        FILES,
        "business files",
        "the server does not start with a file that cannot be read, and a key that does nothing was mostly meant to do something",
    ),
    (CLOCK, "clock", "signatures with a timestamp and the tokens for Google are refused when the time differs"),
    (DATABASE, "database", "nothing is booked that cannot be written down first"),
    (REDIS, "Redis", "without it each copy of the server asks Google for itself"),
    (BUDGETS, "time limits", "callers wait in silence for so long, and who asked gives up before the answer"),
    (ADDRESS, "public address", "Twilio and Vapi ask there, and sign what they ask with it"),
    (
        REACHED,
        "public address",
        "Twilio and Vapi ask there: when nobody answers, callers hear that an application error has occurred",
    ),
    (FROM_TWILIO, "as Twilio asks", "what is not proven is refused, so that no call is answered"),
    (FROM_VAPI, "as Vapi asks", "what is not proven is refused, so that the assistant can neither look nor book"),
    (TWILIO_ACCOUNT, "Twilio account", "by its token webhooks are proven and numbers and SMS are managed"),
    (
        TWILIO_TRIAL,
        "Twilio account",
        "on a trial, callers hear an announcement first, and SMS reach only numbers that were verified",
    ),
    (NUMBER, "number", "without it no call comes here"),
    (VOICE_URL, "voice URL", "it is whom Twilio asks when the number rings"),
    (BEFORE_VOICE_URL, "trunk or application", "Twilio ignores the voice URL as long as it is set, so no call comes here"),
    (FALLBACK_URL, "fallback URL", "without it callers hear an error when this server fails"),
    (STATUS_CALLBACK, "status callback", "without it nobody hears of calls that end without a word from the assistant"),
    (SMS, "SMS", "callers get no confirmation, and the business is not told of messages"),
    (VAPI, "Vapi", "without it no assistant answers"),
    (ASSISTANT, "assistant", "it is who speaks with callers"),
    (ASSISTANT_TOOLS, "assistant's tools", "with them the assistant looks for times and books; without, it can only promise"),
    (ASSISTANT_SERVER, "assistant's server", "at that address its tools ask: elsewhere nobody answers them"),
    (ASSISTANT_PROOF, "assistant's proof", "what Vapi cannot prove is refused with 401, so nothing is booked"),
    (
        ASSISTANT_PATIENCE,
        "assistant's patience",
        "Vapi gives up before the answer is there, and the assistant says that it failed",
    ),
    (VAPI_NUMBER, "number at Vapi", "under bypass Vapi starts no call without it"),
    (
        VAPI_LATENCY,
        "Vapi's pace",
        "callers wait in silence until Vapi has answered, and get a person when CONNECT_BUDGET_MS is over",
    ),
    (GOOGLE_CLIENT, "Google OAuth client", "with it owners connect their accounts, and connections are kept alive"),
    (GOOGLE_ACCOUNTS, "Google accounts", "past that number Google lets nobody else connect"),
    (GOOGLE_ACCOUNT, "Google account", "without it no calendar can be read or written"),
    (CALENDAR, "calendar", "nothing is booked where it cannot be read and written"),
    (CALENDAR_ZONE, "calendar", "all-day events then block other hours than people think"),
    (SERVICE, "services", "what fits into no opening is never offered"),
    (HOURS, "opening hours", "nothing is offered on a day on which nobody works"),
    (NOTICE, "minimum notice", "every time is too soon or too far ahead, so nothing can be offered"),
    (TRANSFER, "transfer", "who asks for a person, or calls while the assistant cannot be reached, reaches only the voicemail"),
    (NOTIFY, "notifications", "nobody hears of voicemails, lost connections and bookings that are in doubt"),
    (EMERGENCY, "emergency", "a caller in danger is put through to nobody"),
    (PAUSED, "pause", "callers do not get the assistant as long as it lasts"),
];

/// How people call it, and why it matters.
pub(super) fn about(id: &'static str) -> (&'static str, &'static str) {
    ALL.iter().find(|(known, ..)| *known == id).map_or((id, ""), |(_, name, why)| (name, why))
}
