//! Opening hours as they are written in a business file.
