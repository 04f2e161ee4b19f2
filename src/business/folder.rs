//! The folder of business files: all of them read, each checked, then all against each other. Either every file is good
//! and there is a directory, or every problem of every file is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::{Problem, Problems};
use super::profile::Profile;
use super::routing::Directory;
use super::sections;
use crate::config::{CalendarKind, Google, Scoped};
use crate::names::{Phone, Slug};

/// How the calendars of a business are opened, as far as its file must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The embedded calendar: everybody has one by itself.
    Embedded,
    /// A Google account that the owner connects, and in which the owner chooses.
    Connected,
    /// A service account that acts for itself: it sees what is shared with it, and only by id.
    ServiceAccount,
    /// A service account that acts for a user of the same domain.
    Impersonating,
}

/// What the settings say that decides whether a business file is complete.
#[derive(Clone, Debug)]
pub struct LoadFacts {
    access: Scoped<Access>,
}

/// All businesses, and what their owners should know.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The businesses.
    pub directory: Directory,
    /// Sentences about keys that are set but do nothing, each naming file and key.
    pub warnings: Vec<String>,
}

impl LoadFacts {
    /// From `CALENDAR` and `GOOGLE_*`.
    #[must_use]
    pub fn new(calendar: CalendarKind, google: &Scoped<Google>) -> Self {
        let access = |google: &Google| match (calendar, &google.client, &google.impersonate) {
            (CalendarKind::Embedded, ..) => Access::Embedded,
            // With both ways a connected account goes before a service account, so its owner may still choose.
            (CalendarKind::Google, Some(_), _) => Access::Connected,
            (CalendarKind::Google, None, None) => Access::ServiceAccount,
            (CalendarKind::Google, None, Some(_)) => Access::Impersonating,
        };
        let everyone = Scoped::same(access(google.everyone()));
        let access = google.own().fold(everyone, |all, (slug, own)| all.with_own(slug.clone(), access(own)));
        Self { access }
    }

    /// The same for every business.
    #[must_use]
    pub fn same(access: Access) -> Self {
        Self { access: Scoped::same(access) }
    }
}

/// Reads every `*.toml` of the folder.
///
/// # Errors
/// Every [`Problem`] of every file, in the order of the files.
pub fn load_folder(folder: &Path, facts: &LoadFacts) -> Result<Loaded, Vec<Problem>> {
    let files = files(folder).map_err(|problem| vec![problem])?;
    let (profiles, warnings) = read_all(files, facts).finish()?;
    Ok(Loaded { directory: Directory::new(profiles), warnings })
}

/// What would be wrong with the folder if this file stood in it as well, and is not wrong without it.
pub(super) fn misfits(folder: &Path, slug: &Slug, text: &str, facts: &LoadFacts) -> Vec<Problem> {
    let Ok(files) = listed(folder) else { return Vec::new() };
    let before = read_all(files.clone(), facts).finish().err().unwrap_or_default();
    // Last, so that of two with one number the new one is named.
    let mut with_it = read_all(files, facts);
    with_it.add(slug, text, facts, &Problems::new(&format!("{slug}.toml")));
    let mut problems = with_it.finish().err().unwrap_or_default();
    problems.retain(|problem| !before.contains(problem));
    problems
}

fn read_all(files: Vec<PathBuf>, facts: &LoadFacts) -> Reading {
    let mut read = Reading::default();
    for path in files {
        let problems = Problems::new(&path.display().to_string());
        let Some(slug) = path.file_stem().and_then(|stem| Slug::parse(stem.to_str()?)) else {
            problems.add(
                "",
                "the name of this file is no slug; use lower-case letters, digits and inner dashes, such as abc-hvac.toml",
            );
            read.problems.extend(problems.take());
            continue;
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => read.add(&slug, &text, facts, &problems),
            Err(error) => {
                let text = format!("this file cannot be read ({error}); it must be UTF-8 text that ringbook may read");
                problems.add("", text);
            }
        }
        read.problems.extend(problems.take());
    }
    read
}

/// Reads one business from its text; problems name it `<slug>.toml`.
///
/// # Errors
/// Every [`Problem`] of the text.
pub fn parse(slug: &Slug, text: &str, facts: &LoadFacts) -> Result<Profile, Vec<Problem>> {
    let problems = Problems::new(&format!("{slug}.toml"));
    let mut read = Reading::default();
    read.add(slug, text, facts, &problems);
    let (profiles, _) = read.finish()?;
    profiles.into_iter().next().ok_or_else(|| problems.take())
}

/// The business files of a folder; that there is none is a problem.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let problem = |text: String| Problem { file: folder.display().to_string(), key: String::new(), text };
    let files = listed(folder).map_err(|error| {
        problem(format!("this folder cannot be read ({error}); BUSINESSES names the folder of business files"))
    })?;
    if files.is_empty() {
        return Err(problem(
            "there is no business file in this folder; write one such as abc-hvac.toml, or let BUSINESSES name another folder"
                .to_owned(),
        ));
    }
    Ok(files)
}

/// The business files of a folder, sorted. Other files, such as an editor's, and hidden ones are left alone.
fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>)?;
    let visible = |path: &PathBuf| {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        !hidden && path.extension().is_some_and(|extension| extension == "toml")
    };
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(visible).collect();
    files.sort();
    Ok(files)
}

/// The files read so far.
#[derive(Default)]
struct Reading {
    profiles: Vec<(Profile, Problems)>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Reading {
    fn add(&mut self, slug: &Slug, text: &str, facts: &LoadFacts, problems: &Problems) {
        let profile = sections::profile(slug, text, *facts.access.of(slug), problems);
        self.problems.extend(problems.take());
        let Some(profile) = profile else { return };
        self.warnings.extend(problems.take_warnings());
        self.profiles.push((profile, problems.clone()));
    }

    /// What no file can know by itself: whose number a number is. Also done for files with other problems, so that the
    /// owner sees everything at once.
    fn finish(mut self) -> Result<(Vec<Profile>, Vec<String>), Vec<Problem>> {
        let mut ours = BTreeMap::<&Phone, &Slug>::new();
        for (profile, problems) in &self.profiles {
            for (index, number) in profile.phone_numbers.iter().enumerate() {
                let other = *ours.entry(number).or_insert(&profile.slug);
                if *other != profile.slug {
                    problems.add(
                        format!("phone_numbers[{index}]"),
                        format!("this number rings at {other} already; a number belongs to one business"),
                    );
                }
            }
        }
        for (profile, problems) in &self.profiles {
            let (transfer, emergency) = (&profile.transfer, &profile.emergency);
            let people = [
                ("transfer.to", &transfer.to),
                ("transfer.after_hours_to", &transfer.after_hours_to),
                ("emergency.to", &emergency.to),
            ];
            for (key, number) in people {
                if let Some(owner) = number.as_ref().and_then(|number| ours.get(number)) {
                    problems.add(
                        key,
                        format!(
                            "this number rings at {owner}, so a call put through to it would come back here; write \
                         a person's number"
                        ),
                    );
                }
            }
        }
        self.problems.extend(self.profiles.iter().flat_map(|(_, problems)| problems.take()));
        self.problems.sort_by(|one, other| one.file.cmp(&other.file));
        if self.problems.is_empty() {
            Ok((self.profiles.into_iter().map(|(profile, _)| profile).collect(), self.warnings))
        } else {
            Err(self.problems)
        }
    }
}
