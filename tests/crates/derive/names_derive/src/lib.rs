//! `#[derive(FieldNames)]`, by hand: the names of a struct's fields as a constant.

mod reading;

use proc_macro::TokenStream;

/// Gives a struct with named fields `FIELD_NAMES: &'static [&'static str]`.
#[proc_macro_derive(FieldNames)]
pub fn field_names(input: TokenStream) -> TokenStream {
    let source = input.to_string();
    match reading::read(&source) {
        Some((name, fields)) => written(&name, &fields).parse().expect("we write Rust"),
        None => "compile_error!(\"FieldNames is for structs with named fields\");".parse().expect("we write Rust"),
    }
}

/// The impl as Rust text.
fn written(name: &str, fields: &[String]) -> String {
    todo!()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_impl_is_written() {
        let text = super::written("Point", &["x".to_owned(), "y".to_owned()]);
        let text: String = text.split_whitespace().collect();
        assert_eq!(text, r#"implPoint{pubconstFIELD_NAMES:&'static[&'staticstr]=&["x","y"];}"#);
    }
}
