//! In the newer style, `text.rs` beside `text/`.

pub mod words;
