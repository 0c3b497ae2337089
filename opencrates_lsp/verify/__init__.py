"""What cargo, rustc and rustfmt say of an edit before anybody sees it."""
