//! All tests, in one program: one link instead of many. They use what the crate shows to everybody, and the built binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::match_same_arms,
    missing_docs
)]

mod arguments;
mod availability;
mod booking;
mod business;
mod cache;
mod cache_ahead;
mod call_ends;
mod calls;
mod check;
mod clients;
mod commands;
mod connect;
mod connected;
mod demo;
mod fakes;
mod fakes_access;
mod fakes_consent;
mod fakes_faults;
mod fakes_google;
mod fakes_oauth;
mod fakes_others;
mod fakes_reads;
mod fakes_revoke;
mod fakes_sync;
mod fakes_token;
mod fakes_users;
mod fakes_watch;
mod fallback;
mod faults;
mod follow;
mod follow_channels;
mod follow_conflicts;
mod follow_copies;
mod follow_lost;
mod followed_rows;
mod google;
mod guards;
mod health;
mod holds;
mod house;
mod http;
mod inbound;
mod inbound_faults;
mod inbox;
mod inflight;
mod lost_answers;
mod machine;
mod machine_lives;
mod message;
mod message_odd;
mod names;
mod notifications;
mod older_form;
mod once;
mod outage;
mod outbox;
mod owners;
mod people;
mod pressure;
mod process;
mod program;
mod promises;
mod proofs_http;
mod quiet_log;
mod races;
mod readme;
mod refused;
mod reply;
mod ringing;
mod scheduling;
mod settings;
mod silent_calls;
mod source;
mod speech;
mod spoken;
mod store;
mod store_calls;
mod store_moves;
mod store_rows;
mod suspects;
mod talking;
mod tidy;
mod tidy_texts;
mod times;
mod tool_messages;
mod twilio_door;
mod twilio_signature;
mod twiml;
mod vapi_signature;
mod vault;
mod when;
mod whose_call;
mod zones;
