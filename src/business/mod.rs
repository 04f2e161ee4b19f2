//! What the owner told us: the business files, read, checked and kept; and which business a number belongs to.

mod asked;
pub mod draft;
pub mod file;
mod folder;
pub mod hours;
mod people;
pub mod profile;
pub mod reload;
pub mod routing;
mod sections;
mod standing;
