//! Google's access tokens.
