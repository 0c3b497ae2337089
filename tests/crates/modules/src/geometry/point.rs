//! Points of the plane.

/// A point.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Upwards.
    pub y: f64,
}

impl Point {
    /// The same point with another `x`.
    pub fn with_x(self, x: f64) -> Self {
        todo!()
    }

    /// The same point with another `y`.
    pub fn with_y(self, y: f64) -> Self {
        Self { y, ..self }
    }

    /// The distance as the crow flies.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}
