-- Run by `nvim --headless -l script.lua RUNTIME FILE SERVER…`: prints one JSON document of what the editor saw.
local runtime, file = arg[1], arg[2]
local server = vim.list_slice(arg, 3)
vim.opt.runtimepath:prepend(runtime)
vim.lsp.config('opencrates', { cmd = server, init_options = { trusted = true } })
vim.lsp.enable('opencrates')
vim.cmd.edit(file)
if vim.bo.filetype ~= 'rust' then
  vim.bo.filetype = 'rust'
end

local function holes(count)
  return vim.wait(20000, function() return #vim.diagnostic.get(0) == count end, 20)
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n') .. '\n'
end

local seen = { shown = holes(1) }
seen.hole = vim.diagnostic.get(0)[1]
if seen.hole then
  seen.hole = { lnum = seen.hole.lnum, col = seen.hole.col, code = seen.hole.code, source = seen.hole.source, message = seen.hole.message }
end
local line = seen.hole and seen.hole.lnum or 0
vim.api.nvim_buf_set_lines(0, line, line + 1, false, { '        7' })
seen.gone = holes(0)
vim.cmd.undo()
seen.back = holes(1)

local before = text()
vim.api.nvim_win_set_cursor(0, { line + 1, 10 })
vim.lsp.buf.code_action({ apply = true, filter = function(action) return vim.startswith(action.title, 'Fill `') end })
seen.filled = vim.wait(60000, function() return text() ~= before and #vim.diagnostic.get(0) == 0 end, 20)
seen.text = text()
vim.cmd.undo()
seen.undone = text() == before
vim.cmd.redo()
vim.cmd.write()
for _, client in ipairs(vim.lsp.get_clients()) do
  client:stop()
end
seen.stopped = vim.wait(5000, function() return #vim.lsp.get_clients() == 0 end, 20)
io.stdout:write(vim.json.encode(seen), '\n')
