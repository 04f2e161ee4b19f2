//! What is left between busy spans.

pub use crate::span::Span;
