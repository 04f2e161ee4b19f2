//! How the address of an account or a calendar stands in a log: enough to tell it from the others of its business, and
//! nothing that anybody could write to.

/// Domains that are Google's own and so tell nothing of a person.
const GOOGLES: [&str; 2] = ["group.calendar.google.com", "gmail.com"];
/// So much of the name is shown.
const SHOWN_CHARS: usize = 2;

/// `sam@abc.example` is `sa…@…`; what is no address, such as `primary`, stays as it is.
#[must_use]
pub fn shown(address: &str) -> String {
    let Some((name, domain)) = address.rsplit_once('@') else { return address.to_owned() };
    let name: String = name.chars().take(SHOWN_CHARS).collect();
    let domain = if GOOGLES.contains(&domain) { domain } else { "…" };
    format!("{name}…@{domain}")
}
