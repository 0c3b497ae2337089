//! What a derive has to know of a struct, read from its text.

/// The name and the fields of a struct with named fields; None for anything else.
pub fn read(source: &str) -> Option<(String, Vec<String>)> {
    let (head, body) = source.split_once('{')?;
    let name = name_of(head)?;
    let body = body.trim_end().strip_suffix('}')?;
    Some((name.to_owned(), fields_of(body)))
}

/// The word behind `struct`, without what follows it.
fn name_of(head: &str) -> Option<&str> {
    todo!()
}

/// The last word before each `:` that stands in no brackets, and is no half of a `::`.
fn fields_of(body: &str) -> Vec<String> {
    todo!("types have commas and colons of their own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_found() {
        assert_eq!(name_of("#[x] pub struct Point "), Some("Point"));
        assert_eq!(name_of("struct Pair<A, B> "), Some("Pair"));
        assert_eq!(name_of("enum Point "), None);
    }

    #[test]
    fn fields_are_found() {
        assert_eq!(fields_of(" pub x : f64, y: std::vec::Vec<(u8, u8)>, "), ["x", "y"]);
        assert_eq!(fields_of("map: Map<K, V>, last: u8"), ["map", "last"]);
        assert!(fields_of("").is_empty());
    }

    #[test]
    fn a_struct_is_read() {
        let told = read("pub struct Point { pub x : f64 }").unwrap();
        assert_eq!(told, ("Point".to_owned(), vec!["x".to_owned()]));
    }
}
