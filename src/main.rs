//! The program: sets up TLS, does what was asked, and says in one sentence what died.

use std::process::ExitCode;

use clap::Parser;
use ringbook::cli::{Cli, note, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // One provider for all TLS, chosen before its first use: a second one makes that use panic.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        note("TLS was set up twice.");
        return ExitCode::FAILURE;
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}
