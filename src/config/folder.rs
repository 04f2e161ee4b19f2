//! The folder of business files: here only which businesses there are, because `NAME__SLUG` must name one of them.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::problems::Problems;
use super::reader::{Read, Reader};
use crate::names::Slug;

/// The businesses that have a file in the folder `BUSINESSES`, by name.
///
/// # Errors
/// That the folder cannot be read, or that a file's name cannot name a business.
pub fn known_businesses(environment: &Environment) -> Result<Vec<Slug>, Problems> {
    slugs_in(&load_folder_name(environment)?)
}

/// `BUSINESSES`: where the business files are; the folder itself is not looked at.
///
/// # Errors
/// What is wrong with the setting.
pub fn load_folder_name(environment: &Environment) -> Result<PathBuf, Problems> {
    let mut reader = Reader::new(environment, &[]);
    let folder = setting(&mut reader);
    reader.finish(folder).map(|(folder, _)| folder)
}

/// The businesses that have a file in this folder, by name.
///
/// # Errors
/// That the folder cannot be read, or that a file's name cannot name a business.
pub fn slugs_in(folder: &Path) -> Result<Vec<Slug>, Problems> {
    let shown = folder.display();
    let unreadable = |error| Problems::one(format!("BUSINESSES must be a folder that can be read, and {shown} is not: {error}."));
    let mut slugs = Vec::new();
    let mut problems = Problems::default();
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        match path.file_stem().and_then(|stem| stem.to_str()).and_then(Slug::parse) {
            Some(slug) => slugs.push(slug),
            None => problems.add(format!("{} cannot name a business: use a to z, 0 to 9 and inner dashes.", path.display())),
        }
    }
    slugs.sort();
    problems.none_or(slugs)
}

pub(super) fn setting(reader: &mut Reader<'_>) -> Read<PathBuf> {
    reader.always("BUSINESSES", None, |path| Ok::<_, &str>(PathBuf::from(path)))
}
