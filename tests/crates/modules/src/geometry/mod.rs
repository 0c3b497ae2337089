//! In the older style, `mod.rs`.

pub mod point;

use point::Point;

/// The sum of the distances from each point to the next.
pub fn length_of(path: &[Point]) -> f64 {
    todo!()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_as_long_as_its_legs() {
        let path = [
            Point::default(),
            Point::default().with_x(3.0),
            Point::default().with_x(3.0).with_y(4.0),
        ];
        assert_eq!(length_of(&path), 7.0);
        assert_eq!(length_of(&path[..1]), 0.0);
        assert_eq!(length_of(&[]), 0.0);
    }
}
