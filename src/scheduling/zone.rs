//! Time zones: the only file that names the zone engine (jiff with its bundled rules).

/// An IANA time zone, in its canonical spelling.
#[derive(Clone, Debug)]
pub struct Zone(jiff::tz::TimeZone);
