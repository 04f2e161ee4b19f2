//! A calendar in our own database.
/// x
#[derive(Clone, Debug)]
pub struct Embedded;
