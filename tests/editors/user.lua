-- The user of a test: what he is asked and what he answers, and what he is told.
local user = { asked = {}, answers = {} }

-- Stands in for the list that a user picks from; an answer is a part of the choice's text, none dismisses the list.
vim.ui.select = function(items, options, chosen)
  local shown = vim.tbl_map(options.format_item or tostring, items)
  local kinds = vim.tbl_map(function(item) return vim.tbl_get(item, 'action', 'kind') or '' end, items)
  table.insert(user.asked, { prompt = options.prompt, shown = shown, kinds = kinds })
  local answer = table.remove(user.answers, 1)
  for at, text in ipairs(shown) do
    if answer and text:find(answer, 1, true) then
      return chosen(items[at], at)
    end
  end
  chosen(nil, nil)
end

function user.text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, false), '\n')
end

function user.attached(buffer)
  local client = vim.lsp.get_clients({ bufnr = buffer or 0, name = 'opencrates' })[1]
  return client ~= nil and client.initialized
end

-- Runs a command and waits for its answer.
function user.run(command, argument)
  local client = vim.lsp.get_clients({ bufnr = 0, name = 'opencrates' })[1]
  local params = { command = command, arguments = { argument } }
  return client:request_sync('workspace/executeCommand', params, 20000, 0).result
end

-- The code actions at the cursor as the server answers them.
function user.actions()
  local client = vim.lsp.get_clients({ bufnr = 0, name = 'opencrates' })[1]
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { diagnostics = {}, triggerKind = 1 }
  return client:request_sync('textDocument/codeAction', params, 20000, 0).result
end

return user
