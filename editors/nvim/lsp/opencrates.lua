-- Neovim 0.11 or newer: put this file into `lsp/` of the runtime path, then `vim.lsp.enable('opencrates')`.
return {
  cmd = { 'opencrates-lsp' },
  filetypes = { 'rust' },
  root_markers = { 'Cargo.lock', 'Cargo.toml', '.git' },
}
