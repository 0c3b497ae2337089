"""Rust text in, spans out: no I/O, and no exception on broken Rust."""
