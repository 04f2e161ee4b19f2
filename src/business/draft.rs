//! A new business file: the least that its owner says, and every other key with a note, ready to be switched on. Whether it may
//! stand is for the same parser to say that reads it later; nothing here overwrites anything.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::folder::{LoadFacts, misfits};
use super::profile::{Problem, Profile, parse};
use crate::names::{Phone, Slug};
use crate::scheduling::hours::Week;

const FILE: &str = include_str!("draft.toml");

/// For everybody to read: the server mostly runs as another user than the one who writes the file.
const READABLE: u32 = 0o644;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What the owner says of a new business.
#[derive(Clone, Debug)]
pub struct Draft {
    /// As callers hear it.
    pub name: String,
    /// The Twilio numbers that ring there.
    pub phone_numbers: Vec<Phone>,
    /// IANA.
    pub time_zone: String,
    /// The person.
    pub transfer_to: Option<Phone>,
    /// The name of each service, and how many minutes it takes.
    pub services: Vec<(String, u32)>,
    /// When jobs are done.
    pub week: Week,
}

/// Why a file was not written. There is none now that was not there before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is one of this name.
    #[error("{} is there already, and stays as it is", .0.display())]
    Exists(PathBuf),
    /// What was said makes no sound file, or none that can stand beside the others.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Misfits(Vec<Problem>),
    /// The folder cannot be written to.
    #[error("{} cannot be written to: {cause}", folder.display())]
    Unwritable {
        /// Which.
        folder: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl Draft {
    /// The file as it is written.
    #[must_use]
    pub fn text(&self) -> String {
        let numbers: Vec<String> = self.phone_numbers.iter().map(|number| quoted(number.as_str())).collect();
        let days = WEEKDAYS.iter().zip(&self.week.0).filter(|(_, spans)| !spans.is_empty());
        let hours = days.map(|(day, spans)| {
            let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            let spans = spans.iter().map(|span| quoted(&format!("{}-{}", clock(span.from_minute), clock(span.to_minute))));
            format!("{day} = [{}]", spans.collect::<Vec<_>>().join(", "))
        });
        let services = self.services.iter().fold(String::new(), |mut text, (name, minutes)| {
            // A string takes whatever is written to it.
            let _ = writeln!(text, "[[services]]\nname = {}\naliases = []\nduration_minutes = {minutes}\n", quoted(name));
            text
        });
        let filled = [
            ("@numbers@", format!("[{}]", numbers.join(", "))),
            ("@zone@", quoted(&self.time_zone)),
            ("@transfer@", quoted(self.transfer_to.as_ref().map_or("", Phone::as_str))),
            ("@hours@", hours.collect::<Vec<_>>().join("\n")),
            ("@services@", services),
            // Last: what people write may hold anything.
            ("@name@", quoted(&self.name)),
        ];
        filled.iter().fold(FILE.to_owned(), |text, (mark, value)| text.replacen(mark, value, 1))
    }

    /// Writes the file into this folder, which is made if it is not there. It stands there only if the parser finds it sound, by
    /// itself and beside the others; then this is the business as it was read.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn write(&self, folder: &Path, slug: &Slug, facts: &LoadFacts) -> Result<(PathBuf, Profile), Error> {
        let path = folder.join(format!("{slug}.toml"));
        if path.exists() {
            return Err(Error::Exists(path));
        }
        let unwritable = |cause| Error::Unwritable { folder: folder.to_owned(), cause };
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        // Nobody reads hidden files: not even a server that is told to read the folder at this moment.
        let mut file = tempfile::Builder::new()
            .prefix(".new-business-")
            .permissions(Permissions::from_mode(READABLE))
            .tempfile_in(folder)
            .map_err(unwritable)?;
        file.write_all(self.text().as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(unwritable)?;
        let written = std::fs::read_to_string(file.path()).map_err(unwritable)?;
        let profile = parse(slug, &written, facts).map_err(Error::Misfits)?;
        let misfits = misfits(folder, slug, &written, facts);
        if !misfits.is_empty() {
            return Err(Error::Misfits(misfits));
        }
        match file.persist_noclobber(&path) {
            Ok(_) => Ok((path, profile)),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Exists(path)),
            Err(error) => Err(unwritable(error.error)),
        }
    }
}

/// As TOML writes a text, which is how JSON does, where there are no control characters: the commands take none.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
