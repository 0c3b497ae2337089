//! Bounds for values.

/// The least and the greatest value that is let through, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    least: i64,
    greatest: i64,
}

impl Limits {
    /// Bounds around nothing are allowed: `least` may be above `greatest`.
    pub fn new(least: i64, greatest: i64) -> Self {
        todo!()
    }

    /// The nearest value within the bounds; `least` where there is none.
    pub fn clamp(&self, value: i64) -> i64 {
        todo!()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_within() {
        let limits = Limits::new(-1, 5);
        assert_eq!(
            [-7, -1, 3, 5, 9].map(|value| limits.clamp(value)),
            [-1, -1, 3, 5, 5]
        );
    }

    #[test]
    fn bounds_around_nothing_do_not_panic() {
        assert_eq!(Limits::new(5, 1).clamp(3), 5);
    }
}
