-- Reads the whole of a coupon partition except its coupons, for an audit.
-- Invariant: writes nothing; everything is of one instant.
--
-- KEYS    as in fence.lua
-- ARGV 1  log id, 16 bytes
-- Returns {state} unless HELD (FenceState), else {HELD, applied offset, applied record id, commands decided, told offset,
--         number of campaigns, then id, state (49 bytes), description and changes of each, then offset and outcomes of each record kept}
-- Writes  nothing

--- include fence.lua

local log = ARGV[1]

local state, applied, record, commands, told = look(log)
if state ~= HELD then
  return { state }
end

local answer = { HELD, applied, record, commands, told, 0 }
local count, n = 0, #answer
local ids = call('HKEYS', campaigns)
for from = 1, #ids, CHUNK do
  local to = math.min(from + CHUNK - 1, #ids)
  local states = call('HMGET', campaigns, unpack(ids, from, to))
  local described = call('HMGET', descriptions, unpack(ids, from, to))
  local changed = call('HMGET', changes, unpack(ids, from, to))
  for i = from, to do
    if ids[i] ~= '' then
      local at = i - from + 1
      answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = ids[i], states[at], described[at] or '', changed[at] or ''
      count, n = count + 1, n + 4
    end
  end
end
answer[6] = count
local kept = call('HGETALL', recent)
for i = 1, #kept, 2 do
  if kept[i] ~= '' then
    answer[n + 1], answer[n + 2] = kept[i], kept[i + 1]
    n = n + 2
  end
end
return answer
