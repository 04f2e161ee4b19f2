//! Google Calendar through google-calendar3.
/// x
#[derive(Clone, Debug)]
pub struct Google;
