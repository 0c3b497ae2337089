//! Modules in every style: `geometry/mod.rs`, `text.rs` beside `text/`, and inline.

pub mod geometry;
pub mod text;

/// Inline modules.
pub mod units {
    /// One deeper.
    pub mod angle {
        /// An angle in degrees.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct Degrees(pub f64);

        impl Degrees {
            /// The same direction as an angle from 0 up to, and not including, 360.
            pub fn normalised(self) -> Self {
                todo!()
            }
        }

        #[cfg(test)]
        mod tests {
            use super::Degrees;

            #[test]
            fn turns_are_taken_off() {
                for (given, wanted) in [(0.0, 0.0), (360.0, 0.0), (725.0, 5.0), (-90.0, 270.0)] {
                    assert_eq!(Degrees(given).normalised(), Degrees(wanted));
                }
            }
        }
    }
}
