-- Neovim 0.11 or newer: put this file into `lsp/` of the configuration's folder, then `vim.lsp.enable('opencrates')`.
return {
  cmd = { 'opencrates-lsp' },
  filetypes = { 'rust' },
  root_markers = { 'Cargo.lock', 'Cargo.toml', '.git' },
  -- What is typed is told at once: Neovim drops an edit of a text that it has not told of yet.
  flags = { debounce_text_changes = 0 },
  handlers = {
    -- Neovim's own wants Enter pressed after every message.
    ['window/showMessage'] = function(_, shown) vim.notify(shown.message, 5 - shown.type) end,
  },
  on_attach = function(client, buffer)
    -- `:LspOpenCratesNew FOLDER [WHAT IT IS FOR]`: the folder's name is the crate's.
    vim.api.nvim_buf_create_user_command(buffer, 'LspOpenCratesNew', function(given)
      local folder, description = given.args:match('^(%S+)%s*(.*)$')
      folder = vim.fs.normalize(vim.fs.abspath(folder))
      local crate = { name = vim.fs.basename(folder), path = vim.fs.dirname(folder), description = description }
      client:exec_cmd({ title = 'New crate', command = 'opencrates.newCrate', arguments = { crate } }, { bufnr = buffer })
    end, { nargs = '+', complete = 'dir' })
    -- `:LspOpenCratesCancel`: whatever is running.
    vim.api.nvim_buf_create_user_command(buffer, 'LspOpenCratesCancel', function()
      for token in pairs(client.progress.pending) do
        client:notify('window/workDoneProgress/cancel', { token = token })
      end
    end, {})
  end,
}
