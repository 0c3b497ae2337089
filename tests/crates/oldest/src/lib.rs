//! A ledger, in the Rust of 2015: paths from the crate's root, no `dyn`, `try!` beside `?`.

#![allow(deprecated, bare_trait_objects, ellipsis_inclusive_range_patterns)]

pub mod entry;

use entry::Entry;
use std::collections::BTreeMap;

/// What every entry is shown to.
pub trait Listener {
    /// One entry came.
    fn came(&mut self, entry: &Entry);
}

/// Entries in the order in which they came.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// Reads a ledger of one entry a line; empty lines count for nothing.
    ///
    /// The error names the line, counted from one.
    pub fn read(text: &str) -> Result<Ledger, String> {
        todo!()
    }

    /// The sum of each account, by its name.
    pub fn balances(&self) -> BTreeMap<&str, i64> {
        todo!()
    }

    /// Tells every entry to every listener.
    pub fn tell(&self, listeners: &mut [Box<Listener>]) {
        todo!()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    struct Names(Rc<RefCell<Vec<String>>>);

    impl Listener for Names {
        fn came(&mut self, entry: &Entry) {
            self.0.borrow_mut().push(entry.account.clone());
        }
    }

    #[test]
    fn accounts_are_summed() {
        let ledger = Ledger::read("rent -500\n\nwork 2000\nrent -20").unwrap();
        let balances = ledger.balances();
        assert_eq!(balances.get("rent"), Some(&-520));
        assert_eq!(balances.get("work"), Some(&2000));
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = Ledger::read("rent -500\nwork").unwrap_err();
        assert!(error.contains("line 2"), "{}", error);
    }

    #[test]
    fn listeners_hear_everything() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let ledger = Ledger::read("rent -500\nwork 2000").unwrap();
        ledger.tell(&mut [Box::new(Names(heard.clone())), Box::new(Names(heard.clone()))]);
        assert_eq!(*heard.borrow(), ["rent", "rent", "work", "work"]);
    }
}
