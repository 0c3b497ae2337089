//! Tables of named fields.

pub use names_derive::FieldNames;

/// The names as the head of a table: in capitals, a bar between them.
pub fn head(names: &[&str]) -> String {
    todo!()
}

/// The place of a name, whatever its case.
pub fn place(names: &[&str], wanted: &str) -> Option<usize> {
    todo!()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_in_capitals() {
        assert_eq!(head(&["x", "y"]), "X | Y");
        assert_eq!(head(&[]), "");
    }

    #[test]
    fn case_does_not_count() {
        assert_eq!(place(&["x", "size"], "SIZE"), Some(1));
        assert_eq!(place(&["x"], "y"), None);
    }
}
