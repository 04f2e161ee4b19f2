//! What is remembered of calls: reports that did not come are fetched, and calls of people who were erased are deleted at Vapi.

use super::{Done, Outbox};
use crate::clients::Error;
use crate::names::{Slug, VapiCallId};
use crate::store;
use crate::store::jobs::LeasedJob;

/// After so many attempts a report is not asked for any more; with the usual pauses that is about four hours.
const ASKED_FOR: u32 = 14;

impl Outbox {
    pub(super) async fn fetch_report(
        &self,
        leased: &LeasedJob,
        business: &Slug,
        call: &VapiCallId,
    ) -> Result<Done, store::Error> {
        if self.store.report(call).await?.is_some() {
            return Ok(Done::Well);
        }
        let cause = match self.vapi.report_of(self.settings.vapi.of(business), call).await {
            Ok(Some(report)) => {
                self.store.keep_report(business, call, &report, self.clock.now()).await?;
                tracing::info!(call.id = %call, business = %business, "the report of a call did not come and was fetched");
                return Ok(Done::Well);
            }
            // Without a key nothing can be asked: the call has no report, which nobody relies on.
            Err(Error::Settings(_)) => return Ok(Done::Well),
            Err(error @ Error::Refused { status: 400..=404, .. }) => return Ok(Done::Never(error.to_string())),
            Ok(None) => "the call is not over at Vapi".to_owned(),
            Err(error) => error.to_string(),
        };
        Ok(if leased.attempts >= ASKED_FOR { Done::Never(cause) } else { Done::NotYet(cause) })
    }

    pub(super) async fn forget_call(&self, business: &Slug, call: &VapiCallId) -> Done {
        match self.vapi.delete_call(self.settings.vapi.of(business), call).await {
            Ok(()) => {
                tracing::info!(call.id = %call, business = %business, "a call was deleted at Vapi");
                Done::Well
            }
            Err(Error::Settings(missing)) => Done::Never(missing.to_owned()),
            // A refusal may pass when somebody mends a key or a permission, so it is tried as long as any other failure.
            Err(error) => Done::NotYet(error.to_string()),
        }
    }
}
