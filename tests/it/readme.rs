//! The README is a promise like any other: what it tells a person to type is typed here, and what it names exists.

mod by_hand;
mod ledger;
mod names;
mod newcomer;
mod page;
mod shipped;
mod tools;
mod walk;
