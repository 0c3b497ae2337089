//! Colours by their names; the table is made by the build script.

use std::fmt;
use std::str::FromStr;

include!(concat!(env!("OUT_DIR"), "/colors.rs"));

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

impl Color {
    /// The colour of this name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        todo!()
    }

    /// The name of the nearest colour of the table, by the sum of the squared differences.
    pub fn nearest(self) -> &'static str {
        todo!()
    }
}

impl fmt::Display for Color {
    /// "#ff0000".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl FromStr for Color {
    type Err = String;

    /// "#ff0000", or a name of the table.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        todo!()
    }
}

/// How a colour is shown where there are none.
#[cfg(colourful)]
pub fn shown(color: Color) -> String {
    todo!("its nearest name and its code: teal (#008080)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        assert_eq!(Color::named("Teal"), Some(Color(0, 128, 128)));
        assert_eq!(Color::named("mauve"), None);
    }

    #[test]
    fn the_nearest_name_is_found() {
        assert_eq!(Color(250, 10, 0).nearest(), "red");
        assert_eq!(Color(0, 0, 1).nearest(), "black");
    }

    #[test]
    fn a_colour_is_shown_in_two_digits_each() {
        assert_eq!(Color(255, 0, 10).to_string(), "#ff000a");
    }

    #[test]
    fn a_colour_is_read() {
        assert_eq!("#ff000A".parse(), Ok(Color(255, 0, 10)));
        assert_eq!("white".parse(), Ok(Color(255, 255, 255)));
        for bad in ["#ff00", "#gg0000", "", "#é0000"] {
            assert!(bad.parse::<Color>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_colour_is_told() {
        #[cfg(colourful)]
        assert_eq!(shown(Color(0, 128, 128)), "teal (#008080)");
    }
}
