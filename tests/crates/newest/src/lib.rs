//! Versions and where they come from, in the Rust of 2024: let chains, async closures, `gen` as a keyword.

use std::cmp::Ordering;

/// A version of three numbers, and perhaps what comes before it ("1.0.0-beta").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Major, minor, patch.
    pub numbers: [u32; 3],
    /// What stands behind the hyphen.
    pub before: Option<String>,
}

impl Version {
    /// Reads "1.2.3" or "1.2.3-beta"; None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        todo!()
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    /// By the numbers; what comes before a version is less than it.
    fn cmp(&self, other: &Self) -> Ordering {
        todo!()
    }
}

/// Where versions come from.
pub trait Source {
    /// What it has, as text.
    fn ask(&self) -> impl Future<Output = Vec<String>>;
}

/// The newest version that the source has and that is finished; lines that are no version count for nothing.
pub async fn newest(source: &impl Source) -> Option<Version> {
    todo!()
}

/// The longest of the words, the first of several alike.
pub fn longest<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    todo!()
}

/// A sum of the bytes in which their order counts: 31 times what there was, plus the next byte, wrapping.
pub const fn checksum(bytes: &[u8]) -> u32 {
    todo!()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    struct Fixed(&'static [&'static str]);

    impl Source for Fixed {
        async fn ask(&self) -> Vec<String> {
            self.0.iter().map(|&one| one.to_owned()).collect()
        }
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn versions_are_read() {
        let version = Version::parse("1.20.3-beta").unwrap();
        assert_eq!((version.numbers, version.before.as_deref()), ([1, 20, 3], Some("beta")));
        assert_eq!(Version::parse("1.2.3").unwrap().before, None);
        assert!(["1.2", "1.2.3.4", "1.a.3", "", "1.2.3-"].iter().all(|text| Version::parse(text).is_none()));
    }

    #[test]
    fn versions_are_in_order() {
        let of = |numbers, before: Option<&str>| Version { numbers, before: before.map(str::to_owned) };
        assert!(of([1, 10, 0], None) > of([1, 9, 0], None));
        assert!(of([1, 0, 0], Some("beta")) < of([1, 0, 0], None));
        assert!(of([1, 0, 0], Some("alpha")) < of([1, 0, 0], Some("beta")));
    }

    #[test]
    fn the_newest_is_found() {
        let source = Fixed(&["1.2.0", "nothing", "1.10.0", "2.0.0-beta"]);
        assert_eq!(now(newest(&source)).map(|version| version.numbers), Some([1, 10, 0]));
        assert_eq!(now(newest(&Fixed(&[]))), None);
    }

    #[test]
    fn the_longest_word_is_found() {
        assert_eq!(longest(["a", "ccc", "bb", "ddd"]), Some("ccc"));
        assert_eq!(longest([]), None);
    }

    #[test]
    fn the_order_of_bytes_counts() {
        assert_eq!(checksum(b"ab"), 97 * 31 + 98);
        assert_ne!(checksum(b"ab"), checksum(b"ba"));
        assert_eq!(checksum(&[255; 64]), checksum(&[255; 64]));
    }
}
