//! What the tests share.

/// Whether two numbers are the same but for rounding.
pub fn close(one: f64, two: f64) -> bool {
    todo!()
}
