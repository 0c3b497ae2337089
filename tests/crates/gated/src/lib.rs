//! Numerals; the Roman ones only with the feature `roman`, which is off.

#[cfg(feature = "roman")]
pub mod roman;

/// The digits of a number in a base from 2 to 36, the first one first; `None` for another base.
pub fn digits(number: u32, base: u32) -> Option<String> {
    todo!()
}

/// Whether Roman numerals are compiled in.
pub fn has_roman() -> bool {
    cfg!(feature = "roman")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_their_base() {
        let written = [(0, 2), (5, 2), (255, 16), (35, 36)]
            .map(|(number, base)| digits(number, base).unwrap());
        assert_eq!(written, ["0", "101", "ff", "z"]);
        assert_eq!(digits(u32::MAX, 10).unwrap(), u32::MAX.to_string());
    }

    #[test]
    fn other_bases_are_refused() {
        assert_eq!([0, 1, 37].map(|base| digits(1, base)), [None, None, None]);
    }
}
