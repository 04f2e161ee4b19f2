//! What is said of appointments that were found, moved or cancelled.

use serde_json::{Value, json};
use time::Date;

use super::{Reply, in_local_time, instant, instants, others, sticks, why_not};
use crate::booking::change::ChangeOfMind;
use crate::booking::change::words::{cancelled, elsewhere, gone, listed, moved, stays};
use crate::business::profile::Profile;
use crate::scheduling::speech::spoken_list;
use crate::store::bookings::BookingRow;

impl Reply {
    /// The caller's coming appointments.
    #[must_use]
    pub fn appointments(profile: &Profile, rows: &[BookingRow], today: Date) -> Self {
        let spoken: Vec<String> = rows.iter().map(|row| listed(profile, row, today)).collect();
        let sentence = match spoken.as_slice() {
            [one] => format!("The caller has one coming appointment: {one}."),
            several => format!("The caller has {} coming appointments: {}.", several.len(), spoken_list(several, "and")),
        };
        let appointments: Vec<Value> = rows.iter().map(|row| fields_of(profile, row)).collect();
        Self::result(sentence, json!({ "success": true, "appointments": appointments }))
    }

    /// What came of a change of mind.
    #[must_use]
    pub fn changed(profile: &Profile, outcome: &ChangeOfMind, today: Date) -> Self {
        let said = |sentence: String, success: bool, row: &BookingRow| {
            let mut fields = fields_of(profile, row);
            if let Value::Object(fields) = &mut fields {
                fields.insert("success".into(), Value::Bool(success));
            }
            Self::result(sentence, fields)
        };
        match outcome {
            ChangeOfMind::Moved(row) => Self { acted: true, ..said(moved(profile, row, today), true, row) },
            ChangeOfMind::Cancelled(row) => Self { acted: true, ..said(cancelled(profile, row, today), true, row) },
            ChangeOfMind::Pending(_) => {
                let fields = json!({ "success": false, "pending": true });
                Self { sticks: false, ..Self::result(profile.phrases.pending.clone(), fields) }
            }
            ChangeOfMind::NotOpen { row, wished, because, others: open } => {
                let local = in_local_time(profile, open);
                let why = why_not(because, None, Some(profile.zone.civil(*wished)), today, &row.service);
                let sentence = format!("{why} {} {}", stays(profile, row, today), others(&local, open.unseen, today));
                let fields = json!({ "success": false, "slots": instants(&local) });
                Self { sticks: sticks(Some(because), open), ..Self::result(sentence, fields) }
            }
            ChangeOfMind::Elsewhere(row) => said(elsewhere(profile, row, today), false, row),
            ChangeOfMind::Gone(row) => Self::result(gone(profile, row, today), json!({ "success": false })),
        }
    }
}

fn fields_of(profile: &Profile, row: &BookingRow) -> Value {
    let start = profile.zone.civil(row.span.start);
    json!({ "service": row.service, "scheduledDate": instant(start), "confirmationId": row.confirmation })
}
