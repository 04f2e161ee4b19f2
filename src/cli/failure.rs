//! Why a command did not do what it was asked, as one sentence for people, and the exit code that scripts read.

use std::fmt::Display;

use crate::business::file::Problem;
use crate::config::Problems;

/// What stopped a command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was asked in a way that cannot be done.
    #[error("{0}")]
    Usage(String),
    /// The settings are wrong: one sentence a line.
    #[error("{0}")]
    Settings(#[from] Problems),
    /// It went wrong.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Failure {
    /// Something went wrong, and why, in one sentence.
    pub fn because(what: impl Display, cause: impl Display) -> Self {
        Self::Failed(anyhow::anyhow!("{what}: {cause}."))
    }

    /// The business files are wrong: one sentence a line.
    #[must_use]
    pub fn of_files(problems: &[Problem]) -> Self {
        Self::Usage(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    /// 2 for bad usage or settings, 1 for everything else.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Settings(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}
