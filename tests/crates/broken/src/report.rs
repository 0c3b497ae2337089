//! Somebody left this unfinished.

use crate::limits::Limits;

/// How many values lie outside.
pub fn outside(limits: &Limits, values: &[i64]) -> usize {
    let inside: usize = "none";
    values
        .iter()
        .filter(|&&value| limits.clamp(value) != value)
        .count()
        .max(inside)
}
