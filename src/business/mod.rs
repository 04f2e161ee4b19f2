//! What the owner told us: the business files, read, checked and kept; and which business a number belongs to.

pub mod hours;
pub mod profile;
pub mod routing;
