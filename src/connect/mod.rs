//! Joining Google: what Google tells us on its own, and what is done about it.

pub mod channels;
pub mod follow;
pub mod notifications;
mod pace;
