//! x
use super::{Demo, Failure};
pub(super) fn run(_demo: &Demo) -> Result<(), Failure> { Ok(()) }
