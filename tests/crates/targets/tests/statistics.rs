//! The library from outside.

mod common;

use common::close;
use targets::{mean, median};

/// The numbers from 1 to `last`.
fn up_to(last: u32) -> Vec<f64> {
    todo!()
}

#[test]
fn means() {
    assert!(close(mean(&up_to(4)), 2.5));
    assert!(close(mean(&[]), 0.0));
    assert!(!close(1.0, 2.0));
}

#[test]
fn medians() {
    assert_eq!(median(&up_to(4)), Some(2.5));
    assert_eq!(median(&[5.0]), Some(5.0));
    assert_eq!(median(&[]), None);
}
