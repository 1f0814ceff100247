-- Makes the caller the owner of a partition's state and tells what is there.
-- Invariant: a state that is missing, torn or of another log is left as it is and belongs to nobody.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
--      2  nonce of the new owner, 8 bytes
-- Returns {state} unless HELD (FenceState), else
--         {HELD, token number, applied offset, applied record id, commands decided, told offset, then offset and outcomes of each record kept}
-- Writes  meta: token, nonce

--- include fence.lua

local log, nonce = ARGV[1], ARGV[2]

local state, applied, record, commands, told, token = look(log)
if state ~= HELD then
  return { state }
end

token = token + 1
call('HSET', meta, 'token', token, 'nonce', nonce)

local answer = { HELD, token, applied, record, commands, told }
local kept = call('HGETALL', recent)
for i = 1, #kept, 2 do
  if kept[i] ~= '' then
    answer[#answer + 1] = kept[i]
    answer[#answer + 1] = kept[i + 1]
  end
end
return answer
