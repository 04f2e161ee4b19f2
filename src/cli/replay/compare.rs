//! Where two servers answer differently. Two JSON texts that say the same are the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::play::{Answer, Answers, Play};
use super::shown::{one_line, status};

/// A few lines for each webhook whose answers differ.
pub(super) fn differences(play: &Play, outcomes: &[Vec<Answers>]) -> Vec<String> {
    let mut found = Vec::new();
    for (number, (webhook, of_servers)) in play.webhooks.iter().zip(outcomes).enumerate() {
        let [first, second] = of_servers.as_slice() else { continue };
        let (said, otherwise) = (sayings(first), sayings(second));
        if said == otherwise {
            continue;
        }
        let mut text = format!("#{} {} is answered differently:\n", number + 1, webhook.line.what());
        for (server, answers) in play.servers.iter().zip([said, otherwise]) {
            text.extend(answers.iter().map(|answer| format!("  {server} {answer}\n")));
        }
        found.push(text);
    }
    found
}

fn sayings(answers: &Answers) -> BTreeSet<String> {
    let saying = |answer: &Answer| {
        let json = serde_json::from_str::<Value>(&answer.body).map(|json| json.to_string());
        format!("{} {}", status(answer), json.unwrap_or_else(|_text| one_line(&answer.body)))
    };
    answers.0.iter().map(|(answer, _)| saying(answer)).collect()
}
