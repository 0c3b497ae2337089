-- Run by `nvim --headless -l holes.lua RUNTIME FILE SERVER…`: prints one JSON document of what the editor saw.
local runtime, file = arg[1], arg[2]
local server = vim.list_slice(arg, 3)
vim.opt.runtimepath:prepend(runtime)
vim.lsp.config('opencrates', { cmd = server })
vim.lsp.enable('opencrates')
vim.cmd.edit(file)
if vim.bo.filetype ~= 'rust' then
  vim.bo.filetype = 'rust'
end

local function count_becomes(count)
  return vim.wait(20000, function() return #vim.diagnostic.get(0) == count end, 20)
end

local seen = { shown = count_becomes(1) }
seen.hole = vim.diagnostic.get(0)[1]
if seen.hole then
  seen.hole = { lnum = seen.hole.lnum, col = seen.hole.col, code = seen.hole.code, source = seen.hole.source, message = seen.hole.message }
end
vim.api.nvim_buf_set_lines(0, 1, 2, false, { '    7' })
seen.gone = count_becomes(0)
vim.cmd.undo()
seen.back = count_becomes(1)
for _, client in ipairs(vim.lsp.get_clients()) do
  client:stop()
end
seen.stopped = vim.wait(5000, function() return #vim.lsp.get_clients() == 0 end, 20)
io.stdout:write(vim.json.encode(seen), '\n')
