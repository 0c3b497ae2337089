//! How long a median takes; without a harness.

use std::time::Instant;

/// Numbers in no order, always the same.
fn shuffled(length: u32) -> Vec<f64> {
    todo!("multiples of 7 modulo 101")
}

fn main() {
    let numbers = shuffled(100);
    assert_eq!(numbers[..3], [0.0, 7.0, 14.0]);
    assert!(numbers.iter().all(|number| (0.0..101.0).contains(number)));
    let started = Instant::now();
    let median = targets::median(&numbers);
    println!("{median:?} in {:?}", started.elapsed());
}
