//! What `--help` says beside the commands: examples, and every setting.

use crate::config::table::{Absent, SETTINGS};

pub(super) const EXAMPLES: &str = "\
Examples:
  ringbook demo --once                   a whole phone call against this machine: no account, no key, no network
  ringbook keygen >> .env                fresh secrets for the settings
  ringbook business new abc-hvac --number +15551230000 --zone America/New_York
  ringbook serve                         answer the phone
  ringbook assistant push                make or change the assistant of each business at Vapi
  ringbook google login abc-hvac         a link with which the owner of abc-hvac connects a Google calendar
  ringbook twilio configure              point the numbers here, and say where they pointed before
  ringbook connect abc-hvac              the assistant, the number, and what is still wrong
  ringbook check                         what is wrong, and how to mend it
  ringbook slots abc-hvac --service repair --date 2026-12-01
  ringbook bookings --date 2026-12-01    what was booked that day
  ringbook calls --failed                the calls of the last day in which something went wrong
  ringbook call CA0123…                  one call, from the ringing to what was said
  ringbook pause abc-hvac --until 14:00  callers go straight to a person
  ringbook close abc-hvac --from 2026-12-24 --to 2026-12-26 --reason Christmas
  ringbook reload                        read the business files again, without a restart
  ringbook sign vapi --body call.json | curl -H @- --data-binary @call.json http://127.0.0.1:8080/webhook/vapi
  ringbook replay CA0123… --to http://127.0.0.1:8080   the same call once more, against another server
  ringbook migrate-store --from sqlite://ringbook.db --to postgres://USER:PASSWORD@HOST/DATABASE

Settings come from the environment and then from .env in the working directory; `ringbook serve --help` lists them.
Exit code: 0 when it worked, 2 for bad usage or settings, 1 for any other failure.";

pub(super) fn settings() -> String {
    let lines = SETTINGS.iter().map(|setting| {
        let absent = match setting.absent {
            Absent::Refused => "required".to_owned(),
            Absent::Off => "off by default".to_owned(),
            Absent::Means(value) => format!("default {value}"),
            Absent::Depends(words) => words.to_owned(),
        };
        format!("  {}\n      {} [{absent}]\n", setting.name, setting.meaning)
    });
    let heading = "Example:\n  ringbook serve\n\nSettings (a TWILIO_, VAPI_ or GOOGLE_ setting may be given for one business, as NAME__SLUG):\n";
    std::iter::once(heading.to_owned()).chain(lines).collect()
}
