//! Words of a text.

/// How often each word of a text occurs, in the order of their first occurrence.
pub fn counted(text: &str) -> Vec<(&str, usize)> {
    todo!()
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn words_are_counted_in_order() {
        assert_eq!(
            counted("to be or\tnot to be"),
            [("to", 2), ("be", 2), ("or", 1), ("not", 1)]
        );
        assert_eq!(counted("  "), []);
    }
}
