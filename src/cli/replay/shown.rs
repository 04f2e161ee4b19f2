//! The answers, for people: a row for each different answer to each webhook.

use super::play::{Answer, Answers, Play};

pub(super) fn table(play: &Play, outcomes: &[Vec<Answers>]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["#", "Webhook", "Server", "Status", "Times", "ms", "Body"]);
    for (number, (webhook, of_servers)) in play.webhooks.iter().zip(outcomes).enumerate() {
        for (server, answers) in play.servers.iter().zip(of_servers) {
            for (answer, times) in &answers.0 {
                table.add_row([
                    (number + 1).to_string(),
                    webhook.line.what(),
                    server.to_string(),
                    status(answer),
                    times.len().to_string(),
                    milliseconds(times),
                    one_line(&answer.body),
                ]);
            }
        }
    }
    format!("{table}\n")
}

/// The status, or that there was none.
pub(super) fn status(answer: &Answer) -> String {
    answer.status.map_or_else(|| "none".to_owned(), |status| status.to_string())
}

/// One number, or of several the least, the median and the most.
fn milliseconds(times: &[u64]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    match (times.first(), times.get(times.len() / 2), times.last()) {
        (Some(least), Some(median), Some(most)) if times.len() > 1 => format!("{least} / {median} / {most}"),
        (Some(only), ..) => only.to_string(),
        _ => String::new(),
    }
}

/// On one line, whatever is in it.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}
