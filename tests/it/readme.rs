//! The README is a promise like any other: what it tells a person to type is typed here, and what it names exists.

mod by_hand;
mod names;
mod page;
mod tools;
