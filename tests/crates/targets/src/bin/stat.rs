//! Prints the mean and the median of its arguments.

use std::process::ExitCode;

/// The arguments as numbers; the error names the first that is none.
fn numbers<I: IntoIterator<Item = String>>(arguments: I) -> Result<Vec<f64>, String> {
    todo!()
}

fn main() -> ExitCode {
    match numbers(std::env::args().skip(1)) {
        Ok(found) => {
            println!("{} {:?}", targets::mean(&found), targets::median(&found));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn arguments_are_read() {
        let given = |words: &[&str]| numbers(words.iter().map(|word| word.to_string()));
        assert_eq!(given(&["1", "2.5"]), Ok(vec![1.0, 2.5]));
        assert!(given(&["1", "x"]).unwrap_err().contains("x"));
    }
}
