"""The only part that knows LSP; `start` runs it, and nothing is imported before."""
