//! All tests, in one program: one link instead of many. They use what the crate shows to everybody, and the built binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod availability;
mod booking;
mod business;
mod calls;
mod clients;
mod commands;
mod fakes;
mod fakes_access;
mod fakes_faults;
mod fakes_google;
mod fakes_others;
mod fakes_reads;
mod fakes_token;
mod faults;
mod google;
mod house;
mod readme;
mod lost_answers;
mod older_form;
mod once;
mod people;
mod promises;
mod races;
mod scheduling;
mod settings;
mod speech;
mod suspects;
mod times;
mod twilio_signature;
mod twiml;
mod vapi_signature;
mod zones;
