-- Reads the whole of a coupon partition except its coupons.
-- Invariant: writes nothing; everything is of one instant.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
-- Returns {state} unless HELD (FenceState), else
--         {HELD, applied offset, applied record id, commands decided, then id, state (49 bytes) and description of each campaign}
-- Writes  nothing

--- include fence.lua

local log = ARGV[1]

local state, applied, record, commands = look(log)
if state ~= HELD then
  return { state }
end

local answer = { HELD, applied, record, commands }
local described = call('HGETALL', descriptions)
local description = {}
for i = 1, #described, 2 do
  description[described[i]] = described[i + 1]
end
local found = call('HGETALL', campaigns)
for i = 1, #found, 2 do
  if found[i] ~= '' then
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = found[i], found[i + 1], description[found[i]] or ''
  end
end
return answer
