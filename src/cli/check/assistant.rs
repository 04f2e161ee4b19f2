//! Whether there is an assistant that answers. What it says is compared by `ringbook assistant diff`.

use super::Findings;
use crate::business::profile::Profile;
use crate::cli::Failure;
use crate::config::Connect;
use crate::ground::Ground;

const SUBJECT: &str = "assistant";

pub(super) async fn of(ground: &Ground, profile: &Profile, findings: &mut Findings) -> Result<(), Failure> {
    let (slug, vapi) = (&profile.slug, ground.settings.vapi.of(&profile.slug));
    if vapi.connect == Connect::Sip {
        findings.ok(Some(slug), SUBJECT, "Vapi knows by its SIP address who answers");
        return Ok(());
    }
    let pushed = ground.store.assistant_of(slug, vapi.assistant_id.as_ref()).await;
    match pushed.map_err(|error| Failure::because("the assistant cannot be looked up", error))? {
        Some(id) if vapi.assistant_id.is_some() => findings.ok(Some(slug), SUBJECT, format!("{id}, as VAPI_ASSISTANT_ID says")),
        Some(id) => findings.ok(Some(slug), SUBJECT, format!("{id}, as it was pushed")),
        None => findings.warning(
            Some(slug),
            SUBJECT,
            "there is none, so callers go straight to a person",
            format!("`ringbook assistant push --business {slug}` makes one"),
        ),
    }
    Ok(())
}
