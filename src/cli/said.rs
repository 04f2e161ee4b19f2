//! Where commands say what they say: answers on stdout, everything else on stderr. Whoever has closed either has heard enough,
//! which is no failure.

use std::io::{self, Write};

use super::Failure;

/// Writes to stdout. A reader who has seen enough (`| head`) is no failure.
///
/// # Errors
/// That stdout cannot be written to.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::because("stdout cannot be written to", error)),
        _ => Ok(()),
    }
}

/// Writes a line to stderr, if anybody reads it: `eprintln!` would die when nobody does, and the exit code with it.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
