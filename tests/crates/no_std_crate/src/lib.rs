//! A ring buffer and a checksum for small machines.

#![no_std]

#[cfg(test)]
extern crate std;

/// The last `N` bytes at most, first in, first out.
#[derive(Debug, Clone)]
pub struct Ring<const N: usize> {
    bytes: [u8; N],
    head: usize,
    len: usize,
}

impl<const N: usize> Ring<N> {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self {
            bytes: [0; N],
            head: 0,
            len: 0,
        }
    }

    /// How many bytes are waiting.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether no byte is waiting.
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// Puts a byte behind the others; gives it back when the buffer is full.
    pub fn push(&mut self, byte: u8) -> Result<(), u8> {
        todo!()
    }

    /// Takes the first byte out.
    pub fn pop(&mut self) -> Option<u8> {
        if self.len == 0 {
            return None;
        }
        let byte = self.bytes[self.head];
        self.head = (self.head + 1) % N;
        self.len -= 1;
        Some(byte)
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Fletcher's checksum of 16 bits: two sums modulo 255, the second one in the high byte.
pub fn fletcher16(bytes: &[u8]) -> u16 {
    todo!()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut ring = Ring::<3>::new();
        assert!(ring.is_empty());
        for byte in 1..=3 {
            assert_eq!(ring.push(byte), Ok(()));
        }
        assert_eq!(ring.push(4), Err(4));
        assert_eq!(ring.pop(), Some(1));
        assert_eq!(ring.push(5), Ok(()));
        assert_eq!(ring.len(), 3);
        assert_eq!(
            core::iter::from_fn(|| ring.pop()).collect::<Vec<_>>(),
            [2, 3, 5]
        );
        assert!(ring.is_empty());
    }

    #[test]
    fn a_buffer_of_nothing_is_always_full() {
        assert_eq!(Ring::<0>::new().push(1), Err(1));
    }

    #[test]
    fn known_checksums() {
        assert_eq!(fletcher16(b""), 0);
        assert_eq!(fletcher16(b"abcde"), 0xC8F0);
        assert_eq!(fletcher16(b"abcdef"), 0x2057);
        assert_eq!(fletcher16(&[0xff; 1000]), 0);
    }
}
