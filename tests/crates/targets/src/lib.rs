//! Statistics of a few numbers.

/// The mean; 0 of nothing.
pub fn mean(numbers: &[f64]) -> f64 {
    todo!()
}

/// The number in the middle, or the mean of the two in the middle; None of nothing.
///
/// ```
/// assert_eq!(targets::median(&[3.0, 1.0, 2.0]), Some(2.0));
/// ```
pub fn median(numbers: &[f64]) -> Option<f64> {
    todo!()
}
