"""OpenCrates: Rust edits that reach the buffer only after rustc has looked at the very item."""

__version__ = "0.1.0"
