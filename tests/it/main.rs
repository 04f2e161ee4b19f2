//! All tests, in one program: one link instead of many. They use what the crate shows to everybody, and the built binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

mod business;
mod call_ends;
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
mod fallback;
mod google;
mod health;
mod house;
mod inbound;
mod inbound_faults;
mod outbox;
mod refused;
mod ringing;
mod scheduling;
mod settings;
mod silent_calls;
mod speech;
mod suspects;
mod twilio_door;
mod twilio_signature;
mod twiml;
mod vapi_signature;
mod zones;
