//! Rectangles, in millimetres.

/// A rectangle with whole sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rectangle {
    width: u32,
    height: u32,
}

impl Rectangle {
    /// A rectangle of this size.
    pub fn new(width: u32, height: u32) -> Self {
        todo!()
    }

    /// The side from left to right.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The side from top to bottom.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The area in square millimetres, which may be more than a `u32` holds.
    pub fn area(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Whether `other` fits in, turned by a quarter if need be.
    pub fn holds(&self, other: &Rectangle) -> bool {
        todo!("try it both ways round")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_of_large_sides_does_not_overflow() {
        assert_eq!(Rectangle::new(u32::MAX, 2).area(), 2 * u64::from(u32::MAX));
    }

    #[test]
    fn a_turned_rectangle_fits() {
        let sheet = Rectangle::new(30, 20);
        assert!(sheet.holds(&Rectangle::new(30, 20)));
        assert!(sheet.holds(&Rectangle::new(20, 30)));
        assert!(!sheet.holds(&Rectangle::new(25, 25)));
    }
}
