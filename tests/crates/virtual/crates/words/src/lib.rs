//! Words that are kept once.

use arena::{Arena, Place};
use std::collections::HashMap;

/// Every word once.
#[derive(Default)]
pub struct Words {
    arena: Arena<String>,
    known: HashMap<String, Place<String>>,
}

impl Words {
    /// The place of the word, which is kept if it was not yet.
    pub fn place(&mut self, word: &str) -> Place<String> {
        todo!()
    }

    /// The word at a place.
    pub fn word(&self, place: Place<String>) -> &str {
        todo!("empty where there is none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_once() {
        let mut words = Words::default();
        let (one, two, again) = (words.place("a"), words.place("b"), words.place("a"));
        assert_eq!((words.word(one), words.word(two), words.word(again)), ("a", "b", "a"));
        assert_eq!(words.known.len(), 2);
    }
}
