//! ringbook answers the phone of a small business and really books the job.
//!
//! One folder per station of a call, in the order in which a call meets them; arrows point down this list and never up:
//! `cli → app → {twilio, vapi, connect, outbox, health} → {inbox, switchboard} → {booking, assistant} → {business, scheduling, calendar, clients}
//! → store → {config, clock, names}`. `tests/it/tidy.rs` holds them.

pub mod app;
pub mod assistant;
pub mod body;
pub mod booking;
pub mod business;
pub mod calendar;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
pub mod connect;
pub mod ground;
pub mod health;
pub mod inbox;
pub mod inflight;
pub mod listener;
pub mod meters;
pub mod names;
pub mod outbox;
pub mod recorder;
mod requests;
pub mod scheduling;
pub mod span;
pub mod store;
pub mod suspects;
pub mod switchboard;
pub mod telemetry;
pub mod twilio;
pub mod vapi;
pub mod vault;
