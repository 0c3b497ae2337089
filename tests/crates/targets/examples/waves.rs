//! The mean of a wave.

/// A wave of `length` points: 1, -1, 1, …
fn wave(length: usize) -> Vec<f64> {
    todo!()
}

fn main() {
    println!("{}", targets::mean(&wave(8)));
}

#[test]
fn a_wave_goes_up_and_down() {
    assert_eq!(wave(3), [1.0, -1.0, 1.0]);
}
