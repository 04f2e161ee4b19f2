//! The assistant asks.

pub mod arguments;
pub mod message;
