//! Names of settings that are nearly right: the wrong name for a setting that is missing, and the wrong business behind
//! `__`. Other programs have names like ours, so an unknown name alone is never a mistake.

use std::collections::BTreeSet;

use super::environment::Environment;
use super::reader::{Owner, Reader};
use super::table::{SETTINGS, Setting};

/// How many letters may be wrong, missing or swapped in a name that is still taken for another.
const MAX_SLIPS: usize = 2;
/// How many words two names must share where one has more words than the other.
const MIN_SHARED_WORDS: usize = 2;

/// `NAME`, or `NAME__SLUG` for one business.
pub(super) fn full_name(name: &str, owner: Owner<'_>) -> String {
    owner.map_or_else(|| name.to_owned(), |slug| format!("{name}__{}", slug.as_setting_suffix()))
}

/// A name that is set, that nothing reads, and that was probably meant to be `wanted`.
pub(super) fn likely_meant(environment: &Environment, wanted: &str) -> Option<String> {
    let unknown = environment.names().filter(|name| Setting::named(name).is_none() && !name.contains("__"));
    unknown.filter(|name| are_near(name, wanted)).min_by_key(|name| slips(name, wanted)).map(str::to_owned)
}

/// Checks what stands behind `__`, and warns of names in our groups that nothing reads but that look like one of ours.
pub(super) fn check(reader: &mut Reader<'_>) {
    let environment = reader.environment();
    for name in environment.names() {
        let (base, suffix) = name.split_once("__").map_or((name, None), |(base, suffix)| (base, Some(suffix)));
        match (Setting::named(base), suffix) {
            (Some(setting), Some(suffix)) => check_suffix(reader, setting, name, suffix),
            (Some(_), None) => {}
            (None, _) if reader.has_explained(name) => {}
            (None, suffix) => {
                if let Some(near) = unset_neighbour(environment, base, suffix) {
                    reader.odd(format!("{name} is set, but nothing reads it; ringbook reads {near}."));
                }
            }
        }
    }
}

fn check_suffix(reader: &mut Reader<'_>, setting: &Setting, name: &str, suffix: &str) {
    let known: Vec<String> = reader.businesses().iter().map(|slug| full_name(setting.name, Some(slug))).collect();
    if !setting.may_be_own() {
        reader.wrong(format!(
            "{name} cannot be: {} holds for all businesses, only TWILIO_, VAPI_ and GOOGLE_ settings may be given for one.",
            setting.name
        ));
    } else if known.is_empty() {
        reader.wrong(format!("{name} names no business: there is no business file in the folder BUSINESSES yet."));
    } else if !reader.businesses().iter().any(|slug| slug.as_setting_suffix() == suffix) {
        reader.wrong(format!("{name} names no business; those with a file are written {}.", known.join(", ")));
    }
}

/// The setting of the same group that a name looks like, unless that is set as well.
fn unset_neighbour(environment: &Environment, base: &str, suffix: Option<&str>) -> Option<String> {
    let group = base.split_inclusive('_').next().unwrap_or_default();
    let full = |setting: &Setting| suffix.map_or(setting.name.to_owned(), |suffix| format!("{}__{suffix}", setting.name));
    SETTINGS
        .iter()
        .filter(|setting| setting.may_be_own() && setting.name.starts_with(group) && are_near(base, setting.name))
        .filter(|setting| environment.value(&full(setting)).is_none())
        .min_by_key(|setting| slips(base, setting.name))
        .map(full)
}

/// Whether one is a slip of the other, or leaves out words of it (`TWILIO_TOKEN`, `WEBHOOK_SECRET`).
fn are_near(name: &str, setting: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: BTreeSet<&str> = upper.split('_').collect();
    let wanted: BTreeSet<&str> = setting.split('_').collect();
    let shared = words.intersection(&wanted).count();
    slips(name, setting) <= MAX_SLIPS || (shared >= MIN_SHARED_WORDS && shared == words.len().min(wanted.len()))
}

fn slips(name: &str, setting: &str) -> usize {
    let letters = |text: &str| text.to_ascii_uppercase().replace(['_', '-', '.'], "");
    strsim::damerau_levenshtein(&letters(name), &letters(setting))
}
