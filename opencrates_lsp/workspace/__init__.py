"""The crates of the user on disk: where they are, what is in them."""
