//! All integration tests, in one binary: they use the public API of the crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod business;
mod scheduling;
mod speech;
mod zones;
//! The tests, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod google;
//! The tests, as one program. They use what the crate shows to everybody, and the built program itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod commands;
mod settings;
mod vapi_signature;
//! The tests of the whole crate in one binary: one link instead of many.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod clients;
mod suspects;
mod twilio_signature;
mod twiml;
//! The one test binary: every file below tests one part of ringbook through its public interface, or over HTTP against the
//! fakes. No sleeps, no retries, no mocks of our own functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod fakes;
mod fakes_faults;
mod fakes_google;
mod fakes_others;
mod fakes_token;
