//! All tests, in one program: one link instead of many. They use what the crate shows to everybody, and the built binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod arguments;
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
mod google;
mod house;
mod inbox;
mod inflight;
mod machine;
mod machine_lives;
mod message;
mod message_odd;
mod names;
mod reply;
mod scheduling;
mod settings;
mod speech;
mod store;
mod store_calls;
mod store_moves;
mod store_rows;
mod suspects;
mod twilio_signature;
mod twiml;
mod vapi_signature;
mod when;
mod zones;
