"""Rust text in, spans out: no I/O, and nothing here raises on broken Rust."""
