//! One line of a ledger.

use std::str::FromStr;

/// An amount that went to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of the account, one word.
    pub account: String,
    /// In cents; negative for what was paid.
    pub amount: i64,
}

impl FromStr for Entry {
    type Err = String;

    /// "rent -500": the account and the amount.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        todo!()
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn an_entry_is_a_word_and_a_number() {
        let entry: Entry = " rent  -500 ".parse().unwrap();
        assert_eq!((entry.account.as_str(), entry.amount), ("rent", -500));
        assert!("rent".parse::<Entry>().is_err());
        assert!("rent five".parse::<Entry>().is_err());
        assert!("rent 5 6".parse::<Entry>().is_err());
    }
}
