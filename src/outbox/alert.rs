//! Alerts to the operator, posted to `ALERT_WEBHOOK_URL` and always logged.

use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::{Done, Outbox};
use crate::clock::from_epoch_ms;
use crate::names::Slug;

impl Outbox {
    #[tracing::instrument(level = "debug", name = "alert.post", skip_all)]
    pub(super) async fn post_alert(&self, id: &str, what: &str, business: Option<&Slug>, text: &str, since_ms: i64) -> Done {
        tracing::warn!(alert.kind = what, business = business.map(Slug::as_str), "{text}");
        let Some(url) = self.settings.alert_webhook_url.clone() else { return Done::Well };
        let since = from_epoch_ms(since_ms).format(&Rfc3339).unwrap_or_default();
        let alert = json!({ "id": id, "kind": what, "business": business, "text": text, "since": since });
        match self.http.post(url).json(&alert).send().await {
            Ok(response) if response.status().is_success() => Done::Well,
            Ok(response) => Done::NotYet(format!("the alert's receiver answered {}", response.status())),
            Err(error) => Done::NotYet(format!("the alert could not be posted: {}", error.without_url())),
        }
    }
}
