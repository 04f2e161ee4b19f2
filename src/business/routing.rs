//! Which business a call belongs to.
