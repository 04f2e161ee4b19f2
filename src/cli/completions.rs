//! `completions`: what a shell needs to complete our commands.

use clap::{CommandFactory, ValueEnum};
use clap_complete::{Generator, Shell as Known};

use super::{Cli, Failure, print};

/// The shells that are served.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

pub(super) fn run(shell: Shell) -> Result<(), Failure> {
    let known = match shell {
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    let mut command = Cli::command().bin_name("ringbook");
    command.build();
    let mut script = Vec::new();
    known.try_generate(&command, &mut script).map_err(|error| Failure::because("the completions cannot be written", error))?;
    print(&String::from_utf8_lossy(&script))
}
